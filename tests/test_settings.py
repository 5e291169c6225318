"""What settings refuse, how they change, and that they survive being written as text."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from pydantic import TypeAdapter
from torch import nn

from preimage.preprocessing import GRAY
from preimage.presets import CLASSICAL_QUALITIES, MODERN, NETWORK_QUALITIES, NNPREIMAGE, PAPER
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1, SobolevLBFGS
from tests.support import Projections

FAST = CLASSICAL_QUALITIES["fast"]
JITTERED = NETWORK_QUALITIES["fast"].replace(iterations=110, final_iterations=90)


@pytest.mark.parametrize(
    "settings",
    [NNPREIMAGE, FAST, JITTERED, MODERN.replace(learning_rate=1, jitter=3, prior="own()")],
)
def test_settings_are_what_their_text_says(settings: Settings) -> None:
    adapter = TypeAdapter(Settings)
    assert adapter.validate_json(adapter.dump_json(settings)) == settings
    text = json.dumps(dataclasses.asdict(settings))
    assert Settings.from_dict(json.loads(text)) == settings


def test_replace_changes_what_it_names_and_nothing_else() -> None:
    changed = PAPER.replace(beta=1.5, jitter=3)
    assert dataclasses.asdict(changed) == dataclasses.asdict(PAPER) | {"beta": 1.5, "jitter": 3}
    assert PAPER.beta == 2


def test_replace_reaches_the_constants_of_the_solver() -> None:
    changed = PAPER.replace(iterations=7, strength=2)
    assert changed.solver == Algorithm1(
        iterations=7, learning_rate=0.01, scale_rate_by_area=False, final_iterations=0
    )
    assert PAPER.replace(solver=FAST.solver, stages=[(3, 1)]).solver == SobolevLBFGS(
        stages=((3, 1.0),)
    )


@pytest.mark.parametrize(
    ("settings", "name"), [(PAPER, "weight"), (PAPER, "stages"), (FAST, "momentum"), (FAST, "name")]
)
def test_replace_refuses_a_constant_that_there_is_not(settings: Settings, name: str) -> None:
    with pytest.raises(TypeError, match=f"no constant '{name}' .* {settings.solver.name}"):
        settings.replace(**{name: 1})


def test_constants_are_those_of_the_solver_too() -> None:
    constants = FAST.constants()
    assert (constants["beta"], constants["solver"]) == (2, "sobolev-lbfgs")
    assert constants["stages"] == ((15, 1.0), (45, 0.7))
    assert set(PAPER.constants()) - set(constants) == {
        "momentum", "learning_rate", "scale_rate_by_area", "iterations", "natural_iterations",
        "final_iterations", "final_learning_rate",
    }  # fmt: skip


@pytest.mark.parametrize("settings", [PAPER, FAST])
def test_no_steps_at_all_are_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="number of steps must be at least 1, not 0"):
        settings.with_steps(0)


def test_the_final_stage_counts_for_networks_and_where_views_vary() -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(1, 1, 3)), "0", GRAY)
    assert NNPREIMAGE.evaluations(layer) == 350
    assert NNPREIMAGE.evaluations(HOG()) == 300
    assert NNPREIMAGE.replace(jitter=2).evaluations(HOG()) == 350
    assert NNPREIMAGE.replace(rotation=1).evaluations(HOG()) == 350
    assert FAST.evaluations(layer) == FAST.evaluations(HOG()) == 60


def test_the_jitter_is_that_of_the_representation_unless_it_is_given() -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(1, 1, 9, stride=8)), "0", GRAY)
    assert NNPREIMAGE.shifts(layer) == 2
    assert NNPREIMAGE.replace(jitter_scale=4).shifts(layer) == 8
    assert NNPREIMAGE.replace(jitter_scale=4, jitter=5).shifts(layer) == 5


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAPER.beta = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 1}, "alpha must be at least 2"),
        ({"beta": 0.4}, "beta must be at least 0.5"),
        ({"chroma_weight": 0}, "chroma_weight must be positive"),
        ({"prior": "opponent"}, "unknown prior 'opponent'"),
        ({"prior": "gaussian"}, "there are tv, opponent-tv"),
        ({"prior": len}, "prior=FUNCTION to invert, maximize or caricature"),
        ({"pixel_norm": 0}, "pixel_norm must be positive"),
        ({"max_pixel_norm": -1}, "max_pixel_norm must be positive"),
        ({"gradient_norm": float("nan")}, "gradient_norm must be positive"),
        ({"loss_weight": -1}, "loss_weight must not be negative"),
        ({"loss_weight": float("nan")}, "loss_weight must not be negative"),
        ({"strength": 0}, "strength must be positive"),
        ({"momentum": 1}, "momentum must lie in"),
        ({"jitter_scale": 0}, "jitter_scale must be at least 1"),
        ({"rotation": -1}, "rotation must lie in"),
        ({"zoom": 0.5}, "zoom must lie in 1..100"),
        ({"parameterization": "wavelets"}, "there are pixels, fourier"),
        ({"learning_rate": 0}, "learning rates must be positive"),
        ({"final_learning_rate": 0}, "learning rates must be positive"),
        ({"iterations": -1}, "must not be negative"),
        ({"final_iterations": -1}, "must not be negative"),
        ({"jitter": 0}, "jitter must be at least 1"),
        ({"jitter": 1.5}, "jitter must be a whole number, not 1.5"),
        ({"jitter_scale": True}, "jitter_scale must be a whole number, not True"),
        ({"iterations": 1.5}, "must be a whole number, not 1.5"),
        ({"zoom": float("inf")}, "zoom must lie in 1..100, not inf"),
        ({"rotation": float("nan")}, "rotation must lie in 0..180, not nan"),
        *(
            ({name: float("inf")}, f"{name} must be a finite number, not inf")
            for name in (
                "alpha",
                "beta",
                "pixel_norm",
                "max_pixel_norm",
                "gradient_norm",
                "loss_weight",
                "start_amplitude",
                "strength",
            )
        ),
        ({"alpha": 1e9}, "alpha must be at most 100, not 1e\\+09"),
        ({"beta": 1e9}, "beta must be at most 100, not 1e\\+09"),
        ({"beta": "3"}, "beta must be at least 0.5, not '3'"),
        ({"pixel_norm": 1e300}, "pixel_norm must be at most 1e\\+06"),
        ({"loss_weight": 1e300}, "loss_weight must be at most 3e\\+38"),
        ({"strength": 1e300}, "strength must be at most 3e\\+38"),
        ({"start_amplitude": 1e300}, "start_amplitude must be at most 1e\\+06"),
        ({"gradient_norm": 1e-30}, "gradient_norm 1e-30 to the power of beta 2 is too small"),
        ({"gradient_norm": 1e6, "beta": 99}, "1e\\+06 to the power of beta 99 is too large"),
        ({"jitter": 10**8}, "jitter must be at most 4096, not 100000000"),
        ({"jitter_scale": 10**9}, "jitter_scale must be at most 1024, not 1000000000"),
        ({"learning_rate": float("inf")}, "learning rates must be a finite number, not inf"),
        ({"momentum": float("nan")}, "momentum must"),
        ({"loss_weight": "many"}, "loss_weight must not be negative, not 'many'"),
        (
            {"solver": "algorithm-1"},
            "solver must be Algorithm1, SobolevLBFGS or JitteredLBFGS, not",
        ),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PAPER.replace(**changes)


def test_numbers_of_numpy_are_settings() -> None:
    given = PAPER.replace(iterations=np.int64(7), jitter=np.uint8(3), zoom=np.float32(1.5))
    assert (type(given.jitter), given.jitter, type(given.zoom)) == (int, 3, float)
    assert given.with_steps(np.int64(5)).solver == PAPER.solver.with_steps(5)  # type: ignore[arg-type]


def test_the_norms_of_more_than_three_channels_grow_with_their_root() -> None:
    assert PAPER.for_channels(1) is PAPER.for_channels(3) is PAPER
    of_27 = PAPER.for_channels(27)
    assert (of_27.pixel_norm, of_27.max_pixel_norm) == (240, 480)
    assert of_27.replace(pixel_norm=80, max_pixel_norm=160, gradient_norm=80 / 6.5) == PAPER


@pytest.mark.parametrize("settings", [PAPER, JITTERED], ids=["algorithm-1", "jittered-lbfgs"])
def test_no_number_may_be_nan(settings: Settings) -> None:
    for kind in (settings, settings.solver):
        names = [field.name for field in dataclasses.fields(kind) if field.type == "float"]
        for name in names:
            with pytest.raises(ValueError, match="must"):
                settings.replace(**{name: float("nan")})


def test_a_run_from_given_images_is_that_of_l_bfgs_alone() -> None:
    given, phi = JITTERED.from_images(), Projections(2, 1, 8, 8)
    assert given.solver == JITTERED.replace(iterations=0, final_iterations=200).solver
    assert JITTERED.replace(jitter=5).shifts(phi) == 5
    assert given.replace(jitter=5).shifts(phi) == 1
    assert given.evaluations(phi) == JITTERED.evaluations(phi) == 200
    assert PAPER.from_images() is PAPER


@pytest.mark.parametrize(
    "changes",
    [{"rotation": 1}, {"zoom": 2}, {"branch_gradient": 0.5}, {"parameterization": "fourier"}],
)
def test_the_fast_solver_refuses_what_it_cannot_do(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="sobolev-lbfgs changes pixels, keeps the view"):
        FAST.replace(**changes)


@pytest.mark.parametrize("stages", [(), ((0, 1.0),), ((5, 2.0),)])
def test_the_fast_solver_needs_stages(stages: tuple[tuple[int, float], ...]) -> None:
    with pytest.raises(ValueError, match="stage"):
        SobolevLBFGS(stages=stages)
