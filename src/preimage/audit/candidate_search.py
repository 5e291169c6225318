"""A search of a whole store for an attacker's photos.

The threshold for a match comes from other photos, of which it is known that they are not in the
store: whole, in crops, and as copies that were resized and compressed again.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from preimage.audit.candidates import (
    FALSE_RATE,
    Matches,
    NearestRows,
    angles_between,
    choose_threshold,
)
from preimage.audit.reference import crop_photos
from preimage.decoding import ImageError
from preimage.representations.base import Representation

CROPS = 99
"""The number of crops of other photos: the least that can promise a rate of 1 %."""

_COPIES = ((1.0, 60), (0.8, 90), (0.7, 75))
"""The copies of a photo: the scale of its sides, and the quality of JPEG."""


class AllStoredError(ValueError):
    """A store seems to hold all photos that were to give the threshold."""


@dataclass(frozen=True, slots=True)
class OtherPhotos:
    """Codes of photos that are not in the store.

    Attributes:
        whole: the codes of the photos, (P, ...).
        crops: the codes of crops of them, (L, ...).
        photo_of: the index of the photo of each crop, (L,).
        copies: the angles between each photo and copies of it, in degrees, (P, K); K is 0 for
            photos of other than 1 or 3 channels.
    """

    whole: Tensor
    crops: Tensor
    photo_of: Tensor
    copies: Tensor


def encode_photos(
    representation: Representation,
    photos: Sequence[Path],
    progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Path], Tensor]:
    """Return the photos that can be read, and their codes (N, ...).

    Raises:
        ImageError: if none of them can be read.
    """
    found, codes, reason = [], [], ImageError("no photos were given")
    with representation.session(torch.device("cpu")):
        for n, path in enumerate(photos):
            try:
                image = representation.preprocessing.load(path)
            except ImageError as error:
                reason = error
            else:
                found.append(path)
                codes.append(representation.encode(image[None])[0])
            if progress is not None:
                progress(n + 1, len(photos))
    if not found:
        raise reason
    return found, torch.stack(codes)


def encode_others(
    representation: Representation,
    photos: Sequence[Path],
    *,
    crops: int = CROPS,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> OtherPhotos:
    """Return the codes of photos that are not in the store, of crops and of copies of them.

    There is at least one crop of each photo, unless `crops` is 0. `progress` is called after each
    code with the number of codes done, and of all.

    Raises:
        ImageError: if a photo cannot be used.
    """
    preprocessing = representation.preprocessing
    copied = _COPIES if preprocessing.channels in (1, 3) else ()
    whole, copies, cropped, index = [], [], [], []
    count = max(crops, len(photos)) if crops else 0
    done, total = itertools.count(1), len(photos) * (1 + len(copied)) + count

    def encode(image: Tensor) -> Tensor:
        code = representation.encode(image)
        if progress is not None:
            progress(next(done), total)
        return code

    with representation.session(torch.device("cpu")):
        for path in photos:
            code = encode(preprocessing.load(path)[None])
            made = [preprocessing.load(copy_photo(path, *how)) for how in copied]
            codes = [encode(image[None]) for image in made]
            whole.append(code)
            copies.append([float(angles_between(code, other)) for other in codes])
        for photo, image in crop_photos(representation, photos, count, seed):
            index.append(photo)
            cropped.append(encode(image))
    return OtherPhotos(
        whole=torch.cat(whole),
        crops=torch.cat([whole[0][:0], *cropped]),
        photo_of=torch.tensor(index),
        copies=torch.tensor(copies).reshape(len(photos), len(copied)),
    )


def copy_photo(path: Path, scale: float, quality: int) -> Image.Image:
    """Return a copy of a photo, resized and compressed as JPEG."""
    with Image.open(path) as opened:
        photo = opened.convert("RGB")
    size = (max(round(photo.width * scale), 1), max(round(photo.height * scale), 1))
    file = io.BytesIO()
    photo.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    copy = Image.open(file)
    copy.load()
    return copy


def search_store(
    batches: Iterable[tuple[Sequence[int], Tensor]],
    candidates: Tensor,
    others: OtherPhotos,
    *,
    false_rate: float = FALSE_RATE,
) -> tuple[Matches, tuple[int, ...]]:
    """Find the photos whose codes are in a store, which is read once.

    Args:
        batches: the stored codes (N, ...) in batches, with their rows.
        candidates: the codes of the attacker's photos, (M, ...).
        others: photos that are not in the store. One that a stored code is as near to as copies
            are to their photos seems to be in the store and is left out.
        false_rate: the share of photos outside the store that may be taken for stored ones.

    Returns:
        The matches, and the indices of the other photos that were left out.

    Raises:
        AllStoredError: if all other photos seem to be in the store.
    """
    of_candidates, of_whole = NearestRows(candidates), NearestRows(others.whole)
    of_crops = NearestRows(others.crops)
    for rows, codes in batches:
        for nearest in (of_candidates, of_whole, of_crops):
            nearest.update(rows, codes)
    has_copies = bool(others.copies.numel())
    out = of_whole.angles <= others.copies.max() if has_copies else of_whole.angles < 0
    if out.all():
        raise AllStoredError(
            f"all {len(out)} photos to compare with seem to be in the store: give others, which "
            "are not in it, with --reference"
        )
    angles = torch.cat([of_whole.angles[~out], of_crops.angles[~out[others.photo_of]]])
    copies = others.copies[~out].flatten() if has_copies else None
    threshold = choose_threshold(angles, copies, false_rate)
    left_out = tuple(out.nonzero().flatten().tolist())
    return Matches(of_candidates.rows, of_candidates.angles, threshold), left_out
