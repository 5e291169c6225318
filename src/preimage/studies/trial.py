"""One visualization as plain data: what determines a result, and nothing else."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from preimage.files import sha256
from preimage.masks import Mask
from preimage.presets import strength_of
from preimage.settings import Settings
from preimage.studies.component import Component

_FORMAT = 1

Visualization: TypeAlias = Literal["invert", "maximize", "caricature"]


class Trial(BaseModel):
    """One inversion, maximization or caricature; its `key` is its identity.

    Files count by their content: where a photo or a weight file lies changes no key. Nor does
    M, which follows from the network, the component and the photos.

    Attributes:
        visualization: what is done.
        representation: name of Phi, as `preimage.representation` takes it.
        weights: weight file of the network, "random", or None for the network's own.
        weights_sha256: checksum of that file, or of the one that the representation names.
        photo: path of the image file; empty for a maximization.
        photo_sha256: its checksum.
        size: longer side, or height and width, that it is resized to; None for the size that
            the representation prescribes. Of a maximization: the size of the image.
        seed: of noise and jitter.
        settings: all constants.
        mask: which components of the code count, for an inversion.
        component: what a maximization excites.
        maximum: M, its largest response to photos; 0 where no photo moves it.
        maximum_sha256: checksum of these photos.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    visualization: Visualization = "invert"
    representation: str
    weights: str | None = None
    weights_sha256: str | None = None
    photo: str = ""
    photo_sha256: str = ""
    size: int | tuple[int, int] | None = None
    seed: int = 0
    settings: Settings
    mask: Mask = Mask()
    component: Component | None = None
    maximum: float | None = None
    maximum_sha256: str | None = None

    @property
    def subject(self) -> str:
        """The name of the photo, or of the component."""
        return Path(self.photo).name if self.component is None else str(self.component)

    @property
    def weight(self) -> float:
        """C of an inversion; strength of a maximization or a caricature."""
        if self.visualization == "invert":
            return self.settings.loss_weight
        return strength_of(self.visualization, self.settings)

    @property
    def key(self) -> str:
        """A hash of all that the result depends on, in 32 hexadecimal digits.

        >>> known = {"representation": "hog", "photo_sha256": "0", "settings": Settings()}
        >>> trial = Trial(photo="a.png", **known)
        >>> trial.key == trial.model_copy(update={"photo": "b.png"}).key
        True
        >>> trial.key == trial.model_copy(update={"seed": 1}).key
        False
        """
        parts = self.model_dump(exclude={"photo", "settings", "maximum"})
        if self.component is None:  # as inversions were before there were maximizations
            del parts["component"], parts["maximum_sha256"]
        if self.weights_sha256 is not None:
            parts["weights"] = None
        parts["settings"] = _in_floats(dataclasses.asdict(self.settings))
        text = json.dumps([_FORMAT, parts], sort_keys=True)
        return sha256(text.encode())[:32]

    @property
    def kin(self) -> str:
        """The same text for trials that can be carried out in one batch.

        They differ in their photos alone, or in their components, whose images are of one size
        where all or none are central responses.
        """
        if self.component is None:
            return self.model_dump_json(exclude={"photo", "photo_sha256"})
        alike = self.model_dump_json(exclude={"component", "maximum"})
        return f"{alike} {self.component.is_central}"


def _in_floats(value: Any) -> Any:
    """The value with integers as floats, so that C = 20 and C = 20.0 are one."""
    if isinstance(value, Mapping):
        return {name: _in_floats(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_in_floats(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
