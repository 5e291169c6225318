"""How near HOG, HOGb and dense SIFT are to VLFeat: the largest deviation of a component.

`vlfeat.csv`: for each descriptor and precision the deviation, over the largest component, from
arrays that VLFeat 0.9.21 made of 17 small images (tests/golden), from those that its code makes in
float64, and, where the library is installed (Debian: libvlfeat1), from what it returns here for
the shipped photos.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests import vlfeat

import preimage
from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.representations.base import Representation

GOLDEN = Path("tests/golden/vlfeat_golden.npz")
LIVE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "hog": vlfeat.hog,
    "hogb": lambda image: vlfeat.hog(image, bilinear=True),
    "dsift": lambda image: vlfeat.dsift(image, 24, 8),
}


def run(out: Path) -> None:
    """Compare the codes, which takes a few seconds."""
    print(machine())
    saved = np.load(GOLDEN)
    names = sorted({key.split("/")[0] for key in saved.files})
    rows = []
    for name in LIVE:
        phi = preimage.representation(name)
        for dtype in (torch.float32, torch.float64):
            for what, of in ((name, "VLFeat, saved"), (f"{name}_f64", "VLFeat in float64, saved")):
                pairs = [(saved[f"{n}/image"], saved[f"{n}/{what}"]) for n in names]
                rows.append(_row(phi, dtype, of, pairs))
        if vlfeat.library() is not None:
            photos = [_gray(path) for path in shipped_photos().values()]
            pairs = [(photo, LIVE[name](photo)) for photo in photos]
            rows.append(_row(phi, torch.float32, "VLFeat here, shipped photos", pairs))
    print(" | ".join(rows[0]))
    for row in rows:
        print(" | ".join(map(str, row.values())))
    if vlfeat.library() is None:
        print(f"not compared with the library itself, and not written: {vlfeat.MISSING}")
        return
    write_csv(out / "vlfeat.csv", rows)


def _gray(path: Path) -> np.ndarray:
    """Return a photo in gray levels, (H, W)."""
    return GRAY.to_255(GRAY.load(path))[0].numpy()


def _row(
    phi: Representation, dtype: torch.dtype, of: str, pairs: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, Any]:
    """Return the largest deviation of codes of images from what VLFeat returned for them."""
    deviations = []
    for image, reference in pairs:
        with torch.no_grad():
            code = phi(torch.as_tensor(image, dtype=dtype)[None, None])[0].numpy()
        same = reference[: len(code)]  # without the 4 texture components of HOG
        if phi.name == "dsift" and reference.ndim == 2:  # a row for each place
            same = reference.T.reshape(code.shape)
        deviations.append(float(np.abs(code - same).max() / (same.max() or 1)))
    return {
        "representation": phi.name,
        "precision": str(dtype).removeprefix("torch."),
        "compared with": of,
        "images": len(pairs),
        "largest deviation": f"{max(deviations):.1e}",
    }
