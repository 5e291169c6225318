"""A walk through the layers of a network: photos inverted at more and more depth, and captions."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from preimage.app.choices import NetworkFacts
from preimage.app.frames import Frame
from preimage.app.runs import Run, Runs, Stage
from preimage.app.task import Photo, Task
from preimage.app.words import describe_error
from preimage.names import LayerName
from preimage.notebooks import data_uri
from preimage.reporting.captions import code_in_words, heading
from preimage.visualizations.showing import spread

if TYPE_CHECKING:
    from preimage.visualizations import PreImage

MOST_LAYERS = 16
"""The largest number of layers of a walk."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo, or what a layer tells of it.

    Attributes:
        source: the picture itself, as an address.
        alt: the picture in words.
        words: its caption.
    """

    source: str
    alt: str
    words: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the depth slider: the photos, or what a layer tells of each.

    Attributes:
        name: "photo", or the name of the layer.
        heading: what the pictures were made from.
        code: the size of the code, and what its numbers depend on.
        pictures: one for each photo.
    """

    name: str
    heading: str
    code: str
    pictures: tuple[Picture, ...]


class Moment(NamedTuple):
    """The present work of a walk, in words, and the number of steps of its inversion so far."""

    words: str
    step: int = 0
    steps: int = 0


class Walk:
    """A visitor's walk through the layers of a network, which can be stopped.

    Args:
        facts: the network.
        photos: one photo, or several to be shown side by side.
        count: number of layers, chosen evenly over the depth of the network.
        method: the name of the settings of each inversion.

    Attributes:
        layers: the names of the layers.
        places: the places that are done.
        problems: why layers have no picture, a line for each.
    """

    def __init__(
        self, facts: NetworkFacts, photos: Sequence[Photo], count: int, method: str
    ) -> None:
        self.layers = choose_layers(facts, count)
        self.places: list[Place] = []
        self.problems: list[str] = []
        self._facts, self._photos, self._method = facts, tuple(photos), method
        self._run: Run | None = None
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Stop after the step that is computed now; the places that are done stay."""
        self._stopped.set()
        if self._run is not None:
            self._run.stop()

    @property
    def is_stopped(self) -> bool:
        """True if the walk was asked to stop."""
        return self._stopped.is_set()

    @property
    def summary(self) -> str:
        """Words for the end: whether the walk was stopped, and what went wrong."""
        done = "Done: drag the slider." if self.places else "No layer has a picture."
        words = "Stopped." if self.is_stopped else done
        return " ".join([words, *self.problems])

    def go(self, runs: Runs) -> Iterator[Moment]:
        """Invert the photos at one layer after the other; yield what is done now.

        If the caller goes away, the inversion under way stops.
        """
        for number, layer in enumerate(self.layers):
            results = []
            for photo in self._photos:
                if self.is_stopped:
                    return
                yield from self._invert(runs, number, layer, photo)
                result = None if self._run is None else self._run.result
                if result is None or self.is_stopped:
                    break
                results.append(result)
            if len(results) == len(self._photos):
                self._add(layer, results)

    def _invert(self, runs: Runs, number: int, layer: str, photo: Photo) -> Iterator[Moment]:
        """Carry out one inversion, the last run of this walk."""
        words = f"Layer {number + 1} of {len(self.layers)}, {layer}"
        name = str(LayerName(self._facts.name, layer))
        task = Task(visualization="invert", representation=name, photo=photo, method=self._method)
        yield Moment(f"{words}: waiting for a worker")
        self._run = runs.begin(task)
        for event in self._run.events():
            match event:
                case Stage():
                    yield Moment(f"{words}: {event.words}")
                case Frame(step, steps):
                    yield Moment(f"{words}: step {step} of {steps}", step, steps)
                case None:
                    yield Moment(words)
        if self._run.error is not None and not self.is_stopped:
            self.problems.append(f"{layer}: {self._run.error}")

    def _add(self, layer: str, results: Sequence[PreImage]) -> None:
        """Add the place of a layer, and before the first layer that of the photos."""
        if not self.places:
            self.places.append(_photo_place(self._photos, results))
        found = self._facts.layer(layer)
        name, shape = results[0].representation, results[0].images.shape[1:]
        pictures = tuple(
            Picture(
                data_uri(result.to_pil()), f"{photo.name}, from {layer}", describe_error(result)
            )
            for photo, result in zip(self._photos, results, strict=True)
        )
        self.places.append(
            Place(
                layer, heading(name, found.code),
                code_in_words(name, found.code, found.field, shape), pictures,
            )
        )  # fmt: skip


def choose_layers(facts: NetworkFacts, count: int) -> tuple[str, ...]:
    """Return the names of layers, evenly over the depth of a network, with the last one."""
    names = [layer.name for layer in facts.layers]
    return spread(names, max(2, min(count, MOST_LAYERS)))


def as_values(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return places as the plain data that the script of the slider reads."""
    return [asdict(place) for place in places]


def _photo_place(photos: Sequence[Photo], results: Sequence[PreImage]) -> Place:
    """Return the place of the photos, as the network sees them."""
    pictures = []
    for photo, result in zip(photos, results, strict=True):
        if result.originals is not None:
            picture = result.preprocessing.to_pil(result.originals[0])
            pictures.append(Picture(data_uri(picture), photo.name, photo.name))
    channels, height, width = results[0].images.shape[1:]
    return Place(
        "photo", "The photo as the network gets it",
        f"{channels * height * width:,} numbers: {height} x {width} pixels, {channels} each.",
        tuple(pictures),
    )  # fmt: skip
