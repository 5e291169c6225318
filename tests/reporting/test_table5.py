"""Table 5 as text: a layer a row, beside the published figures for AlexNet."""

from __future__ import annotations

from pathlib import Path

from tests.study_files import MEASURES
from tests.support import pixels_of

from preimage.paper.table5 import NO_RANGE_PRIOR, NO_VARIATION_PRIOR
from preimage.presets import NNPREIMAGE
from preimage.reporting.table5 import format_table5, write_table5
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial


def _records(model: str, *variants: dict[str, float]) -> list[Record]:
    return [
        Record(
            Trial(
                representation=f"{model}/{layer}", photo="a.png", photo_sha256="0",
                settings=NNPREIMAGE.replace(**constants),
            ),
            "done", MEASURES,
        )
        for layer in ("conv1", "fc8") for constants in variants
    ]  # fmt: skip


def test_alexnet_stands_beside_the_published_figures() -> None:
    records = _records("alexnet", {"loss_weight": 1}, {"loss_weight": 20})
    header, rows = format_table5(records)
    assert header == ["layer", "C = 1", "C = 20", "C = 1, published", "C = 20, published"]
    assert rows == [
        ["conv1", "25.0", "25.0", "69.5 ± 10.3", "35.3 ± 7.6"],
        ["fc8", "25.0", "25.0", "13.6 ± 2.9", "11.3 ± 2.4"],
    ]


def test_other_networks_stand_alone_and_the_ablation_beside_each_c() -> None:
    no_variation = {"gradient_norm": NO_VARIATION_PRIOR}
    records = _records(
        "vgg-m", {}, no_variation, NO_RANGE_PRIOR, {**no_variation, **NO_RANGE_PRIOR}
    )
    header, rows = format_table5(records)
    assert header == [
        "layer", "C = 100", "C = 100, no TV prior", "C = 100, no range prior", "no prior",
    ]  # fmt: skip
    assert rows == [["conv1", *["25.0"] * 4], ["fc8", *["25.0"] * 4]]


def test_the_table_its_measures_and_its_curves_are_written(tmp_path: Path) -> None:
    paths = write_table5(tmp_path, _records("alexnet", {"loss_weight": 1}))
    assert sorted(path.name for path in paths) == sorted(
        [f"table5.{suffix}" for suffix in ("csv", "md", "tex", "pdf", "png")]
        + [f"table5_measures.{suffix}" for suffix in ("csv", "md", "tex")]
    )
    assert "| conv1 | 25.0 | 69.5 ± 10.3 |" in (tmp_path / "table5.md").read_text()
    measures = (tmp_path / "table5_measures.md").read_text()
    assert "| alexnet/fc8 | 1 | 25.0 | 20.0 | 0.50 | 0.75 |" in measures
    assert pixels_of(tmp_path / "table5.png").std() > 0
