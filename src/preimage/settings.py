"""The constants of Eq. 1 and of its solvers, and the presets that name them.

`PAPER` is what is printed in sections 3.3, 3.4 and 5.1; `NNPREIMAGE` is what the authors'
code, which made the figures, ran. docs/deviations.md lists where the two differ. As
printed, the learning rate is too small for the method to work. `QUALITIES` are the same
energy under the fast solver, for HOG and dense SIFT, and `NETWORK_QUALITIES` for networks.

    >>> NNPREIMAGE.replace(loss_weight=20).loss_weight
    20
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Any, Literal

from preimage.names import unknown


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
        jitter: T of Eq. 7, the number of shifts along each axis, 1 for no jitter; None for
            that of the representation times `jitter_scale`.
        jitter_scale: see `jitter`.
        rotation: the view is turned by up to so many degrees either way, anew at each step.
        zoom: the view is zoomed by a factor between 1 / zoom and zoom, anew at each step.
        parameterization: "pixels", or "fourier" for a spectrum with decorrelated colors.
        start_amplitude: amplitude of the noise to start from, 1 for that of the authors.
        solver: "algorithm-1" (section 3.4) or "sobolev-lbfgs" (docs/solver.md).
        momentum: rho of Algorithm 1.
        learning_rate: eta_0 as a fraction of B^2 / alpha.
        scale_rate_by_area: multiply eta_0 by the number of pixels.
        iterations: T of Algorithm 1.
        final_iterations: iterations of a second stage without jitter, which starts from the
            central crop of the first with the accumulators cleared. Networks always have
            it, HOG and DSIFT only after jitter.
        final_learning_rate: learning rate of that stage as a fraction of the first's.
        stages: for sobolev-lbfgs, evaluations and softness of the orientation binning of
            each stage; representations without orientation bins ignore the softness.

    Raises:
        ValueError: if a value is out of range.
    """

    loss_weight: float = 100
    alpha: float = 6
    beta: float = 2
    pixel_norm: float = 80
    max_pixel_norm: float = 160
    gradient_norm: float = 80 / 6.5
    jitter: int | None = None
    jitter_scale: int = 1
    rotation: float = 0
    zoom: float = 1
    parameterization: Literal["pixels", "fourier"] = "pixels"
    start_amplitude: float = 1
    solver: Literal["algorithm-1", "sobolev-lbfgs"] = "algorithm-1"
    momentum: float = 0.9
    learning_rate: float = 0.05
    scale_rate_by_area: bool = True
    iterations: int = 300
    final_iterations: int = 50
    final_learning_rate: float = 0.1
    stages: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", tuple((int(n), float(s)) for n, s in self.stages))
        if not (self.alpha >= 2 and self.beta >= 1):
            raise ValueError(f"alpha must be at least 2 and beta 1, not {self.alpha}, {self.beta}")
        for name in ("pixel_norm", "max_pixel_norm", "gradient_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, not {getattr(self, name)}")
        if not self.loss_weight >= 0:
            raise ValueError(f"loss_weight must not be negative, not {self.loss_weight}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {self.momentum}")
        if not self.start_amplitude >= 0:
            raise ValueError(f"start_amplitude must not be negative, not {self.start_amplitude}")
        if not (self.learning_rate > 0 and self.final_learning_rate > 0):
            raise ValueError("learning rates must be positive")
        if self.iterations < 0 or self.final_iterations < 0:
            raise ValueError("numbers of iterations must not be negative")
        self._check_views()
        if self.solver not in SOLVERS:
            raise ValueError(unknown("solver", self.solver, SOLVERS))
        if self.solver == "sobolev-lbfgs":
            self._check_sobolev_lbfgs()
        if any(count < 1 or not 0 <= softness <= 1 for count, softness in self.stages):
            raise ValueError(f"a stage is (evaluations, softness in [0, 1]), not {self.stages}")

    def _check_views(self) -> None:
        if self.jitter is not None and self.jitter < 1:
            raise ValueError(f"jitter must be at least 1 (no jitter), not {self.jitter}")
        if self.jitter_scale < 1:
            raise ValueError(f"jitter_scale must be at least 1, not {self.jitter_scale}")
        if not (0 <= self.rotation <= 180 and self.zoom >= 1):
            raise ValueError(
                "rotation must lie in 0..180 degrees and zoom be at least 1, not "
                f"{self.rotation}, {self.zoom}"
            )
        if self.parameterization not in PARAMETERIZATIONS:
            raise ValueError(
                f"unknown parameterization {self.parameterization!r}: there are "
                f"{', '.join(PARAMETERIZATIONS)}"
            )

    def _check_sobolev_lbfgs(self) -> None:
        if not self.stages:
            raise ValueError("sobolev-lbfgs needs stages")
        if self.rotation or self.zoom != 1 or self.parameterization != "pixels":
            raise ValueError("sobolev-lbfgs neither turns nor zooms and changes pixels alone")

    @property
    def steps(self) -> int:
        """Evaluations of the energy, without those of the final stage."""
        if self.solver == "algorithm-1":
            return self.iterations
        return sum(count for count, _ in self.stages)

    def replace(self, **changes: Any) -> Settings:
        """These settings with some values changed; unknown names raise TypeError."""
        return dataclasses.replace(self, **changes)

    def with_steps(self, steps: int) -> Settings:
        """These settings with so many steps, stages keeping their proportions.

        Raises:
            ValueError: if there is none.

        >>> QUALITIES["fast"].with_steps(20).steps
        20
        """
        if steps < 1:
            raise ValueError(f"the number of steps must be at least 1, not {steps}")
        ends = [0]
        for count, _ in self.stages:
            ends.append(ends[-1] + count)
        counts = [
            round(end * steps / ends[-1]) - round(start * steps / ends[-1])
            for start, end in itertools.pairwise(ends)
        ]
        stages = tuple(
            (count, softness)
            for count, (_, softness) in zip(counts, self.stages, strict=True)
            if count
        )
        return self.replace(iterations=steps, stages=stages)


