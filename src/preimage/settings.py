"""The constants of Equation 1 and of its solvers.

The defaults are those of the authors' code; `presets` has all settings that have a name.

    >>> Settings(loss_weight=20).replace(iterations=50).solver.iterations
    50
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from preimage.checks import MOST_STEPS, finite, whole
from preimage.names import unknown

if TYPE_CHECKING:
    from preimage.representations.base import Representation

_POSITIVE: dict[str, Any] = {"is_positive": True}
_LIMITS: dict[str, dict[str, Any]] = {
    "alpha": {"least": 2},
    "beta": {"least": 0.5},
    "chroma_weight": _POSITIVE,
    "loss_weight": {"least": 0},
    "strength": _POSITIVE,
    "pixel_norm": _POSITIVE,
    "max_pixel_norm": _POSITIVE,
    "gradient_norm": _POSITIVE,
    "start_amplitude": {"least": 0},
    "rotation": {"least": 0, "most": 180},
    "zoom": {"least": 1, "most": 100},
}
"""The limits of each constant of `Settings` that is a finite number; see `checks.finite`."""

LARGEST_WEIGHT = 3e38
"""The largest loss weight that single precision holds."""

_LARGEST: dict[str, float] = {
    "alpha": 100,
    "beta": 100,
    "chroma_weight": 1e6,
    "loss_weight": LARGEST_WEIGHT,
    "strength": LARGEST_WEIGHT,
    "pixel_norm": 1e6,
    "max_pixel_norm": 1e6,
    "gradient_norm": 1e12,
    "start_amplitude": 1e6,
}
"""The largest value of each constant whose powers and products must stay in single precision."""

_POWERS = (-30, 300)
"""The limits of the decimal exponent of V ** beta, by which the total variation is divided."""

_MOST_SHIFTS = {"jitter": 4096, "jitter_scale": 1024}

PRIORS = ("tv", "opponent-tv")
"""Names of the priors of the variation; that of a user's own function ends with "()"."""

