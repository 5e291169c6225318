"""`--attacker` of `preimage audit codes`: attacks by those who have photos of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.cli.progress import ProgressBar
from preimage.files import sha256

if TYPE_CHECKING:
    from preimage.audit.attacks import Attack, Inversion
    from preimage.audit.code_cache import CodeCache
    from preimage.representations.base import Representation


def check_given(
    attackers: Sequence[Path], candidates: Sequence[Path], defenses: Sequence[str]
) -> None:
    """Check before anything runs that files are decoders, folders hold photos, defenses exist.

    Raises:
        ImageError: if a folder holds no photos.
        OSError: if a file does not exist.
        ValueError: if a file is no decoder, or there is no such defense.
    """
    from preimage.audit.decoder import load_decoder
    from preimage.audit.defenses import check_names
    from preimage.photo_files import photo_paths

    check_names(defenses)
    for path in attackers:
        if not path.is_dir():
            load_decoder(path)
    for path in (*(path for path in attackers if path.is_dir()), *candidates):
        photo_paths(path)


def load_attacks(
    representation: Representation,
    attackers: Sequence[Path] | None,
    inversion: Inversion,
    cache: CodeCache,
    bar: ProgressBar,
) -> list[Attack]:
    """Return the inversion, and the attacks of decoders and of folders of photos."""
    from preimage.audit.own_photos import attacks_with_photos

    if not attackers:
        return [inversion]
    report = bar.for_images("the attackers' photos")
    others = attacks_with_photos(representation, attackers, inversion, report, cache.photos)
    return [inversion, *others]


def leave_out_known(
    attacks: Sequence[Attack], reference: Sequence[Path] | None, say: Callable[[str], None]
) -> Sequence[Path] | None:
    """Return the reference without photos that attackers have, which may not be measured.

    Raises:
        ValueError: if none is left.
    """
    from preimage.audit.own_photos import known_photos
    from preimage.photo_files import photo_paths

    known = known_photos(attacks)
    if not known:
        return reference
    photos = photo_paths(reference)
    left = [path for path in photos if sha256(path) not in known]
    if not left:
        raise ValueError("attackers have all photos of the reference: give others with --reference")
    if out := len(photos) - len(left):
        say(f"{out} of {len(photos)} photos of the reference are an attacker's: not measured")
    return left


def say_alike(
    attacks: Sequence[Attack],
    representation: Representation,
    photos: Sequence[Path],
    cache: CodeCache,
    say: Callable[[str], None],
) -> None:
    """Print which photos are nearly the same as ones that an attacker has."""
    from preimage.audit.own_photos import find_overlap, known_photos

    if not known_photos(attacks):
        return
    if alike := find_overlap(attacks, representation, photos, cache.others).alike:
        names = ", ".join(path.name for path in alike)
        say(f"measured, but nearly the same as a photo of an attacker: {names}")
