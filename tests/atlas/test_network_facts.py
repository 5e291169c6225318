"""A network gives its pages depth, receptive fields, and photos that excite channels."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.atlas.sites import TINY, keep, maximization

from preimage.atlas.data import Model
from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.photo_files import photo_paths
from preimage.statistics import measure
from preimage.studies.loader import Loader
from preimage.studies.trial import checksum_of_all

PHOTOS = photo_paths()[:4]


def _model(
    folder: Path, *names: str, channels: int = 3, content: str = checksum_of_all(PHOTOS)
) -> Model:
    trials = [
        maximization(name, channel, reference_sha256=content)
        for name in names
        for channel in range(channels)
    ]
    with keep(folder / "store", trials) as store:
        records = store.records("a")
    options = Options(folder / "kept", PHOTOS)
    (model,) = gather(records, Loader(), Media(folder / "site"), options).models
    return model


def test_layers_stand_by_depth_with_their_fields(tmp_path: Path) -> None:
    model = _model(tmp_path, f"{TINY}/score", f"{TINY}/conv1")
    assert [layer.title for layer in model.layers] == ["conv1", "score"]
    assert [row.title for row in model.table] == ["conv1", "relu", "conv2", "pool", "flat", "score"]
    conv, score = model.layers
    assert (conv.field, conv.shape, score.field) == (5, (4, 12, 12), None)
    assert conv.field_box is not None
    assert conv.field_box[2] - conv.field_box[0] == 5
    assert [row.layer is not None for row in model.table] == [
        True, False, False, False, False, True,
    ]  # fmt: skip


def test_photos_that_excite_a_channel_are_those_of_the_statistics(tmp_path: Path) -> None:
    conv = _model(tmp_path, f"{TINY}/conv1").layers[0]
    network = Loader().network(TINY)
    statistics = measure(network.several(["conv1"]), PHOTOS)["conv1"]
    for channel in conv.channels:
        values = [top.response for top in channel.top]
        assert values == statistics.top_values[channel.index].tolist()
        assert sorted(values, reverse=True) == values
        first = statistics.images[statistics.top_images[channel.index, 0]]
        assert channel.top[0].image.title == f"the photo {Path(first).stem}"
        box = channel.top[0].box
        assert box is not None
        assert 0 < box.bottom - box.top <= 5
        assert channel.histogram is not None
        assert channel.histogram.high == values[0]
        assert channel not in [other for other, _ in channel.similar]
    assert sorted(channel.rank for channel in conv.channels) == [0, 1, 2]
    assert conv.sample is not None


def test_a_vector_depends_on_the_whole_photo(tmp_path: Path) -> None:
    (score,) = _model(tmp_path, f"{TINY}/score").layers
    assert all(top.box is None for channel in score.channels for top in channel.top)


def test_a_layer_with_steps_keeps_its_pictures_without_facts(tmp_path: Path) -> None:
    model = _model(tmp_path, f"{TINY}/flat|unit", f"{TINY}/conv1")
    by_title = {layer.title: layer for layer in model.layers}
    assert by_title["flat|unit"].shape == ()
    assert by_title["conv1"].channels[0].top


def test_a_network_that_is_not_here_leaves_its_pages_shorter(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="unknown network 'net'.*its pages lack what needs it"):
        model = _model(tmp_path, "net/conv")
    assert model.problem.startswith("unknown network 'net'")
    assert len(model.layers[0].channels) == 3
    assert model.table == []


def test_m_of_other_photos_is_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="comes from other photos.*--reference"):
        _model(tmp_path, f"{TINY}/conv1", content="0")
