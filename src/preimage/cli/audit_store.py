"""The store of `preimage audit codes`: its vectors are read, checked and recognized."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.cli.progress import ProgressBar

if TYPE_CHECKING:
    from preimage.audit.code_cache import CodeCache
    from preimage.audit.recognition import Recognition
    from preimage.audit.vectors import Vectors
    from preimage.representations.base import Representation


def read_store(
    embeddings: Path, column: str | None, sample: int, seed: int, say: Callable[[str], None]
) -> tuple[Vectors, Vectors]:
    """Return the vectors that are attacked, and more of them to compare with codes of photos.

    Rows that were skipped are counted in both, and printed.
    """
    from preimage.audit.recognition import ENOUGH
    from preimage.audit.row_labels import row_labels
    from preimage.audit.vectors import read_vectors

    seen = read_vectors(embeddings, column=column, sample=max(sample, ENOUGH), seed=seed)
    vectors = read_vectors(embeddings, column=column, sample=sample, seed=seed)
    labels = row_labels(embeddings, column, vectors.rows)
    counted = replace(vectors, skipped=seen.skipped, looked_at=seen.looked_at, labels=labels)
    say(f"{embeddings}: {counted}")
    return counted, seen


def check_vectors(
    vectors: Vectors, layer: Representation, weights: str | None, projection: Path | None
) -> None:
    """Raise ValueError if vectors cannot be codes of the layer; name layers that fit, if any."""
    from preimage import catalog
    from preimage.audit.lengths import check_length, layers_of_length
    from preimage.representations.transformations import Projection
    from preimage.representations.transformed import Transformed

    if projection is not None and isinstance(layer, Transformed):
        raise ValueError(f"{layer.name} names its steps: leave out --projection, or the steps")
    matrix = None if projection is None else Projection.read(str(projection))
    length = vectors.values.shape[1]
    try:
        check_length(length, layer, matrix)
    except ValueError as error:
        if matrix is None and (network := layer.layer_name.network):
            fitting = layers_of_length(catalog.network(network, weights=weights), length)
            if fitting:
                error.add_note(f"layers of {network} with {length} values: {', '.join(fitting)}")
        raise


def describe_kept(out: Path) -> str:
    """Return what an audit that was interrupted has left in its folder, in words."""
    from preimage.audit.code_cache import FOLDER

    count = sum(1 for kind in ("photo", "row") for _ in out.rglob(f"{kind}-*.json"))
    parts = [f"{count} reconstruction{'' if count == 1 else 's'}"] if count else []
    parts += ["codes of photos"] if any((out / FOLDER).glob("*.npz")) else []
    if not parts:
        return "nothing was finished, so nothing is kept"
    return f"kept in {out}: {' and '.join(parts)}; another run goes on from there"


def check_photos(reference: Sequence[Path] | None, limit: int | None, seed: int) -> list[Path]:
    """Return the photos that will be attacked.

    Raises:
        ImageError: if a folder holds no photos.
        OSError: if a file does not exist.
        ValueError: if there are too few.
    """
    from preimage.audit.truth import choose_photos
    from preimage.audit.verdict import FEWEST_PHOTOS, LEAST_PHOTOS

    paths = choose_photos(reference, limit or FEWEST_PHOTOS, seed)
    if len(paths) < LEAST_PHOTOS:
        raise ValueError(
            f"an audit needs at least {LEAST_PHOTOS} different photos, not {len(paths)}: give more "
            "with --reference"
        )
    return paths


def recognize_vectors(
    vectors: Vectors,
    layer: Representation,
    reference: Sequence[Path] | None,
    projection: Path | None,
    cache: CodeCache,
    bar: ProgressBar,
    say: Callable[[str], None],
) -> Recognition:
    """Return what was done to vectors; steps that the representation names are taken as true."""
    from preimage.audit.recognition import as_named, recognize
    from preimage.audit.reference import CROPS
    from preimage.audit.search import FEW
    from preimage.photo_files import photo_paths
    from preimage.representations.transformed import Transformed

    if isinstance(layer, Transformed):
        return as_named(vectors.values, layer)
    photos = photo_paths(reference)
    count = max(CROPS, len(photos))
    crops = f"{count} crops of {len(photos)} photos"
    say(f"comparing {len(vectors.rows)} vectors with codes of {crops}")
    kept = f"those that are done are kept in {cache.folder}; {_advise(vectors, layer)}"
    report = bar.for_codes(f"reference of {layer.name}", "crops", kept)
    known = cache.reference(layer, photos, report, prepared=len(vectors.rows) >= FEW)
    file = None if projection is None else str(projection)
    return recognize(vectors, layer, reference=known, projection=file)


def _advise(vectors: Vectors, layer: Representation) -> str:
    """Return how a comparison is avoided by those who know what was done to vectors."""
    import numpy as np

    from preimage.audit.evidence import storage
    from preimage.representations.transformations import LEVELS

    norms = np.linalg.norm(vectors.values.astype(np.float64), axis=1)
    step, words = "plain", "stored as they are"
    if (kind := storage(vectors.values)) in LEVELS:
        step, words = f"{kind}:SCALE", "rounded to 8 bits"
    elif np.allclose(norms, 1, rtol=0, atol=0.01):
        step, words = "unit", "divided by their norm"
    return f"none are needed for codes that you know were {words}: --rep '{layer.name}|{step}'"
