"""Training: it learns, and goes on after Ctrl-C as if nothing had happened."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit import decoder, training
from preimage.audit.decoder import Trained, load_trained, save_trained, standardization
from preimage.audit.training import (
    begin,
    code_loss,
    make_pairs,
    picture_loss,
    train_decoder,
)
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer

PHOTOS = photo_paths()
PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


class Cells(nn.Module):
    """The means of 4 x 4 cells."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.avg_pool2d(x, 4).flatten(1) + 3


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pictures have 16 pixels, and few channels."""
    monkeypatch.setattr(decoder, "_LEAST_SIDE", 16)
    monkeypatch.setattr(decoder, "_WIDTHS", ((4, 48), (8, 32), (16, 16)))


@pytest.fixture(scope="module")
def layer() -> Layer:
    """A layer whose codes hold the colors of 4 x 4 cells, which a decoder can learn."""
    return Layer(nn.Sequential(Cells()), "0", PREPROCESSING, name="tiny/cells")


def test_pairs_are_photos_and_crops_with_their_codes(layer: Layer) -> None:
    seen: list[tuple[int, int]] = []
    pairs = make_pairs(layer, PHOTOS[:3], (64, 64), 0, lambda *done: seen.append(done))
    assert len(pairs.codes) == len(pairs.pictures) == seen[-1][0] == seen[-1][1] == 48
    whole = PREPROCESSING.load(PHOTOS[1])[None]
    assert torch.equal(pairs.codes[2], layer.encode(whole)[0])
    assert torch.equal(pairs.codes[3], layer.encode(whole.flip(-1))[0])


def test_large_codes_have_fewer_crops(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_MOST_VALUES", 3 * 48 * 5)
    assert len(make_pairs(layer, PHOTOS[:3], (64, 64), 0).codes) == 15


def test_a_decoder_learns_to_decode_photos_that_it_has_not_seen(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_RATE", 3e-3)
    monkeypatch.setattr(training, "_WARM_UP", 5)
    trained = train_decoder(layer, PHOTOS[:8], steps=45)
    photo = PREPROCESSING.load(PHOTOS[8])
    wanted = PREPROCESSING.to_255(photo)
    picture = trained.decode(layer.encode(photo[None]), (16, 16))[0]
    error = float((picture - wanted).abs().mean())
    mean = make_pairs(layer, PHOTOS[:8], (16, 16), 0).pictures.float().mean(0)
    assert error < 0.85 * float((mean - wanted).abs().mean())


def test_a_training_that_goes_on_has_the_bits_of_one_that_was_not_interrupted(
    layer: Layer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "_KEPT", 3)
    whole = train_decoder(layer, PHOTOS[:8], steps=8, seed=5)
    path = tmp_path / "a.pt"

    def stop(what: str, done: int, *_: object) -> None:
        if what == "training" and done == 5:
            raise KeyboardInterrupt

    def keep(state: Trained) -> None:
        save_trained(path, state)

    with pytest.raises(KeyboardInterrupt):
        train_decoder(layer, PHOTOS[:8], steps=8, seed=5, keep=keep, progress=stop)
    assert load_trained(path).done == 3
    found = train_decoder(layer, PHOTOS[:8], steps=8, seed=5, before=load_trained(path), keep=keep)
    assert load_trained(path).done == 8
    assert not load_trained(path).state
    expected = whole.decoder.state_dict()
    for name, value in found.decoder.state_dict().items():
        assert torch.equal(value, expected[name])


@pytest.fixture
def begun(layer: Layer) -> Trained:
    """An untrained decoder that knows mean and deviation of codes."""
    codes = make_pairs(layer, PHOTOS, (16, 16), 0).codes
    mean, deviation = standardization(codes)
    return replace(begin(layer, PHOTOS, 1, 0), mean=mean, deviation=deviation)


def test_the_gradient_of_the_code_loss_is_right(layer: Layer, begun: Trained) -> None:
    torch.manual_seed(0)
    codes = torch.rand(2, 48, dtype=torch.float64) + 1
    x = torch.randn(2, 3, 16, 16, dtype=torch.float64) * 50
    along = torch.randn(2, 3, 16, 16, dtype=torch.float64)
    _, gradient = code_loss(layer, begun, x, codes)
    ahead, behind = (code_loss(layer, begun, x + h * along, codes)[0] for h in (1e-4, -1e-4))
    assert float((gradient * along).sum()) == pytest.approx((ahead - behind) / 2e-4, rel=1e-6)


def test_losses_are_zero_for_equal_pictures_and_codes(layer: Layer, begun: Trained) -> None:
    picture = torch.rand(1, 3, 16, 16) * 255
    assert float(picture_loss(picture, picture)) == 0
    loss, _ = code_loss(layer, begun, picture, 7 * layer.encode(picture))
    assert loss == pytest.approx(0, abs=1e-6)


def test_few_photos_and_other_channels_get_one_clear_line(layer: Layer) -> None:
    with pytest.raises(ValueError, match="training needs at least 8 photos, not 7"):
        train_decoder(layer, PHOTOS[:7], steps=1)
    many = Layer(nn.Sequential(nn.Conv2d(5, 4, 3)), "0", Preprocessing((0.0,) * 5, range=(0, 1)))
    with pytest.raises(ValueError, match="takes 5 channels"):
        train_decoder(many, PHOTOS, steps=1)


def test_maps_of_gray_images_are_decoded_too() -> None:
    gray = Preprocessing(mean=(127.5,), std=(60.0,), size=(16, 16))
    layer = Layer(nn.Sequential(nn.Conv2d(1, 6, 4, stride=4)), "0", gray, name="tiny/maps")
    trained = train_decoder(layer, PHOTOS, steps=1)
    assert trained.code_shape == (6, 4, 4)
    assert trained.decode(torch.rand(1, 6, 4, 4)).shape == (1, 3, 16, 16)
