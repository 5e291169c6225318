"""The settings that have a name: presets of Algorithm 1 and qualities of the fast solvers.

`PAPER` has the constants printed in sections 3.3, 3.4 and 5.1, `NNPREIMAGE` those of the
authors' code, which made the figures. With the printed learning rate the method does not work
(docs/deviations.md). The qualities need fewer evaluations of the energy; they differ between
networks and the classical representations.

    >>> NNPREIMAGE.replace(loss_weight=20).loss_weight
    20
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from preimage.loss_weight import AUTO
from preimage.names import unknown
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, JitteredLBFGS, SobolevLBFGS

if TYPE_CHECKING:
    from preimage.representations.base import Representation

NNPREIMAGE = Settings()
"""The constants of the authors' code: eta_0 = 0.05 H W B^2 / alpha, C = 100 for HOG and DSIFT,
and 50 final iterations without jitter at a tenth of the rate."""

PAPER = Settings(
    loss_weight=20,
    solver=Algorithm1(learning_rate=0.01, scale_rate_by_area=False, final_iterations=0),
)
"""The printed constants: 300 iterations, eta_0 = 0.01 B^2 / alpha, C = 20 for HOG and DSIFT."""

MODERN = Settings(
    strength=40,
    jitter_scale=4,
    rotation=20,
    zoom=1.8,
    branch_gradient=0.4,
    parameterization="fourier",
    solver=Algorithm1(iterations=200, natural_iterations=100, final_iterations=0),
)
"""The default of `maximize`: of the settings tried, those whose pictures of a recent network's
classes other networks believe and that look most like photos (docs/pictures.md). They optimize a
spectrum with decorrelated colors, in views that are shifted by up to a stride, turned and zoomed,
by gradients that prefer the skip paths of residual networks; the last third of the steps sees
images with the contrast of photos, and weak noise is removed after it. They have no final stage
with a fixed view, which would bring back patterns that excite only this view."""

ANCHORED = Settings(
    alpha=2, solver=JitteredLBFGS(iterations=0, final_iterations=100, change_weight=0.5)
)
"""The default of `caricature`: the priors are those of the change since the photo, so that the
photo's colors and contrast stay, and L-BFGS makes the change without jitter."""

PRESETS = {"modern": MODERN, "nnpreimage": NNPREIMAGE, "paper": PAPER}
"""The presets of Algorithm 1 by name."""

UPRIGHT_PRESETS = {name: preset for name, preset in PRESETS.items() if not preset.turns_views}
"""The presets for `invert`, without turned views: a turned photo does not match the code of the
upright photo."""

CARICATURE_PRESETS = {"anchored": ANCHORED, **UPRIGHT_PRESETS}
"""The presets for `caricature`, likewise, with one that needs a photo to start from."""

Visualization: TypeAlias = Literal["invert", "maximize", "caricature"]

STRENGTHS: dict[str, float] = {"maximize": 1.0, "caricature": 10.0}
"""By visualization, C in units of 1 / Z, for settings without `strength`. With the authors'
1, priors outweigh the loss of early layers in a caricature (docs/maximization.md)."""

_DRAFT = Settings(
    loss_weight=20, jitter=1, start_amplitude=0.5, solver=SobolevLBFGS(stages=((20, 1.0),))
)

QUALITIES = ("draft", "fast", "best")
"""Names of the settings of the fast solvers, from quick to thorough."""

CLASSICAL_QUALITIES = {
    "draft": _DRAFT,
    "fast": _DRAFT.replace(stages=((15, 1.0), (45, 0.7))),
    "best": _DRAFT.replace(stages=((15, 1.0), (125, 0.8), (35, 0.4), (25, 0.2))),
}
"""The qualities of HOG and dense SIFT: 20, 60 and 200 evaluations; C = 20."""

_FAST = Settings(
    loss_weight=20,
    branch_gradient=0.25,
    parameterization="fourier",
    start_amplitude=0.1,
    solver=JitteredLBFGS(),
)

NETWORK_QUALITIES = {
    "draft": _FAST.with_steps(60),
    "fast": _FAST,
    "best": _FAST.with_steps(350),
}
"""The qualities of networks: 60, 200 and 350 evaluations; C is the layer's own."""

SOBOLEV_QUALITIES = {
    "draft": _DRAFT.replace(stages=((60, 0.0),)),
    "fast": _DRAFT.replace(stages=((200, 0.0),)),
    "best": _DRAFT.replace(stages=((350, 0.0),)),
}
"""The qualities of networks with the solver sobolev-lbfgs, which minimizes Eq. 1 as it stands."""


_BRIGHT = {"pixel_norm": 160.0, "max_pixel_norm": 221.0}
"""B and B_+ for codes that keep brightness: a black or white pixel has the norm 127.5 sqrt(3)."""


def settings_for(
    representation: Representation, name: str = "fast", solver: str | None = None
) -> Settings:
    """Return the settings of one of `QUALITIES` or `PRESETS`, with the representation's own C.

    A quality is that of `solver`, one of the fast solvers; by default jittered-lbfgs for networks,
    sobolev-lbfgs for HOG, dense SIFT and others that are no network. Its C is "auto" if no table
    gives the representation's.
    Of a representation that is no network and keeps brightness, it allows black and white.

    Raises:
        ValueError: if there is no such name.

    >>> from preimage.representations.hog import HOG
    >>> settings_for(HOG(), "fast").solver.evaluations
    60
    """
    if solver is None:
        solver = "jittered-lbfgs" if representation.is_network else "sobolev-lbfgs"
    unjittered = SOBOLEV_QUALITIES if representation.is_network else CLASSICAL_QUALITIES
    qualities = NETWORK_QUALITIES if solver == "jittered-lbfgs" else unjittered
    known = {**qualities, **PRESETS}
    if name not in known:
        raise ValueError(unknown("settings", name, known))
    chooses = name in qualities and representation.chooses_loss_weight
    own = AUTO if chooses else representation.loss_weight
    found = known[name] if own is None else known[name].replace(loss_weight=own)
    is_bright = not (representation.is_network or representation.ignores_contrast)
    return found.replace(**_BRIGHT) if is_bright and name in qualities else found


def strength_of(
    visualization: Visualization, settings: Settings, strength: float | None = None
) -> float:
    """Return `strength` if given, else the settings' strength, else the visualization's.

    >>> strength_of("caricature", NNPREIMAGE), strength_of("maximize", MODERN, 2)
    (10.0, 2)
    """
    if strength is not None:
        return strength
    return STRENGTHS[visualization] if settings.strength is None else settings.strength
