"""The end of an audit on the screen."""

from __future__ import annotations

import json

import pytest
import typer

from preimage.audit.measures import Estimate
from preimage.audit.result import AttackResult, Audit, LayerResult
from preimage.audit.thresholds import Threshold
from preimage.audit.verdict import NO_PROOF, Verdict
from preimage.cli.audit_report import exit_if_above, print_audit


def _audit() -> Audit:
    attacks = []
    for name, value in (("weak", 0.1), ("strong", 0.9)):
        one = Estimate("reidentified_hog", None, value, value - 0.05, value + 0.05, 0.04, 0.5, 24)
        attacks.append(AttackResult(name, "All.", (one,), Verdict(), (), ()))
    return Audit((LayerResult("net/conv1", tuple(attacks), ()),), ("a.png",), ())


def test_attacks_are_columns_of_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_audit(_audit(), as_json=False)
    lines = capsys.readouterr().out.splitlines()
    (row,) = (line for line in lines if "nearest by HOG" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "nearest by HOG", "10 % (5 to 15)", "90 % (85 to 95)", "4 %",
    ]  # fmt: skip
    assert lines[-1] == NO_PROOF


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_audit(_audit(), as_json=True)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["layers"][0]["representation"] == "net/conv1"


def test_a_measure_above_its_threshold_ends_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    exit_if_above(_audit(), [Threshold("reidentified_hog", 0.93)])
    assert "not shown to be above 0.93" in capsys.readouterr().err
    with pytest.raises(typer.Exit) as caught:
        exit_if_above(_audit(), [Threshold("reidentified_hog", 0.8)])
    assert caught.value.exit_code == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "net/conv1, strong: nearest by HOG: above 0.8, with at least 0.85"
