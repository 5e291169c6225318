"""The inputs of an audit, in rows."""

from __future__ import annotations

from pathlib import Path

from tests.reporting.audit_page.audits import audit, store_audit

from preimage.reporting.audit_page.facts import list_facts


def test_inputs_settings_versions_and_date_are_listed(tmp_path: Path) -> None:
    rows = dict(list_facts(store_audit(tmp_path, count=4)))
    assert rows["stored vectors"] == "vectors.npy"
    assert rows["settings alpha"] == "6.25"
    assert rows["versions torch"] == "2.13.0"
    assert rows["SHA-256 of the file of weights"] == "ab" * 32
    assert rows["when and where date"] == "2026-11-26 19:40 UTC"
    assert (rows["judges"], rows["photos"], rows["attacks"]) == ("seer", "4", "inversion")


def test_nested_settings_have_a_row_for_each_value(tmp_path: Path) -> None:
    about = {"settings": {"stages": [{"steps": 10}, {"steps": 20}], "range": [0, 255]}}
    rows = dict(list_facts(audit(tmp_path, judge=None, count=4, about=about)))
    assert rows["settings stages 2 steps"] == "20"
    assert rows["settings range"] == "0, 255"
    assert rows["judges"] == "none"
