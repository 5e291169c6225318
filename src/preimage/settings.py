"""The constants of Eq. 1 and of Algorithm 1, and the presets that name them.

`PAPER` is what is printed in sections 3.3, 3.4 and 5.1; `NNPREIMAGE` is what the authors'
code, which made the figures, ran. docs/deviations.md lists where the two differ. As
printed, the learning rate is too small for the method to work.

    >>> NNPREIMAGE.replace(loss_weight=20).loss_weight
    20
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a visualization of a given target depends on, but the seed.

    Attributes:
        loss_weight: C of Eq. 1, the weight of the loss.
        alpha: exponent of the bounded-range prior (Eq. 5).
        beta: exponent of the total-variation prior (section 3.2.2).
        pixel_norm: B, the typical norm of a pixel (Eq. 5).
        max_pixel_norm: B_+, the most it may be (Eq. 6).
        gradient_norm: V, the typical norm of the image gradient (section 3.2.2).
        momentum: rho of Algorithm 1.
        learning_rate: eta_0 as a fraction of B^2 / alpha.
        scale_rate_by_area: multiply eta_0 by the number of pixels.
        iterations: T of Algorithm 1.
        jitter: T of Eq. 7, the number of shifts along each axis; None takes a quarter of
            the representation's stride, rounded, and 1 is no jitter.
        final_iterations: iterations of a second stage without jitter, which starts from
            the central crop of the first with the accumulators cleared.
        final_learning_rate: learning rate of that stage as a fraction of the first's.

    Raises:
        ValueError: if a value is out of range.
    """

    loss_weight: float
    alpha: float = 6
    beta: float = 2
    pixel_norm: float = 80
    max_pixel_norm: float = 160
    gradient_norm: float = 80 / 6.5
    momentum: float = 0.9
    learning_rate: float
    scale_rate_by_area: bool
    iterations: int = 300
    jitter: int | None = None
    final_iterations: int
    final_learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if self.alpha < 2 or self.beta < 1:
            raise ValueError(f"alpha must be at least 2 and beta 1, not {self.alpha}, {self.beta}")
        for name in ("pixel_norm", "max_pixel_norm", "gradient_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if not self.loss_weight >= 0:
            raise ValueError(f"loss_weight must not be negative, not {self.loss_weight}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {self.momentum}")
        if not (self.learning_rate > 0 and self.final_learning_rate > 0):
            raise ValueError("learning rates must be positive")
        if self.iterations < 0 or self.final_iterations < 0:
            raise ValueError("numbers of iterations must not be negative")
        if self.jitter is not None and self.jitter < 1:
            raise ValueError(f"jitter must be at least 1 (no jitter), not {self.jitter}")

    def replace(self, **changes: Any) -> Settings:
        """These settings with some values changed; unknown names raise TypeError."""
        return dataclasses.replace(self, **changes)


PAPER = Settings(loss_weight=20, learning_rate=0.01, scale_rate_by_area=False, final_iterations=0)
"""As printed: 300 iterations, eta_0 = 0.01 B^2 / alpha, and C = 20 for HOG and DSIFT."""

NNPREIMAGE = Settings(
    loss_weight=100, learning_rate=0.05, scale_rate_by_area=True, final_iterations=50
)
"""As the authors' code ran: eta_0 = 0.05 H W B^2 / alpha, C = 100 for HOG and DSIFT, and
after jitter 50 more iterations without it at a tenth of the rate."""

PRESETS = {"nnpreimage": NNPREIMAGE, "paper": PAPER}
"""The presets by name."""
