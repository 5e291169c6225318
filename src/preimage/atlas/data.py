"""The data of an atlas, as its pages show them; `gather` makes them of a store's records."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeAlias

from preimage.representations.receptive_field import Box
from preimage.studies.measures import Measures
from preimage.studies.trial import Trial

Names: TypeAlias = tuple[tuple[str, float], ...]
"""Classes that a judge sees in a picture, each with its probability."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture or photo that pages show.

    Attributes:
        address: of its file; see `addresses`.
        title: what it shows, in words.
    """

    address: str
    title: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture of a trial that is done, its numbers, and what a judge calls it."""

    image: Image
    trial: Trial
    measures: Measures
    names: Names = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """The place of a channel's small picture in a sheet of many: `address`, column and row."""

    address: str
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class TopPhoto:
    """A photo that excites a channel.

    Attributes:
        response: the channel's largest response to it.
        box: the part of it that this response depends on; None if it is the whole photo.
    """

    image: Image
    response: float
    box: Box | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """The responses of a channel at all positions of all photos, in bins of one width.

    Attributes:
        low: the smallest response.
        high: the largest response.
    """

    counts: tuple[int, ...]
    low: float
    high: float


@dataclass(slots=True, kw_only=True)
class Channel:
    """A channel, a single response or a class of a layer, with its page.

    Attributes:
        label: its number, place or class.
        index: the number of the channel.
        maximum: M, the largest response to photos.
        diverse: pictures that were made to differ from each other.
        reason: why there is no picture, if there is none.
        similar: the channels whose responses are most like its own, with the correlation.
        rank: its place in an order in which similar channels are neighbors.
    """

    address: str
    label: str
    index: int
    is_class: bool
    maximum: float | None
    pictures: list[Picture]
    reason: str = ""
    diverse: list[Picture] = dataclasses.field(default_factory=list)
    tile: Tile | None = None
    top: list[TopPhoto] = dataclasses.field(default_factory=list)
    histogram: Histogram | None = None
    similar: list[tuple[Channel, float]] = dataclasses.field(default_factory=list)
    rank: int = 0

    @property
    def title(self) -> str:
        """The channel in words."""
        if self.is_class:
            return f"class {self.label}"
        return f"{'response' if ':' in self.label else 'channel'} {self.label}"

    @property
    def names(self) -> Names:
        """The names that a judge gives its first picture."""
        return self.pictures[0].names if self.pictures else ()

    @property
    def response(self) -> float | None:
        """The response that its first picture reaches."""
        return self.pictures[0].measures.response if self.pictures else None

    @property
    def ratio(self) -> float | None:
        """The response of its first picture over M."""
        if self.response is None or not self.maximum:
            return None
        return self.response / self.maximum


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A photo, and the pictures of it; the photo is None if its file is gone."""

    name: str
    photo: Image | None
    pictures: list[Picture]


@dataclass(slots=True, kw_only=True)
class Layer:
    """A layer with its page.

    Attributes:
        name: the full name of its representation.
        title: its name without the network.
        shape: the shape of its code; empty if unknown.
        field: the side of a component's receptive field in pixels; None if it is the whole image
            or unknown.
        field_box: that field in the middle of a photo.
        sample: the photo on which the field is drawn.
        unavailable: the trials that failed or are missing, each in a line.
    """

    name: str
    title: str
    address: str
    channels: list[Channel]
    inversions: list[PhotoRow]
    caricatures: list[PhotoRow]
    shape: tuple[int, ...] = ()
    field: int | None = None
    field_box: Box | None = None
    sample: Image | None = None
    unavailable: list[str] = dataclasses.field(default_factory=list)

    @property
    def lowest_error(self) -> float | None:
        """The lowest error of its inversions."""
        pictures = [picture for row in self.inversions for picture in row.pictures]
        errors = [e for picture in pictures if (e := picture.measures.error) is not None]
        return min(errors, default=None)


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A row of the table of a network's layers; `layer` is None if the atlas shows none of it."""

    title: str
    shape: tuple[int, ...]
    field: int | None
    layer: Layer | None


@dataclass(slots=True, kw_only=True)
class Model:
    """A network with its page, or the representations that belong to no network.

    Attributes:
        reference: the number of photos that responses were measured on; 0 if there are none.
        judge: the networks that name its pictures.
        problem: why its network could not be used; empty if it could.
    """

    name: str
    address: str
    layers: list[Layer]
    table: list[LayerRow] = dataclasses.field(default_factory=list)
    reference: int = 0
    judge: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Atlas:
    """All that the pages show; `classical` holds HOG and dense SIFT, if they are in the store."""

    models: list[Model]
    classical: Model | None
