"""Codes of photos on disk, so that an audit which is continued does not compute them again.

Each file has the checksum of what its codes depend on as its name: the representation, weights and
matrices, the contents of the photos, and the version of this package.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import preimage
from preimage.audit.candidate_search import CROPS as CROPS_OF_OTHERS
from preimage.audit.candidate_search import OtherPhotos, encode_others, encode_photos
from preimage.audit.decoder import checksum_of
from preimage.audit.reference import CROPS, Reference, crop_photos, encode_crops
from preimage.decoding import ImageError
from preimage.files import sha256, write_whole
from preimage.representations.base import Representation
from preimage.representations.transformations import Projection
from preimage.representations.transformed import Transformed

FOLDER = "codes"
"""The name of the folder of codes in that of an audit."""
PART = 64
"""The number of photos whose codes are in one file."""
PART_OF_CROPS = 16
"""The number of crops whose codes, with each preprocessing, are in one file."""

_Progress = Callable[[int, int], None]
_Arrays = Mapping[str, np.ndarray]
_Crop = tuple[int, Tensor]


@dataclass(frozen=True, slots=True)
class CodeCache:
    """Codes of photos, which are kept in a folder.

    Attributes:
        folder: the folder of the audit; if None, nothing is kept.
        threads: the number of threads that was asked for, on which the last bits of codes depend.
    """

    folder: Path | None = None
    threads: int | None = None

    def reference(
        self,
        layer: Representation,
        photos: Sequence[Path],
        progress: _Progress | None = None,
        *,
        prepared: bool = True,
    ) -> Reference:
        """Return the codes of crops of photos; see `encode_reference`.

        Without `prepared`, they are those of the network's own preprocessing alone.
        A part is kept as soon as it is done, so that an interruption loses at most
        `PART_OF_CROPS` crops.
        """
        count, parts = max(CROPS, len(photos)), list[_Arrays]()
        numbered = enumerate(crop_photos(layer, photos, count, seed=0))
        kind = "reference" if prepared else "reference, one preprocessing"
        about = {**self._about(kind, layer), "photos": self._checksums(photos)}
        for start in range(0, count, PART_OF_CROPS):
            part = range(start, min(start + PART_OF_CROPS, count))
            report = _shifted(progress, start, count)
            compute = partial(_encode_crops, layer, numbered, part, report, prepared)
            parts.append(self._get({**about, "crops": [part.start, part.stop]}, compute))
        names = [name for name in parts[0] if name != "photos"]
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        codes = {name.removeprefix("codes "): torch.from_numpy(whole[name]) for name in names}
        return Reference(codes, whole["photos"])

    def photos(
        self, phi: Representation, photos: Sequence[Path], progress: _Progress | None = None
    ) -> tuple[list[Path], Tensor]:
        """Return the photos that can be read, and their codes; see `encode_photos`.

        A part is kept as soon as it is done, so that an interruption loses at most `PART` photos.
        """
        about, read, codes = self._about("photos", phi), list[Path](), list[Tensor]()
        reason = ImageError("no photos were given")
        for start in range(0, len(photos), PART):
            part = photos[start : start + PART]
            report = _shifted(progress, start, len(photos))
            compute = partial(_encode_part, phi, part, report)
            try:
                kept = self._get({**about, "photos": self._checksums(part)}, compute)
            except ImageError as error:
                reason = error
                continue
            read += [path for path, is_read in zip(part, kept["read"], strict=True) if is_read]
            codes.append(torch.from_numpy(kept["codes"]))
        if not read:
            raise reason
        return read, torch.cat(codes)

    def others(
        self,
        phi: Representation,
        photos: Sequence[Path],
        *,
        crops: int = CROPS_OF_OTHERS,
        progress: _Progress | None = None,
    ) -> OtherPhotos:
        """Return the codes of photos, of crops and of copies of them; see `encode_others`."""

        def compute() -> _Arrays:
            found = encode_others(phi, photos, crops=crops, progress=progress)
            names = ("whole", "crops", "photo_of", "copies")
            return {name: getattr(found, name).numpy() for name in names}

        about = {**self._about(f"others {crops}", phi), "photos": self._checksums(photos)}
        kept = self._get(about, compute)
        return OtherPhotos(**{name: torch.from_numpy(array) for name, array in kept.items()})

    def kept_threads(self) -> int | None:
        """Return the number of threads that an earlier run chose for the codes; None without one.

        With another number, codes would differ in their last bits, and nothing made of them would
        be found again.
        """
        try:
            return int(self._threads_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def keep_threads(self, chosen: int) -> None:
        """Keep the number of threads that this run chose, if the user has named none."""
        if self.folder is not None and self.threads is None:
            with write_whole(self._threads_file) as unfinished:
                unfinished.write_text(f"{chosen}\n", encoding="utf-8")

    @property
    def _threads_file(self) -> Path:
        return (self.folder or Path()) / FOLDER / "threads"

    def _about(self, kind: str, phi: Representation) -> Mapping[str, Any]:
        """Return all that codes depend on but the photos; nothing where nothing is kept."""
        return {} if self.folder is None else _describe(kind, phi, self.threads)

    def _checksums(self, photos: Sequence[Path]) -> list[str]:
        """Return the SHA-256 of photos; nothing where nothing is kept."""
        return [] if self.folder is None else [sha256(path) for path in photos]

    def _get(self, about: Mapping[str, Any], compute: Callable[[], _Arrays]) -> _Arrays:
        """Return arrays that were kept, or compute and keep them."""
        if self.folder is None:
            return compute()
        name = sha256(json.dumps(about).encode())[:32]
        path = self.folder / FOLDER / f"{name}.npz"
        if (known := _read(path)) is not None:
            return known
        found = compute()
        with write_whole(path) as unfinished, unfinished.open("wb") as file:
            arrays: dict[str, Any] = dict(found)
            np.savez(file, **arrays)
        return found


def _encode_crops(
    layer: Representation,
    crops: Iterator[tuple[int, _Crop]],
    part: range,
    report: Callable[[int], None],
    prepared: bool,
) -> _Arrays:
    """Return the codes of the crops whose numbers are in a part, and of which photo each is."""
    found = encode_crops(layer, _take(crops, part), report, prepared=prepared)
    codes = {f"codes {name}": code.numpy() for name, code in found.codes.items()}
    return {**codes, "photos": found.photos}


def _take(crops: Iterator[tuple[int, _Crop]], part: range) -> Iterator[_Crop]:
    """Yield the crops of a part; those before it are passed over, and none after it is made."""
    for number, crop in crops:
        if number in part:
            yield crop
        if number == part.stop - 1:
            return


def _encode_part(
    phi: Representation, photos: Sequence[Path], report: Callable[[int], None]
) -> _Arrays:
    """Return the codes of some photos, and which of them could be read."""
    found, codes = encode_photos(phi, photos, lambda done, _: report(done))
    known = set(found)
    return {"codes": codes.numpy(), "read": np.array([path in known for path in photos])}


def _shifted(progress: _Progress | None, start: int, total: int) -> Callable[[int], None]:
    """Return a function that reports the progress of a part as that of the whole."""

    def report(done: int) -> None:
        if progress is not None:
            progress(start + done, total)

    return report


def _describe(kind: str, phi: Representation, threads: int | None) -> dict[str, Any]:
    """Return all that codes depend on but the photos."""
    steps = phi.transformations if isinstance(phi, Transformed) else ()
    means = [step.mean for step in steps if isinstance(step, Projection) and step.mean is not None]
    return {
        "kind": kind,
        "representation": phi.name,
        "preprocessing": repr(phi.preprocessing),
        "weights": checksum_of(phi),
        "means": [sha256(mean.numpy().tobytes()) for mean in means],
        "versions": [preimage.__version__, torch.__version__, threads],
    }


def _read(path: Path) -> _Arrays | None:
    """Return the arrays of a file; None if there is none, or if it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
