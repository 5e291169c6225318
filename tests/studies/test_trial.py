"""A trial's key, what changes it and what does not; checksums of its files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.study_files import save_photos

from preimage.masks import Mask
from preimage.presets import MODERN, NNPREIMAGE
from preimage.studies.trial import Trial, checksum, checksum_of_all, weights_checksum

SETTINGS = NNPREIMAGE.replace(loss_weight=20)

TRIAL = Trial(
    representation="vgg-m/conv3", weights="random", photo="a.png", photo_sha256="12",
    size=(20, 30), seed=2, settings=SETTINGS, mask=Mask(window=3),
)  # fmt: skip

MAXIMIZATION = Trial(
    visualization="maximize", representation="vgg-m/conv3", settings=MODERN,
    channel=5, maximum=2.5, reference_sha256="34",
)  # fmt: skip


@pytest.mark.parametrize("change", [
    {"representation": "vgg-m/conv2"}, {"weights": None}, {"weights_sha256": "ab"},
    {"photo_sha256": "13"}, {"size": None}, {"size": (30, 20)}, {"seed": 3},
    {"settings": NNPREIMAGE}, {"settings": SETTINGS.replace(beta=1.5)},
    {"mask": Mask()}, {"mask": Mask(window=3, stream=1)}, {"visualization": "caricature"},
], ids=lambda change: str(*change))  # fmt: skip
def test_whatever_changes_the_result_changes_the_key(change: dict[str, object]) -> None:
    assert TRIAL.model_copy(update=change).key != TRIAL.key


@pytest.mark.parametrize("change", [
    {"channel": 6}, {"position": (0, 0)}, {"class_name": "goose"}, {"reference_sha256": "35"},
    {"seed": 1}, {"size": 64}, {"diversity": 5.0},
], ids=lambda change: str(*change))  # fmt: skip
def test_whatever_changes_a_maximization_changes_its_key(change: dict[str, object]) -> None:
    assert MAXIMIZATION.model_copy(update=change).key != MAXIMIZATION.key


def test_images_that_are_to_differ_share_a_batch_whatever_their_seed() -> None:
    of_all = {"diversity": 5.0, "seeds": (0, 1)}
    first, second, other = (
        MAXIMIZATION.model_copy(update=of_all | {"seed": seed, "channel": channel})
        for seed, channel in ((0, 5), (1, 5), (0, 6))
    )
    assert first.batch_key == second.batch_key
    assert len({t.key for t in (first, second, other)}) == 3
    assert first.batch_key != other.batch_key
    assert first.key != first.model_copy(update={"seeds": (0, 1, 2)}).key
    assert first.description.endswith(", seed 0, diversity 5")


def test_the_last_digits_of_m_which_rounding_changes_do_not_change_the_key() -> None:
    assert MAXIMIZATION.model_copy(update={"maximum": 2.5000001}).key == MAXIMIZATION.key


def test_a_key_stays_what_it_is_from_version_to_version() -> None:
    assert TRIAL.key == "009e14757f6de545ed814d4bbfd03e16"
    assert MAXIMIZATION.key == "804dc11d7f04fd4ca132dad1e721c757"


def test_where_files_lie_does_not_change_the_key() -> None:
    assert TRIAL.model_copy(update={"photo": "elsewhere/b.png"}).key == TRIAL.key
    known = {"weights_sha256": "ab"}
    here = TRIAL.model_copy(update={"weights": "here.mat", **known})
    assert here.key == TRIAL.model_copy(update={"weights": "there.mat", **known}).key


def test_a_whole_number_is_the_same_constant_as_a_fraction() -> None:
    whole, fraction = (SETTINGS.replace(loss_weight=c, alpha=6 * c / 20) for c in (20, 20.0))
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


def test_a_component_is_named_by_channel_place_or_class() -> None:
    for change, expected in (
        ({}, "5"), ({"position": (3, 4)}, "5:3,4"), ({"position": "cls"}, "5:cls"),
        ({"class_name": "goose"}, "goose"),
    ):  # fmt: skip
        assert MAXIMIZATION.model_copy(update=change).component == expected
    assert TRIAL.component is None
    with pytest.raises(ValueError, match="a trial without a component"):
        _ = TRIAL.target


def test_a_description_names_subject_weight_and_seed() -> None:
    assert TRIAL.description == "vgg-m/conv3, a.png, C 20, seed 2"
    assert MAXIMIZATION.description == "vgg-m/conv3, 5, strength 40, seed 0"
    hoggle = Trial(representation="hog", photo="b.png", dictionaries="h.npz")
    assert hoggle.description == "hog, b.png, HOGgle, seed 0"


@pytest.mark.parametrize(("trial", "change", "together"), [
    (TRIAL, {"photo_sha256": "13", "photo": "b.png"}, True), (TRIAL, {"seed": 3}, False),
    (MAXIMIZATION, {"channel": 6, "maximum": 3}, True), (MAXIMIZATION, {"size": 64}, False),
    (MAXIMIZATION, {"position": (0, 0)}, False),
    (TRIAL.model_copy(update={"dictionaries_sha256": "56"}), {"photo_sha256": "13"}, False),
])  # fmt: skip
def test_trials_go_into_one_batch_if_they_differ_in_photo_or_component_alone(
    trial: Trial, change: dict[str, object], together: bool
) -> None:
    assert (trial.batch_key == trial.model_copy(update=change).batch_key) is together


def test_files_that_cannot_be_read_keep_apart(tmp_path: Path) -> None:
    assert checksum(tmp_path / "a.png") != checksum(tmp_path / "b.png")


def test_the_checksum_of_photos_is_of_their_contents(tmp_path: Path) -> None:
    one, other = sorted(save_photos(tmp_path / "photos", 2).iterdir())
    copy = tmp_path / "copy.png"
    copy.write_bytes(other.read_bytes())
    assert checksum_of_all([one, other]) == checksum_of_all([copy, one])
    assert checksum_of_all([one, other]) != checksum_of_all([one])


def test_the_checksum_of_weights_is_of_the_user_s_own_files(tmp_path: Path) -> None:
    file, other = tmp_path / "net.mat", tmp_path / "net.pt2"
    file.write_bytes(b"a")
    other.write_bytes(b"b")
    assert weights_checksum(f"matconvnet:{file}/conv1", None) == checksum(file)
    assert weights_checksum("vgg-m/conv1", str(file)) == checksum(file)
    alone = weights_checksum(f"pt2:{other}/conv1", None)
    assert alone == checksum(other)
    (tmp_path / "net.toml").write_text("mean = [1, 2, 3]")
    assert weights_checksum(f"pt2:{other}/conv1", None) not in (None, alone)
    assert weights_checksum("hog", None) is weights_checksum("vgg-m/conv1", "random") is None


def test_a_judge_makes_another_trial_and_none_the_same_as_before() -> None:
    known: dict[str, Any] = {"representation": "hog", "photo_sha256": "0"}
    plain, judged = Trial(**known), Trial(**known, judge=("efficientnet-lite1",))
    text = plain.model_dump_json(exclude={"judge"})  # as it was written before there were judges
    assert Trial.model_validate_json(text).key == plain.key
    assert plain.key != judged.key


def test_the_checksum_of_a_matrix_counts_as_well(tmp_path: Path) -> None:
    names = [f"vgg-m/fc7|pca:{tmp_path}/{name}.npy" for name in "ab"]
    for name in "ab":
        (tmp_path / f"{name}.npy").write_text(name)
    sums = [weights_checksum(name, weights) for name in names for weights in (None, "random")]
    assert len(set(sums)) == 4
    assert weights_checksum("vgg-m/fc7|unit", None) is None
    spaced = [name.replace("|", " | ") for name in names]
    assert [
        weights_checksum(name, weights) for name in spaced for weights in (None, "random")
    ] == sums
