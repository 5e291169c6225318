"""`python -m benchmarks vectors`: is what was done to stored vectors named rightly, and inverted?

Codes of 500 crops of photos by the pooled layer of EfficientNet-Lite0 are stored in many ways.
Several samples of each store are recognized, and a few vectors are inverted through what was
recognized. `vectors.md` has a row for each store: how many samples were named rightly, the error in
the units of the store, and the error of the direction of the plain code, ||u - v|| of unit vectors.

    python -m benchmarks vectors --photos FOLDER --reference FOLDER --samples 10 --invert 4
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from torch import Tensor

import preimage
from benchmarks.timing import machine, write_csv
from preimage.audit.recognition import ENOUGH, Recognition, recognize
from preimage.audit.reference import OWN, Reference, encode_reference
from preimage.audit.vectors import read_vectors
from preimage.photo_files import photo_paths
from preimage.reporting.tables import as_markdown
from preimage.representations.base import Representation
from preimage.representations.transformed import Transformed

CROPS = 500


@dataclass(frozen=True)
class Store:
    """Vectors as a store holds them.

    Attributes:
        name: what was done to the codes.
        values: the vectors.
        steps: the transformations that should be named, without parameters; None for codes of
            another network.
        stored: the number type that should be named.
        prepared: the other preprocessing that should be named.
        projection: the file of the matrix.
    """

    name: str
    values: np.ndarray
    steps: tuple[str, ...] | None = ()
    stored: str = "float32"
    prepared: str = OWN
    projection: str | None = None

    def is_named(self, found: Recognition) -> bool:
        """Tell whether what was found is what was done."""
        if self.steps is None:
            return not found.is_alike
        steps = tuple(step.name.partition(":")[0] for step in found.transformations)
        right = (steps, found.stored, found.prepared)
        return found.is_alike and right == (self.steps, self.stored, self.prepared)


def main(arguments: Sequence[str]) -> None:
    """Store codes in many ways, recognize and invert them, and write the table."""
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    chosen.out.mkdir(parents=True, exist_ok=True)
    layer = preimage.network("efficientnet-lite0").layer("pool")
    reference = encode_reference(layer, photo_paths(chosen.reference))
    of_store = encode_reference(layer, photo_paths(chosen.photos), crops=CROPS, seed=1)
    print(f"vectors of {of_store}, compared with {reference}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for store in make_stores(of_store, Path(folder), chosen.other, photo_paths(chosen.photos)):
            rows.append(_row(store, layer, of_store, reference, Path(folder), chosen))
            print(rows[-1], flush=True)
    write_csv(chosen.out / "vectors.csv", rows)
    text = as_markdown(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
    (chosen.out / "vectors.md").write_text(text)
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks vectors", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--photos", type=Path, action="append", help="file or folder; default: the shipped ones")
    add("--reference", type=Path, action="append", help="likewise, to compare with")
    add("--other", metavar="NETWORK/LAYER", help="another network of as many channels")
    add("--samples", type=int, default=10, help="number of samples that are recognized")
    add("--invert", type=int, default=4, help="number of vectors that are inverted")
    add("--out", type=Path, default=Path("vectors"), help="folder of the table")
    return parser


def make_stores(
    found: Reference, folder: Path, other: str | None, photos: Sequence[Path]
) -> Iterator[Store]:
    """Yield the stores of codes, with the matrices of projections in a folder.

    The last one has codes of crops of photos by another layer, if one is named.
    """
    plain = _array(found.codes[OWN])
    units = plain / np.linalg.norm(plain, axis=1, keepdims=True)
    low, largest, of_units = plain.min(), plain.max(), units.max()
    mean = plain.mean(0)
    axes = np.linalg.svd(plain - mean, full_matrices=False)[2][:256]
    random = np.random.default_rng(0).normal(size=(256, plain.shape[1])) / 16
    pca, mixed = str(folder / "pca.npz"), str(folder / "random.npy")
    np.savez(pca, components=axes, mean=mean)
    np.save(mixed, random)
    wide = (largest - low) / 255
    yield Store("float32", plain.astype("f4"))
    yield Store("float16", plain.astype("f2"), stored="float16")
    yield Store("unit norm", units.astype("f4"), ("unit",))
    yield Store("unit norm, float16", units.astype("f2"), ("unit",), "float16")
    yield Store("int8", np.round(plain / largest * 127).astype("i1"), ("int8",), "int8")
    yield Store("int8, zero -128", np.round(plain / wide - 128).astype("i1"), ("int8",), "int8")
    yield Store("uint8", np.round(plain / wide).astype("u1"), ("uint8",), "uint8")
    yield Store(
        "int8 of unit norm", np.round(units / of_units * 127).astype("i1"), ("unit", "int8"), "int8"
    )
    yield Store("PCA to 256", ((plain - mean) @ axes.T).astype("f4"), ("pca",), projection=pca)
    yield Store(
        "random projection to 256", (plain @ random.T).astype("f4"), ("pca",), projection=mixed
    )
    yield Store("first 64", plain[:, :64].astype("f4"), ("first",))
    for name, codes in found.codes.items():
        if name != OWN:
            yield Store(f"preprocessing {name}", _array(codes).astype("f4"), prepared=name)
    shuffled = np.random.default_rng(0).permutation(plain.shape[1])
    yield Store("channels shuffled", plain[:, shuffled].astype("f4"), None)
    if other is not None:
        of_other = encode_reference(preimage.representation(other), photos, crops=CROPS, seed=1)
        yield Store(f"codes of {other}", _array(of_other.codes[OWN]).astype("f4"), None)


def _row(
    store: Store,
    layer: Representation,
    of_store: Reference,
    reference: Reference,
    folder: Path,
    chosen: argparse.Namespace,
) -> dict[str, Any]:
    """Return the row of a store."""
    np.save(folder / "store.npy", store.values)
    named, began = [], time.process_time()
    for seed in range(chosen.samples):
        vectors = read_vectors(folder / "store.npy", sample=ENOUGH, seed=seed)
        found = recognize(vectors.values, layer, reference=reference, projection=store.projection)
        named.append(store.is_named(found))
    seconds = (time.process_time() - began) / chosen.samples
    row = {
        "store": store.name, "named": str(found), "right": f"{sum(named)} of {len(named)}",
        "seconds": f"{seconds:.1f}", "error %": "", "direction %": "",
    }  # fmt: skip
    if store.steps is not None and chosen.invert:
        rows = list(vectors.rows[: chosen.invert])
        truth = of_store.codes[store.prepared][rows]
        errors = _invert(found, layer, store.values[rows], truth)
        row |= {name: f"{100 * fmean(values):.1f}" for name, values in errors.items()}
    return row


def _invert(
    found: Recognition, layer: Representation, stored: np.ndarray, truth: Tensor
) -> dict[str, list[float]]:
    """Return the errors in the units of the store, and those of the direction of the plain code."""
    result = preimage.invert(
        found.representation, codes=found.codes(stored), execution=preimage.Execution(threads=1)
    )
    plain = Transformed(layer, (), found.prepared) if found.prepared else layer
    one, other = (torch.nn.functional.normalize(c) for c in (plain.encode(result.images), truth))
    errors = [] if result.error is None else result.error.tolist()
    return {"error %": errors, "direction %": (one - other).norm(dim=1).tolist()}


def _array(codes: Tensor) -> np.ndarray:
    array: np.ndarray = codes.numpy().astype(np.float64)
    return array
