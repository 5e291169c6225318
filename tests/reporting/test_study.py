"""The report of a study: errors or responses as text, and every trial as a row."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tests.study_files import MEASURES

from preimage.presets import CLASSICAL_QUALITIES, MODERN, NNPREIMAGE
from preimage.reporting.study import StudyReport, format_study, write_export, write_report
from preimage.studies.judge import MEASURES as JUDGE_MEASURES
from preimage.studies.judge import Judgement
from preimage.studies.measures import Measures
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial


def _inversion(error: float, **changes: Any) -> Record:
    keys = {"representation": "hog", "photo": "a.png", "photo_sha256": "0"}
    trial = Trial(**{**keys, "settings": NNPREIMAGE, **changes})
    return Record(trial, "done", dataclasses.replace(MEASURES, error=error))


def _maximization(channel: int, response: float, seed: int) -> Record:
    trial = Trial(
        visualization="maximize", representation="hog", settings=MODERN, seed=seed,
        channel=channel, maximum=2.0, reference_sha256="0",
    )  # fmt: skip
    return Record(trial, "done", Measures(seconds=1, response=response))


def test_inversions_are_means_of_errors_with_the_constants_that_vary() -> None:
    records = [_inversion(e, seed=s, settings=NNPREIMAGE.replace(beta=b))
               for b in (1.5, 2.0) for s, e in enumerate((0.1, 0.3))]  # fmt: skip
    header, rows = format_study(records)
    assert header == [
        "representation", "C", "beta", "error %", "PSNR", "SSIM", "natural", "class %",
        "seconds", "n",
    ]  # fmt: skip
    cells = ["20.0 ± 14.1", "20.0", "0.50", "0.75", "", "0.10", "2"]
    assert rows == [["hog", "100", "1.5", *cells], ["hog", "100", "2.0", *cells]]


def test_maximizations_are_means_of_responses_in_units_of_m() -> None:
    records = [_maximization(7, 3.0, 0), _maximization(7, 5.0, 1), _maximization(9, 1.0, 0)]
    header, rows = format_study(records)
    assert header == [
        "representation", "strength", "component", "M", "response", "times M", "seconds", "n",
    ]  # fmt: skip
    assert rows == [
        ["hog", "40", "7", "2", "4 ± 1.4", "2 ± 0.71", "1.00", "2"],
        ["hog", "40", "9", "2", "1", "0.5", "1.00", "1"],
    ]


def test_hoggle_has_an_error_and_no_c(tmp_path: Path) -> None:
    hoggle = _inversion(0.6, settings=None, dictionaries="h.npz", dictionaries_sha256="1")
    assert format_study([hoggle])[1][0][:3] == ["hog", "", "60.0"]
    write_report(tmp_path, "a", [hoggle, _inversion(0.2)])
    assert "| hog |  | 60.0 |" in (tmp_path / "report.md").read_text()


def test_a_report_names_what_failed_and_what_varies(tmp_path: Path) -> None:
    failed = Record(_inversion(0, seed=1).trial, "failed", reason="too small")
    records = [_inversion(0.2), _inversion(0.2, settings=NNPREIMAGE.replace(beta=1)), failed]
    paths = write_report(tmp_path, "early", records)
    assert [path.name for path in paths] == [
        f"report.{suffix}" for suffix in ("csv", "md", "tex", "pdf", "png")
    ]
    text = (tmp_path / "report.md").read_text()
    assert text.startswith("# early\n\n3 trials: 2 done, 1 failed, 0 missing.\n")
    assert "Varied besides C: beta." in text
    assert "- hog, a.png, C 100, seed 1: too small" in text


def test_a_report_shows_itself_as_text_and_as_html() -> None:
    failed = Record(_inversion(0, seed=1, photo="<b>.png").trial, "failed", reason="too small")
    report = StudyReport("early & late", [_inversion(0.2), failed])
    lines = str(report).splitlines()
    assert lines[:2] == ["early & late", "2 trials: 1 done, 1 failed, 0 missing."]
    assert lines[-2].split()[:3] == ["hog", "100", "20.0"]
    assert lines[-1] == "failed: hog, <b>.png, C 100, seed 1: too small"
    shown = report._repr_html_()
    assert shown.startswith(
        "<h3>early &amp; late</h3><p>2 trials: 1 done, 1 failed, 0 missing.</p>"
    )
    assert report.table()._repr_html_() in shown
    assert "<li>hog, &lt;b&gt;.png, C 100, seed 1: too small</li>" in shown


def test_every_trial_is_a_row_with_all_constants_of_every_solver(tmp_path: Path) -> None:
    records = [
        _inversion(0.2),
        _inversion(0.3, settings=CLASSICAL_QUALITIES["draft"], size=(40, 48)),
        _inversion(0.6, settings=None, dictionaries="h.npz", dictionaries_sha256="1"),
        _maximization(7, 3.0, 0),
    ]
    write_export(tmp_path / "trials.csv", records)
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [record.trial.key for record in records]
    found = [(r["solver"], r["momentum"], r["stages"], r["size"], r["component"]) for r in rows]
    assert found == [
        ("algorithm-1", "0.9", "", "", ""),
        ("sobolev-lbfgs", "", "[[20, 1.0]]", "[40, 48]", ""),
        ("", "", "", "", ""),
        ("algorithm-1", "0.9", "", "", "7"),
    ]
    with pytest.raises(ValueError, match=r"an export ends in \.csv or \.parquet"):
        write_export(tmp_path / "trials.xls", records)


def test_an_export_names_pictures_by_their_whole_path_as_it_does_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = dataclasses.replace(_inversion(0.2), picture=Path("store/results/a.png"))
    write_export(Path("trials.csv"), [record])
    (row,) = csv.DictReader((tmp_path / "trials.csv").read_text().splitlines())
    assert row["picture"] == str(tmp_path / "store/results/a.png")


def test_judges_have_columns_of_their_own_in_reports_and_exports(tmp_path: Path) -> None:
    record = _inversion(0.2)
    said = Judgement(feature_distance=0.25, judge_agrees=0.5, color_error=12.0)
    measures = dataclasses.replace(MEASURES, error=0.2, judged=said)
    trial = record.trial.model_copy(update={"judge": ("a", "b")})
    judged = dataclasses.replace(record, trial=trial, measures=measures)
    header, rows = format_study([judged])
    assert header[-3:] == ["distance", "judge agrees %", "color error"]
    assert rows[0][-3:] == ["0.25", "50", "12.0"]
    for name, records in (("plain", [record]), ("judged", [judged])):
        write_export(tmp_path / f"{name}.csv", records)
    plain, row = (
        next(csv.DictReader((tmp_path / f"{name}.csv").read_text().splitlines()))
        for name in ("plain", "judged")
    )
    assert row.keys() - plain.keys() == {"judge", *JUDGE_MEASURES}
    assert (row["judge"], row["feature_distance"], row["judge_probability"]) == ("a, b", "0.25", "")


def test_judged_classes_have_their_columns_too() -> None:
    record = _maximization(7, 3.0, 0)
    said = Judgement(judge_probability=0.5, judge_top_1=1.0, spectrum_slope=-1.3)
    judged = dataclasses.replace(record, measures=Measures(seconds=1, response=3.0, judged=said))
    header, rows = format_study([judged])
    assert header[-3:] == ["judge probability", "judge top-1 %", "slope"]
    assert rows[0][-3:] == ["0.50", "100", "-1.30"]
