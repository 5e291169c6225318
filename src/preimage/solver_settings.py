"""The constants of each solver of Equation 1; `settings` holds those of the energy.

>>> SobolevLBFGS(stages=((15, 1.0), (45, 0.7))).evaluations
60
"""

from __future__ import annotations

import dataclasses
import itertools
from dataclasses import dataclass
from typing import Literal, TypeAlias

from preimage.checks import MOST_STEPS, finite, whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm1:
    """The constants of Algorithm 1 (section 3.4), the paper's solver.

    Attributes:
        momentum: rho.
        learning_rate: eta_0 as a fraction of B^2 / alpha.
        scale_rate_by_area: whether to multiply eta_0 by the number of pixels.
        iterations: T.
        natural_iterations: iterations of a stage after these, in which the image has the contrast
            and the saturation of photos, and the priors are relative to its contrast; see
            `parameterizations.NaturalContrast`. Weak noise is removed after it; see `denoising`.
            Images of other channels than gray or red, green and blue do without it.
        final_iterations: iterations of a second stage without jitter, which starts from the
            central crop of the first, with cleared accumulators. Networks always have this
            stage, HOG and DSIFT only after jitter.
        final_learning_rate: learning rate of the second stage as a fraction of the first's.

    Raises:
        ValueError: if a value is out of range.
    """

    name: Literal["algorithm-1"] = "algorithm-1"
    momentum: float = 0.9
    learning_rate: float = 0.05
    scale_rate_by_area: bool = True
    iterations: int = 300
    natural_iterations: int = 0
    final_iterations: int = 50
    final_learning_rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= finite("momentum", self.momentum) < 1:
            raise ValueError(f"momentum must lie in [0, 1), not {self.momentum}")
        for name in ("learning_rate", "final_learning_rate"):
            finite("learning rates", getattr(self, name), is_positive=True)
        for name in ("iterations", "natural_iterations", "final_iterations"):
            count = whole("numbers of iterations", getattr(self, name), most=MOST_STEPS)
            object.__setattr__(self, name, count)

    def with_steps(self, steps: int) -> Algorithm1:
        """Return these constants with another number of iterations before the final stage."""
        natural = (
            steps * self.natural_iterations // max(1, self.iterations + self.natural_iterations)
        )
        return dataclasses.replace(self, iterations=steps - natural, natural_iterations=natural)


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolevLBFGS:
    """The constants of L-BFGS in a Sobolev metric, the fast solver (docs/solver.md).

    Attributes:
        stages: (evaluations, softness) of each stage. The softness is that of the orientation
            binning, 0 to 1; representations without orientation bins ignore it.

    Raises:
        ValueError: if there is no stage, or a stage is out of range.
    """

    name: Literal["sobolev-lbfgs"] = "sobolev-lbfgs"
    stages: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        try:
            stages = tuple(
                (whole("count", count, 1, MOST_STEPS), float(finite("softness", softness, 0, 1)))
                for count, softness in self.stages
            )
        except (TypeError, ValueError):
            raise ValueError(
                f"a stage must be (evaluations, softness in [0, 1]), not {self.stages}"
            ) from None
        object.__setattr__(self, "stages", stages)
        if not stages:
            raise ValueError("sobolev-lbfgs needs at least one stage")

    @property
    def evaluations(self) -> int:
        """The number of evaluations of the energy in all stages together."""
        return sum(count for count, _ in self.stages)

    def with_steps(self, steps: int) -> SobolevLBFGS:
        """Return the same stages with `steps` evaluations in all, in the same proportions."""
        ends = [0, *itertools.accumulate(count for count, _ in self.stages)]
        rounded = [round(end * steps / ends[-1]) for end in ends]
        counts = [end - start for start, end in itertools.pairwise(rounded)]
        stages = zip(counts, (softness for _, softness in self.stages), strict=True)
        return SobolevLBFGS(stages=tuple(stage for stage in stages if stage[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class JitteredLBFGS:
    """The constants of jittered descent that L-BFGS completes, for networks (docs/solver.md).

    Attributes:
        iterations: jittered iterations of Algorithm 1.
        final_iterations: evaluations of L-BFGS after them, without jitter. A run that starts from
            given images has these alone, as many as both together.
        restored_luminance: share, 0 to 1, of the contrast that the priors took from the luminance
            and that is given back before L-BFGS; as a share of its logarithm.
        restored_chroma: the same for both chromas.
        denoising: gray levels of variation that are removed before the contrast is given back,
            see `denoising.denoise`, and three fifths of it during L-BFGS; 0 removes none.
        change_weight: weight of the total variation in L-BFGS, whose priors are those of the
            change of the image alone; relative to the weight before.

    Raises:
        ValueError: if a value is out of range, or there is no evaluation.
    """

    name: Literal["jittered-lbfgs"] = "jittered-lbfgs"
    iterations: int = 100
    final_iterations: int = 100
    restored_luminance: float = 0.35
    restored_chroma: float = 1.0
    denoising: float = 5.0
    change_weight: float = 0.1

    def __post_init__(self) -> None:
        for name in ("iterations", "final_iterations"):
            count = whole("numbers of iterations", getattr(self, name), most=MOST_STEPS)
            object.__setattr__(self, name, count)
        for name in ("restored_luminance", "restored_chroma"):
            finite(name, getattr(self, name), 0, 1)
        finite("denoising", self.denoising, 0)
        finite("change_weight", self.change_weight, is_positive=True)
        if not self.evaluations:
            raise ValueError("jittered-lbfgs needs at least one iteration")

    @property
    def evaluations(self) -> int:
        """The number of evaluations of the energy in both parts together."""
        return self.iterations + self.final_iterations

    def with_steps(self, steps: int) -> JitteredLBFGS:
        """Return these constants with `steps` evaluations in all, in the same proportion."""
        final = self.final_iterations * steps // self.evaluations
        return dataclasses.replace(self, iterations=steps - final, final_iterations=final)

    def from_images(self) -> JitteredLBFGS:
        """Return the constants of a run that starts from given images: all by L-BFGS."""
        return dataclasses.replace(self, iterations=0, final_iterations=self.evaluations)


Solver: TypeAlias = Algorithm1 | SobolevLBFGS | JitteredLBFGS

SOLVERS: dict[str, type[Solver]] = {
    "algorithm-1": Algorithm1,
    "sobolev-lbfgs": SobolevLBFGS,
    "jittered-lbfgs": JitteredLBFGS,
}
"""The solvers by name."""
