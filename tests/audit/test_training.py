"""Training: it learns, and goes on after Ctrl-C as if nothing had happened."""

from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit import training
from preimage.audit.decoder import Decoder, Prediction, load_decoder, save_decoder
from preimage.audit.training import begin, fit, train_decoder
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer

PHOTOS = photo_paths()
PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each photo have two crops."""
    monkeypatch.setattr(training, "_CROPS", 2)


@pytest.fixture(scope="module")
def layer() -> Layer:
    """A pooled layer after two maps."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2), nn.Conv2d(6, 8, 3), nn.AdaptiveAvgPool2d(2), nn.Flatten()
    )
    return Layer(network, "3", PREPROCESSING, name="tiny/pool")


def test_what_follows_from_the_code_is_predicted_and_the_rest_is_known_to_be_unsure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "_RIDGE", 1e-6)
    draw = torch.Generator().manual_seed(0)
    codes = nn.functional.normalize(torch.randn(300, 4, generator=draw))
    follow = codes @ torch.randn(4, 4, generator=draw) + 9
    statistics = torch.randn(300, 8, generator=draw)  # two layers of two channels
    statistics[:, [0, 1, 4, 5]] = follow
    found = fit(codes, statistics, torch.arange(300) // 3, (2, 2))
    predicted = found(5 * codes)
    torch.testing.assert_close(predicted[:, [0, 1, 4, 5]], follow, rtol=0, atol=1e-3)
    assert float(found.deviation[[0, 1, 4, 5]].max()) < 1e-3
    assert float(found.deviation[[2, 3, 6, 7]].min()) > 0.8


def test_a_decoder_learns_statistics_of_photos_that_it_has_not_seen(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_RIDGE", 0.1)
    trained = train_decoder(layer, PHOTOS[:8])
    photo = PREPROCESSING.load(PHOTOS[8])[None]
    inner = trained.statistics(layer, with_code=False)
    wanted = inner.encode(photo)
    error = float((trained.targets(layer.encode(photo), inner) - wanted).norm())
    assert trained.prediction is not None
    mean = trained.prediction.offset / trained.prediction.deviation
    assert error < 0.9 * float((mean - wanted).norm())
    assert trained.layers == ("0", "1")


def test_after_ctrl_c_all_that_was_measured_is_kept_and_the_result_is_the_same(
    layer: Layer, tmp_path: Path
) -> None:
    whole = train_decoder(layer, PHOTOS[:8], seed=5)
    path = tmp_path / "a.pt"

    def stop(done: int, _: int) -> None:
        if done == 19:
            raise KeyboardInterrupt

    def keep(state: Decoder) -> None:
        save_decoder(path, state)

    with pytest.raises(KeyboardInterrupt):
        train_decoder(layer, PHOTOS[:8], seed=5, keep=keep, progress=stop)
    before = load_decoder(path)
    assert len(before.measured) == 19
    with pytest.raises(ValueError, match="training of the decoder is not finished"):
        before.check(layer)
    seen: list[int] = []
    train_decoder(
        layer, PHOTOS[:8], seed=5, before=before, keep=keep, progress=lambda n, _: seen.append(n)
    )
    assert seen == list(range(20, 33))
    found = load_decoder(path).prediction
    assert isinstance(found, Prediction)
    assert whole.prediction is not None
    assert torch.equal(found.weights, whole.prediction.weights)
    assert torch.equal(found.deviation, whole.prediction.deviation)


def test_codes_of_whole_photos_are_kept(layer: Layer) -> None:
    trained = train_decoder(layer, PHOTOS[:8])
    codes = layer.encode(torch.stack([PREPROCESSING.load(path) for path in PHOTOS[:8]]))
    torch.testing.assert_close(trained.codes, nn.functional.normalize(codes))


def test_what_cannot_be_trained_gets_one_clear_line(layer: Layer) -> None:
    with pytest.raises(ValueError, match="training needs at least 8 photos, not 7"):
        train_decoder(layer, PHOTOS[:7])
    with pytest.raises(ValueError, match="layer of a network, and hog is none"):
        begin(HOG(), PHOTOS, 0)
    with pytest.raises(ValueError, match="say where things are, and need no decoder"):
        begin(layer.sibling("1"), PHOTOS, 0)
    first = Layer(nn.Sequential(nn.Flatten()), "0", PREPROCESSING, name="tiny/0")
    with pytest.raises(ValueError, match="needs layers with maps before it: there is none"):
        begin(first, PHOTOS, 0)
