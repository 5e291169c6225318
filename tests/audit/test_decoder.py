"""Decoders: their shapes, what they are for, and their files."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit.decoder import (
    Decoder,
    Trained,
    checksum_of,
    direction_name,
    directions,
    load_trained,
    new_decoder,
    save_trained,
    standardization,
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


def _trained(layer: Layer) -> Trained:
    shape = layer.code_shape(16, 16)
    codes = torch.rand(20, *shape, generator=torch.Generator().manual_seed(0))
    mean, deviation = standardization(codes)
    return Trained(
        new_decoder(shape, 0), mean, deviation, direction_name(layer), checksum_of(layer), shape,
        ("ab", "cd"), directions(codes[:2]).half(), 10, 10, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ((50,), (64, 64)), ((6, 9), (64, 64)), ((20, 7, 7), (112, 112)), ((8, 14, 28), (112, 224)),
        ((4, 64, 80), (64, 80)), ((4, 1, 1), (64, 64)),
    ],
)  # fmt: skip
def test_pictures_have_at_least_64_pixels(shape: tuple[int, ...], size: tuple[int, int]) -> None:
    decoder = Decoder(shape).eval()
    pictures = decoder(torch.randn(2, *shape)).detach()
    assert (decoder.size, tuple(pictures.shape)) == (size, (2, 3, *size))
    assert 0 <= float(pictures.min()) < float(pictures.max()) <= 255


def test_a_long_vector_gets_one_clear_line() -> None:
    with pytest.raises(ValueError, match="codes of shape \\(197, 768\\) are too long"):
        Decoder((197, 768))


def test_pictures_have_the_same_bits_alone_in_a_batch_and_in_another_scale() -> None:
    trained = _trained(_layer())
    codes = torch.rand(3, *trained.code_shape)
    together = trained.decode(codes, (16, 16))
    for n in range(3):
        assert torch.equal(trained.decode(codes[[n]], (16, 16))[0], together[n])
    torch.testing.assert_close(trained.decode(4 * codes, (16, 16)), together)


def test_standardized_codes_have_mean_0_and_deviation_1() -> None:
    for shape in ((200, 5), (50, 5, 2, 2)):
        codes = torch.rand(*shape)
        mean, deviation = standardization(codes)
        found = (directions(codes) - mean) / deviation
        axes = (0, 2, 3)[: len(shape) - 1] if len(shape) == 4 else (0,)
        torch.testing.assert_close(found.mean(axes), torch.zeros(5), rtol=0, atol=1e-5)
        torch.testing.assert_close(found.std(axes, correction=0), torch.ones(5))


def test_steps_that_keep_the_direction_need_no_other_decoder() -> None:
    layer = _layer()
    trained = _trained(layer)
    trained.check(Transformed(layer, [Unit(), Quantized("int8", 0.01)]))
    for other in (Transformed(layer, [First(5)]), Transformed(layer, [Unit()], "bgr")):
        with pytest.raises(ValueError, match=r"trained for codes of tiny/2, not of tiny/2\|"):
            trained.check(other)


def test_another_layer_other_weights_and_another_matrix_get_one_clear_line() -> None:
    layer = _layer()
    trained = _trained(layer)
    with pytest.raises(ValueError, match="trained for codes of tiny/1, not of tiny/2"):
        replace(trained, representation="tiny/1").check(layer)
    with pytest.raises(ValueError, match="trained for other weights of tiny/2"):
        trained.check(_layer(seed=1))
    matrices = [Projection("a.npy", torch.eye(2, 128) + n) for n in range(2)]
    assert len({checksum_of(Transformed(layer, [matrix])) for matrix in matrices}) == 2


def test_a_decoder_survives_its_file_which_holds_no_code(tmp_path: Path) -> None:
    trained = _trained(_layer())
    save_trained(tmp_path / "a.pt", trained)
    torch.load(tmp_path / "a.pt", weights_only=True)
    found = load_trained(tmp_path / "a.pt")
    codes = torch.rand(2, *trained.code_shape)
    assert torch.equal(found.decode(codes), trained.decode(codes))
    assert torch.equal(found.codes, trained.codes)
    assert (found.photos, found.code_shape, found.checksum) == (
        trained.photos, trained.code_shape, trained.checksum,
    )  # fmt: skip


def test_other_files_get_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    with pytest.raises(OSError, match=r"a\.pt"):
        load_trained(path)
    path.write_bytes(b"no decoder")
    with pytest.raises(ValueError, match="damaged, or no decoder"):
        load_trained(path)
    torch.save({"weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no decoder that preimage audit train wrote"):
        load_trained(path)
