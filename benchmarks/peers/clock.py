"""Time per step of a loop that belongs to somebody else."""

from __future__ import annotations

import time
from typing import Any

from torch import Tensor, nn

PIXELS = 224 * 224


class Clock:
    """Notes when each step begins, and how much its network is shown.

    What comes before the second step is not counted: setting up, and the first touch of memory.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forgets everything."""
        self._wall: list[float] = []
        self._process: list[float] = []
        self._seen: list[float] = []

    def tick(self, seen: float) -> None:
        """Note the start of a step that shows the network so many images of 224 x 224 pixels."""
        self._wall.append(time.perf_counter())
        self._process.append(time.process_time())
        self._seen.append(seen)

    def see(self, x: Tensor) -> None:
        """Note the start of a step that shows the network these images, (N, D, H, W)."""
        self.tick(len(x) * x.shape[-2] * x.shape[-1] / PIXELS)

    def watch(self, model: nn.Module) -> None:
        """Lets every forward pass of `model` count as the beginning of a step."""

        def note(_: nn.Module, inputs: tuple[Any, ...]) -> None:
            self.see(inputs[0])

        model.register_forward_pre_hook(note)

    def means(self) -> dict[str, float]:
        """Seconds and processor seconds per step, and images seen per step.

        Raises:
            RuntimeError: if there were fewer than three steps.
        """
        steps = len(self._wall) - 2
        if steps < 1:
            raise RuntimeError(f"the loop made {len(self._wall)} steps, too few to time")
        return {
            "wall": (self._wall[-1] - self._wall[1]) / steps,
            "process": (self._process[-1] - self._process[1]) / steps,
            "seen": sum(self._seen[1:-1]) / steps,
        }
