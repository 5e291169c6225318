"""Histograms and correlations of channels, against NumPy's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.visualizations.networks import color_network

from preimage.atlas import responses
from preimage.atlas.responses import BINS, Responses, measure_responses
from preimage.photo_files import photo_paths
from preimage.statistics import ChannelStatistics

PHOTOS = photo_paths()[:3]
CHOSEN = [0, 2, 3, 4]


def _values(layer: str) -> np.ndarray:
    """The responses of all channels at all positions of all photos, (K, positions)."""
    phi = color_network().layer(layer)
    codes = [phi(phi.preprocessing.load(photo)[None])[0].flatten(1) for photo in PHOTOS]
    return torch.cat([code.detach() for code in codes], 1).double().numpy()


def _measured(folder: Path, names: tuple[str, ...] = ("features",)) -> dict[str, Responses]:
    network = color_network()
    layers = [network.layer(name) for name in names]
    return measure_responses(layers, dict.fromkeys(names, CHOSEN), PHOTOS, folder)


def test_histograms_and_correlations_are_those_of_numpy(tmp_path: Path) -> None:
    found = _measured(tmp_path)["features"]
    values = _values("features")[CHOSEN]
    for row, counts in zip(values[:3], found.counts, strict=False):
        expected, _ = np.histogram(row, BINS, (row.min(), row.max()))
        assert counts.sum() == len(row)
        moved = np.abs(np.cumsum(counts - expected))
        assert moved.max() <= 3  # values on the edge of a bin, by rounding
    assert found.correlation[:3, :3] == pytest.approx(np.corrcoef(values[:3]), abs=1e-6)
    assert not found.correlation[3].any()  # the channel that is always the same


def test_scores_are_vectors_and_layers_share_a_pass(tmp_path: Path) -> None:
    names = ("features", "score")
    network = color_network()
    found = measure_responses(
        [network.layer(name) for name in names], {"features": [1], "score": [0, 1, 2]}, PHOTOS,
        tmp_path,
    )  # fmt: skip
    assert found["score"].counts.sum(1).tolist() == [len(PHOTOS)] * 3
    assert found["features"].counts.shape == (1, BINS)


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _measured(tmp_path)["features"]
    monkeypatch.setattr(responses, "_measure", lambda *_: pytest.fail("measured again"))
    again = _measured(tmp_path)["features"]
    assert np.array_equal(again.counts, first.counts)
    assert np.array_equal(again.correlation, first.correlation)


def test_a_damaged_file_is_measured_again(tmp_path: Path) -> None:
    first = _measured(tmp_path)["features"]
    (file,) = tmp_path.iterdir()
    file.write_bytes(b"damaged")
    assert np.array_equal(_measured(tmp_path)["features"].counts, first.counts)


def test_similar_channels_are_neighbors_in_the_order() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(3, 500))
    rows = np.concatenate([base + 0.1 * rng.normal(size=base.shape) for _ in range(3)])
    unused: ChannelStatistics = None  # type: ignore[assignment]
    order = Responses(unused, np.zeros((9, BINS), np.int64), np.corrcoef(rows)).order()
    assert sorted(order) == list(range(9))
    for kind in range(3):
        places = sorted(order[kind::3])
        assert places[2] - places[0] == 2
