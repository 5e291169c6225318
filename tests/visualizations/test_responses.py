"""M: where it is taken from, and what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.runner import save_photo
from tests.support import known
from tests.visualizations.networks import color_network
from torch import Tensor, nn

from preimage.photo_files import photo_paths, shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.representations.layer import Layer
from preimage.statistics import load_known, measure
from preimage.targets import AnyTarget, FunctionTarget, Target, channel, direction, mean_channel
from preimage.visualizations import maximize
from preimage.visualizations.maximization import DeadTargetError
from preimage.visualizations.responses import ResponseRange, find_ranges, given_ranges

CPU = torch.device("cpu")
NETWORK = color_network()
FEATURES = NETWORK.layer("features")
PHOTOS = list(shipped_photos().values())
QUICK = NNPREIMAGE.with_steps(2)


@pytest.fixture(scope="module")
def codes() -> Tensor:
    images = torch.stack([FEATURES.preprocessing.load(photo) for photo in PHOTOS])
    with torch.no_grad():
        return FEATURES(images)


def _maximum(target: Target) -> float:
    ranges, words = find_ranges(FEATURES, [target], CPU)
    assert words == "9 photos"
    return ranges[0].largest


def test_m_of_a_sum_is_that_of_its_terms(codes: Tensor) -> None:
    expected = codes[:, 0].max() - 0.5 * codes[:, 3].min()
    found = _maximum(channel(None, 0) - 0.5 * channel(None, 3))
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_m_of_a_direction_is_measured(codes: Tensor) -> None:
    expected = (codes[:, 0] - codes[:, 1]).max()
    found = _maximum(direction(None, torch.tensor([1.0, -1.0, 0, 0, 0])))
    assert found == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("target", [mean_channel(None, 3), 0.5 * mean_channel(None, 3)], ids=str)
def test_m_of_a_mean_is_the_largest_mean_even_if_statistics_of_channels_are_known(
    target: Target, codes: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics hold the largest single response of each channel, which is no mean."""
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    weight = target.terms[0].weight
    expected = weight * codes[:, 3].mean((1, 2)).max()
    assert _maximum(target) == pytest.approx(expected.item(), rel=1e-5)
    measure(NETWORK.several(["features"]), PHOTOS)
    assert known(load_known(FEATURES)).maximum[3] > 1.1 * expected / weight
    assert _maximum(target) == pytest.approx(expected.item(), rel=1e-5)
    ranges = find_ranges(FEATURES, [target], CPU, PHOTOS[:1]).ranges
    assert ranges[0].largest == pytest.approx(weight * codes[0, 3].mean().item(), rel=1e-5)


