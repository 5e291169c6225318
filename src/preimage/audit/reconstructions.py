"""Reconstructions of codes by attacks, each kept with a sidecar, so that a later run goes on.

A reconstruction is known by what it was made of: the code, the attack with its settings, the
representation, and the files of weights and matrices.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from preimage.audit.attacks import Attack
from preimage.files import file_name, sha256
from preimage.losses import relative_error
from preimage.optimizer import Progress
from preimage.representations.base import Representation
from preimage.versions import versions
from preimage.visualizations.saving import write_picture

if TYPE_CHECKING:
    from PIL import Image

_TIMED_STEPS = 6


@dataclass(frozen=True, slots=True)
class Case:
    """A code that is attacked.

    Attributes:
        name: what the files of its reconstructions are called, such as "row-17" or "photo-3".
        code: the code, (1, ...).
        source: where it comes from, in words.
        label: what it is called beside its picture, such as the name of a photo.
    """

    name: str
    code: Tensor
    source: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """A picture that an attack made of a code.

    Attributes:
        name: the name of the case.
        error: ||Phi(x*) - Phi_0|| / ||Phi_0|| of the picture.
        seconds: the time that it took.
        picture: the picture.
        file: its file, seen from the folder of the audit.
    """

    name: str
    error: float
    seconds: float
    picture: Image.Image
    file: str


@dataclass(frozen=True, slots=True)
class AttackRun:
    """An attack on codes of a representation, whose results are kept in a folder.

    Attributes:
        attack: the attack.
        representation: Phi, through which the codes went.
        folder: the folder of the audit; each attack has a folder in it.
        about: what else the results depend on, such as settings; it goes into the sidecars.
        seed: the seed of noise.
    """

    attack: Attack
    representation: Representation
    folder: Path
    about: Mapping[str, Any]
    seed: int = 0

    def find(self, case: Case) -> Reconstruction | None:
        """Return what an earlier run has made of a code; None if there is none."""
        from PIL import Image

        path = self.folder / self._file(case)
        try:
            sidecar = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            with Image.open(path) as picture:
                picture.load()
        except (OSError, ValueError):
            return None
        wanted = json.loads(json.dumps(self._describe(case)))
        if any(sidecar.get(key) != wanted[key] for key in wanted):
            return None
        error, seconds = sidecar["error"], sidecar["seconds"]
        return Reconstruction(case.name, error, seconds, picture, self._file(case))

    def reconstruct(
        self, cases: Sequence[Case], progress: Callable[[Progress], None] | None = None
    ) -> list[Reconstruction]:
        """Attack codes together, and write each picture with its sidecar.

        What an earlier run has made is not made again.

        Raises:
            KeyboardInterrupt: after Ctrl-C; then nothing is written of these codes.
        """
        known = {case.name: self.find(case) for case in cases}
        left = [case for case in cases if known[case.name] is None]
        if left:
            begin, codes = time.perf_counter(), torch.cat([case.code for case in left])
            images = self.attack.reconstruct(
                codes, self.representation, seed=self.seed, progress=progress
            )
            each = (time.perf_counter() - begin) / len(left)
            for case, image in zip(left, images, strict=True):
                known[case.name] = self._keep(case, image, each)
        return [found for found in known.values() if found is not None]

    def _keep(self, case: Case, image: Tensor, seconds: float) -> Reconstruction:
        """Write the picture of a code with its sidecar."""
        core = self.representation.preprocessing.to_core(image)
        error = float(relative_error(self.representation.encode(core[None]), case.code))
        picture, numbers = to_picture(image), {"error": error, "seconds": seconds}
        sidecar = {**self._describe(case), **numbers, "versions": versions()}
        write_picture(self.folder / self._file(case), picture, sidecar)
        return Reconstruction(case.name, error, seconds, picture, self._file(case))

    def estimate_seconds(self, case: Case) -> float:
        """Return the seconds that an attack on a code will take, from those of a few steps."""
        times = [time.perf_counter()]

        def stop_soon(progress: Progress) -> None:
            times.append(time.perf_counter())
            if len(times) > _TIMED_STEPS:
                raise _EnoughError((times[-1] - times[1]) / (len(times) - 2) * progress.steps)

        try:
            self.attack.reconstruct(
                case.code, self.representation, seed=self.seed, progress=stop_soon
            )
        except _EnoughError as enough:
            return enough.seconds
        return time.perf_counter() - times[0]

    def _file(self, case: Case) -> str:
        return f"{file_name(self.attack.name)}/{case.name}.png"

    def _describe(self, case: Case) -> dict[str, Any]:
        """Return what a reconstruction is made of, as plain data."""
        return {
            **self.about,
            "attack": self.attack.name,
            "representation": self.representation.name,
            "seed": self.seed,
            "input": case.source,
            "sha256": sha256(case.code.numpy().tobytes()),
        }


class _EnoughError(Exception):
    """The end of a reconstruction that was begun to measure its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


def to_picture(image: Tensor) -> Image.Image:
    """Return an image (3, H, W), 0..255, as a picture."""
    from PIL import Image

    values = image.round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0)
    return Image.fromarray(np.ascontiguousarray(values.numpy()))