PARAMETERIZATIONS = ("pixels", "fourier")
"""What Algorithm 1 can change, by name."""

SOLVERS = ("algorithm-1", "sobolev-lbfgs")
"""The solvers by name."""

NNPREIMAGE = Settings()
"""As the authors' code ran: eta_0 = 0.05 H W B^2 / alpha, C = 100 for HOG and DSIFT, and
after jitter 50 more iterations without it at a tenth of the rate."""

PAPER = Settings(loss_weight=20, learning_rate=0.01, scale_rate_by_area=False, final_iterations=0)
"""As printed: 300 iterations, eta_0 = 0.01 B^2 / alpha, and C = 20 for HOG and DSIFT."""

PRESETS = {"nnpreimage": NNPREIMAGE, "paper": PAPER}
"""The presets of Algorithm 1 by name."""

MODERN = Settings(
    loss_weight=3,
    jitter_scale=4,
    rotation=15,
    zoom=1.4,
    parameterization="fourier",
    final_iterations=0,
)
"""What made the clearest pictures of a recent network's classes (docs/maximization.md): a
spectrum with decorrelated colors, views shifted by a whole stride, turned and zoomed, and no
last iterations of a single view, which bring back what only that view excites."""

EXCITATION_PRESETS = {
    "modern": MODERN,
    "nnpreimage": NNPREIMAGE.replace(loss_weight=1),
    "paper": PAPER.replace(loss_weight=1),
}
"""The presets of activation maximization, whose C is a multiple of 1 / Z. Caricature has those
of `PRESETS` alone: a photo that is turned does not match the code of the one that is not."""

_UNTIL_RELU5 = (("relu3", 300.0), ("relu4", 100.0), ("relu5", 20.0))

LAYER_LOSS_WEIGHTS: dict[str, tuple[tuple[str, float], ...]] = {
    "alexnet": _UNTIL_RELU5,
    "caffenet": _UNTIL_RELU5,
    "vgg-f": _UNTIL_RELU5,
    "vgg-m": _UNTIL_RELU5,
    "vgg-s": _UNTIL_RELU5,
    "vgg-vd-16": (("conv4_3", 300), ("conv5_1", 100), ("conv5_3", 20)),
    "vgg-vd-19": (("conv4_4", 300), ("conv5_1", 100), ("conv5_4", 20)),
    "efficientnet-lite0": (
        ("blocks.2", 300),
        ("blocks.13", 20),
        ("head", 1),
        ("pool", 20),
        ("classifier", 100),
    ),
}
"""C of networks by name, each up to and with a layer; 1 behind the last of them. Section
5.2.1, applied to the relatives of its networks too, and measured for EfficientNet-Lite0."""

STRIDE_LOSS_WEIGHTS = ((4, 300.0), (8, 100.0), (16, 20.0))
"""C of other networks, each for strides up to this one; 1 beyond."""

LAST_LOSS_WEIGHT = 1.0
"""C of the layers behind all those of the two tables above."""

_DRAFT = Settings(
    loss_weight=20,
    jitter=1,
    start_amplitude=0.5,
    solver="sobolev-lbfgs",
    stages=((20, 1.0),),
)

QUALITIES = {
    "draft": _DRAFT,
    "fast": _DRAFT.replace(stages=((15, 1.0), (45, 0.7))),
    "best": _DRAFT.replace(stages=((15, 1.0), (125, 0.8), (35, 0.4), (25, 0.2))),
}
"""The fast solver at 20, 60 and 200 evaluations; C = 20."""

NETWORK_QUALITIES = {
    "draft": _DRAFT.replace(stages=((60, 0.0),)),
    "fast": _DRAFT.replace(stages=((200, 0.0),)),
    "best": _DRAFT.replace(stages=((350, 0.0),)),
}
"""The same for layers of networks, at 60, 200 and 350 evaluations; C is the layer's own."""
