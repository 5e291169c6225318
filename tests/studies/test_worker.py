"""What carrying out a trial gives: the numbers and images of `invert`, and more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.study_files import make_trials, save_photos
from tests.support import known

from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.studies import visualize
from preimage.studies.loading import Loader
from preimage.studies.naturalness import gradient_intersection
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.studies.worker import carry_out
from preimage.visualizations import caricature, invert, maximize

CHELSEA = shipped_photos()["chelsea"]
LITE0 = "efficientnet-lite0"


def _photos(trials: list[Trial]) -> dict[str, bytes]:
    return {t.photo_sha256: Path(t.photo).read_bytes() for t in trials if t.photo}


def _outcome(trial: Trial) -> Outcome:
    (outcome,) = carry_out([trial], _photos([trial]), Loader())
    assert isinstance(outcome, Outcome)
    return outcome


def test_an_outcome_is_what_invert_returns() -> None:
    (trial,) = make_trials(CHELSEA, seeds=[3], size=48, loss_weights=[5], mask={"window": 3})
    outcome = _outcome(trial)
    phi = Loader().representation("hog")
    height, width = outcome.image.shape[-2:]
    result = invert(
        phi, CHELSEA, size=48, seeds=[3], settings=trial.settings,
        mask=trial.mask.to_tensor(phi.code_shape(height, width)),
    )  # fmt: skip
    measures = outcome.measures
    assert outcome.key == trial.key
    assert np.array_equal(outcome.image, result.images[0].numpy())
    assert np.array_equal(outcome.picture, np.asarray(result.to_pil()))
    assert result.psnr is not None
    assert result.ssim is not None
    assert (measures.error, measures.psnr, measures.ssim) == (
        float(known(result.error)[0]), float(result.psnr[0]), float(result.ssim[0]),
    )  # fmt: skip
    assert (measures.energy, measures.steps) == (float(result.trace.total[-1, 0]), 3)
    assert measures.class_agrees is None
    assert outcome.machine["threads"] == str(torch.get_num_threads())


def test_an_outcome_of_a_maximization_is_what_maximize_returns(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    (trial,) = make_trials(
        photos, visualization="maximize", representations=[f"{LITE0}/stem"], channels=[3],
        weights="random", seeds=[4],
    )  # fmt: skip
    outcome = _outcome(trial)
    layer = Loader().representation(trial.representation, "random")
    paths = sorted(photos.iterdir())
    result = maximize(layer, 3, seeds=[4], settings=trial.settings, reference=paths)
    assert np.array_equal(outcome.image, result.images[0].numpy())
    assert np.array_equal(outcome.picture, np.asarray(result.to_pil()))
    assert outcome.measures.response == float(known(result.response)[0])
    assert outcome.measures.error is None
    assert trial.maximum == pytest.approx(known(result.maxima)[0])


def test_an_outcome_of_a_caricature_is_what_caricature_returns() -> None:
    (trial,) = make_trials(CHELSEA, visualization="caricature", size=48, loss_weights=[7])
    outcome = _outcome(trial)
    strength = NNPREIMAGE.with_steps(3)
    result = caricature(HOG(), CHELSEA, size=48, strength=7, settings=strength)
    assert np.array_equal(outcome.image, result.images[0].numpy())
    assert outcome.measures.response == float(known(result.response)[0])


def test_a_component_that_no_photo_moves_fails_alone(tmp_path: Path) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 1), visualization="maximize", channels=[0, 1, 2], size=32
    )
    trials[1] = trials[1].model_copy(update={"maximum": 0.0})
    results = carry_out(trials, {}, Loader())
    assert [isinstance(result, Failure) for result in results] == [False, True, False]
    assert isinstance(results[1], Failure)
    assert results[1].reason == "dead: no photo moves hog 1"


def test_class_agreement_is_that_of_the_two_highest_scores() -> None:
    trials = make_trials(CHELSEA, representations=[f"{LITE0}/stem"], loss_weights=[300], steps=1)
    network = Loader().network(LITE0)
    for trial in (trials[0], trials[0].model_copy(update={"seed": 1})):
        outcome = _outcome(trial)
        original = network.preprocessing.load(CHELSEA)
        scores = [
            network.module(network.preprocessing.to_network(x[None]))
            for x in (original, torch.from_numpy(outcome.image))
        ]
        same = bool(scores[0].argmax() == scores[1].argmax())
        assert outcome.measures.class_agrees is same


def test_what_one_photo_of_a_batch_does_wrong_is_its_own_failure(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    (photos / "01.png").write_text("no image")
    trials = make_trials(photos)
    results = carry_out(trials, _photos(trials), Loader())
    assert [isinstance(result, Failure) for result in results] == [False, True, False]
    assert [result.key for result in results] == [trial.key for trial in trials]


def test_an_unexpected_error_is_told_with_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 1))
    monkeypatch.setattr(visualize, "invert", None)
    (failure,) = carry_out(trials, _photos(trials), Loader())
    assert isinstance(failure, Failure)
    assert failure.reason == "TypeError: 'NoneType' object is not callable"


def test_noise_is_less_natural_than_a_blurred_photo() -> None:
    photo = load_image(CHELSEA)
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(0)) * 255
    blurred = torch.nn.functional.avg_pool2d(photo, 3, 1, 1)
    assert gradient_intersection(photo, photo) == pytest.approx(1)
    assert gradient_intersection(noise, photo) < 0.5 < gradient_intersection(blurred, photo) < 1
