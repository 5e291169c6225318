"""The trials of a sheet: descriptors and layers, of the same noise and steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.atlas.sites import TINY
from tests.reporting.sheet.sheets import LAYERS, save_color

from preimage.catalog import network
from preimage.decoding import ImageError
from preimage.reporting.sheet.plan import SIZE, choose_layers, plan_sheet
from preimage.studies.loader import Loader


def test_layers_are_chosen_evenly_with_the_first_and_the_last() -> None:
    assert choose_layers(network(TINY)) == ["conv1", "relu", "conv2", "flat", "score"]
    lite0 = network("efficientnet-lite0", weights="random")
    assert choose_layers(lite0) == ["stem", "blocks.4", "blocks.9", "blocks.13", "classifier"]


def test_descriptors_come_first_and_all_have_the_seed_and_the_steps(tmp_path: Path) -> None:
    photo = save_color(tmp_path / "a.png")
    trials = plan_sheet(photo, LAYERS, Loader(), steps=3, seed=7)
    assert [trial.representation for trial in trials] == ["hog", "hogb", "dsift", *LAYERS]
    assert {trial.size for trial in trials[:3]} == {SIZE}
    assert {trial.size for trial in trials[3:]} == {None}
    assert {(trial.seed, trial.photo) for trial in trials} == {(7, str(photo))}
    for trial in trials:
        phi = Loader().representation(trial.representation)
        assert trial.settings is not None
        assert trial.settings.evaluations(phi) == 3


def test_weights_are_those_of_the_layers_alone(tmp_path: Path) -> None:
    photo = save_color(tmp_path / "a.png")
    trials = plan_sheet(photo, ["efficientnet-lite0/stem"], Loader(), weights="random")
    assert [trial.weights for trial in trials] == [None, None, None, "random"]


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown layer of Sequential 'conv9'"):
        plan_sheet(save_color(tmp_path / "a.png"), [f"{TINY}/conv9"], Loader())
    with pytest.raises(ImageError, match=r"b\.png"):
        plan_sheet(tmp_path / "b.png", LAYERS, Loader())
