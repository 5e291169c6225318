"""`--candidates` of `preimage audit codes`: which of an attacker's photos are in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.cli.progress import ProgressBar
from preimage.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

    from preimage.audit.recognition import Recognition


def find_candidates(
    embeddings: Path,
    column: str | None,
    found: Recognition,
    candidates: Sequence[Path],
    reference: Sequence[Path] | None,
    out: Path,
    bar: ProgressBar,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Search all rows of a store for photos, print and write the result, and return it for JSON."""
    from preimage.audit.candidate_search import encode_others, encode_photos, search_store
    from preimage.photo_files import photo_paths
    from preimage.reporting.candidates import (
        candidates_in_words,
        describe_candidates,
        write_candidates,
    )

    phi, given = found.representation, photo_paths(candidates)
    photos, codes = encode_photos(phi, given, bar.for_images("candidates"))
    if skipped := len(given) - len(photos):
        say(f"{skipped} of {len(given)} candidates are no photos that can be read")
    known = {sha256(path) for path in photos}
    others = [path for path in photo_paths(reference) if sha256(path) not in known]
    if not others:
        raise ValueError(
            "all photos of the reference are among the candidates: give photos that are not in "
            "the store with --reference"
        )
    batches = _batches(embeddings, column, found, codes[0].numel(), bar)
    matches, left_out = search_store(batches, codes, encode_others(phi, others))
    for line in candidates_in_words(photos, matches):
        say(line)
    if left_out:
        names = ", ".join(others[n].name for n in left_out)
        say(f"  left out of the reference, because they seem to be in the store: {names}")
    write_candidates(out, photos, matches)
    return describe_candidates(photos, matches)


def _batches(
    embeddings: Path, column: str | None, found: Recognition, length: int, bar: ProgressBar
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Yield the codes of all rows of a store, with their rows."""
    from preimage.audit.vectors import read_all

    bar.start("searching the store")
    for vectors in read_all(embeddings, length=length, column=column):
        yield vectors.rows, found.codes(vectors.values)
        bar.update(vectors.rows[-1] + 1, vectors.total, "rows")
