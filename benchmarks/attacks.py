"""`python -m benchmarks attacks`: how many photos are told from the pictures that attacks make?

Pooled codes of EfficientNet-Lite0 of photos are attacked, and the pictures are compared with all of
the photos, by independent networks, pixels and HOG. `attacks.csv` and `attacks.md` have a row for
each attack. Pictures that are there already are not made again.

    python -m benchmarks attacks --photos FOLDER --attacker FOLDER --attacker decoder.pt \
        --judge efficientnet-lite1 --judge efficientnet-lite2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import preimage
from benchmarks.timing import machine, write_csv
from preimage.audit.attacks import Attack, Inversion
from preimage.audit.candidate_search import encode_photos
from preimage.audit.likeness import Gallery
from preimage.audit.own_photos import attacks_with_photos, known_photos
from preimage.files import file_name, sha256
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing
from preimage.reporting.tables import as_markdown
from preimage.representations.base import Representation
from preimage.representations.execution import Execution

_RGB = Preprocessing(mean=(0.0,) * 3, range=(0, 255))


def main(arguments: Sequence[str]) -> None:
    """Attack the codes of photos, and write the table."""
    chosen = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    print(machine())
    layer = preimage.network("efficientnet-lite0").layer("pool")
    inversion = Inversion(execution=Execution(threads=1))
    attacks = [inversion, *attacks_with_photos(layer, chosen.attacker, inversion)]
    photos = photo_paths(chosen.photos)
    if known := known_photos(attacks) & set(map(sha256, photos)):
        raise ValueError(f"attackers have {len(known)} of the photos")
    images = [layer.preprocessing.to_pil(layer.preprocessing.load(path)) for path in photos]
    gallery = Gallery(images, [preimage.network(name) for name in chosen.judge])
    rows = []
    for attack in attacks:
        pictures, seconds = _attack(attack, layer, photos, chosen.out)
        rows.append(_row(attack, gallery, pictures, seconds))
        print(rows[-1], flush=True)
    write_csv(chosen.out / "attacks.csv", rows)
    text = as_markdown(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
    (chosen.out / "attacks.md").write_text(text)
    print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks attacks", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    add = parser.add_argument
    add("--photos", type=Path, required=True, help="folder of the photos")
    add("--attacker", type=Path, action="append", default=[], help="folder or decoder; repeatable")
    add("--judge", action="append", default=[], help="network that judges; repeatable")
    add("--out", type=Path, default=Path("attacks"), help="folder of pictures and table")
    return parser


def _attack(
    attack: Attack, layer: Representation, photos: Sequence[Path], out: Path
) -> tuple[list[Image.Image], float | None]:
    """Return the pictures, and the mean processor time of those that were made now."""
    folder, found, seconds = out / file_name(attack.name), [], list[float]()
    folder.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        path = folder / f"{photo.stem}.png"
        if not path.exists():
            began = time.process_time()
            _, codes = encode_photos(layer, [photo])
            _RGB.to_pil(attack.reconstruct(codes, layer, seed=0)[0]).save(path)
            seconds.append(time.process_time() - began)
        with Image.open(path) as picture:
            found.append(picture.convert("RGB"))
    return found, float(np.mean(seconds)) if seconds else None


def _row(
    attack: Attack, gallery: Gallery, pictures: Sequence[Image.Image], seconds: float | None
) -> dict[str, Any]:
    """Return the row of an attack: means over photos, each with its own."""
    table = gallery.compare(pictures)
    means = {
        f"{name} {judge}".strip(): round(float(np.diagonal(values).mean()), 3)
        for (name, judge), values in table.items()
    }
    return {"attack": attack.name, **means, "seconds": "" if seconds is None else round(seconds, 1)}
