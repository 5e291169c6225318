"""`python -m benchmarks candidates`: are the photos of a store found, and no others?

Whole photos are stored in many ways, as pooled codes of EfficientNet-Lite0 (see
`benchmarks.vectors`). What was done to them is recognized; then the photos themselves, copies of
them (80 % of the size, JPEG of quality 85), and photos that are not in the store are looked for.
`candidates.csv` and `candidates.md` have a row for each store.

    python -m benchmarks candidates --stored FOLDER --outside FOLDER
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import preimage
from benchmarks.timing import machine, write_csv
from benchmarks.vectors import Store, make_stores
from preimage.audit.candidate_search import copy_photo, encode_others, encode_photos, search_store
from preimage.audit.recognition import recognize
from preimage.audit.reference import OWN, Reference, encode_reference
from preimage.photo_files import photo_paths
from preimage.reporting.tables import as_markdown
from preimage.representations.base import Representation
from preimage.representations.transformed import Transformed

COPY = (0.8, 85)
"""Scale and JPEG quality of the copies."""


def main(arguments: Sequence[str]) -> None:
    """Look for photos in stores of many kinds, and write the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks candidates", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--stored", type=Path, required=True, help="folder of photos to store")
    parser.add_argument("--outside", type=Path, required=True, help="folder of other photos")
    parser.add_argument("--out", type=Path, default=Path("candidates"), help="folder of the table")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    layer = preimage.network("efficientnet-lite0").layer("pool")
    stored, codes = encode_photos(layer, photo_paths(chosen.stored))
    copies = torch.cat([_encode_copy(layer, path) for path in stored])
    _, outside = encode_photos(layer, photo_paths(chosen.outside))
    print(f"{len(stored)} photos in the store, {len(outside)} others")
    reference = encode_reference(layer, photo_paths())
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        whole = Reference({OWN: codes}, np.arange(len(codes)))
        for store in make_stores(whole, Path(folder), None, ()):
            if store.steps is not None:
                rows.append(_row(store, layer, reference, (codes, copies, outside)))
                print(rows[-1], flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_csv(chosen.out / "candidates.csv", rows)
    text = as_markdown(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
    (chosen.out / "candidates.md").write_text(text)
    print(text)


def _encode_copy(layer: Representation, path: Path) -> Tensor:
    """Return the code of a copy of a photo, (1, ...)."""
    return layer.encode(layer.preprocessing.load(copy_photo(path, *COPY))[None])


def _row(
    store: Store,
    layer: Representation,
    reference: Reference,
    candidates: tuple[Tensor, Tensor, Tensor],
) -> dict[str, Any]:
    """Return the row of a store; the candidates are codes of its photos, of copies, of others."""
    found = recognize(store.values, layer, reference=reference, projection=store.projection)
    phi = found.representation
    codes = [phi.transform(x) if isinstance(phi, Transformed) else x for x in candidates]
    batches = [(range(len(store.values)), found.codes(store.values))]
    others = encode_others(phi, photo_paths())
    matches, _ = search_store(batches, torch.cat(codes), others)
    count, own = len(codes[0]), torch.arange(len(codes[0]))
    is_right = matches.found[: 2 * count] & (matches.rows[: 2 * count] == own.repeat(2))
    right = is_right.reshape(2, count).sum(1).tolist()
    angles = matches.angles
    return {
        "store": store.name, "named": ", ".join(step.name for step in found.transformations),
        "found": f"{right[0]} of {count}", "copies found": f"{right[1]} of {count}",
        "false matches": f"{int(matches.found[2 * count :].sum())} of {len(codes[2])}",
        "threshold": round(matches.threshold.angle, 1),
        "angles of copies, largest": round(float(angles[count : 2 * count].max()), 1),
        "angles of others, smallest": round(float(angles[2 * count :].min()), 1),
    }  # fmt: skip
