"""What carrying out a trial gives: the numbers and images of `invert`, and more."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.judges import JUDGE
from tests.study_files import make_trials, save_photos
from tests.support import known

from preimage.photo_files import shipped_photos
from preimage.presets import ANCHORED
from preimage.representations.hog import HOG
from preimage.studies import worker
from preimage.studies.judge import Judge
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.studies.worker import carry_out
from preimage.visualizations import caricature, invert, maximize

CHELSEA = shipped_photos()["chelsea"]
LITE0 = "efficientnet-lite0"


def _photos(trials: list[Trial]) -> dict[str, bytes]:
    return {
        t.photo_sha256: Path(t.photo).read_bytes() for t in trials if t.photo and t.photo_sha256
    }


def _outcome(trial: Trial) -> Outcome:
    (outcome,) = carry_out([trial], _photos([trial]), Loader())
    assert isinstance(outcome, Outcome)
    return outcome


def test_an_outcome_is_what_invert_returns() -> None:
    (trial,) = make_trials(CHELSEA, seeds=[3], size=48, loss_weight=5, mask={"window": 3})
    outcome = _outcome(trial)
    phi = Loader().representation("hog")
    height, width = outcome.image.shape[-2:]
    result = invert(
        phi, CHELSEA, size=48, seeds=[3], settings=trial.settings,
        mask=trial.mask.to_tensor(phi.code_grid(height, width)),
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
    assert outcome.versions["threads"] == str(torch.get_num_threads())


def test_processor_time_is_that_of_the_trial_and_not_that_of_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (trial,) = make_trials(CHELSEA, size=48)
    _outcome(trial)  # what is done once
    waiting, begun = 2.0, time.process_time()

    def wait_and_invert(*values: Any, **options: Any) -> Any:
        time.sleep(waiting)
        return invert(*values, **options)

    monkeypatch.setattr(worker, "invert", wait_and_invert)
    measured = _outcome(trial).measures.processor_seconds
    assert measured is not None
    assert 0 < measured < min(waiting, time.process_time() - begun)


def test_images_that_differ_from_each_other_are_made_together(tmp_path: Path) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 2), visualization="maximize", channels="3",
        representations=[f"{LITE0}/stem"], weights="random", seeds=[4, 5], diversity=3, size=32,
    )  # fmt: skip
    layer = Loader().representation(trials[0].representation, "random")
    assert trials[0].maximum is not None
    result = maximize(
        layer, 3, maxima=[trials[0].maximum], seeds=[4, 5], diversity=3, size=32,
        settings=trials[0].settings,
    )  # fmt: skip
    together = carry_out(trials, {}, Loader())
    for row, (trial, outcome) in enumerate(zip(trials, together, strict=True)):
        assert isinstance(outcome, Outcome)
        assert np.array_equal(outcome.image, result.images[row].numpy())
        assert np.array_equal(_outcome(trial).image, outcome.image)


def test_an_outcome_of_a_maximization_is_what_maximize_returns(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    (trial,) = make_trials(
        photos, visualization="maximize", representations=[f"{LITE0}/stem"], channels="3",
        weights="random", seeds=[4],
    )  # fmt: skip
    outcome = _outcome(trial)
    layer = Loader().representation(trial.representation, "random")
    assert trial.maximum is not None
    options: dict[str, Any] = {"seeds": [4], "settings": trial.settings}
    result = maximize(layer, 3, maxima=[trial.maximum], **options)
    assert np.array_equal(outcome.image, result.images[0].numpy())
    assert np.array_equal(outcome.picture, np.asarray(result.to_pil()))
    assert outcome.measures.response == float(known(result.response)[0])
    assert outcome.measures.error is None
    from_photos = maximize(layer, 3, reference=sorted(photos.iterdir()), **options)
    assert trial.maximum == pytest.approx(known(from_photos.maxima)[0])


def test_an_outcome_of_a_caricature_is_what_caricature_returns() -> None:
    (trial,) = make_trials(CHELSEA, visualization="caricature", size=48, strength=7)
    outcome = _outcome(trial)
    few = ANCHORED.with_steps(3)
    result = caricature(HOG(), CHELSEA, size=48, strength=7, settings=few)
    assert np.array_equal(outcome.image, result.images[0].numpy())
    assert outcome.measures.response == float(known(result.response)[0])


def test_a_component_that_no_photo_moves_fails_alone(tmp_path: Path) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 1), visualization="maximize", channels="0-2", size=32
    )
    trials[1] = trials[1].model_copy(update={"maximum": 0.0})
    results = carry_out(trials, {}, Loader())
    assert [isinstance(result, Failure) for result in results] == [False, True, False]
    assert isinstance(results[1], Failure)
    assert results[1].reason == "dead unit, same response to all photos: hog 1"


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
    monkeypatch.setattr(worker, "invert", None)
    (failure,) = carry_out(trials, _photos(trials), Loader())
    assert isinstance(failure, Failure)
    assert failure.reason == "TypeError: 'NoneType' object is not callable"


def test_a_trial_with_a_judge_is_judged_as_its_result_is(tmp_path: Path) -> None:
    (trial,) = make_trials(CHELSEA, size=48, judge=[JUDGE])
    outcome = _outcome(trial)
    result = invert(HOG(), CHELSEA, size=48, settings=trial.settings)
    assert outcome.measures.judged == Judge([JUDGE])(result)
    photos = save_photos(tmp_path / "photos", 2)
    (trial,) = make_trials(
        photos, visualization="maximize", representations=[f"{LITE0}/classifier"],
        classes=["389"], weights="random", size=32, judge=[JUDGE],
    )  # fmt: skip
    judged = _outcome(trial).measures.judged
    assert judged is not None
    assert judged.judge_probability is not None
    assert judged.feature_distance is None


def test_without_a_judge_nothing_is_judged() -> None:
    (trial,) = make_trials(CHELSEA, size=48)
    assert _outcome(trial).measures.judged is None


def test_a_film_ends_with_the_picture_and_changes_nothing_else() -> None:
    (trial,) = make_trials(CHELSEA, size=48, steps=9)
    (filmed,) = carry_out([trial], _photos([trial]), Loader(), film=True)
    plain = _outcome(trial)
    assert isinstance(filmed, Outcome)
    assert plain.film is None
    assert np.array_equal(filmed.image, plain.image)
    with Image.open(io.BytesIO(filmed.film or b"")) as film:
        frames = getattr(film, "n_frames", 0)
        assert 3 < frames <= 10  # frames alike are one
        film.seek(frames - 1)
        last = np.asarray(film.convert("L")).astype(float)
    assert np.abs(last - plain.picture).mean() < 8
