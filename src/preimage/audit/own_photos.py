"""Attacks by those who have photos of their own, which need not be in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from preimage.audit.attacks import (
    Attack,
    Inversion,
    StartedInversion,
    image_size,
    to_pictures,
)
from preimage.audit.candidate_search import OtherPhotos, encode_others, encode_photos
from preimage.audit.candidates import nearest_rows
from preimage.audit.decoder import Decoder, load_decoder
from preimage.files import sha256
from preimage.optimizer import Progress
from preimage.photo_files import photo_paths
from preimage.presets import settings_for
from preimage.representations.base import Representation

Encode: TypeAlias = Callable[
    [Representation, Sequence[Path], Callable[[int, int], None] | None], tuple[list[Path], Tensor]
]
"""A function that computes codes of photos, as `encode_photos` does."""

NEAREST_PHOTO = "nearest photo"
"""The name of the attack that shows the photo with the most similar code."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """The image with the statistics of inner layers that a decoder predicts from each code.

    Attributes:
        decoder: the decoder.
        inversion: how the image is found.
        with_code: whether its own code shall be the given one, too.
    """

    decoder: Decoder
    inversion: Inversion = field(default_factory=Inversion)
    with_code: bool = False

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return f"decoder + {self.inversion.name}" if self.with_code else "decoder"

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return (
            "The attacker has the vectors, the weights of the network, and a decoder trained on "
            f"{len(self.decoder.photos)} photos of their own."
        )

    @property
    def photos(self) -> frozenset[str]:
        """SHA-256 of the attacker's photos, which may not be measured."""
        return frozenset(self.decoder.photos)

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`."""
        self.decoder.check(representation)
        statistics = self.decoder.statistics(representation, with_code=self.with_code)
        settings = self.inversion.settings or settings_for(representation)
        weight = statistics.loss_weight
        return replace(
            self.inversion,
            settings=settings if weight is None else settings.replace(loss_weight=weight),
            size=image_size(representation, codes),
        ).reconstruct(
            self.decoder.targets(codes, statistics), statistics, seed=seed, progress=progress
        )


@dataclass(frozen=True, slots=True)
class NearestPhoto:
    """The attacker's own photo whose code is nearest to each code.

    Attributes:
        representation: the representation of `codes`.
        files: the photos.
        codes: their codes, (M, ...).
        photos: SHA-256 of the photos, which may not be measured.
    """

    representation: str
    files: tuple[Path, ...]
    codes: Tensor
    photos: frozenset[str]

    @classmethod
    def encode(
        cls,
        representation: Representation,
        files: Sequence[Path],
        progress: Callable[[int, int], None] | None = None,
        encode: Encode = encode_photos,
    ) -> NearestPhoto:
        """Compute the codes of photos; those that cannot be read are left out.

        Raises:
            ImageError: if none of them can be read.
        """
        found, codes = encode(representation, files, progress)
        return cls(representation.name, tuple(found), codes, frozenset(map(sha256, found)))

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return NEAREST_PHOTO

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return (
            f"The attacker has the vectors, the weights of the network, and {len(self.files)} "
            "photos of their own."
        )

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`."""
        if representation.name != self.representation:
            raise ValueError(
                f"the photos have codes of {self.representation}, not of {representation.name}"
            )
        rows = [int(nearest_rows(self.codes, code[None])[0]) for code in codes]
        prescribed, size = representation.preprocessing, image_size(representation, codes)
        as_prescribed = None if prescribed.size == size else size
        images = [prescribed.load(self.files[row], as_prescribed) for row in rows]
        return to_pictures(torch.stack(images), prescribed)


def attacks_with_photos(
    representation: Representation,
    given: Sequence[Path],
    inversion: Inversion,
    progress: Callable[[int, int], None] | None = None,
    encode: Encode = encode_photos,
) -> list[Attack]:
    """Return the attacks of files of decoders and of folders of photos, from weak to strong.

    Each is followed by one together with an inversion of the codes. `encode` computes the codes of
    photos, such as `preimage.audit.code_cache.CodeCache.photos`, which keeps them.

    Raises:
        ImageError: if a folder holds no photos.
        OSError: if a file does not exist.
        ValueError: if a file is no decoder of codes of the representation.
    """
    found: list[Attack] = []
    for path in given:
        if path.is_dir():
            nearest = NearestPhoto.encode(representation, photo_paths(path), progress, encode)
            found += [nearest, StartedInversion(nearest, inversion)]
        else:
            decoder = load_decoder(path)
            decoder.check(representation)
            found += [Decoding(decoder, inversion), Decoding(decoder, inversion, with_code=True)]
    return found


@dataclass(frozen=True, slots=True)
class Overlap:
    """Photos that attackers have, among those that are to be measured.

    Attributes:
        same: those whose files are the same.
        alike: others whose codes are as near to those of an attacker's photo as codes of copies
            are to those of photos.
    """

    same: tuple[Path, ...]
    alike: tuple[Path, ...]


def find_overlap(
    attacks: Sequence[Attack],
    representation: Representation,
    photos: Sequence[Path],
    encode: Callable[..., OtherPhotos] = encode_others,
) -> Overlap:
    """Return the photos that attackers have, too, or copies of them.

    `encode` computes the codes of photos and copies, such as
    `preimage.audit.code_cache.CodeCache.others`, which keeps them.

    Raises:
        ImageError: if a photo cannot be used.
    """
    known = known_photos(attacks)
    same = tuple(path for path in photos if sha256(path) in known)
    rest = [path for path in photos if path not in same]
    codes = [_codes(attack) for attack in attacks]
    given = [code.float().flatten(1) for code in codes if code.numel()]
    if not rest or not given:
        return Overlap(same, ())
    others = encode(representation, rest, crops=0)
    if not others.copies.numel():
        return Overlap(same, ())
    _, angles = nearest_rows(torch.cat(given), others.whole)
    is_alike = (angles <= others.copies.max()).tolist()
    return Overlap(same, tuple(path for path, alike in zip(rest, is_alike, strict=True) if alike))


def known_photos(attacks: Sequence[Attack]) -> frozenset[str]:
    """Return SHA-256 of all photos that attacks have, which may not be measured."""
    found: frozenset[str] = frozenset()
    for attack in map(_first, attacks):
        if isinstance(attack, Decoding | NearestPhoto):
            found |= attack.photos
    return found


def attacker_checksum(attack: Attack) -> str | None:
    """Return a SHA-256 of the photos or the decoder that an attacker has; None without any."""
    first = _first(attack)
    if isinstance(first, Decoding):
        return first.decoder.sha256()
    if isinstance(first, NearestPhoto):
        return sha256("".join(sorted(first.photos)).encode())
    return None


def _first(attack: Attack) -> Attack:
    return attack.first if isinstance(attack, StartedInversion) else attack


def _codes(attack: Attack) -> Tensor:
    """Return the codes of the photos that an attack has; empty if there are none."""
    first = _first(attack)
    if isinstance(first, NearestPhoto):
        return first.codes
    return first.decoder.codes if isinstance(first, Decoding) else torch.zeros(0)
