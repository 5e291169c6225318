"""Recognition: planted transformations of codes are named, with their parameters."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from preimage.audit.recognition import as_named, recognize
from preimage.audit.reference import Reference, encode_reference
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.transformations import Projection, Quantized, Unit
from preimage.representations.transformed import Transformed

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(24, 24))
LENGTH = 96


class Mean(nn.Module):
    """The mean over positions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((2, 3))


@pytest.fixture(scope="module")
def layer() -> Layer:
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 24, 5, stride=2), nn.ReLU(), nn.Conv2d(24, LENGTH, 3), nn.ReLU(), Mean()
    )
    return Layer(network, "4", PREPROCESSING, name="tiny/pool")


@pytest.fixture(scope="module")
def reference(layer: Layer) -> Reference:
    return encode_reference(layer, photo_paths(), crops=48)


@pytest.fixture(scope="module")
def codes(layer: Layer) -> dict[str, np.ndarray]:
    """Codes of other crops than those of the reference, by preprocessing."""
    found = encode_reference(layer, photo_paths(), crops=48, seed=7)
    return {name: code.numpy().astype(np.float64) for name, code in found.codes.items()}


def _unit(values: np.ndarray) -> np.ndarray:
    return values / np.linalg.norm(values, axis=1, keepdims=True)


