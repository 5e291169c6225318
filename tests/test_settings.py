"""The constants of the presets, and what settings refuse."""

from __future__ import annotations

import dataclasses

import pytest

from preimage.settings import NNPREIMAGE, PAPER, PRESETS, QUALITIES, Settings

SHARED = {
    "alpha": 6,
    "beta": 2,
    "pixel_norm": 80,
    "max_pixel_norm": 160,
    "gradient_norm": 80 / 6.5,
    "momentum": 0.9,
    "iterations": 300,
    "jitter": None,
    "jitter_scale": 1,
    "rotation": 0,
    "zoom": 1,
    "parameterization": "pixels",
    "final_learning_rate": 0.1,
    "solver": "algorithm-1",
    "start_amplitude": 1,
    "stages": (),
}


def test_paper_has_the_printed_constants() -> None:
    assert dataclasses.asdict(PAPER) == SHARED | {
        "loss_weight": 20,
        "learning_rate": 0.01,
        "scale_rate_by_area": False,
        "final_iterations": 0,
    }


def test_nnpreimage_has_the_constants_of_the_authors_code() -> None:
    assert dataclasses.asdict(NNPREIMAGE) == SHARED | {
        "loss_weight": 100,
        "learning_rate": 0.05,
        "scale_rate_by_area": True,
        "final_iterations": 50,
    }


def test_the_presets_have_names() -> None:
    assert PRESETS == {"nnpreimage": NNPREIMAGE, "paper": PAPER}


def test_replace_changes_what_it_names_and_nothing_else() -> None:
    changed = PAPER.replace(beta=1.5, jitter=3)
    assert dataclasses.asdict(changed) == dataclasses.asdict(PAPER) | {"beta": 1.5, "jitter": 3}
    assert PAPER.beta == 2
    with pytest.raises(TypeError, match="weight"):
        PAPER.replace(weight=1)


@pytest.mark.parametrize("settings", [PAPER, QUALITIES["fast"]])
def test_no_steps_at_all_are_refused(settings: Settings) -> None:
    with pytest.raises(ValueError, match="number of steps must be at least 1, not 0"):
        settings.with_steps(0)


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        PAPER.beta = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 1}, "alpha must be at least 2"),
        ({"beta": 0.5}, "beta 1"),
        ({"pixel_norm": 0}, "pixel_norm must be positive"),
        ({"max_pixel_norm": -1}, "max_pixel_norm must be positive"),
        ({"gradient_norm": float("nan")}, "gradient_norm must be positive"),
        ({"loss_weight": -1}, "loss_weight must not be negative"),
        ({"loss_weight": float("nan")}, "loss_weight must not be negative"),
        ({"momentum": 1}, "momentum must lie in"),
        ({"jitter_scale": 0}, "jitter_scale must be at least 1"),
        ({"rotation": -1}, "rotation must lie in"),
        ({"zoom": 0.5}, "zoom be at least 1"),
        ({"parameterization": "wavelets"}, "there are pixels, fourier"),
        ({"learning_rate": 0}, "learning rates must be positive"),
        ({"final_learning_rate": 0}, "learning rates must be positive"),
        ({"iterations": -1}, "must not be negative"),
        ({"final_iterations": -1}, "must not be negative"),
        ({"jitter": 0}, "jitter must be at least 1"),
    ],
)
def test_values_out_of_range_are_refused(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PAPER.replace(**changes)


@pytest.mark.parametrize(
    "name", [f.name for f in dataclasses.fields(Settings) if f.type == "float"]
)
def test_no_number_may_be_nan(name: str) -> None:
    with pytest.raises(ValueError, match="must"):
        PAPER.replace(**{name: float("nan")})
