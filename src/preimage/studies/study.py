"""A study: trials for every combination of representations, photos, C, seeds and constants.

It is a TOML file; only `representations` must be there:

    name = "early-layers"
    representations = ["hog", "efficientnet-lite0/blocks.2", "vgg-m/*"]
    photos = ["photos", "more/fox.jpg"]     # files and folders; if not given, those shipped
    loss_weights = [1, 20, 100, 300]        # C; if not given, each layer's own
    seeds = [0, 1]
    size = 320                              # longer side, or [height, width]
    steps = 300                             # if not given, as many as the settings have

    [settings]                              # constants; of a list, each value is tried
    beta = [1.0, 1.5, 2.0]

or, of what layers respond to,

    visualization = "maximize"              # or "caricature"
    representations = ["efficientnet-lite0/blocks.5"]
    channels = "0-24"                       # or [0, 7], or "all"
    neurons = [[3, 6, 6]]                   # channel, row, column
    classes = ["goose"]                     # of a layer of class scores

Paths are relative to the file.
"""

from __future__ import annotations

import dataclasses
import itertools
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from preimage.catalog import CLASSICAL
from preimage.masks import Mask
from preimage.names import parse_channels, unknown
from preimage.networks import Network
from preimage.presets import (
    PRESETS,
    QUALITIES,
    UPRIGHT_PRESETS,
    settings_for,
    strength_of,
)
from preimage.representations.base import Representation
from preimage.settings import Settings
from preimage.studies.component import checksum_of_all, find_components, measure_maxima
from preimage.studies.loading import Loader
from preimage.studies.trial import Trial, Visualization
from preimage.studies.trial_files import checksum, photo_paths, weights_checksum

_OWN_AXES = ("loss_weight", "strength", "solver")


