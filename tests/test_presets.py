"""The constants of the presets, and the settings that fit a representation."""

from __future__ import annotations

import dataclasses

import pytest
from torch import nn

from preimage.catalog import network
from preimage.preprocessing import GRAY
from preimage.presets import (
    ANCHORED,
    CARICATURE_PRESETS,
    CLASSICAL_QUALITIES,
    MODERN,
    NETWORK_QUALITIES,
    NNPREIMAGE,
    PAPER,
    PRESETS,
    QUALITIES,
    UPRIGHT_PRESETS,
    settings_for,
)
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer

SHARED = {
    "prior": "tv",
    "chroma_weight": 4,
    "strength": None,
    "alpha": 6,
    "beta": 2,
    "pixel_norm": 80,
    "max_pixel_norm": 160,
    "gradient_norm": 80 / 6.5,
    "jitter": None,
    "jitter_scale": 1,
    "rotation": 0,
    "zoom": 1,
    "branch_gradient": 1,
    "parameterization": "pixels",
    "start_amplitude": 1,
}
ALGORITHM_1 = {
    "name": "algorithm-1",
    "momentum": 0.9,
    "iterations": 300,
    "natural_iterations": 0,
    "final_learning_rate": 0.1,
}


def test_paper_has_the_printed_constants() -> None:
    printed = {"learning_rate": 0.01, "scale_rate_by_area": False, "final_iterations": 0}
    expected = SHARED | {"loss_weight": 20, "solver": ALGORITHM_1 | printed}
    assert dataclasses.asdict(PAPER) == expected


def test_nnpreimage_has_the_constants_of_the_authors_code() -> None:
    code = {"learning_rate": 0.05, "scale_rate_by_area": True, "final_iterations": 50}
    expected = SHARED | {"loss_weight": 100, "solver": ALGORITHM_1 | code}
    assert dataclasses.asdict(NNPREIMAGE) == expected


def test_the_presets_have_names_and_some_are_for_one_visualization() -> None:
    assert PRESETS == {"modern": MODERN, "nnpreimage": NNPREIMAGE, "paper": PAPER}
    assert CARICATURE_PRESETS == {"anchored": ANCHORED, **UPRIGHT_PRESETS}
    assert UPRIGHT_PRESETS == {"nnpreimage": NNPREIMAGE, "paper": PAPER}
    assert tuple(CLASSICAL_QUALITIES) == tuple(NETWORK_QUALITIES) == QUALITIES


def test_a_network_has_qualities_of_its_own_and_a_layer_its_c() -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(1, 1, 3)), "0", GRAY, loss_weight=7)
    assert settings_for(HOG(), "best") == CLASSICAL_QUALITIES["best"]
    assert settings_for(layer) == NETWORK_QUALITIES["fast"].replace(loss_weight=7)
    assert settings_for(layer, "paper") == PAPER.replace(loss_weight=7)


@pytest.mark.parametrize(("stride", "weight"), [(1, 300), (8, 100), (16, 20), (20, 1)])
def test_a_layer_without_c_has_that_of_its_stride_or_lets_the_solver_choose(
    stride: int, weight: float
) -> None:
    module = nn.Sequential(nn.Conv2d(1, 1, 3, stride=stride))
    for layer in (Layer(module, "0", GRAY), network(module, GRAY).layer("0")):
        assert settings_for(layer, "paper") == PAPER.replace(loss_weight=weight)
        assert settings_for(layer) == NETWORK_QUALITIES["fast"].replace(loss_weight="auto")
        assert layer.loss_weight == weight


def test_qualities_allow_black_and_white_where_codes_keep_brightness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    phi = HOG()
    usual = {name: settings_for(phi, name) for name in QUALITIES}
    monkeypatch.setattr(HOG, "ignores_contrast", False)
    for name, settings in usual.items():
        bounds = {"pixel_norm": 160, "max_pixel_norm": 221}  # white has the norm 127.5 sqrt(3)
        assert settings_for(phi, name) == settings.replace(**bounds)
    assert settings_for(phi, "nnpreimage") == NNPREIMAGE


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="unknown settings 'good': there are draft, fast"):
        settings_for(HOG(), "good")
