"""Weight files are read once, kept by checksum, and used where the trial's own are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.models.simplenn_files import narrow, random_weights, save_v5, simplenn
from tests.study_files import make_trials, save_photos

from preimage.catalog import network
from preimage.models import zoo
from preimage.studies.loader import Loader
from preimage.studies.outcome import Outcome
from preimage.studies.trial import Trial
from preimage.studies.worker import carry_out
from preimage.sweeps.shipping import Shipments

LITE0 = "efficientnet-lite0"


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    weights = tmp_path / "mine.pth"
    torch.save(network(LITE0, weights="random").module.state_dict(), weights)
    (trial,) = make_trials(
        save_photos(tmp_path / "photos", 1), representations=[f"{LITE0}/stem.conv"],
        weights=str(weights), size=(25, 25),
    )  # fmt: skip
    return trial


def _image(trial: Trial, loader: Loader) -> np.ndarray:
    assert trial.photo is not None
    assert trial.photo_sha256 is not None
    photos = {trial.photo_sha256: Path(trial.photo).read_bytes()}
    (outcome,) = carry_out([trial], photos, loader)
    assert isinstance(outcome, Outcome)
    return outcome.image


def test_a_shipped_file_gives_the_image_of_the_one_it_was(trial: Trial) -> None:
    put: list[np.ndarray] = []
    shipments = Shipments(lambda data: put.append(data) or len(put) - 1)  # type: ignore[func-returns-value]
    expected = _image(trial, Loader())
    shipment = shipments.shipment_for(trial)
    assert shipment is not None
    assert shipments.shipment_for(trial.model_copy(update={"seed": 1})) is shipment
    assert trial.weights is not None
    Path(trial.weights).unlink()
    loader = Loader()
    loader.files[LITE0, trial.weights] = shipment.unpack(lambda index: put[index])
    assert np.array_equal(_image(trial, loader), expected)
    assert len(put) == 1


def test_a_file_is_fetched_only_where_it_is_not_or_is_damaged(trial: Trial) -> None:
    followed: list[Any] = []

    def follow(data: np.ndarray) -> np.ndarray:
        followed.append(data)
        return data

    shipment = Shipments(lambda data: data).shipment_for(trial)
    assert shipment is not None
    path = shipment.unpack(follow)
    assert shipment.unpack(follow) == path
    assert len(followed) == 1
    path.write_bytes(path.read_bytes()[:-1])
    assert trial.weights is not None
    assert shipment.unpack(follow).read_bytes() == Path(trial.weights).read_bytes()
    assert len(followed) == 2
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_nothing_is_shipped_where_there_is_no_file(trial: Trial) -> None:
    shipments = Shipments(lambda data: data)
    for representation, weights in (
        ("hog", None),
        (f"{LITE0}/stem", "random"),
        ("a/b", "gone.pth"),
    ):
        update = {"representation": representation, "weights": weights}
        assert shipments.shipment_for(trial.model_copy(update=update)) is None


def test_a_shipped_matconvnet_file_stands_for_the_one_that_the_representation_names(
    tmp_path: Path,
) -> None:
    layers = narrow(zoo.get("vgg-f").layers, 16)
    file = save_v5(tmp_path / "small.mat", simplenn(layers, random_weights(layers), "beta17"))
    image = torch.zeros(1, 3, 224, 224)
    name = "matconvnet:/elsewhere/small.mat"
    loader = Loader()
    loader.files[name, None] = file
    expected = network(f"matconvnet:{file}").layer("conv1")(image)
    assert torch.equal(loader.representation(f"{name}/conv1")(image), expected)
