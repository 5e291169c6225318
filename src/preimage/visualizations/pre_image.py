"""The result of every visualization: images, and all that is known about each.

`images` are what the solver found, in the core's units. Their contrast is often low, because
the prior lowers it where the code does not fix it; `shown` adjusts it for viewing. Results
can be indexed, sliced and iterated over, and saved:

    result[0].error, result[1:3].images       the error of the first, images of two others
    result.grid()                             one picture of all, with labels
    result.save("all.png")                    the same, or the bare picture of one, with a sidecar
    result.save("first.png", 0)               the bare picture of the first, likewise
    result.save("all.npz")                    everything, exactly
    PreImage.load("all.npz")                  the saved result
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import Tensor

from preimage.checks import whole
from preimage.images import stretch_contrast, with_deviation
from preimage.masks import Mask
from preimage.notebooks import display, encode, is_notebook
from preimage.objective import Energy
from preimage.preprocessing import Preprocessing
from preimage.presets import Visualization
from preimage.representations.execution import Ran
from preimage.representations.receptive_field import Box
from preimage.settings import Settings
from preimage.visualizations.saving import read_npz, write_npz, write_picture
from preimage.visualizations.showing import (
    draw_results,
    draw_sample,
    draw_slider,
    plot_results,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PreImage:
    """The images that a visualization found, with all that is known about each.

    The N results are ordered by source, then loss weight or strength, then seed; the seed varies
    fastest. A source is what is visualized: an image or code of `invert`, a target of `maximize`,
    a photo of `caricature`. A field that does not apply to a visualization is None.

    Attributes:
        visualization: "invert", "maximize" or "caricature".
        representation: name of Phi.
        weights: which weights were given in place of the network's own; see
            `preimage.networks.Network`.
        preprocessing: the preprocessing of Phi.
        settings: the settings of all results.
        images: the results in the core's units, (N, D, H, W).
        codes: their codes Phi(x*), (N, ...).
        sources: index of the source of each.
        loss_weights: C of each.
        seeds: the seed of each.
        strengths: for `caricature`, the strength of each, a multiple of 1 / Z.
        error: for `invert`, ||Phi(x*) - Phi_0|| / ||Phi_0||, within the mask if there is
            one, (N,).
        response: for `maximize`, the response <Phi(x*), Phi_0>; for `caricature`, this response
            divided by the response to the photo, <Phi(x_0), Phi_0>, (N,).
        originals: the photo of each in the core's units, (N, D, H, W); None without photos.
        psnr: PSNR against the photo in decibels, (N,). If the code ignores contrast, the image
            first gets the brightness and contrast of the photo (least squares).
        ssim: structural similarity with the photo, (N,), likewise.
        start: the start of each in words, such as a photo and the steps of an earlier run; None
            for a run from noise, and for `caricature`, which starts from the photo.
        size: the size that was asked for; None for that of the photo, code or network.
        mask: for `invert`, the mask of Eq. 3 by name, or the tensor if given as one.
        targets: for `maximize`, the target of each in words.
        maxima: for `maximize`, M of each target: the largest response to photos.
        reference: for `maximize`, the photos or numbers that M was taken from, in words.
        dead: for `maximize`, the targets that were left out because no photo changes their
            response.
        box: the part of each image seen by the target's component or by the responses in a
            mask's window; None for the whole image.
        contrast: the contrast of `shown`: "kept" from the images, "typical" with a standard
            deviation of B / sqrt(3), or "stretched".
        trace: the terms of the energy at every step, each (steps, N).
        snapshots: steps and the images they started from, (N, D, H, W).
        interrupted: whether Ctrl-C ended the run; the images are then the latest ones.
        seconds: the time of the run by the clock, divided by the number of results.
        ran: how the representation ran.
        versions: versions and machine of the run; see `preimage.versions`.
    """

    visualization: Visualization
    representation: str
    weights: dict[str, str]
    preprocessing: Preprocessing
    settings: Settings
    images: Tensor
    codes: Tensor
    sources: tuple[int, ...]
    loss_weights: tuple[float, ...]
    seeds: tuple[int, ...]
    strengths: tuple[float, ...] | None = None
    error: Tensor | None = None
    response: Tensor | None = None
    originals: Tensor | None = None
    psnr: Tensor | None = None
    ssim: Tensor | None = None
    start: tuple[str, ...] | None = None
    size: int | tuple[int, int] | None = None
    mask: Tensor | Mask | None = None
    targets: tuple[str, ...] | None = None
    maxima: tuple[float, ...] | None = None
    reference: str | None = None
    dead: tuple[str, ...] | None = None
    box: Box | None = None
    contrast: Literal["kept", "typical", "stretched"] = "kept"
    trace: Energy
    snapshots: tuple[tuple[int, Tensor], ...] = ()
    interrupted: bool = False
    seconds: float
    ran: Ran
    versions: dict[str, str]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int | slice) -> PreImage:
        """Return one result, or a slice of the results, as a `PreImage` of its own."""
        rows = range(len(self))[index]
        return self.select([rows] if isinstance(rows, int) else rows)

    def __iter__(self) -> Iterator[PreImage]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        shape = tuple(self.images.shape[1:])
        words = [f"{self.visualization} {self.representation}", f"{len(self)} of {shape}"]
        if self.error is not None:
            words.append("error " + ", ".join(f"{100 * e:.1f} %" for e in self.error.tolist()))
        if self.response is not None:
            words.append("response " + ", ".join(f"{r:.3g}" for r in self.response.tolist()))
        if (missed := sum(self.below_maximum or ())) > 0:
            words.append(f"{missed} below M: more steps?")
        return f"PreImage({'; '.join(words)})"

    def _repr_png_(self) -> bytes:
        """Return the first results side by side as a PNG file, for notebooks."""
        return encode(draw_sample(self))

    def _repr_html_(self) -> str | None:
        """Return a slider over the snapshots, for notebooks; None without snapshots."""
        return draw_slider(self) if self.snapshots else None

    def grid(self, columns: int | None = None) -> Image.Image:
        """Return one picture of all results with labels, each photo before its own results.

        Small results are enlarged by a whole factor.

        Args:
            columns: pictures in a row. If None, at most 5, so that few places remain empty.

        Raises:
            ValueError: if the picture would be too large.
        """
        return draw_results(self, None if columns is None else whole("columns", columns, least=1))

    def plot(self) -> Figure:
        """Return a figure of matplotlib: the first results, their energies, and the errors by C.

        A notebook shows it; `savefig("plot.pdf")` writes it.

        Raises:
            ValueError: if matplotlib is missing.
        """
        return plot_results(self)

    def show(self) -> None:
        """Show the first results side by side: in a notebook, or else in a window."""
        if is_notebook():
            display(self)
        else:
            draw_sample(self).show()

    @property
    def below_maximum(self) -> tuple[bool, ...] | None:
        """For `maximize`, whether each response is below M: a photo excites the target more."""
        if self.maxima is None or self.response is None:
            return None
        pairs = zip(self.response.tolist(), self.maxima, strict=True)
        return tuple(response < maximum for response, maximum in pairs)

    @property
    def shown(self) -> Tensor:
        """The images to be shown, in the core's units, (N, D, H', W'); see `display`."""
        return self.display(self.images)

    def display(self, images: Tensor) -> Tensor:
        """Return images of this run (N, D, H, W), such as a snapshot's, with `contrast` applied.

        Images of `maximize` are also cropped to the part that the component can see.
        """
        if self.visualization == "maximize" and self.box is not None:
            top, left, bottom, right = self.box
            images = images[..., top:bottom, left:right]
        if self.contrast == "stretched":
            settings = self.settings.for_channels(images.shape[1])
            return stretch_contrast(images, settings.pixel_norm)
        if self.contrast == "typical":
            return with_deviation(images, self.settings.typical_deviation)
        return images

    def to_pil(self, index: int = 0) -> Image.Image:
        """Return result `index` as a PIL image."""
        return self._picture(self.images[[index]], index)

    def _picture(self, image: Tensor, index: int) -> Image.Image:
        """Return an image (1, D, H, W) of result `index` as a PIL image, as it is shown.

        For many channels, the principal components are those of the photo or, without one, of the
        result.
        """
        shown = self.display(image)[0]
        if self.originals is not None:
            return self.preprocessing.to_pil(shown, self.originals[index])
        return self.preprocessing.to_pil(shown, self.display(self.images[[index]])[0])

    def frames(self) -> list[tuple[int, list[Image.Image]]]:
        """Return the snapshots as pictures: the step, and the picture of each result."""
        return [
            (step, [self._picture(images[[n]], n) for n in range(len(self))])
            for step, images in self.snapshots
        ]

    def describe(self, index: int = 0) -> dict[str, Any]:
        """Return all that is known about result `index` as plain data, for a JSON sidecar."""
        total = self.trace.total[:, index]
        return {
            "visualization": self.visualization,
            "representation": self.representation,
            **self.weights,
            **self._describe_target(index),
            "seed": self.seeds[index],
            "loss_weight": self.loss_weights[index],
            "size": list(self.size) if isinstance(self.size, tuple) else self.size,
            "image_size": list(self.images.shape[-2:]),
            **self._describe_success(index),
            "energy": float(total[-1]) if len(total) else None,
            "steps": len(total),
            "interrupted": self.interrupted,
            "seconds": round(self.seconds, 3),
            "settings": dataclasses.asdict(self._settings_of(index)),
            "ran": dataclasses.asdict(self.ran),
            "versions": self.versions,
        }

    def _settings_of(self, index: int) -> Settings:
        """Return the settings of result `index`, with its own strength if there are several."""
        if self.strengths is None:
            return self.settings
        return self.settings.replace(strength=self.strengths[index])

    def _describe_target(self, index: int) -> dict[str, Any]:
        described: dict[str, Any] = {}
        if self.targets is not None and self.maxima is not None:
            described["target"] = self.targets[index]
            described |= {"maximum": self.maxima[index], "reference": self.reference}
        if self.visualization != "invert":
            described["strength"] = self._settings_of(index).strength
        if self.start is not None:
            described["start"] = self.start[index]
        if isinstance(self.mask, Mask):
            described["mask"] = self.mask.named()
        elif self.mask is not None:
            kept = self.mask.broadcast_to(self.codes.shape)[index]
            described["mask"] = {"kept": int(kept.count_nonzero()), "of": kept.numel()}
        return described

    def _describe_success(self, index: int) -> dict[str, Any]:
        of_inversion = {"error": self.error, "psnr": self.psnr, "ssim": self.ssim}
        values = of_inversion if self.visualization == "invert" else {"response": self.response}
        described: dict[str, Any] = {name: _number(value, index) for name, value in values.items()}
        if self.below_maximum is not None:
            described["below_maximum"] = self.below_maximum[index]
        return described

    def save(self, path: str | os.PathLike[str], index: int | None = None, **more: Any) -> None:
        """Write all results exactly (`.npz`, for `load`) or a picture; never an incomplete file.

        Args:
            path: the file. A suffix other than `.npz` makes a picture; a JSON file of the same
                name beside the picture holds what `describe` returns, of several results as a list.
            index: the result that the picture shows, without words. If None, all results, as
                `grid` draws them; if there is only one, without words.
            more: further entries of the JSON file, for each result.

        Raises:
            OSError: if the file cannot be written.
            ValueError: if no kind of picture has this suffix, or the picture would be too large.
        """
        if Path(path).suffix == ".npz":
            names = (field.name for field in dataclasses.fields(self))
            write_npz(Path(path), {name: getattr(self, name) for name in names})
        elif index is None and len(self) > 1:
            sidecar = [self.describe(n) | more for n in range(len(self))]
            write_picture(Path(path), self.grid(), sidecar)
        else:
            shown = 0 if index is None else index
            write_picture(Path(path), self.to_pil(shown), self.describe(shown) | more)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PreImage:
        """Return the result that `save` wrote to an `.npz` file, on the CPU.

        Raises:
            OSError: if the file cannot be read.
            ValueError: if the file was not written by `save`, or is damaged.
        """
        return cls(**read_npz(Path(path)))

    def select(self, rows: Sequence[int]) -> PreImage:
        """Return the results at the indices `rows`, in their order, as one `PreImage`."""

        def some(values: Any) -> Any:
            if isinstance(values, Tensor):
                return values[list(rows)]
            return None if values is None else tuple(values[row] for row in rows)

        changes = {name: some(getattr(self, name)) for name in PER_RESULT}
        mask = self.mask
        if isinstance(mask, Tensor) and mask.ndim == self.codes.ndim and len(mask) > 1:
            changes["mask"] = some(mask)
        return dataclasses.replace(
            self,
            **changes,
            trace=self.trace.select(rows),
            snapshots=tuple((step, images[list(rows)]) for step, images in self.snapshots),
        )


def _number(values: Tensor | None, index: int) -> float | None:
    """Return a value as JSON can hold it: a finite number, or None."""
    number = math.nan if values is None else float(values[index])
    return number if math.isfinite(number) else None


PER_RESULT = (
    "images", "codes", "sources", "loss_weights", "seeds", "strengths", "error", "response",
    "originals", "psnr", "ssim", "start", "targets", "maxima",
)  # fmt: skip
"""The fields of `PreImage` that have one value for each result."""
