"""Frames of a run: pictures and energies after some of its steps, made in the worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from preimage.images import stretch_contrast, with_deviation
from preimage.networks import Network
from preimage.notebooks import encode
from preimage.views import center_crop

if TYPE_CHECKING:
    from preimage.app.task import Task
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.workers import Reporter

_FRAMES = 24
"""The least number of frames of a run that is not stopped; a slow one has two each second."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The state of a run after a step.

    Attributes:
        step: number of steps done.
        steps: number of steps in all.
        energies: the energies of all results, for each step so far.
        pictures: the picture of each result, as the bytes of a WebP file.
    """

    step: int
    steps: int
    energies: list[list[float]]
    pictures: list[bytes]


class Frames:
    """A progress callback that reports frames."""

    def __init__(self, task: Task, model: Representation | Network, reporter: Reporter) -> None:
        self._layer = model.layer(model.score_layer) if isinstance(model, Network) else model
        self._visualization = task.visualization
        self._settings = task.settings(model)
        self._reporter = reporter
        self._energies: list[list[float]] = []
        self._size: tuple[int, int] | None = None

    def __call__(self, progress: Progress) -> None:
        """Note the energy of a step, and report a frame if it is time for one."""
        if progress.step <= len(self._energies):  # a second run, of a target that slept
            self._energies.clear()
        self._energies.append(progress.energy.total.tolist())
        now, last = (n * _FRAMES // progress.steps for n in (progress.step, progress.step - 1))
        self._reporter(lambda: self._frame(progress), always=now > last)

    def _frame(self, progress: Progress) -> Frame:
        shown = self._display(self._cropped(progress.images.detach().cpu()))
        to_pil = self._layer.preprocessing.to_pil
        pictures = [encode(to_pil(image), "WEBP") for image in shown]
        return Frame(progress.step, progress.steps, list(self._energies), pictures)

    def _cropped(self, images: Tensor) -> Tensor:
        """Return images without the margin of the jitter, which only the first steps have."""
        if self._size is None:
            margin = self._settings.shifts(self._layer) - 1
            self._size = (images.shape[-2] - margin, images.shape[-1] - margin)
        return center_crop(images, self._size)

    def _display(self, images: Tensor) -> Tensor:
        """Return images with the contrast in which the result will be shown."""
        settings = self._settings.for_channels(images.shape[1])
        if self._visualization == "maximize":
            return stretch_contrast(images, settings.pixel_norm)
        if self._visualization == "invert" and self._layer.ignores_contrast:
            return with_deviation(images, settings.typical_deviation)
        return images
