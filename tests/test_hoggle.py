"""HOGgle: dictionaries that belong together, overlaps, held-out photos, files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from preimage import hoggle
from preimage.decoding import ImageError
from preimage.hoggle import (
    CELL_SIZE,
    CELLS,
    PATCH,
    SIGMA,
    PairedDictionaries,
    average_patches,
)
from preimage.images import match_contrast, psnr
from preimage.losses import relative_error
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.representations.hog import HOG

pytest.importorskip("sklearn", reason="the extra hoggle")

PHOTOS = shipped_photos()
LEARNED_FROM = [PHOTOS[name] for name in ("chelsea", "flower", "rocket")]


@pytest.fixture(scope="module")
def learned() -> PairedDictionaries:
    return hoggle.learn(LEARNED_FROM, atoms=60, patches=800)


def _invert(dictionaries: PairedDictionaries, photo: torch.Tensor) -> torch.Tensor:
    return hoggle.invert(HOG()(photo)[0], dictionaries, 0, (photo.shape[2], photo.shape[3]))


def _pair(dictionaries: PairedDictionaries, index: int) -> tuple[bytes, bytes]:
    atoms = (dictionaries.image_atoms[index], dictionaries.hog_atoms[index])
    return atoms[0].tobytes(), atoms[1].tobytes()


@pytest.mark.parametrize("size", [(60, 75), (64, 72)])
def test_overlapping_patches_are_averaged_by_their_gaussian_weights(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    rows, columns = ((n + CELL_SIZE // 2) // CELL_SIZE - CELLS + 1 for n in size)
    codes, atoms = rng.normal(size=(3, rows, columns)), rng.normal(size=(3, PATCH, PATCH))
    position = np.arange(PATCH) - (PATCH - 1) / 2
    distance = position[:, None] ** 2 + position**2
    total, weights = np.zeros((2, 200, 200))
    for i in range(rows):
        for j in range(columns):
            for y in range(PATCH):
                for x in range(PATCH):
                    weight = np.exp(-distance[y, x] / (2 * SIGMA**2))
                    total[8 * i + y, 8 * j + x] += weight * (codes[:, i, j] @ atoms[:, y, x])
                    weights[8 * i + y, 8 * j + x] += weight
    expected = (total[8:, 8:] / weights[8:, 8:].clip(1e-300))[: size[0], : size[1]]
    found = average_patches(torch.tensor(codes)[None].float(), torch.tensor(atoms).float(), size)
    assert found.shape == (1, 1, *size)
    np.testing.assert_allclose(found[0, 0].numpy(), expected, rtol=1e-3, atol=1e-4)


def test_a_photo_that_was_not_learned_from_is_drawn_better_than_its_mean(
    learned: PairedDictionaries,
) -> None:
    for name in ("china", "peaks"):
        photo = GRAY.load(PHOTOS[name], 160)[None]
        found = _invert(learned, photo)
        assert found.shape == photo.shape
        mean = photo.mean().expand_as(photo)
        assert float(psnr(match_contrast(found, photo), photo) - psnr(mean, photo)) > 0.5
        other = _invert(learned, photo.flip(2, 3))
        error, unrelated = (
            float(relative_error(HOG()(image * 1000), HOG()(photo))) for image in (found, other)
        )
        assert error < unrelated - 0.1


def test_each_atom_of_hog_is_that_of_its_atom_of_the_image(learned: PairedDictionaries) -> None:
    """Around the place it claims, and not elsewhere."""
    images = torch.as_tensor(learned.image_atoms[0].astype(np.float32))[:, None] * 1000
    codes = HOG()(images)

    def agreement(top: int, left: int) -> float:
        part = codes[:, :, top : top + CELLS, left : left + CELLS].flatten(1).numpy()
        atoms = learned.hog_atoms[0].reshape(len(part), -1).astype(np.float32)
        return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(part, atoms, strict=True)]))

    places = {(top, left): agreement(top, left) for top in range(3) for left in range(3)}
    assert max(places, key=places.__getitem__) == (1, 1)
    assert places[1, 1] > 0.6


def test_a_photo_is_measured_by_a_pair_that_another_photo_in_its_place_would_not_change(
    tmp_path: Path,
) -> None:
    photos = [tmp_path / f"{i}.jpg" for i in range(3)]
    for photo, source in zip(photos, LEARNED_FROM, strict=True):
        shutil.copy(source, photo)
    first = hoggle.learn(photos, atoms=8, patches=40)
    shutil.copy(PHOTOS["peaks"], photos[1])
    second = hoggle.learn(photos, atoms=8, patches=40)
    assert [_pair(first, k) == _pair(second, k) for k in range(3)] == [False, True, False]
    assert [first.pair_without(photo) for photo in first.photos] == [0, 1, 2]
    assert first.pair_without("another") == 0


def test_a_copy_of_a_photo_counts_once(tmp_path: Path) -> None:
    copy = shutil.copy(LEARNED_FROM[0], tmp_path / "copy.jpg")
    twice = hoggle.learn([LEARNED_FROM[0], Path(copy), LEARNED_FROM[1]], atoms=8, patches=40)
    assert len(twice.photos) == len(twice.image_atoms) == 2
    with pytest.raises(ImageError, match="at least two photos"):
        hoggle.learn([LEARNED_FROM[0], Path(copy)], atoms=8, patches=40)


def test_learning_goes_on_with_the_pairs_that_are_finished_of_the_same_photos(
    tmp_path: Path,
) -> None:
    kept = tmp_path / "kept.npz"

    def stop(done: int, _: int) -> None:
        if done == 4:  # of 6 batches, 2 a pair
            raise KeyboardInterrupt

    def learn(patches: int = 800) -> tuple[PairedDictionaries, list[int]]:
        reported = list[int]()
        found = hoggle.learn(
            LEARNED_FROM, atoms=8, patches=patches, kept=kept,
            progress=lambda done, total: reported.append(done),
        )  # fmt: skip
        return found, reported

    with pytest.raises(KeyboardInterrupt):
        hoggle.learn(LEARNED_FROM, atoms=8, patches=800, kept=kept, progress=stop)
    whole = hoggle.learn(LEARNED_FROM, atoms=8, patches=800)
    found, reported = learn()
    assert reported == [3, 4, 5, 6]
    assert [_pair(found, k) for k in range(3)] == [_pair(whole, k) for k in range(3)]
    assert learn()[1] == []
    assert learn(patches=400)[1] == [1, 2, 3]
    kept.write_bytes(kept.read_bytes()[:1000])
    assert learn(patches=400)[1] == [1, 2, 3]


def test_contrast_and_brightness_change_nothing(learned: PairedDictionaries) -> None:
    photo = GRAY.load(PHOTOS["coffee"], 96)[None]
    found, other = _invert(learned, photo), _invert(learned, photo * 0.7 + 9)
    assert float((found - other).abs().max()) < 0.02 * float(found.abs().max())


def test_what_cannot_be_used_is_named(tmp_path: Path, learned: PairedDictionaries) -> None:
    small, gone = tmp_path / "small.png", tmp_path / "gone.png"
    ImageOps.fit(Image.open(LEARNED_FROM[0]), (63, 90)).save(small)
    for path, problem in ((small, "at least 64 pixels"), (gone, "No such file")):
        with pytest.raises(ImageError, match=f"{path.name}: .*{problem}"):
            hoggle.learn([path, *LEARNED_FROM], atoms=8, patches=40)
    with pytest.raises(ValueError, match="at least 5 x 5 cells, not 4 x 6"):
        _invert(learned, torch.randn(1, 1, 32, 48))


def test_saved_dictionaries_load_as_they_were(tmp_path: Path, learned: PairedDictionaries) -> None:
    hoggle.save(learned, tmp_path / "hoggle.npz")
    again = hoggle.load(tmp_path / "hoggle.npz")
    assert again.photos == learned.photos
    assert [_pair(again, k) for k in range(3)] == [_pair(learned, k) for k in range(3)]
    assert [path.name for path in tmp_path.iterdir()] == ["hoggle.npz"]


def test_a_damaged_file_is_refused_by_name(tmp_path: Path, learned: PairedDictionaries) -> None:
    small = PairedDictionaries(learned.image_atoms[:, :1], learned.hog_atoms[:, :1], ("a", "b"))
    path = tmp_path / "hoggle.npz"
    hoggle.save(small, path)
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    contents = [b"", b"words", whole[: len(whole) // 2], whole[:-20]]
    for _ in range(100):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        contents.append(bytes(damaged))
    refused, messages = 0, set()
    for content in contents:
        path.write_bytes(content)
        try:
            loaded = hoggle.load(path)
        except ValueError as error:
            messages.add(str(error))
            refused += 1
        else:  # what the damage met, such as a date, is of no account
            assert _pair(loaded, 0) == _pair(small, 0)
    (message,) = messages
    assert message.startswith(f"{path}: not dictionaries as")
    assert refused > 90


@pytest.mark.parametrize("change", [
    {"image_atoms": np.zeros((1, 2, PATCH, PATCH + 1), np.float16)},
    {"hog_atoms": np.zeros((1, 2, 31, CELLS, CELLS), np.float16)},
    {"hog_atoms": np.full((1, 2, 27, CELLS, CELLS), np.nan, np.float16)},
    {"image_atoms": np.zeros((1, 2, PATCH, PATCH), np.float64)},
    {"photos": np.array([{}], object)},
])  # fmt: skip
def test_arrays_of_another_kind_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    arrays: dict[str, Any] = {
        "image_atoms": np.zeros((1, 2, PATCH, PATCH), np.float16),
        "hog_atoms": np.zeros((1, 2, 27, CELLS, CELLS), np.float16),
        "photos": np.array(["a"]),
    }
    np.savez(tmp_path / "good.npz", **arrays)
    hoggle.load(tmp_path / "good.npz")
    np.savez(tmp_path / "bad.npz", **(arrays | change))
    with pytest.raises(ValueError, match=r"bad\.npz: not dictionaries"):
        hoggle.load(tmp_path / "bad.npz")
