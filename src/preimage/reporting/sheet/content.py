"""The content of a sheet: pictures, and captions in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import preimage
from preimage.losses import relative_error
from preimage.names import LayerName
from preimage.networks import Network
from preimage.reporting.captions import code_in_words, error_in_words, heading
from preimage.representations.base import Representation
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record

if TYPE_CHECKING:
    from PIL import Image

TITLE = "What is left of a photo"

LEAD = (
    "Each picture was found from noise. It was changed, step by step, so that its code, the "
    "numbers that are computed from it, came near the photo's code. What such a picture shares "
    "with the photo is in these numbers. Where it differs, they leave open what was there, or the "
    "steps did not find it; what photos usually look like fills the gap."
)

ERROR = (
    "The error is the distance between the codes of picture and photo, as a share of the length "
    "of the photo's code. At 0\u00a0% the representation cannot tell them apart, however "
    "different they look to us. Errors of different codes cannot be compared: a code of few "
    "numbers is soon reached by a picture that looks like nothing. Look at the pictures."
)

ABOUT_DESCRIPTORS = (
    "Descriptors that people designed: edges of a gray photo, counted by direction in small "
    "cells, without color, brightness and contrast."
)

ABOUT_LAYERS = (
    "Layers of a network. What they compute is in its weights, which nobody made by hand. Each "
    "computes its numbers from those of the layer before it."
)

_METHOD = (
    "Method: Mahendran and Vedaldi, Visualizing Deep Convolutional Neural Networks Using Natural "
    "Pre-Images, International Journal of Computer Vision, 2016."
)

NAMES = {"hog": "HOG", "hogb": "HOGb", "dsift": "Dense SIFT"}
"""Titles of the panels of classical representations, by name."""

ABOUT = {
    "hog": "Histograms of oriented gradients: how much edge of each direction is in each cell.",
    "hogb": "HOG in which every edge counts for its two nearest directions.",
    "dsift": "SIFT at the points of a grid: edges by direction in 4 x 4 cells around each.",
}
"""A sentence on each classical representation, by name."""


@dataclass(frozen=True, slots=True)
class Panel:
    """An inversion on the sheet, or the photo.

    Attributes:
        title: the representation in a word or two.
        heading: what the picture was made from.
        words: sentences about the code and the error, or why there is no picture.
        alt: what the picture shows, for those who do not see it.
        picture: None if the inversion failed.
        film: an animated WebP file of the inversion.
    """

    title: str
    heading: str
    words: tuple[str, ...]
    alt: str
    picture: Image.Image | None
    film: bytes | None = None
    is_photo: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a title; the photo is the first panel."""

    title: str
    lead: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet: what descriptors keep of a photo, and what layers of a network keep.

    Attributes:
        photo: the name of the photo.
        made: what the pictures were made by, for the foot of the page.
    """

    photo: str
    sections: tuple[Section, ...]
    made: str


def gather(records: Sequence[Record], loader: Loader, network: Network) -> Sheet:
    """Return the content of a sheet from the records of the trials of `plan_sheet`.

    Raises:
        ImageError: if the photo cannot be read.
        OSError: if a picture of the store cannot be read.
    """
    layers = [record for record in records if LayerName.parse(record.trial.representation).network]
    descriptors = [record for record in records if record not in layers]
    trial, prepare = records[0].trial, network.preprocessing
    path = Path(trial.photo or "")
    whole = prepare.to_pil(prepare.load(path, descriptors[0].trial.size))
    seen = prepare.to_pil(prepare.load(path))
    photos = [_photo(whole, "The photo"), _photo(seen, "The photo, as the network gets it")]
    by_hand = [_panel(record, loader, whole) for record in descriptors]
    learned = [_panel(record, loader, seen, network) for record in layers]
    sections = (
        Section("Made by hand", ABOUT_DESCRIPTORS, (photos[0], *by_hand)),
        Section(f"Layers of {network.name}", ABOUT_LAYERS, (photos[1], *learned)),
    )
    made = f"preimage {preimage.__version__}, seed {trial.seed}. {_METHOD}"
    return Sheet(path.name, sections, made)


def _photo(picture: Image.Image, title: str) -> Panel:
    """Return the panel of the photo."""
    size = f"{picture.width} x {picture.height} pixels"
    return Panel(title, "", _together([f"{size}."]), "the photo", picture, is_photo=True)


def _panel(
    record: Record, loader: Loader, photo: Image.Image, network: Network | None = None
) -> Panel:
    """Return the panel of an inversion of a photo, from a layer of a network or a descriptor."""
    from PIL import Image

    trial, measures = record.trial, record.measures
    phi = loader.representation(trial.representation, trial.weights)
    size = photo.height, photo.width
    if network is None:
        title, words = NAMES[phi.name], [ABOUT[phi.name]]
    else:
        title, words = _name_layer(LayerName.parse(trial.representation).layer, network), []
    steps = None if measures is None else measures.steps
    above, numbers = _together(_describe_code(phi, size, steps))
    words.append(numbers)
    if record.picture is None or measures is None:
        words.append(f"No picture: {record.reason or 'not computed yet'}.")
        return Panel(title, above, _together(words), "", None)
    if measures.error is not None:
        is_larger = prod(phi.code_shape(*size)) > phi.preprocessing.channels * prod(size)
        plain = None if network is None else _error_of_one_color(phi, photo)
        words.append(
            error_in_words(measures.error, phi.name, steps, is_larger=is_larger, of_one_color=plain)
        )
    with Image.open(record.picture) as opened:
        picture = opened.convert("RGB")
    film = None if record.film is None else record.film.read_bytes()
    alt = f"what is left of the photo in {title}"
    return Panel(title, above, _together(words), alt, picture, film)


def _error_of_one_color(phi: Representation, photo: Image.Image) -> float:
    """Return the error of an image that has the mean color of the photo everywhere."""
    image = phi.preprocessing.load(photo)[None]
    plain = image.mean((2, 3), keepdim=True).expand_as(image).contiguous()
    return float(relative_error(phi.encode(plain), phi.encode(image)))


def _describe_code(
    phi: Representation, size: tuple[int, int], steps: int | None
) -> tuple[str, str]:
    """Return the heading of an inversion of a photo of this size, and a sentence about the code."""
    try:
        code = phi.code_grid(*size)
    except ValueError:  # a code without channels
        return "", f"{prod(phi.code_shape(*size)):,} numbers."
    field = None if phi.receptive_field is None else phi.receptive_field.size
    shape = (phi.preprocessing.channels, *size)
    return heading(phi.name, code, steps), code_in_words(phi.name, code, field, shape)


def _together(texts: Sequence[str]) -> tuple[str, ...]:
    """Return texts in which no line ends between a number and what belongs to it.

    >>> (text,) = _together(["7 x 7 of 5 %"])
    >>> len(text.split(" "))
    3
    """
    return tuple(re.sub(r"(?<=\d) (?=x \d|%)|(?<=\d.x) (?=\d)", "\u00a0", text) for text in texts)


def _name_layer(layer: str, network: Network) -> str:
    """Return the name of a layer with its place among the main layers, if it is one."""
    main = network.main_layers
    return f"{layer}, layer {main.index(layer) + 1} of {len(main)}" if layer in main else layer