PARAMETERIZATIONS = ("pixels", "fourier")
"""Names of the image parameterizations that Algorithm 1 can optimize."""


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
            `parameterizations.NaturalContrast`. Images of other channels than gray or red, green
            and blue do without it.
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
        change_weight: weight of the total variation in L-BFGS, whose priors are those of the
            change of the image alone; relative to the weight before.

    Raises:
        ValueError: if a value is out of range, or there is no evaluation.
    """

    name: Literal["jittered-lbfgs"] = "jittered-lbfgs"
    iterations: int = 120
    final_iterations: int = 80
    restored_luminance: float = 0.5
    restored_chroma: float = 1.0
    change_weight: float = 0.1

    def __post_init__(self) -> None:
        for name in ("iterations", "final_iterations"):
            count = whole("numbers of iterations", getattr(self, name), most=MOST_STEPS)
            object.__setattr__(self, name, count)
        for name in ("restored_luminance", "restored_chroma"):
            finite(name, getattr(self, name), 0, 1)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All constants that a visualization depends on.

    Attributes:
        loss_weight: C of Eq. 1, the weight of the loss, for `invert`.
        strength: C of `maximize` and `caricature` as a multiple of 1 / Z. If None, it is that
            of `presets.STRENGTHS`.
        alpha: exponent of the bounded-range prior (Eq. 5).
        prior: the prior of the variation: "tv" for R_TV^beta, "opponent-tv" for that of luminance
            and chroma (see `priors`), or the name of a user's own function with "()".
        beta: exponent of the total variation (section 3.2.2).
        chroma_weight: weight of the chromas' total variation, for "opponent-tv".
        pixel_norm: B, the typical norm of a pixel (Eq. 5).
        max_pixel_norm: B_+, the largest norm that a pixel may have (Eq. 6).
        gradient_norm: V, the typical norm of the image gradient (section 3.2.2).
        jitter: T of Eq. 7, the number of shifts along each axis; 1 is no jitter. If None, it
            is the representation's `default_jitter` times `jitter_scale`.
        jitter_scale: see `jitter`.
        rotation: largest angle in degrees by which the view is turned at random at each step.
        zoom: largest factor by which the view is enlarged or reduced at random at each step.
        parameterization: "pixels", or "fourier" for a spectrum with decorrelated colors.
        start_amplitude: amplitude of the noise to start from; the authors' is 1.
        solver: `Algorithm1`, `SobolevLBFGS` or `JitteredLBFGS`, with its own constants.

    Raises:
        ValueError: if a value is out of range, or the solver cannot do what is asked for.
    """

    loss_weight: float = 100
    strength: float | None = None
    alpha: float = 6
    prior: str = "tv"
    beta: float = 2
    chroma_weight: float = 4
    pixel_norm: float = 80
    max_pixel_norm: float = 160
    gradient_norm: float = 80 / 6.5
    jitter: int | None = None
    jitter_scale: int = 1
    rotation: float = 0
    zoom: float = 1
    parameterization: Literal["pixels", "fourier"] = "pixels"
    start_amplitude: float = 1
    solver: Solver = field(default_factory=Algorithm1)

    def __post_init__(self) -> None:
        for name, limits in _LIMITS.items():
            if (value := getattr(self, name)) is not None or name != "strength":
                object.__setattr__(self, name, finite(name, value, **limits))
        for name, largest in _LARGEST.items():
            if (value := getattr(self, name)) is not None and value > largest:
                raise ValueError(f"{name} must be at most {largest:g}, not {value:g}")
        for name, most in _MOST_SHIFTS.items():
            if (count := getattr(self, name)) is not None or name != "jitter":
                object.__setattr__(self, name, whole(name, count, 1, most))
        power = self.beta * math.log10(self.gradient_norm)
        if not _POWERS[0] <= power <= _POWERS[1]:
            raise ValueError(
                f"gradient_norm {self.gradient_norm:g} to the power of beta {self.beta:g} is too "
                f"{'small' if power < 0 else 'large'}: give other values"
            )
        self._check_prior()
        if self.parameterization not in PARAMETERIZATIONS:
            raise ValueError(unknown("parameterization", self.parameterization, PARAMETERIZATIONS))
        self._check_solver()

    def _check_prior(self) -> None:
        if not isinstance(self.prior, str):
            raise ValueError(
                f"prior must be the name of one in settings, such as tv, not {self.prior!r}: give "
                "a function as prior=FUNCTION to invert, maximize or caricature"
            )
        if self.prior not in PRIORS and not self.prior.endswith("()"):
            raise ValueError(unknown("prior", self.prior, PRIORS))

    def _check_solver(self) -> None:
        if not isinstance(self.solver, Solver):
            kinds = "Algorithm1, SobolevLBFGS or JitteredLBFGS"
            raise ValueError(f"solver must be {kinds}, not {self.solver!r}")
        plain = self.parameterization == "pixels" and not self.turns_views
        if isinstance(self.solver, SobolevLBFGS) and not plain:
            raise ValueError(
                "sobolev-lbfgs changes pixels and keeps the view: set parameterization to "
                "'pixels', rotation to 0 and zoom to 1, or choose Algorithm1"
            )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Return the settings that `dataclasses.asdict` turned into these values.

        >>> Settings.from_dict(dataclasses.asdict(Settings(beta=1.5))).beta
        1.5
        """
        solver = values["solver"]
        return cls(**{**values, "solver": SOLVERS[solver["name"]](**solver)})

    def replace(self, **changes: Any) -> Settings:
        """Return these settings with some values changed, which can be values of the solver.

        Raises:
            TypeError: if a name is not that of a constant.
            ValueError: if a value is out of range.

        >>> Settings().replace(beta=1.5, iterations=20).solver.iterations
        20
        """
        own = {field.name for field in dataclasses.fields(self)}
        of_solver = {name: changes.pop(name) for name in changes.keys() - own}
        if of_solver:
            solver: Solver = changes.get("solver", self.solver)
            for name in of_solver.keys() - _constants(solver):
                raise TypeError(f"no constant {name!r} of the settings or of {solver.name}")
            changes["solver"] = dataclasses.replace(solver, **of_solver)
        return dataclasses.replace(self, **changes)

    def with_steps(self, steps: int) -> Settings:
        """Return these settings with `steps` steps; stages keep their proportions.

        Raises:
            ValueError: if `steps` is less than 1.

        >>> solver = SobolevLBFGS(stages=((15, 1.0), (45, 0.7)))
        >>> Settings(solver=solver).with_steps(20).solver.stages
        ((5, 1.0), (15, 0.7))
        """
        steps = whole("the number of steps", steps, 1, MOST_STEPS)
        return dataclasses.replace(self, solver=self.solver.with_steps(steps))

    def from_images(self) -> Settings:
        """Return the settings of a run that starts from given images in place of noise."""
        if not isinstance(self.solver, JitteredLBFGS):
            return self
        return dataclasses.replace(self, solver=self.solver.from_images())

    def constants(self) -> dict[str, Any]:
        """Return all constants by name, including the solver's; `solver` is the solver's name."""
        return _constants(self) | {"solver": self.solver.name} | _constants(self.solver)

    def for_channels(self, channels: int) -> Settings:
        """Return the settings whose norms fit pixels of this many channels.

        B, B_+ and V are norms of up to three channels. For more channels they grow with the square
        root of the number.

        >>> Settings().for_channels(3).pixel_norm, Settings().for_channels(12).pixel_norm
        (80, 160.0)
        """
        if channels <= 3:
            return self
        names = ("pixel_norm", "max_pixel_norm", "gradient_norm")
        factor = math.sqrt(channels / 3)
        return dataclasses.replace(self, **{name: factor * getattr(self, name) for name in names})

    @property
    def turns_views(self) -> bool:
        """True if views are turned or zoomed."""
        return self.rotation > 0 or self.zoom > 1

    @property
    def typical_deviation(self) -> float:
        """B / sqrt(3): standard deviation of gray levels that are uniform in -B..B."""
        return self.pixel_norm / math.sqrt(3)

    def shifts(self, representation: Representation) -> int:
        """Return T of Eq. 7, the number of shifts along each axis, for a representation."""
        if isinstance(self.solver, JitteredLBFGS) and not self.solver.iterations:
            return 1
        if self.jitter is not None:
            return self.jitter
        return representation.default_jitter * self.jitter_scale

    def final_steps(self, representation: Representation) -> int:
        """Return the number of steps of the final stage of Algorithm 1; 0 if there is none."""
        if not isinstance(self.solver, Algorithm1):
            return 0
        needed = representation.is_network or self.turns_views or self.shifts(representation) > 1
        return self.solver.final_iterations if needed else 0

    def natural_steps(self, representation: Representation) -> int:
        """Return the number of steps of Algorithm 1 with natural contrast; 0 without such steps."""
        if not isinstance(self.solver, Algorithm1):
            return 0
        has_colors = representation.preprocessing.channels in (1, 3)
        return self.solver.natural_iterations if has_colors else 0

    def evaluations(self, representation: Representation) -> int:
        """Return the number of evaluations of the energy in a run that is not interrupted."""
        if isinstance(self.solver, Algorithm1):
            first = self.solver.iterations + self.natural_steps(representation)
            return first + self.final_steps(representation)
        return self.solver.evaluations


def _constants(values: Settings | Solver) -> dict[str, Any]:
    """Return the constants of settings without their solver, or those of a solver."""
    names = (field.name for field in dataclasses.fields(values))
    return {name: getattr(values, name) for name in names if name not in ("name", "solver")}
