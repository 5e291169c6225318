"""The choices and texts of a visitor, checked, and made into a task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from preimage.app.choices import CLASSICAL, Choices
from preimage.app.task import DEFAULT_METHODS, Photo, Task
from preimage.loss_weight import AUTO, LossWeight, as_list
from preimage.names import parse_channels, unknown
from preimage.presets import Visualization

CLASSICAL_SIDE = 320
"""The longer side of results of HOG and dense SIFT, if none is given: a picture in seconds."""
_LONGEST = 200
"""The most characters that a field takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of the page as the browser sends them; None and "" for those left empty.

    Attributes:
        model: the descriptor or network.
        layer: the layer of the network.
        visualization: what to do.
        photo: the photo.
        excite: whether `maximize` takes channels or classes.
        channels: numbers of channels, such as 0-3,7.
        classes: names of classes.
        method: the name of the settings.
        steps: number of steps.
        seeds: number of seeds.
        seed: the first one.
        loss_weights: values of C, separated by commas.
        strength: C in units of 1 / Z.
        size: the longer side in pixels.
    """

    model: str
    layer: str | None = None
    visualization: Visualization = "invert"
    photo: Photo | None = None
    excite: str = "channels"
    channels: str | None = None
    classes: Sequence[str] | None = None
    method: str | None = None
    steps: str | None = None
    seeds: float | None = 1
    seed: float | None = 0
    loss_weights: str | None = None
    strength: str | None = None
    size: str | None = None

    def task(self, choices: Choices) -> Task:
        """Return the task; raise ValueError, in one line, for what cannot be used."""
        if self.visualization not in DEFAULT_METHODS:
            raise ValueError(f"no such visualization: {self.visualization}")
        typed = (self.channels, self.loss_weights, self.strength, self.steps, self.size)
        if any(len(text or "") > _LONGEST for text in typed):
            raise ValueError(f"a field takes at most {_LONGEST} characters")
        representation = choices.representation(self.model, self.layer)
        is_class = self.visualization == "maximize" and self.excite == "classes"
        is_channel = self.visualization == "maximize" and not is_class
        count, first = _whole("seeds", self.seeds, 1), _whole("first seed", self.seed, 0)
        if count < 1 or first < 0 or count > choices.limits.pictures:
            raise ValueError(f"from 1 to {choices.limits.pictures} seeds, the first at least 0")
        has_one = self.visualization == "caricature"
        task = Task(
            visualization=self.visualization,
            representation=representation,
            photo=None if self.visualization == "maximize" else self.photo,
            channels=self._channels(choices) if is_channel else (),
            classes=self._classes(choices) if is_class else (),
            method=self.method or DEFAULT_METHODS[self.visualization],
            steps=_whole_or_none("steps", self.steps),
            seeds=(first,) if has_one else tuple(range(first, first + count)),
            loss_weights=self._weights() if self.visualization == "invert" else (),
            strength=None if self.visualization == "invert" else _number("strength", self.strength),
            size=self._size(),
        )
        task.check(choices.limits)
        return task

    def _size(self) -> int | None:
        if size := _whole_or_none("size", self.size):
            return size
        is_from_photo = self.model in CLASSICAL and self.visualization != "maximize"
        return CLASSICAL_SIDE if is_from_photo else None

    def _channels(self, choices: Choices) -> tuple[int, ...]:
        count = None
        if self.model not in CLASSICAL:
            facts = choices.facts(self.model)
            count = facts.layer(self.layer or facts.middle).channels
        text = (self.channels or "").strip()
        if text in ("", "all"):
            raise ValueError("say which channels, such as 0-3,7")
        return tuple(parse_channels(text, count))

    def _classes(self, choices: Choices) -> tuple[str, ...]:
        known = [name for _, name in choices.facts(self.model).class_choices]
        chosen = tuple(self.classes or ())
        for name in chosen:
            if name not in known:
                raise ValueError(unknown("class", name, known))
        return chosen

    def _weights(self) -> tuple[LossWeight, ...]:
        texts = [text.strip() for text in (self.loss_weights or "").split(",") if text.strip()]
        try:
            found = [AUTO if text == AUTO else float(text) for text in texts]
        except ValueError:
            raise ValueError(
                f"C must be numbers such as 1, 20, 300, or auto, not {self.loss_weights!r}"
            ) from None
        return tuple(as_list(found)) if found else ()


def _whole(name: str, value: float | None, default: int) -> int:
    """Return a number of a field as a whole number."""
    if value is None:
        return default
    if not math.isfinite(value) or value != int(value):
        raise ValueError(f"{name} must be a whole number, not {value:g}")
    return int(value)


def _number(name: str, text: str | None) -> float | None:
    """Return the positive number of a text; None for an empty one."""
    if text is None or not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, not {text!r}")
    return value


def _whole_or_none(name: str, text: str | None) -> int | None:
    value = _number(name, text)
    return None if value is None else _whole(name, value, 0)
