"""A trial's key: what changes it and what does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from preimage.masks import Mask
from preimage.presets import MODERN, NNPREIMAGE
from preimage.studies.component import Component
from preimage.studies.trial import Trial

TRIAL = Trial(
    representation="vgg-m/conv3", weights="random", photo="a.png", photo_sha256="12",
    size=(20, 30), seed=2, settings=NNPREIMAGE.replace(loss_weight=20), mask=Mask(window=3),
)  # fmt: skip

MAXIMIZATION = Trial(
    visualization="maximize", representation="vgg-m/conv3", settings=MODERN,
    component=Component(channel=5), maximum=2.5, maximum_sha256="34",
)  # fmt: skip


@pytest.mark.parametrize("change", [
    {"representation": "vgg-m/conv2"}, {"weights": None}, {"weights_sha256": "ab"},
    {"photo_sha256": "13"}, {"size": None}, {"size": (30, 20)}, {"seed": 3},
    {"settings": NNPREIMAGE}, {"settings": TRIAL.settings.replace(beta=1.5)},
    {"mask": Mask()}, {"mask": Mask(window=3, stream=1)}, {"visualization": "caricature"},
], ids=lambda change: str(*change))  # fmt: skip
def test_whatever_changes_the_result_changes_the_key(change: dict[str, object]) -> None:
    assert TRIAL.model_copy(update=change).key != TRIAL.key


@pytest.mark.parametrize("change", [
    {"component": Component(channel=6)}, {"component": Component(channel=5, position=(0, 0))},
    {"component": Component(channel=5, class_name="goose")}, {"maximum_sha256": "35"},
    {"seed": 1}, {"size": 64},
], ids=lambda change: str(*change))  # fmt: skip
def test_whatever_changes_a_maximization_changes_its_key(change: dict[str, object]) -> None:
    assert MAXIMIZATION.model_copy(update=change).key != MAXIMIZATION.key


def test_the_last_digits_of_m_which_rounding_changes_do_not_change_the_key() -> None:
    assert MAXIMIZATION.model_copy(update={"maximum": 2.5000001}).key == MAXIMIZATION.key


def test_a_key_stays_what_it_is_from_version_to_version() -> None:
    assert TRIAL.key == "5a85902386725856c35a06c3c1b49ff8"


def test_where_files_lie_does_not_change_the_key() -> None:
    assert TRIAL.model_copy(update={"photo": "elsewhere/b.png"}).key == TRIAL.key
    known = {"weights_sha256": "ab"}
    here = TRIAL.model_copy(update={"weights": "here.mat", **known})
    assert here.key == TRIAL.model_copy(update={"weights": "there.mat", **known}).key


def test_a_whole_number_is_the_same_constant_as_a_fraction() -> None:
    whole, fraction = (TRIAL.settings.replace(loss_weight=c, alpha=6 * c / 20) for c in (20, 20.0))
    assert TRIAL.model_copy(update={"settings": whole}).key == TRIAL.key
    assert TRIAL.model_copy(update={"settings": fraction}).key == TRIAL.key


def test_the_key_is_the_same_in_another_process() -> None:
    code = "import sys; from preimage.studies.trial import Trial; "
    code += "print(Trial.model_validate_json(sys.argv[1]).key)"
    command = [sys.executable, "-c", code, TRIAL.model_dump_json()]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.strip() == TRIAL.key


def test_a_trial_is_what_its_json_says() -> None:
    assert Trial.model_validate_json(TRIAL.model_dump_json()) == TRIAL
