"""A process that makes pictures by one package: `... pictures PACKAGE JOBS.json`.

`JOBS.json` has the weight file of the network and a list of jobs: the name of the picture without
its ending, and a class index, or a photo, a layer and processor seconds. Beside each PNG file a
JSON file has the processor seconds that it took, from the loaded network to the picture.
"""

from __future__ import annotations

import json
import random
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.missing_operators import declare_missing_operators
from benchmarks.peers.makers import INVERTED, MAXIMIZED, NETWORK


def main(package: str, path: str) -> None:
    """Make all pictures, in order, each from seed 0."""
    declare_missing_operators()
    import preimage

    torch.set_num_threads(1)
    asked = json.loads(Path(path).read_text())
    for job in asked["jobs"]:
        network = preimage.network(NETWORK, asked["weights"])
        random.seed(0)
        np.random.seed(0)  # what packages draw from
        torch.manual_seed(0)
        begin = time.process_time()
        picture = made(package, network, job)
        seconds = time.process_time() - begin
        target = Path(job["name"])
        eight_bits(picture).save(target.with_name(f"{target.name}.png"))
        facts = {"version": version(package.partition(" ")[0]), "seconds": seconds}
        target.with_name(f"{target.name}.json").write_text(json.dumps(facts))
        print(package, target.name, f"{seconds:.1f} s", flush=True)


def made(package: str, network: Any, job: dict[str, Any]) -> Tensor | Image.Image:
    """Return the picture of a job."""
    if "class" in job:
        return MAXIMIZED[package](network, job["class"])
    with Image.open(job["photo"]) as photo:
        return INVERTED[package](network, photo.convert("RGB"), job["layer"], job["seconds"])


def eight_bits(picture: Tensor | Image.Image) -> Image.Image:
    """Return red, green and blue in 0..1, (3, H, W), as 8 bits; a picture as it is."""
    if isinstance(picture, Image.Image):
        return picture
    values = (255 * picture.detach().float().clamp(0, 1)).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).numpy())


if __name__ == "__main__":
    main(*sys.argv[1:])
