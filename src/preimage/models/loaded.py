"""A network together with all that its source says about its input and its output."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from preimage.models.errors import ModelError

_INTERPOLATIONS = ("bilinear", "bicubic")


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A network and the preprocessing that its source prescribes.

    A photo, RGB, is resized, cropped at its center to `size`, and normalized: the network
    is given (rgb - mean) / std, with rgb in 0..255.

    Attributes:
        network: in evaluation mode, its parameters frozen.
        mean: one value per channel, 0..255.
        std: one value per channel, 0..255.
        resize: what the shorter side is resized to before the crop, in pixels; None resizes
            the whole photo to `size`, whatever its proportions, and crops nothing.
        size: height and width of the network's input, in pixels.
        interpolation: how photos are resized, "bilinear" or "bicubic", with antialiasing.
        classes: names of the scores, synonyms separated by ", "; empty where unknown.

    Raises:
        ModelError: if a value is out of range.
    """

    network: nn.Module
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: int | None
    size: tuple[int, int]
    interpolation: str
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or len(self.mean) not in (1, 3):
            raise ModelError(f"mean and std need 1 or 3 values each, not {self.mean}, {self.std}")
        if not min(self.std) > 0.5:
            raise ModelError(f"std must be in units of 0..255 (0.229 of 1 is 58.4), not {self.std}")
        if len(self.size) != 2 or min(self.size) < 1:
            raise ModelError(f"size must be a height and a width in pixels, not {self.size}")
        if self.resize is not None and self.resize < max(self.size):
            raise ModelError(f"resize {self.resize} leaves less than the size {self.size} to crop")
        if self.interpolation not in _INTERPOLATIONS:
            names = " or ".join(_INTERPOLATIONS)
            raise ModelError(f"interpolation must be {names}, not {self.interpolation!r}")
        self.network.eval().requires_grad_(False)
