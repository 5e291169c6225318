"""Codes of photos are computed once, and again if anything that they depend on has changed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.runner import save_photo
from torch import nn

from preimage.audit import code_cache
from preimage.audit.candidate_search import encode_others, encode_photos
from preimage.audit.code_cache import CodeCache
from preimage.audit.reference import OWN, encode_reference
from preimage.decoding import ImageError
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.transformations import Projection
from preimage.representations.transformed import Transformed

PREPROCESSING = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(16, 16))


@pytest.fixture
def layer() -> Layer:
    network = nn.Sequential(nn.Conv2d(3, 4, 5, stride=4), nn.Flatten())
    return Layer(network, "1", PREPROCESSING, name="tiny/flat")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [save_photo(tmp_path / f"{n}.png", seed=n) for n in range(3)]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[Path]]:
    """The photos of each time that codes were computed."""
    found = list[Sequence[Path]]()

    def counted(*arguments: object) -> object:
        found.append(arguments[1])  # type: ignore[arg-type]
        return encode_photos(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(code_cache, "encode_photos", counted)
    return found


def test_codes_are_those_that_are_computed_without_a_cache(
    layer: Layer, photos: list[Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    cache = CodeCache(tmp_path / "out")
    for _ in range(2):  # computed, and read again
        wanted, kept = encode_reference(layer, photos), cache.reference(layer, photos)
        assert list(kept.codes) == list(wanted.codes)
        for name, codes in wanted.codes.items():
            torch.testing.assert_close(kept.codes[name], codes, rtol=0, atol=0)
        np.testing.assert_array_equal(kept.photos, wanted.photos)
        read, codes = cache.photos(layer, [broken, *photos])
        assert read == photos
        torch.testing.assert_close(codes, encode_photos(layer, photos)[1], rtol=0, atol=0)
        others, plain = cache.others(layer, photos, crops=0), encode_others(layer, photos, crops=0)
        torch.testing.assert_close(others.copies, plain.copies, rtol=0, atol=0)
        assert others.crops.shape == plain.crops.shape


def test_codes_are_computed_again_only_if_weights_photos_or_matrices_have_changed(
    layer: Layer, photos: list[Path], tmp_path: Path, calls: list[Sequence[Path]]
) -> None:
    cache = CodeCache(tmp_path / "out")

    def is_computed(phi: Layer | Transformed) -> bool:
        before = len(calls)
        cache.photos(phi, photos)
        return len(calls) > before

    assert [is_computed(layer) for _ in range(2)] == [True, False]
    for mean in (0.0, 1.0):
        step = Projection("axes.npz", torch.eye(36)[:2], torch.full((36,), mean))
        phi = Transformed(layer, [step])
        assert [is_computed(phi) for _ in range(2)] == [True, False]
    save_photo(photos[0], seed=9)
    assert [is_computed(layer) for _ in range(2)] == [True, False]
    with torch.no_grad():
        next(layer.model.parameters()).mul_(2)
    assert [is_computed(layer) for _ in range(2)] == [True, False]


def test_a_damaged_file_is_computed_again(
    layer: Layer, photos: list[Path], tmp_path: Path, calls: list[Sequence[Path]]
) -> None:
    cache = CodeCache(tmp_path / "out")
    cache.photos(layer, photos)
    (kept,) = (tmp_path / "out/codes").iterdir()
    kept.write_bytes(kept.read_bytes()[:50])
    cache.photos(layer, photos)
    assert len(calls) == 2


def test_parts_that_are_done_survive_an_interruption(
    layer: Layer,
    photos: list[Path],
    tmp_path: Path,
    calls: list[Sequence[Path]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(code_cache, "PART", 2)
    cache, done = CodeCache(tmp_path / "out"), list[tuple[int, int]]()

    def interrupt(*counts: int) -> None:
        if counts == (3, 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.photos(layer, photos, interrupt)
    calls.clear()
    read, codes = cache.photos(layer, photos, lambda *counts: done.append(counts))
    assert (read, calls, done) == (photos, [photos[2:]], [(3, 3)])
    torch.testing.assert_close(codes, encode_photos(layer, photos)[1], rtol=0, atol=0)


def test_crops_that_are_done_survive_an_interruption(
    layer: Layer, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_cache, "PART_OF_CROPS", 20)
    cache, done = CodeCache(tmp_path / "out"), list[tuple[int, int]]()

    def interrupt(*counts: int) -> None:
        if counts == (50, 96):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.reference(layer, photos, interrupt)
    kept = sorted((tmp_path / "out/codes").iterdir())
    kept[0].unlink()  # one of the two, so that one is made again from the middle or the start
    found = cache.reference(layer, photos, lambda *counts: done.append(counts))
    assert (len(kept), done[-1], len(done)) == (2, (96, 96), 76)
    wanted = encode_reference(layer, photos)
    assert list(found.codes) == list(wanted.codes)
    for name, codes in wanted.codes.items():
        torch.testing.assert_close(found.codes[name], codes, rtol=0, atol=0)
    np.testing.assert_array_equal(found.photos, wanted.photos)


def test_one_preprocessing_and_a_number_of_threads_have_codes_of_their_own(
    layer: Layer, photos: list[Path], tmp_path: Path
) -> None:
    both = CodeCache(tmp_path / "out").reference(layer, photos)
    one = CodeCache(tmp_path / "out").reference(layer, photos, prepared=False)
    assert list(one.codes) == [OWN]
    torch.testing.assert_close(one.codes[OWN], both.codes[OWN], rtol=0, atol=0)
    before = len(list((tmp_path / "out/codes").iterdir()))
    CodeCache(tmp_path / "out", threads=1).reference(layer, photos, prepared=False)
    assert before < len(list((tmp_path / "out/codes").iterdir()))


def test_the_number_of_threads_that_was_chosen_is_kept_unless_one_is_named(tmp_path: Path) -> None:
    CodeCache(tmp_path, threads=3).keep_threads(3)
    assert CodeCache(tmp_path).kept_threads() is None
    CodeCache(tmp_path).keep_threads(2)
    assert CodeCache(tmp_path).kept_threads() == 2
    CodeCache().keep_threads(1)  # nothing is kept without a folder
    assert not Path("codes").exists()


def test_a_part_without_a_photo_that_can_be_read_is_left_out(
    layer: Layer, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_cache, "PART", 1)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    assert CodeCache(tmp_path / "out").photos(layer, [broken, *photos])[0] == photos
    with pytest.raises(ImageError, match=r"broken\.png"):
        CodeCache().photos(layer, [broken])
