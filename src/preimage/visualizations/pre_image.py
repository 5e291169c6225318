"""The one result of all visualizations: images, and all that is known about each."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from preimage.images import stretch_contrast, with_deviation
from preimage.optimizer import Trace
from preimage.preprocessing import Preprocessing
from preimage.representations.execution import Ran
from preimage.settings import Settings

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, repr=False)
class PreImage:
    """Images found by a visualization, with all that is known about each.

    The N results are ordered by source, then loss weight, then seed, the last fastest. A
    source is what is visualized: an image or code for `invert`, a target for `maximize`, an
    image for `caricature`.

    Attributes:
        images: the results in the core's units, (N, D, H, W).
        shown: the same as they are to be shown. Where the code tells neither brightness nor
            contrast, which the prior then lowers: with a standard deviation of B / sqrt(3).
            Of `maximize`: the part that the component sees, its contrast stretched.
        codes: their codes Phi(x*), (N, ...).
        error: of `invert`, ||Phi(x*) - Phi_0|| / ||Phi_0||, within the mask if there is
            one, (N,); NaN of the others.
        response: of `maximize`, <Phi(x*), Phi_0>, the response reached; of `caricature`,
            that over <Phi(x_0), Phi_0>: how many times stronger the image excites it, (N,);
            NaN of `invert`.
        sources: index of the source of each.
        loss_weights: C of each.
        seeds: the seed of each.
        settings: the settings of all.
        trace: the energy at every step, term by term.
        interrupted: whether Ctrl-C ended it early; the images are the latest ones.
        snapshots: steps and the images they started from.
        preprocessing: leads from the core's units to pictures.
        psnr: decibels against the original, its brightness and contrast granted where the
            code cannot hold them (least squares); None where there is no original.
        ssim: structural similarity with the original, likewise.
        contrast: how `shown` comes from the images: as they are, with a typical deviation, or
            stretched.
        labels: of `maximize`, the target of each.
        maxima: of `maximize`, M of each: the largest response to photos.
        maxima_from: where M is from, in words.
        ran: how the representation ran.
        dead: of `maximize`, the targets left out because no photo moves their response.
    """

    images: Tensor
    shown: Tensor
    codes: Tensor
    error: Tensor
    response: Tensor
    sources: tuple[int, ...]
    loss_weights: tuple[float, ...]
    seeds: tuple[int, ...]
    settings: Settings
    trace: Trace
    interrupted: bool
    snapshots: tuple[tuple[int, Tensor], ...]
    preprocessing: Preprocessing
    psnr: Tensor | None = None
    ssim: Tensor | None = None
    contrast: Literal["kept", "typical", "stretched"] = "kept"
    labels: tuple[str, ...] = ()
    maxima: tuple[float, ...] = ()
    maxima_from: str = ""
    ran: Ran = field(default_factory=Ran)
    dead: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        words = f"{len(self)} of {tuple(self.images.shape[1:])}"
        if bool(self.error.isfinite().all()):
            words += ", error " + ", ".join(f"{100 * e:.1f} %" for e in self.error.tolist())
        if bool(self.response.isfinite().all()):
            words += ", response " + ", ".join(f"{a:.3g}" for a in self.response.tolist())
        return f"PreImage({words})"

    def _repr_png_(self) -> bytes:
        """The first result, for notebooks."""
        file = io.BytesIO()
        self.to_pil().save(file, "PNG")
        return file.getvalue()

    def frames(self) -> list[tuple[int, list[Image.Image]]]:
        """The snapshots as pictures: the step, and the picture of each result."""
        return [
            (step, [self.preprocessing.to_pil(image) for image in self._display(images)])
            for step, images in self.snapshots
        ]

    def _display(self, images: Tensor) -> Tensor:
        if self.contrast == "stretched":
            return stretch_contrast(images, self.settings.pixel_norm)
        if self.contrast == "typical":
            return with_deviation(images, self.settings.typical_deviation)
        return images

    def to_pil(self, index: int = 0) -> Image.Image:
        """Result `index` as a PIL image."""
        return self.preprocessing.to_pil(self.shown[index])

    def save(self, path: str | os.PathLike[str], index: int = 0) -> None:
        """Writes result `index` as an image file."""
        self.to_pil(index).save(path)
