"""The plot of an audit: rates in groups, and their places."""

from __future__ import annotations

from pathlib import Path

from tests.reporting.audit_page.audits import audit

from preimage.reporting.audit_page.plot import plot_rates


def test_one_layer_and_one_attack_are_one_group_of_measures(tmp_path: Path) -> None:
    (group,) = plot_rates(audit(tmp_path))
    assert [bar.label for bar in group.bars][:2] == ["re-identified", "nearest by pixels"]
    assert not any("SSIM" in bar.label for bar in group.bars)
    first = group.bars[0]
    assert [first.at(end) for end in ("value", "low", "chance")] == ["62.50%", "55.49%", "2.13%"]
    assert first.is_beyond_chance


def test_layers_and_attacks_are_rows_of_each_measure(tmp_path: Path) -> None:
    found = audit(tmp_path, ("net/a", "net/b"), attacks=("x", "y"), luck=0.5)
    groups = plot_rates(found)
    assert groups[0].title == "re-identified"
    assert [bar.label for bar in groups[0].bars] == ["a, x", "a, y", "b, x", "b, y"]
    assert not any(bar.is_beyond_chance for group in groups for bar in group.bars)
