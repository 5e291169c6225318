"""A task: one invert, maximize or caricature as plain data, which a worker carries out."""

from __future__ import annotations

import io
import itertools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.checks import whole
from preimage.loss_weight import LossWeight, format_weight
from preimage.names import LayerName
from preimage.presets import CARICATURE_PRESETS, PRESETS, QUALITIES, UPRIGHT_PRESETS, Visualization

if TYPE_CHECKING:
    from PIL import Image

    from preimage.app.options import Limits
    from preimage.networks import Network
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.settings import Settings
    from preimage.visualizations import PreImage

METHODS: Mapping[Visualization, tuple[str, ...]] = {
    "invert": (*QUALITIES, *UPRIGHT_PRESETS),
    "maximize": tuple(PRESETS),
    "caricature": tuple(CARICATURE_PRESETS),
}
"""The names of the settings that each visualization can have."""

DEFAULT_METHODS: Mapping[Visualization, str] = {
    "invert": "fast",
    "maximize": "modern",
    "caricature": "anchored",
}


@dataclass(frozen=True, slots=True)
class Photo:
    """The bytes of a photo and the name of its file."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        """The name of the file without its kind."""
        return Path(self.name).stem

    def open(self) -> Image.Image:
        """Decode the photo; raise ImageError if it is none."""
        from preimage.decoding import open_picture

        return open_picture(io.BytesIO(self.data))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One visualization with all that the command line needs for it.

    Attributes:
        visualization: invert, maximize or caricature.
        representation: hog, hogb, dsift or NETWORK/LAYER.
        photo: the photo of `invert` and `caricature`.
        channels: of `maximize`: numbers of channels.
        classes: of `maximize`: names of classes, in place of channels.
        method: the name of the settings, one of `METHODS`.
        steps: number of steps; None for that of the settings.
        seeds: the seed of each result.
        loss_weights: of `invert`: C of each result; if empty, the representation's own.
        strength: of the others: C in units of 1 / Z; None for that of the settings.
        size: the longer side of the results in pixels; None for the network's own size.
        start: the result to go on from; None for noise or, in a caricature, the photo.
    """

    visualization: Visualization
    representation: str
    photo: Photo | None = None
    channels: tuple[int, ...] = ()
    classes: tuple[str, ...] = ()
    method: str = "fast"
    steps: int | None = None
    seeds: tuple[int, ...] = (0,)
    loss_weights: tuple[LossWeight, ...] = ()
    strength: float | None = None
    size: int | None = None
    start: PreImage | None = None

    @property
    def count(self) -> int:
        """The number of results, if no target is dead."""
        targets = len(self.channels) + len(self.classes) or 1
        return targets * len(self.seeds) * (len(self.loss_weights) or 1)

    @property
    def title(self) -> str:
        """The task in a few words.

        >>> Task(visualization="maximize", representation="vgg-m/conv3", channels=(1,)).title
        'maximize vgg-m/conv3'
        """
        of_photo = "" if self.photo is None else f" {self.photo.stem} by"
        return f"{self.visualization}{of_photo} {self.representation}"

    @property
    def labels(self) -> list[str]:
        """A label that tells each result from the others, if no target is dead; empty for one."""
        targets = [*map(str, self.channels), *self.classes] or [""]
        weights = [f"C {format_weight(weight)}" for weight in self.loss_weights] or [""]
        seeds = [f"seed {seed}" for seed in self.seeds] if len(self.seeds) > 1 else [""]
        words = itertools.product(targets, weights if len(weights) > 1 else [""], seeds)
        return [", ".join(filter(None, several)) for several in words]

    @property
    def network(self) -> str:
        """The name of the network; empty for a descriptor."""
        return LayerName.parse(self.representation).network

    def check(self, limits: Limits) -> None:
        """Raise ValueError if something is missing, contradicts or exceeds the limits."""
        if self.visualization != "maximize" and self.photo is None:
            raise ValueError("choose a photo, or drop one of your own")
        if self.visualization == "maximize" and not (self.channels or self.classes):
            raise ValueError("say what to excite: channels by number, or classes by name")
        if self.method not in METHODS[self.visualization]:
            raise ValueError(f"{self.visualization} has no method {self.method}")
        if self.count > limits.pictures:
            raise ValueError(f"at most {limits.pictures} pictures at a time, not {self.count}")
        if self.steps is not None:
            whole("steps", self.steps, least=1, most=limits.steps)
        if self.size is not None:
            whole("size", self.size, least=16, most=limits.side)

    def model(self) -> Representation | Network:
        """Return the representation, or the network whose classes are maximized."""
        from preimage.catalog import representation

        named = LayerName.parse(self.representation)
        if self.classes:
            return _network(named.network)
        if named.network:
            return _network(named.network).layer(named.layer)
        return representation(self.representation)

    def settings(self, model: Representation | Network) -> Settings:
        """Return all constants."""
        from preimage.networks import Network
        from preimage.presets import settings_for

        if self.visualization == "invert" and not isinstance(model, Network):
            found = settings_for(model, self.method)
        else:
            found = CARICATURE_PRESETS.get(self.method) or PRESETS[self.method]
        return found if self.steps is None else found.with_steps(self.steps)

    def carry_out(
        self, model: Representation | Network, progress: Callable[[Progress], None]
    ) -> PreImage:
        """Return the result, with the bits of the command line with one thread."""
        import preimage

        options: dict[str, Any] = {
            "settings": self.settings(model),
            "size": self.size,
            "seeds": self.seeds,
            "execution": preimage.Execution(threads=1),
            "progress": progress,
        }
        if self.visualization != "caricature":
            options["start"] = self.start
        if self.visualization != "invert":
            options["strength"] = self.strength
        if self.visualization == "maximize":
            targets = self.channels or [preimage.class_score(name) for name in self.classes]
            with warnings.catch_warnings(action="ignore", category=preimage.DeadTargetWarning):
                return preimage.maximize(model, list(targets), **options)  # the page names them
        if self.photo is None or isinstance(model, preimage.Network):
            raise ValueError(f"{self.visualization} needs a photo, and a layer of a network")
        photo = self.photo.open()
        if self.visualization == "caricature":
            return preimage.caricature(model, photo, **options)
        weights = list(self.loss_weights) or None
        return preimage.invert(model, photo, loss_weight=weights, **options)


@lru_cache(maxsize=2)
def _network(name: str) -> Network:
    """Return a network, of which a worker keeps the last two."""
    from preimage.catalog import network

    return network(name)
