"""Means over photos and seeds, one for each C and each constant that varies."""

from __future__ import annotations

import dataclasses
import statistics

import pytest
from tests.study_files import MEASURES

from preimage.presets import NNPREIMAGE
from preimage.studies.judge import Judgement
from preimage.studies.outcome import Record
from preimage.studies.summary import summarize, summarize_responses, varied_constants
from preimage.studies.trial import Trial


def _record(error: float, seed: int = 0, agrees: bool | None = None, **constants: float) -> Record:
    trial = Trial(
        representation="hog", photo="a.png", photo_sha256="0", seed=seed,
        settings=NNPREIMAGE.replace(**constants),
    )  # fmt: skip
    measures = dataclasses.replace(MEASURES, error=error, class_agrees=agrees)
    return Record(trial, "done", measures)


def test_a_mean_is_over_photos_and_seeds() -> None:
    errors = [0.1, 0.2, 0.6]
    records = [_record(error, seed, seed > 0) for seed, error in enumerate(errors)]
    (mean,) = summarize([*records, Record(records[0].trial, "failed", reason="why")])
    assert mean.count == 3
    assert mean.error == pytest.approx(statistics.fmean(errors))
    assert mean.error_std == pytest.approx(statistics.stdev(errors))
    assert mean.class_agreement == pytest.approx(2 / 3)
    assert (mean.psnr, mean.ssim) == (20.0, 0.5)
    assert mean.seconds == pytest.approx(0.1)


def test_processor_time_is_the_median_without_what_the_first_trial_does_once() -> None:
    records = [
        dataclasses.replace(
            record, measures=dataclasses.replace(MEASURES, processor_seconds=seconds)
        )
        for record, seconds in zip(
            [_record(0.1, seed) for seed in range(4)], (24.0, 0.25, None, 0.5), strict=True
        )
    ]
    assert summarize(records)[0].processor_seconds == 0.5
    assert summarize(records[2:3])[0].processor_seconds is None


def test_c_and_the_constants_that_vary_keep_results_apart() -> None:
    records = [_record(0.1, beta=b, loss_weight=c) for b in (1.5, 2) for c in (1, 20)]
    assert varied_constants(records) == ["beta"]
    found = [(mean.loss_weight, mean.varied, mean.error_std) for mean in summarize(records)]
    assert found == [
        (1, (("beta", 1.5),), None), (20, (("beta", 1.5),), None),
        (1, (("beta", 2),), None), (20, (("beta", 2),), None),
    ]  # fmt: skip


def test_settings_that_differ_between_representations_alone_do_not_count_as_varied() -> None:
    other = _record(0.1, beta=1.5)
    other = dataclasses.replace(
        other, trial=other.trial.model_copy(update={"representation": "dsift"})
    )
    assert varied_constants([_record(0.1), other]) == []


def test_the_mean_response_of_a_component_is_over_seeds() -> None:
    records = []
    for channel, seed, response in ((0, 0, 2.0), (0, 1, 5.0), (1, 0, 3.0)):
        trial = Trial(
            visualization="maximize", representation="hog", seed=seed, settings=NNPREIMAGE,
            channel=channel, maximum=10.0 + channel,
        )  # fmt: skip
        records.append(
            Record(trial, "done", dataclasses.replace(MEASURES, error=None, response=response))
        )
    first, second = summarize_responses([*records, _record(0.1)])
    assert (first.component, first.maximum, first.count) == ("0", 10, 2)
    assert first.response == pytest.approx(3.5)
    assert first.response_std == pytest.approx(statistics.stdev([2, 5]))
    assert (second.component, second.maximum, second.response_std) == ("1", 11, None)
    assert summarize(records) == []


def test_what_judges_say_is_averaged_if_there_are_any() -> None:
    records = [_record(0.1), _record(0.2, seed=1)]
    assert summarize(records)[0].judged is None
    judged = [
        dataclasses.replace(record, measures=dataclasses.replace(MEASURES, error=0.1, judged=said))
        for record, said in zip(
            records, (Judgement(judge_agrees=1.0, contrast=3.0), Judgement(judge_agrees=0.0)),
            strict=True,
        )
    ]  # fmt: skip
    assert summarize(judged)[0].judged == Judgement(judge_agrees=0.5, contrast=3.0)
