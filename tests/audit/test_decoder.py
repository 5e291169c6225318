"""Decoders: what they predict, what they are for, and their files."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit.decoder import (
    Decoder,
    Prediction,
    checksum_of,
    direction_name,
    directions,
    load_decoder,
    save_decoder,
)
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.transformations import First, Projection, Quantized, Unit
from preimage.representations.transformed import Transformed

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


def _layer(seed: int = 0) -> Layer:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten())
    return Layer(network, "2", PREPROCESSING, name="tiny/2")


def _decoder(layer: Layer) -> Decoder:
    (length,) = layer.code_shape(16, 16)
    draw = torch.Generator().manual_seed(0)
    codes = directions(torch.rand(2, length, generator=draw))
    prediction = Prediction(
        mean=torch.zeros(length), spread=torch.ones(length),
        weights=torch.randn(length, 16, generator=draw), offset=torch.zeros(16),
        deviation=torch.rand(16, generator=draw) + 1, square=torch.tensor(3.0),
    )  # fmt: skip
    return Decoder(
        direction_name(layer), checksum_of(layer), ("0",), ("ab", "cd"), 0,
        torch.cat([torch.zeros(2, 16), codes], 1), prediction,
    )  # fmt: skip


def test_predictions_have_the_same_bits_alone_in_a_batch_and_do_not_depend_on_the_scale() -> None:
    layer = _layer()
    decoder = _decoder(layer)
    codes = torch.rand(3, *layer.code_shape(16, 16))
    for with_code in (False, True):
        inner = decoder.statistics(layer, with_code=with_code)
        together = decoder.targets(codes, inner)
        assert tuple(together.shape[1:]) == inner.code_shape(16, 16)
        for n in range(3):
            assert torch.equal(decoder.targets(codes[[n]], inner)[0], together[n])
        torch.testing.assert_close(decoder.targets(4 * codes, inner), together)


def test_deviations_are_predicted_to_be_positive() -> None:
    layer = _layer()
    decoder = _decoder(layer)
    assert decoder.prediction is not None
    found = decoder.prediction(torch.rand(20, *layer.code_shape(16, 16)))
    assert float(found[:, :8].min()) < 0 <= float(found[:, 8:].min())


def test_the_loss_of_a_code_has_the_same_weight_whatever_the_number_of_statistics() -> None:
    layer = _layer()
    decoder = _decoder(layer)
    inner = decoder.statistics(layer, with_code=True)
    alone = decoder.statistics(layer, with_code=False)
    assert inner.loss_weight is not None
    assert alone.loss_weight is not None
    codes = layer.encode(torch.randn(2, 3, 16, 16) * 50)
    first, second = inner.join(torch.zeros(2, 16), codes)
    distance = float((first - second).square().sum()) / 16
    assert distance / float((directions(codes)[0] - directions(codes)[1]).square().sum()) == (
        pytest.approx((inner.loss_weight - alone.loss_weight) / alone.loss_weight * 3)
    )


def test_steps_that_keep_the_direction_need_no_other_decoder() -> None:
    layer = _layer()
    decoder = _decoder(layer)
    decoder.check(Transformed(layer, [Unit(), Quantized("int8", 0.01)]))
    for other in (Transformed(layer, [First(5)]), Transformed(layer, [Unit()], "bgr")):
        with pytest.raises(ValueError, match=r"trained for codes of tiny/2, not of tiny/2\|"):
            decoder.check(other)


def test_another_layer_other_weights_and_another_matrix_get_one_clear_line() -> None:
    layer = _layer()
    decoder = _decoder(layer)
    with pytest.raises(ValueError, match="trained for codes of tiny/1, not of tiny/2"):
        replace(decoder, representation="tiny/1").check(layer)
    with pytest.raises(ValueError, match="trained for other weights of tiny/2"):
        decoder.check(_layer(seed=1))
    matrices = [Projection("a.npy", torch.eye(2, 128) + n) for n in range(2)]
    assert len({checksum_of(Transformed(layer, [matrix])) for matrix in matrices}) == 2


def test_a_decoder_survives_its_file_which_holds_no_code(tmp_path: Path) -> None:
    layer = _layer()
    decoder = _decoder(layer)
    save_decoder(tmp_path / "a.pt", decoder)
    torch.load(tmp_path / "a.pt", weights_only=True)
    found = load_decoder(tmp_path / "a.pt")
    codes, inner = torch.rand(2, *layer.code_shape(16, 16)), found.statistics(layer, with_code=True)
    assert torch.equal(found.targets(codes, inner), decoder.targets(codes, inner))
    assert torch.equal(found.codes, decoder.codes)
    assert (found.photos, found.layers, found.sha256()) == (
        decoder.photos, decoder.layers, decoder.sha256(),
    )  # fmt: skip


def test_other_files_get_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with pytest.raises(OSError, match=r"a\.pt"):
        load_decoder(path)
    path.write_bytes(b"no decoder")
    with pytest.raises(ValueError, match="damaged, or no decoder"):
        load_decoder(path)
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no decoder that preimage audit train wrote"):
        load_decoder(path)
