"""The trials of a study: one for every combination."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from preimage.names import LayerName
from preimage.networks import Network
from preimage.photo_files import photo_paths
from preimage.presets import CARICATURE_PRESETS, PRESETS, settings_for, strength_of
from preimage.representations.base import Representation
from preimage.settings import Settings
from preimage.studies.components import find_components, measure_maxima
from preimage.studies.loader import Loader
from preimage.studies.study import Study
from preimage.studies.trial import Trial, checksum, checksum_of_all, weights_checksum

_DEFAULTS = {"invert": "fast", "maximize": "modern", "caricature": "anchored"}
"""The quality or preset of each visualization if a study names neither."""

MOST_TRIALS = 1_000_000
"""The largest number of trials of a study."""


def expand(study: Study, loader: Loader, folder: Path = Path()) -> list[Trial]:
    """Return the trials of a study, without duplicates, representation by representation.

    Relative paths start at `folder`.

    Raises:
        ValueError: if a representation, a constant or a judge cannot be used, or if there are
            more than a million trials.
        ImageError: if there are no photos.
    """
    if study.judge:
        loader.judge(tuple(study.judge))  # raises if one of them cannot be loaded
    weights = study.weights
    if weights is not None and weights != "random":
        weights = str((folder / weights).absolute())
    of_study = study.reference if study.visualization == "maximize" else study.images
    photos = photo_paths(of_study, folder.absolute())[: study.limit]
    contents = {photo: checksum(photo) for photo in photos}
    found: dict[str, Trial] = {}
    for name in _names(study, weights, loader):
        own_weights = weights if LayerName.parse(name).network else None
        phi = loader.representation(name, own_weights)
        _check_mask(study, phi)
        fields: dict[str, Any] = {
            "visualization": study.visualization,
            "representation": name,
            "weights": own_weights,
            "weights_sha256": weights_checksum(name, own_weights),
            "size": study.size,
            "mask": study.mask,
            "judge": tuple(study.judge),
        }
        fields |= {"diversity": study.diversity, "seeds": study.joint_seeds}
        if study.visualization == "maximize":
            network = loader.network_of(name, own_weights)
            subjects = _components(study, phi, network, photos)
        else:
            subjects = [{"photo": str(p), "photo_sha256": contents[p]} for p in photos]
        axes = _axes(study, phi)
        count = len(subjects) * len(study.seeds) * math.prod(map(len, axes.values()))
        if len(found) + count > MOST_TRIALS:
            raise ValueError(
                f"{study.name}: {count:,} trials of {name}, but a study has at most "
                f"{MOST_TRIALS:,}: make several studies of it"
            )
        constants = list(_settings(study, phi, axes))
        for subject, settings, seed in itertools.product(subjects, constants, study.seeds):
            trial = Trial(**fields, **subject, settings=settings, seed=seed)
            found.setdefault(trial.key, trial)
    return list(found.values())


def _check_mask(study: Study, phi: Representation) -> None:
    """Raise if the mask names components that no image of the study's size has."""
    size = phi.default_size if study.size is None else study.size
    if size is None or not study.mask.named():
        return
    try:
        study.mask.to_tensor(phi.code_grid(*((size, size) if isinstance(size, int) else size)))
    except ValueError as error:
        raise ValueError(f"{study.name}: mask of {phi.name}: {error}") from None


def _names(study: Study, weights: str | None, loader: Loader) -> Iterator[str]:
    """Yield the names of the representations, with "NETWORK/*" replaced by the main layers."""
    for name in study.representations:
        if name.endswith("/*"):
            network = loader.network(name[:-2], weights)
            yield from (f"{network.name}/{layer}" for layer in network.main_layers)
        else:
            yield name


def _components(
    study: Study, phi: Representation, network: Network | None, photos: Sequence[Path]
) -> list[dict[str, Any]]:
    """Return, for each component of the study, the fields that describe it in its trials."""
    components = find_components(
        phi, network, channels=study.channels, neurons=study.neurons, classes=study.classes,
        size=study.size,
    )  # fmt: skip
    maxima = measure_maxima(phi, components, photos)
    content = checksum_of_all(photos)
    return [
        {
            "channel": term.feature,
            "position": None if term.position == "center" else term.position,
            "class_name": term.class_name or None,
            "maximum": maximum,
            "reference_sha256": content,
        }
        for term, maximum in zip(components, maxima, strict=True)
    ]


def _base(study: Study, phi: Representation) -> Settings:
    """Return the settings of a study before its own constants are set."""
    name = study.preset or study.quality or _DEFAULTS[study.visualization]
    if study.visualization == "invert":
        base = settings_for(phi, name)
    else:
        base = (PRESETS if study.visualization == "maximize" else CARICATURE_PRESETS)[name]
    return base if study.steps is None else base.with_steps(study.steps)


def _axes(study: Study, phi: Representation) -> dict[str, list[Any]]:
    """Return the values of each constant that a study sets, by name."""
    axes = {name: v if isinstance(v, list) else [v] for name, v in study.settings.items()}
    if study.visualization == "invert":
        axes["loss_weight"] = study.loss_weight or [_base(study, phi).loss_weight]
    else:
        strength = strength_of(study.visualization, _base(study, phi))
        axes["strength"] = study.strength or [strength]
    return axes


def _settings(
    study: Study, phi: Representation, axes: Mapping[str, Sequence[Any]]
) -> Iterator[Settings]:
    """Yield the settings of every combination of constants."""
    base = _base(study, phi)
    for values in itertools.product(*axes.values()):
        try:
            yield base.replace(**dict(zip(axes, values, strict=True)))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{study.name}: settings: {error}") from None
