"""Pictures of an audit inside its page: each photo beside what attacks made of its code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from preimage.audit.advice import layer_name
from preimage.audit.photos import Photo
from preimage.audit.result import AttackResult, Audit, LayerResult
from preimage.reporting.audit_page.findings import strongest
from preimage.reporting.templates import embed_picture

CHOSEN = 4
"""The number of photos that stand for all."""

MOST = 320
"""The most small pictures of a page: with more, it would have more than about 5 MB."""

_LARGE, _SMALL = 224, 128
_QUALITY = 78


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the page.

    Attributes:
        address: the picture as a `data:` address.
        words: what it is, for those who do not see it.
        label: the name of its column.
        note: a number below it.
        size: its width and height.
    """

    address: str
    words: str
    label: str
    note: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Strip:
    """A photo, or a row of a store, with its pictures."""

    title: str
    shots: tuple[Shot, ...]


def spread(count: int, most: int) -> list[int]:
    """Return at most so many of the numbers below `count`, evenly.

    >>> spread(10, 4), spread(3, 4)
    ([1, 3, 6, 8], [0, 1, 2])
    """
    if count <= most:
        return list(range(count))
    return [int((n + 0.5) * count / most) for n in range(most)]


def choose_strips(folder: Path, audit: Audit) -> list[Strip]:
    """Return a few photos for all, each with what the strongest attack made of it.

    They are spread evenly over all photos, ordered by their error: neither the best nor the worst.
    """
    columns = [(layer, strongest(layer)) for layer in audit.layers]
    photos = _common_photos(audit)
    layer, attack = columns[0]
    error = dict(zip(layer.photos, attack.errors, strict=True))
    ordered = sorted(photos, key=lambda photo: error[photo])
    chosen = [ordered[n] for n in spread(len(ordered), CHOSEN)]
    return [_strip(folder, photo, columns, _LARGE) for photo in chosen]


def list_strips(folder: Path, audit: Audit) -> list[Strip]:
    """Return photos with what all attacks made of them: all, or an even sample of many."""
    columns = [(layer, attack) for layer in audit.layers for attack in layer.attacks]
    photos = _common_photos(audit)
    shown = spread(len(photos), max(1, MOST // (len(columns) + 1)))
    return [_strip(folder, photos[n], columns, _SMALL) for n in shown]


def list_rows(folder: Path, audit: Audit) -> list[Strip]:
    """Return rows of the store with what all attacks made of them, as many as fit."""
    made: Mapping[str, Sequence[Mapping[str, Any]]]
    store: Mapping[str, Any] = audit.about.get("store", {})
    made, labels = store.get("reconstructions", {}), store.get("labels", {})
    count = max(map(len, made.values()), default=0)
    strips = []
    for n in spread(count, max(1, MOST // 2 // max(1, len(made)))):
        found = {attack: rows[n] for attack, rows in made.items()}
        shots = [
            _shot(folder / row["file"], f"what {attack} made of it", attack, row["error"])
            for attack, row in found.items()
        ]
        name = str(next(iter(found.values()))["name"])
        title = ", ".join(filter(None, [name.replace("-", " "), labels.get(name)]))
        strips.append(Strip(title, tuple(shots)))
    return strips


def _common_photos(audit: Audit) -> list[Photo]:
    """Return the photos that were attacked in all layers, as the first layer sees them."""
    known = [{photo.sha256 for photo in layer.photos} for layer in audit.layers]
    common = set.intersection(*known)
    return [photo for photo in audit.layers[0].photos if photo.sha256 in common]


def _strip(
    folder: Path, photo: Photo, columns: Sequence[tuple[LayerResult, AttackResult]], side: int
) -> Strip:
    """Return a photo with its reconstructions by layers and attacks."""
    shots = [_shot(folder / photo.file, f"photo {photo.name}", "photo", None, side)]
    layers = {layer.representation for layer, _ in columns}
    for layer, attack in columns:
        n = [one.sha256 for one in layer.photos].index(photo.sha256)
        label = layer_name(layer) if len(layers) > 1 else attack.attack
        if len(layers) > 1 and len(layer.attacks) > 1:
            label = f"{label}, {attack.attack}"
        words = f"reconstruction of {photo.name} by {label}"
        shots.append(_shot(folder / attack.files[n], words, label, attack.errors[n], side))
    return Strip(photo.name, tuple(shots))


def _shot(file: Path, words: str, label: str, error: float | None, side: int = _SMALL) -> Shot:
    """Return a picture of a file, no larger than `side`, as WebP in a `data:` address."""
    from PIL import Image

    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((side, side))
    note = "" if error is None else f"error {100 * error:.1f} %"
    return Shot(embed_picture(picture, _QUALITY), words, label, note, picture.size)
