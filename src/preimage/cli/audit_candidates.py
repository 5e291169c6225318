"""`--candidates` of `preimage audit codes`: which of an attacker's photos are in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.cli.errors import console
from preimage.cli.progress import ProgressBar
from preimage.files import sha256

if TYPE_CHECKING:
    from torch import Tensor

    from preimage.audit.candidates import Matches
    from preimage.audit.code_cache import CodeCache
    from preimage.audit.recognition import Recognition


def find_candidates(
    store: tuple[Path, str | None],
    found: Recognition,
    candidates: Sequence[Path],
    reference: Sequence[Path] | None,
    cache: CodeCache,
    out: Path,
    bar: ProgressBar,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Search all rows of a store for photos, print and write the result, and return it for JSON.

    The threshold comes from the photos of the reference; if all of them seem to be in the store,
    from the shipped photos. If those seem to be in it, too, the search is left out with a warning.
    """
    from preimage.photo_files import photo_paths
    from preimage.reporting.candidates import (
        candidates_in_words,
        describe_candidates,
        write_candidates,
    )

    phi, given = found.representation, photo_paths(candidates)
    say(f"comparing {len(given)} candidates with all rows")
    photos, codes = cache.photos(phi, given, bar.for_codes("candidates", "candidates"))
    if skipped := len(given) - len(photos):
        say(f"{skipped} of {len(given)} candidates are no photos that can be read")
    matches, warning = _match(store, found, (photos, codes), reference, cache, bar, say)
    if matches is None:
        console.print(f"warning: {warning}")
        return {"candidates_left_out": warning}
    for line in candidates_in_words(photos, matches):
        say(line)
    write_candidates(out, photos, matches)
    return {"candidates": describe_candidates(photos, matches)}


def _match(
    store: tuple[Path, str | None],
    found: Recognition,
    candidates: tuple[list[Path], Tensor],
    reference: Sequence[Path] | None,
    cache: CodeCache,
    bar: ProgressBar,
    say: Callable[[str], None],
) -> tuple[Matches | None, str]:
    """Return the matches; None, and the reason, if no photos are known to be outside the store."""
    from preimage.audit.candidate_search import AllStoredError, search_store
    from preimage.photo_files import photo_paths

    photos, codes = candidates
    known = {sha256(path) for path in photos}
    for given in (reference, None) if reference else (None,):
        name = "the shipped photos" if given is None else "the photos of --reference"
        others = [path for path in photo_paths(given) if sha256(path) not in known]
        if not others:
            say(f"all of {name} are among the candidates")
            continue
        what = f"codes of {len(others)} other photos, of crops and of copies of them"
        kept = "once all are done, their codes are kept for the next run"
        report = bar.for_codes("photos that are not in the store", what, kept)
        encoded = cache.others(found.representation, others, progress=report)
        batches = _batches(*store, found, codes[0].numel(), bar)
        try:
            matches, out = search_store(batches, codes, encoded)
        except AllStoredError:
            say(f"all of {name} that are no candidates seem to be in the store")
            continue
        say(f"the threshold comes from {len(others) - len(out)} of {name}")
        if out:
            names = ", ".join(others[n].name for n in out)
            say(f"  left out of them, because they seem to be in the store: {names}")
        return matches, ""
    return None, (
        "no candidates were looked for, because a threshold needs photos that are not in the "
        "store: give some with --reference; all else goes on"
    )


def _batches(
    embeddings: Path, column: str | None, found: Recognition, length: int, bar: ProgressBar
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """Yield the codes of all rows of a store, with their rows."""
    from preimage.audit.vectors import read_all

    bar.start("searching the store")
    for vectors in read_all(embeddings, length=length, column=column):
        yield vectors.rows, found.codes(vectors.values)
        bar.update(vectors.rows[-1] + 1, vectors.total, "rows")
