"""Statistics of channels as lines and as CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from tests.statistics.networks import layers, network, photos

from preimage.files import is_partial
from preimage.reporting.channels import describe_channel, write_channels
from preimage.statistics import ChannelStatistics, measure


@pytest.fixture
def statistics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ChannelStatistics:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return measure(layers(network(), "1"), photos(tmp_path / "in", 4))["1"]


def test_a_channel_is_described_with_its_largest_responses(statistics: ChannelStatistics) -> None:
    described = json.loads(json.dumps(describe_channel(statistics, 2, top=3)))
    assert described["representation"] == "small/1"
    assert (described["channel"], described["images"], described["count"]) == (2, 4, 400)
    assert described["maximum"] == statistics.maximum[2] == described["top"][0]["value"]
    assert described["zeros"] == statistics.zeros[2]
    assert [top["image"] for top in described["top"]] == [
        statistics.images[index] for index in statistics.top_images[2, :3]
    ]
    assert len(described["top"][0]["position"]) == 2
    assert [describe_channel(statistics, channel)["dead"] for channel in (2, 5)] == [False, True]


def test_the_csv_file_holds_a_line_for_each_channel(
    statistics: ChannelStatistics, tmp_path: Path
) -> None:
    write_channels(tmp_path / "a.csv", (describe_channel(statistics, c) for c in range(6)))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["channel"] for row in rows] == list("012345")
    assert [float(row["std"]) for row in rows] == statistics.std.tolist()
    row, column = statistics.top_positions[3, 0]
    assert rows[3]["position"] == f"{row} {column}"
    assert rows[3]["image"] == statistics.images[statistics.top_images[3, 0]]
    assert np.array_equal([row["dead"] == "True" for row in rows], statistics.dead)
    assert not any(is_partial(path) for path in tmp_path.iterdir())