def test_m_comes_from_known_statistics_and_from_given_photos(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    result = maximize(FEATURES, 3, settings=QUICK, reference=PHOTOS[:2])
    statistics = known(load_known(FEATURES))
    assert result.maxima == (statistics.maximum[3],)
    assert result.reference == "2 photos"
    more = [save_photo(tmp_path / f"{seed}.png", seed) for seed in range(3)]
    measure(NETWORK.several(["features"]), [*PHOTOS, *more])
    result = maximize(FEATURES, 3, settings=QUICK)
    assert (result.maxima, result.reference) == (
        (known(load_known(FEATURES)).maximum[3],),
        "12 photos",
    )
    given = maximize(FEATURES, 3, settings=QUICK, maxima=[7.0])
    assert (given.maxima, given.reference) == ((7.0,), "given")


def test_a_reference_of_few_photos_does_not_count_for_later_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A score has a single response to a single photo, which must not make it dead."""
    scores = NETWORK.layer("score")
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "fresh"))
    expected = maximize(scores, [0, 1], settings=QUICK)
    for count in (1, 4, 8):
        maximize(scores, [0, 1], settings=QUICK, reference=PHOTOS[:count])
        later = maximize(scores, [0, 1], settings=QUICK)
        assert (later.maxima, later.reference) == (expected.maxima, "9 photos")
        assert torch.equal(later.images, expected.images)


def test_a_class_that_few_photos_cannot_show_counts_as_the_strongest_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Four classes and two photos; with nine photos, each class has its own M."""
    many = known(maximize(NETWORK, ["red", "blue"], settings=QUICK).maxima)
    assert many[0] != many[1]
    monkeypatch.setattr("preimage.visualizations.responses.photo_paths", lambda: photo_paths()[:2])
    few = known(maximize(NETWORK, ["red", "blue"], settings=QUICK).maxima)
    assert few[0] == few[1]


def test_if_all_responses_are_negative_the_strongest_counts() -> None:
    assert ResponseRange(-1.0, -3.0).scale == 3
    assert ResponseRange(2.0, -3.0).scale == 2
    assert ResponseRange(2.0, 2.0).is_dead
    assert not ResponseRange(2.0, 1.9).is_dead


def test_given_maxima_are_one_for_each_target_and_positive() -> None:
    assert [found.scale for found in given_ranges([1, 2], 2)] == [1, 2]
    for maxima in ([1.0], [1.0, -1.0], [1.0, float("nan")]):
        with pytest.raises(ValueError, match="2 targets need as many positive maxima"):
            given_ranges(maxima, 2)


@pytest.mark.parametrize(
    "target", [channel(None, 3), FunctionTarget(lambda code: code[:, 3].amax())]
)
def test_a_folder_stands_for_its_photos(target: AnyTarget, tmp_path: Path) -> None:
    paths = [save_photo(tmp_path / f"{seed}.png", seed=seed) for seed in range(3)]
    expected = find_ranges(FEATURES, [target], CPU, paths)
    assert expected.words == "3 photos"
    for folder in (tmp_path, str(tmp_path), [tmp_path]):
        assert find_ranges(FEATURES, [target], CPU, folder) == expected


@pytest.mark.parametrize(
    "reference",
    [
        [torch.zeros(3, 20, 20)], [None], [PHOTOS[0], np.zeros((9, 9, 3))], [5],
        np.zeros((2, 9, 9, 3)), torch.zeros(3, 9, 9), 5,
    ],
)  # fmt: skip
def test_what_is_no_path_is_no_reference(reference: Any) -> None:
    with pytest.raises(TypeError, match=r"^reference must be the path of a photo or of a folder"):
        maximize(FEATURES, 3, settings=QUICK, reference=reference)


@pytest.mark.parametrize("channels", [2, 4, 12])
def test_a_network_of_other_channels_asks_for_photos_or_maxima(
    channels: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(channels, 4, 3), nn.ReLU(), nn.Flatten())
    prescribed = Preprocessing(mean=(9.0,) * channels, size=(9, 9))
    layer, last = (Layer(network, name, prescribed) for name in ("0", "2"))
    with pytest.raises(ValueError, match=r"^the shipped photos have no .*: give reference=\.\.\. "
                       rf"\(--reference\), photos of {channels} channels, or maxima$"):  # fmt: skip
        maximize(layer, [0], settings=QUICK)
    assert maximize(layer, [0], settings=QUICK, maxima=[5.0]).maxima == (5.0,)
    photo = np.random.default_rng(0).integers(0, 256, (9, 9, channels)).astype(np.uint8)
    np.save(tmp_path / "photo.npy", photo)
    given = maximize(layer, [0], settings=QUICK, reference=[tmp_path / "photo.npy"])
    with torch.no_grad():
        expected = layer(prescribed.load(photo)[None])[0, 0].max()
    assert known(given.maxima) == pytest.approx((float(expected),), rel=1e-5)
    with pytest.raises(DeadTargetError):  # a single response, and no other photos
        maximize(last, [0], settings=QUICK, reference=[tmp_path / "photo.npy"])


def test_a_channel_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="channel 5 is not among 0-4"):
        find_ranges(FEATURES, [channel(None, 5)], CPU)


def test_a_single_photo_gives_m_and_a_score_that_others_change_is_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    scores = NETWORK.layer("score")
    with torch.no_grad():
        expected = scores(scores.preprocessing.load(PHOTOS[0])[None])[0]
    result = maximize(scores, [0, 1], settings=QUICK, reference=PHOTOS[:1])
    assert known(result.maxima) == pytest.approx(expected[:2].tolist(), rel=1e-5)
    assert (result.reference, result.dead) == ("1 photo", ())
    twice, _ = find_ranges(scores, [channel(None, 0)], CPU, [PHOTOS[0], PHOTOS[0]])
    assert not twice[0].is_dead
    assert find_ranges(FEATURES, [channel(None, 4)], CPU, PHOTOS[:1])[0][0].is_dead


def test_a_class_has_m_of_a_single_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    result = maximize(NETWORK, ["red", "blue"], settings=QUICK, reference=PHOTOS[:1])
    assert result.targets == ("red", "blue")
    assert result.dead == ()


def test_m_of_a_function_is_its_largest_response_to_photos_of_the_size_of_the_run() -> None:
    shapes = []

    def response(code: Tensor) -> Tensor:
        shapes.append(tuple(code.shape))
        return code[:, 0].mean((1, 2)) ** 2 - 1

    ranges, words = find_ranges(FEATURES, [FunctionTarget(response)], CPU, None, 32)
    photos = torch.stack([FEATURES.preprocessing.load(photo, (32, 32)) for photo in PHOTOS])
    expected = FEATURES.encode(photos)[:, 0].mean((1, 2)) ** 2 - 1
    assert words == "9 photos"
    assert ranges[0].largest == pytest.approx(expected.max().item(), rel=1e-5)
    assert ranges[0].smallest == pytest.approx(expected.min().item(), rel=1e-5)
    assert set(shapes) == {(1, 5, 15, 15)}
    find_ranges(FEATURES, [FunctionTarget(response)], CPU, PHOTOS[:1])
    assert shapes[-1] == (1, 5, 11, 11)
    with pytest.raises(ValueError, match="the response of lambda to a photo is nan: return finite"):
        find_ranges(FEATURES, [FunctionTarget(lambda code: code.mean() * torch.nan)], CPU)