def test_codes_as_they_are_need_no_transformation(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    for kind in ("float32", "float16"):
        found = recognize(codes[""].astype(kind), layer, reference=reference)
        assert (found.stored, found.transformations, found.prepared) == (kind, (), "")
        assert found.representation is layer
        assert str(found) == f"codes of tiny/pool; stored as {kind}"
        torch.testing.assert_close(
            found.codes(codes[""].astype(kind)), torch.tensor(codes[""].astype(kind)).float()
        )


def test_unit_norm_is_recognized_also_with_another_constant(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    for factor in (1.0, 10.0):
        stored = (factor * _unit(codes[""])).astype(np.float32)
        found = recognize(stored, layer, reference=reference)
        assert found.representation.name == "tiny/pool|unit"
        assert found.is_alike
        norms = found.codes(stored).norm(dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=1e-3, atol=0)


@pytest.mark.parametrize(("kind", "zero"), [("int8", 0), ("int8", -128), ("uint8", 0)])
def test_8_bits_are_recognized_with_scale_and_zero(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray], kind: str, zero: int
) -> None:
    levels = 127 if (kind, zero) == ("int8", 0) else 255
    scale = codes[""].max() / levels
    stored = (np.round(codes[""] / scale) + zero).astype(kind)
    found = recognize(stored, layer, reference=reference)
    (step,) = found.transformations
    assert isinstance(step, Quantized)
    assert (step.kind, step.zero) == (kind, zero)
    assert step.scale == pytest.approx(scale, rel=0.15)
    assert torch.equal(found.codes(stored[:1]), found.codes(stored)[:1])
    assert not found.codes(np.full((1, LENGTH), zero, kind)).any()
    meant = found.codes(stored) * scale / step.scale
    torch.testing.assert_close(meant, torch.tensor(codes[""]).float(), atol=scale, rtol=0)


def test_8_bits_of_unit_norm_have_the_exact_scale(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    units = _unit(codes[""])
    scale = units.max() / 127
    found = recognize(np.round(units / scale).astype(np.int8), layer, reference=reference)
    unit, rounded = found.transformations
    assert isinstance(unit, Unit)
    assert isinstance(rounded, Quantized)
    assert rounded.scale == pytest.approx(scale, rel=0.01)


def test_fractions_that_were_rounded_have_their_step(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    scale = codes[""].max() / 127
    stored = (np.round(codes[""] / scale) * scale).astype(np.float32)
    found = recognize(stored, layer, reference=reference)
    (step,) = found.transformations
    assert isinstance(step, Quantized)
    assert step.scale == pytest.approx(scale, rel=1e-3)
    torch.testing.assert_close(found.codes(stored), torch.tensor(stored))


def test_first_values_are_recognized_before_and_after_unit_norm(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    cut = codes[""][:, :64]
    for stored, name in (
        (cut, "first:64"), (_unit(codes[""])[:, :64], "unit|first:64"),
        (_unit(cut), "first:64|unit"),
    ):  # fmt: skip
        assert (
            recognize(stored, layer, reference=reference).representation.name == f"tiny/pool|{name}"
        )


def test_a_projection_is_asked_for_and_checked(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray], tmp_path: Path
) -> None:
    mean = codes[""].mean(0)
    _, _, axes = np.linalg.svd(codes[""] - mean, full_matrices=False)
    np.savez(tmp_path / "pca.npz", components=axes[:32], mean=mean)
    np.save(tmp_path / "other.npy", np.random.default_rng(0).normal(size=(32, LENGTH)))
    stored = (codes[""] - mean) @ axes[:32].T
    with pytest.raises(ValueError, match="look like the result of PCA: give the matrix with"):
        recognize(stored, layer, reference=reference)
    found = recognize(stored, layer, reference=reference, projection=str(tmp_path / "pca.npz"))
    assert isinstance(found.transformations[0], Projection)
    assert found.is_alike
    assert not recognize(
        stored, layer, reference=reference, projection=str(tmp_path / "other.npy")
    ).is_alike


@pytest.mark.parametrize("name", ["0..1", "0..255", "bgr"])
def test_another_preprocessing_is_named(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray], name: str
) -> None:
    found = recognize(codes[name], layer, reference=reference)
    assert found.prepared == name
    assert found.representation.name == f"tiny/pool|{name}"


def test_codes_of_another_network_are_not_alike(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    shuffled = codes[""][:, np.random.default_rng(0).permutation(LENGTH)]
    found = recognize(shuffled, layer, reference=reference)
    assert not found.is_alike
    assert str(found) == "not like codes of tiny/pool: another network or preprocessing?"
    assert found.describe()["is_alike"] is False


def test_vectors_that_cannot_be_codes_get_one_clear_line(layer: Layer, tmp_path: Path) -> None:
    np.save(tmp_path / "axes.npy", np.eye(LENGTH)[:8])
    longer = np.ones((20, LENGTH + 1))
    for values, phi, file, message in (
        (longer, layer, None, f"the vectors have {LENGTH + 1} values, but codes of tiny/pool have"),
        (np.full((20, LENGTH), np.nan), layer, None, "the vectors hold NaN or infinite values"),
        (longer, HOG(), None, "hog has codes of any length"),
        (longer, layer, str(tmp_path / "axes.npy"), "makes vectors of 8 values, not of 97"),
    ):
        with pytest.raises(ValueError, match=re.escape(message)):
            recognize(values, phi, projection=file)


def test_vectors_must_have_the_length_of_the_named_steps(layer: Layer) -> None:
    named = Transformed.parse(layer, "first:8")
    assert as_named(np.ones((2, 8)), named).representation is named
    message = f"the vectors have {LENGTH} values, but codes of tiny/pool|first:8 have 8"
    with pytest.raises(ValueError, match=re.escape(message)):
        as_named(np.ones((2, LENGTH)), named)
    with pytest.raises(ValueError, match=r"hog\|unit has codes of any length"):
        as_named(np.ones((2, LENGTH)), Transformed.parse(HOG(), "unit"))


def test_a_constant_factor_is_divided_out(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    found = recognize(100 * codes[""], layer, reference=reference)
    assert found.scale == pytest.approx(100, rel=0.3)
    assert "multiplied by" in str(found)
    torch.testing.assert_close(
        found.codes(100 * codes[""]) * found.scale, torch.tensor(100 * codes[""]).float()
    )


def test_the_shipped_photos_are_the_reference_by_default(
    layer: Layer, codes: dict[str, np.ndarray]
) -> None:
    done: list[int] = []
    found = recognize(codes[""], layer, progress=lambda n, count: done.append(count))
    assert found.is_alike
    assert done == [96] * 96
    assert any("96 crops of 9 photos" in line for line in found.evidence)


def test_few_vectors_are_not_taken_as_more_than_they_tell(
    layer: Layer, reference: Reference, codes: dict[str, np.ndarray]
) -> None:
    found = recognize(codes["0..255"][:3], layer, reference=reference)
    assert found.prepared == ""
    assert "too few vectors (3) to tell the preprocessing: it takes 16" in found.evidence
    one = recognize(_unit(codes[""])[:1], layer, reference=reference)
    assert one.representation.name == "tiny/pool|unit"


def test_named_steps_are_taken_as_true(layer: Layer) -> None:
    phi = Transformed.parse(layer, "unit|int8:0.01,5")
    found = as_named(np.full((1, LENGTH), 25, np.int8) + np.arange(LENGTH, dtype=np.int8), phi)
    assert found.representation is phi
    assert found.codes(np.arange(LENGTH)[None])[0, :2].tolist() == pytest.approx([-0.05, -0.04])
