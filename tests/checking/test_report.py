import json

import pytest

from preimage.checking.report import Property, Report

REPORT = Report(
    "mine/relu", (32, 48), (Property("runs", "yes", "fine"), Property("memory", "-", "3 MB"))
)


def test_a_report_fails_if_one_answer_is_no() -> None:
    assert REPORT.ok
    assert not Report("x", (1, 1), (Property("runs", "no", "it raised"),)).ok


def test_properties_are_found_by_name() -> None:
    assert REPORT["memory"].finding == "3 MB"
    with pytest.raises(KeyError):
        REPORT["speed"]


def test_the_table_has_a_line_for_each_property() -> None:
    lines = str(REPORT).splitlines()
    assert lines == ["mine/relu, images of 32 x 48", "runs    yes  fine", "memory  -    3 MB"]


def test_the_json_holds_everything() -> None:
    plain = json.loads(json.dumps(REPORT.to_dict()))
    assert plain["size"] == [32, 48]
    assert plain["properties"][0] == {"name": "runs", "verdict": "yes", "finding": "fine"}
    assert plain["ok"] is True
