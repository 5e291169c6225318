"""Searches of stores for photos: planted ones are found, also as copies; others are not."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from preimage.audit.candidate_search import copy_photo, encode_others, encode_photos, search_store
from preimage.audit.reference import crop_photos
from preimage.decoding import ImageError
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.representations.layer import Layer
from preimage.representations.transformations import Quantized, Unit
from preimage.representations.transformed import Transformed

PHOTOS = shipped_photos()
STORED = [PHOTOS[name] for name in ("chelsea", "coffee", "rocket", "flower")]
OUTSIDE = [PHOTOS["astronaut"], PHOTOS["china"]]
OTHERS = [PHOTOS["peaks"], PHOTOS["friends"], PHOTOS["seeding"]]


class Cells(nn.Module):
    """The means of 8 x 8 cells."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, 8).flatten(1) + 2


@pytest.fixture(scope="module")
def layer() -> Layer:
    preprocessing = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(48, 48))
    return Layer(nn.Sequential(Cells()), "0", preprocessing, name="tiny/cells")


def _in_batches(codes: torch.Tensor) -> Iterator[tuple[Sequence[int], torch.Tensor]]:
    """Codes with the rows 10, 11 and so on, in batches of 3."""
    for start in range(0, len(codes), 3):
        part = codes[start : start + 3]
        yield range(10 + start, 10 + start + len(part)), part


@pytest.mark.parametrize("steps", [[], [Unit()], [Quantized("int8", 0.05)]])
def test_stored_photos_and_their_copies_are_found(
    layer: Layer, tmp_path: Path, steps: list[Unit | Quantized]
) -> None:
    phi = Transformed(layer, steps)
    copies = []
    for photo in STORED:
        copies.append(tmp_path / photo.name)
        copy_photo(photo, 0.8, 85).save(copies[-1], quality=85)
    _, stored = encode_photos(phi, STORED)
    found, codes = encode_photos(phi, [*STORED, *copies, *OUTSIDE])
    assert len(found) == 10
    matches, left_out = search_store(_in_batches(stored), codes, encode_others(phi, OTHERS))
    assert matches.found.tolist() == [True] * 8 + [False] * 2
    assert matches.rows[:8].tolist() == [10, 11, 12, 13] * 2
    assert left_out == ()
    assert matches.threshold.false_rate <= 0.01
    assert matches.threshold.copies == 1


def test_each_code_of_other_photos_is_counted(layer: Layer) -> None:
    seen: list[tuple[int, int]] = []
    encode_others(layer, OTHERS, progress=lambda *counts: seen.append(counts))
    total = len(OTHERS) * (1 + 3) + 99  # the photos, three copies of each, and the crops
    assert seen == [(n, total) for n in range(1, total + 1)]


def test_other_photos_that_are_in_the_store_are_left_out(layer: Layer) -> None:
    _, stored = encode_photos(layer, [*STORED, OTHERS[1]])
    others = encode_others(layer, OTHERS)
    matches, left_out = search_store(_in_batches(stored), others.whole, others)
    assert left_out == (1,)
    assert matches.found.tolist() == [False, True, False]
    with pytest.raises(ValueError, match="all 3 photos to compare with seem to be in the store"):
        search_store(_in_batches(others.whole), others.whole, others)


def test_files_that_are_no_photos_are_skipped(layer: Layer, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    found, codes = encode_photos(layer, [broken, STORED[0]])
    assert (found, len(codes)) == ([STORED[0]], 1)
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        encode_photos(layer, [broken])


def test_crops_know_their_photo(layer: Layer) -> None:
    others = encode_others(layer, OTHERS, seed=4)
    assert len(others.crops) == 99
    for n, (photo, image) in zip(range(40), crop_photos(layer, OTHERS, 99, seed=4), strict=False):
        assert others.photo_of[n] == photo
        assert torch.equal(others.crops[n], layer.encode(image)[0])
