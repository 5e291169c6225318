"""The audit of the layers of a network: what each of them gives away of photos.

Every photo is inverted from every layer, as a study, which another run continues. The results are
compared with all photos; see `preimage.audit.measures`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from preimage.audit.likeness import Gallery
from preimage.audit.photos import Photo, keep_photos
from preimage.audit.result import Attacked, LayerResult, measure_layer
from preimage.networks import Network
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.study import Study, make_study

NAME = "audit"
ATTACK = "inversion"
KNOWLEDGE = "The attacker has the output of the layer and the weights of the network."

_FEWEST_PHOTOS = 2


def plan_audit(
    representations: Sequence[str], photos: Sequence[Path], steps: int | None, weights: str | None
) -> Study:
    """Return the study of an audit: each photo inverted from each layer, with the layer's C.

    >>> plan_audit(["hog"], [Path("a.png")], 10, None).name
    'audit'
    """
    return make_study({
        "name": NAME, "representations": list(representations),
        "images": [str(path) for path in photos], "steps": steps, "weights": weights,
    })  # fmt: skip


def audit_layers(
    records: Sequence[Record],
    loader: Loader,
    judges: Sequence[Network] = (),
    folder: Path = Path(),
    seed: int = 0,
) -> list[LayerResult]:
    """Return what the results of each layer show, in the order of the records.

    Args:
        records: the trials of the study.
        loader: the cache of their networks.
        judges: networks that had no part in the results.
        folder: the folder that the names of files start from.
        seed: the seed of bootstrap and random pairs.

    Raises:
        ValueError: if a layer has results of fewer than two photos.
    """
    done = [record for record in records if record.status == "done"]
    galleries: dict[tuple[object, ...], tuple[tuple[Photo, ...], Gallery]] = {}
    results = []
    for name in dict.fromkeys(record.trial.representation for record in records):
        alike = [record for record in done if record.trial.representation == name]
        if len(alike) < _FEWEST_PHOTOS:
            raise ValueError(f"{name}: an audit needs results of at least two photos")
        key = tuple((record.trial.photo_sha256, record.trial.size) for record in alike)
        if key not in galleries:
            pictures = [_load_photo(record, loader) for record in alike]
            files = [(Path(r.trial.photo or "").name, r.trial.photo_sha256 or "") for r in alike]
            galleries[key] = keep_photos(folder, pictures, files), Gallery(pictures, judges)
        results.append(measure_layer(name, *galleries[key], [_attacked(alike, folder)], seed))
    return results


def describe_trials(records: Sequence[Record]) -> dict[str, Any]:
    """Return what the trials of an audit have in common: seed, checksum of weights, settings."""
    trial = records[0].trial
    settings = {record.trial.representation: record.trial.settings for record in records}
    described = {name: asdict(one) for name, one in settings.items() if one is not None}
    return {"seed": trial.seed, "weights_sha256": trial.weights_sha256, "settings": described}


def _load_photo(record: Record, loader: Loader) -> Image.Image:
    """Return the photo of a trial as the preprocessing of its layer cuts it."""
    trial = record.trial
    preprocessing = loader.representation(trial.representation, trial.weights).preprocessing
    return preprocessing.to_pil(preprocessing.load(trial.photo or "", trial.size))


def _attacked(records: Sequence[Record], folder: Path) -> Attacked:
    """Return the pictures that are results of trials, with their errors."""
    files = [record.picture for record in records if record.picture is not None]
    errors = [r.measures.error for r in records if r.measures and r.measures.error is not None]
    pictures = []
    for file in files:
        with Image.open(file) as opened:
            pictures.append(opened.convert("RGB"))
    names = [Path(os.path.relpath(file, folder)).as_posix() for file in files]
    return Attacked(ATTACK, KNOWLEDGE, pictures, names, errors)
