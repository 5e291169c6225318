"""The constants of Equation 1 and of its solvers.

The defaults are those of the authors' code; `presets` has all settings that have a name.

    >>> Settings(loss_weight=20).replace(iterations=50).solver.iterations
    50
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from preimage.checks import MOST_STEPS, finite, whole
from preimage.loss_weight import LARGEST_WEIGHT, LossWeight, is_auto
from preimage.names import unknown
from preimage.solver_settings import SOLVERS, Algorithm1, JitteredLBFGS, SobolevLBFGS, Solver

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
    "branch_gradient": {"least": 0, "most": 1},
}
"""The limits of each constant of `Settings` that is a finite number; see `checks.finite`."""

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
class Settings:
    """All constants that a visualization depends on.

    Attributes:
        loss_weight: C of Eq. 1, the weight of the loss, for `invert`; "auto" to have it chosen.
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
        branch_gradient: share of their gradient that branches beside skip paths pass on while
            Algorithm 1 runs; see `representations.skip_paths`.
        parameterization: "pixels", or "fourier" for a spectrum with decorrelated colors.
        start_amplitude: amplitude of the noise to start from; the authors' is 1.
        solver: `Algorithm1`, `SobolevLBFGS` or `JitteredLBFGS`, with its own constants.

    Raises:
        ValueError: if a value is out of range, or the solver cannot do what is asked for.
    """

    loss_weight: LossWeight = 100
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
    branch_gradient: float = 1
    parameterization: Literal["pixels", "fourier"] = "pixels"
    start_amplitude: float = 1
    solver: Solver = field(default_factory=Algorithm1)

    def __post_init__(self) -> None:
        is_open = {"loss_weight": is_auto(self.loss_weight), "strength": self.strength is None}
        for name, limits in _LIMITS.items():
            if not is_open.get(name):
                object.__setattr__(self, name, finite(name, getattr(self, name), **limits))
        for name, largest in _LARGEST.items():
            if not is_open.get(name) and (value := getattr(self, name)) > largest:
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
        plain = (
            self.parameterization == "pixels" and not self.turns_views and self.branch_gradient == 1
        )
        if isinstance(self.solver, SobolevLBFGS) and not plain:
            raise ValueError(
                "sobolev-lbfgs changes pixels, keeps the view and needs exact gradients: set "
                "parameterization to 'pixels', rotation to 0, zoom and branch_gradient to 1, or "
                "choose Algorithm1"
            )
        if isinstance(self.solver, Algorithm1) and is_auto(self.loss_weight):
            raise ValueError("Algorithm 1 does not choose C: give loss_weight a number")

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