class Study(BaseModel):
    """The combinations to try; see the module.

    Attributes:
        name: what its results go by in a store; the name of its file if not given.
        visualization: "invert", "maximize" or "caricature".
        representations: names of Phi; "NETWORK/*" for the main layers of a network.
        photos: image files and folders; None for those that the package ships. A
            maximization takes M from them.
        channels: what a maximization excites: channels, ranges of them, or "all" of a layer;
        neurons: single responses, each as channel, row and column;
        classes: and classes, by name or number, of a layer of class scores.
        weights: weight file of the networks, "random", or None for their own.
        loss_weights: values of C; None for that of each representation. Of maximizations and
            caricatures in units of 1 / Z; None for that of the preset, and 10.
        seeds: of noise and jitter.
        size: longer side, or height and width, that photos are resized to, or of the images
            of a maximization.
        quality: "draft", "fast" or "best", of inversions.
        preset: "nnpreimage" or "paper", instead of a quality; of maximizations "modern" too.
        steps: evaluations of the energy; None for those of the quality or preset.
        settings: constants that differ from these; a list of values for each to be tried.
        mask: which components of the codes count, for inversions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    visualization: Visualization = "invert"
    representations: list[str] = Field(min_length=1)
    photos: list[str] | None = None
    channels: list[NonNegativeInt] | str | None = None
    neurons: list[tuple[NonNegativeInt, NonNegativeInt, NonNegativeInt]] = []
    classes: list[str] = []
    weights: str | None = None
    loss_weights: list[NonNegativeFloat] | None = Field(default=None, min_length=1)
    seeds: list[NonNegativeInt] = Field(default=[0], min_length=1)
    size: PositiveInt | tuple[PositiveInt, PositiveInt] | None = None
    quality: str | None = None
    preset: str | None = None
    steps: PositiveInt | None = None
    settings: dict[str, Any] = {}
    mask: Mask = Mask()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.quality is not None and self.preset is not None:
            raise ValueError("give either quality or preset")
        self._check_fields()
        presets = PRESETS if self.visualization == "maximize" else UPRIGHT_PRESETS
        for kind, value, known in (
            ("quality", self.quality, QUALITIES), ("preset", self.preset, presets),
        ):  # fmt: skip
            if value is not None and value not in known:
                raise ValueError(unknown(kind, value, known))
        constants = Settings().constants()
        names = [name for name in constants if name not in _OWN_AXES]
        for name, given in self.settings.items():
            if name not in names:
                raise ValueError(f"settings: {unknown('key', name, names)}")
            is_text = isinstance(constants[name], str)
            for value in given if isinstance(given, list) else [given]:
                if isinstance(value, str) != is_text:
                    kind = "a text" if is_text else "a number"
                    raise ValueError(f"settings: {name} must be {kind}, not {value!r}")
        return self

    def _check_fields(self) -> None:
        """That nothing is given which the visualization has no use for."""
        components = ("channels", "neurons", "classes")
        given = [name for name in components if getattr(self, name)]
        if self.visualization == "maximize" and not given:
            raise ValueError('say what to maximize: channels = "0-24", neurons or classes')
        useless = [] if self.visualization == "maximize" else given
        if self.visualization != "invert":
            useless += [name for name in ("quality", "mask") if name in self.model_fields_set]
        if useless:
            raise ValueError(f"{useless[0]}: not for visualization = {self.visualization!r}")
        if isinstance(self.channels, str) and self.channels != "all":
            parse_channels(self.channels)

    def trials(self, loader: Loader, folder: Path = Path()) -> list[Trial]:
        """Every combination once, representation by representation.

        Args:
            loader: where representations come from.
            folder: what relative paths start from.

        Raises:
            ValueError: if a representation or a constant cannot be used.
            ImageError: if there are no photos.
        """
        photos = photo_paths(self.photos, folder)
        contents = {photo: checksum(photo) for photo in photos}
        found: dict[str, Trial] = {}
        for name in self._names(loader, folder):
            weights = None if name in CLASSICAL else self._weights(folder)
            phi = loader.representation(name, weights)
            content = weights_checksum(name, weights)
            if self.visualization == "maximize":
                subjects = self._components(phi, loader.network_of(name, weights), photos)
            else:
                subjects = [{"photo": str(p), "photo_sha256": contents[p]} for p in photos]
            for subject, constants, seed in itertools.product(
                subjects, self._settings(phi), self.seeds
            ):
                trial = Trial(
                    visualization=self.visualization, representation=name, weights=weights,
                    weights_sha256=content, size=self.size, seed=seed, settings=constants,
                    mask=self.mask, **subject,
                )  # fmt: skip
                found.setdefault(trial.key, trial)
        return list(found.values())

    def _components(
        self, phi: Representation, network: Network | None, photos: Sequence[Path]
    ) -> list[dict[str, Any]]:
        """The fields of a trial that say what to excite, of each component."""
        components = find_components(
            phi, network, self.channels, self.neurons, self.classes, self.size
        )
        content = checksum_of_all(photos)
        return [
            {"component": component, "maximum": maximum, "maximum_sha256": content}
            for component, maximum in zip(
                components, measure_maxima(phi, components, photos), strict=True
            )
        ]

    def _weights(self, folder: Path) -> str | None:
        if self.weights is None or self.weights == "random":
            return self.weights
        return str((folder / self.weights).absolute())

    def _names(self, loader: Loader, folder: Path) -> list[str]:
        names = []
        for name in self.representations:
            if name.endswith("/*"):
                network = loader.network(name[:-2], self._weights(folder))
                names += [f"{network.name}/{layer}" for layer in network.main_layers]
            else:
                names.append(name)
        return names

    def _settings(self, representation: Representation) -> list[Settings]:
        default = {"invert": "fast", "maximize": "modern", "caricature": "nnpreimage"}
        name = self.preset or self.quality or default[self.visualization]
        if self.visualization == "invert":
            base = settings_for(representation, name)
        else:
            base = PRESETS[name].replace(strength=strength_of(self.visualization, PRESETS[name]))
        if self.steps is not None:
            base = base.with_steps(self.steps)
        axes = {k: v if isinstance(v, list) else [v] for k, v in self.settings.items()}
        if self.loss_weights is not None:
            weight = "loss_weight" if self.visualization == "invert" else "strength"
            axes[weight] = self.loss_weights
        return [
            _replaced(base, dict(zip(axes, values, strict=True)))
            for values in itertools.product(*axes.values())
        ]


def read_study(path: Path) -> Study:
    """The study of a TOML file.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is no TOML, or holds unknown keys or values out of range; one line
            names the first of them.
    """
    try:
        study = Study.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not TOML: {error}") from None
    except ValidationError as error:
        raise ValueError(f"{path}: {_first_problem(error)}") from None
    return study if study.name else study.model_copy(update={"name": path.stem})


def _replaced(settings: Settings, changes: dict[str, Any]) -> Settings:
    try:
        return settings.replace(**changes)
    except (TypeError, ValueError) as error:
        raise ValueError(f"settings: {error}") from None


_MISSPELT = ("extra_forbidden", "unexpected_keyword_argument")


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    misspelt = (problem for problem in problems if problem["type"] in _MISSPELT)
    problem = next(misspelt, problems[0])  # what is missing may be misspelt
    where = ".".join(str(part) for part in problem["loc"] if "[" not in str(part))
    if problem["type"] in _MISSPELT:
        name = str(problem["loc"][-1])
        of_mask = [field.name for field in dataclasses.fields(Mask)]
        return unknown("key", name, of_mask if problem["loc"][0] == "mask" else Study.model_fields)
    if problem["type"] == "missing":
        return f"{where} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
