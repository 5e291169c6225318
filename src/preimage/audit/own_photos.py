"""Attacks by those who have photos of their own, which need not be in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from preimage.audit.attacks import (
    Attack,
    Inversion,
    StartedInversion,
    image_size,
    to_pictures,
)
from preimage.audit.candidate_search import encode_photos
from preimage.audit.candidates import nearest_rows
from preimage.audit.decoder import Trained, enlarge, load_trained
from preimage.files import sha256
from preimage.optimizer import Progress
from preimage.photo_files import photo_paths
from preimage.representations.base import Representation


@dataclass(frozen=True, slots=True)
class Decoding:
    """The picture that a trained decoder makes of each code.

    Attributes:
        trained: the decoder.
    """

    trained: Trained

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return "decoder"

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return (
            "The attacker has the vectors, the weights of the network, and a decoder trained on "
            f"{len(self.trained.photos)} photos of his own."
        )

    @property
    def photos(self) -> frozenset[str]:
        """SHA-256 of the attacker's photos, which may not be measured."""
        return frozenset(self.trained.photos)

    def reconstruct(
        self,
        codes: Tensor,
        representation: Representation,
        *,
        seed: int,
        progress: Callable[[Progress], None] | None = None,
    ) -> Tensor:
        """See `Attack.reconstruct`."""
        self.trained.check(representation)
        return enlarge(self.trained.decode(codes), image_size(representation, codes))


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
    ) -> NearestPhoto:
        """Compute the codes of photos; those that cannot be read are left out.

        Raises:
            ImageError: if none of them can be read.
        """
        found, codes = encode_photos(representation, files, progress)
        return cls(representation.name, tuple(found), codes, frozenset(map(sha256, found)))

    @property
    def name(self) -> str:
        """See `Attack.name`."""
        return "nearest photo"

    @property
    def knowledge(self) -> str:
        """See `Attack.knowledge`."""
        return (
            f"The attacker has the vectors, the weights of the network, and {len(self.files)} "
            "photos of his own."
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
) -> list[Attack]:
    """Return the attacks of files of decoders and of folders of photos, from weak to strong.

    Each is followed by an inversion that starts from its pictures.

    Raises:
        ImageError: if a folder holds no photos.
        OSError: if a file does not exist.
        ValueError: if a file is no decoder of codes of the representation.
    """
    found: list[Attack] = []
    for path in given:
        first: Attack
        if path.is_dir():
            first = NearestPhoto.encode(representation, photo_paths(path), progress)
        else:
            trained = load_trained(path)
            trained.check(representation)
            first = Decoding(trained)
        found += [first, StartedInversion(first, inversion)]
    return found


def known_photos(attacks: Sequence[Attack]) -> frozenset[str]:
    """Return SHA-256 of all photos that attacks have, which may not be measured."""
    found: frozenset[str] = frozenset()
    for attack in attacks:
        first = attack.first if isinstance(attack, StartedInversion) else attack
        if isinstance(first, Decoding | NearestPhoto):
            found |= first.photos
    return found
