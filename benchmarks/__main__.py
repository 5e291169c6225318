"""Run a benchmark and write its figures: `python -m benchmarks NAME [--out DIR]`.

`python -m benchmarks hashes [--out FILE.json] [--against FILE.json]` writes checksums instead,
and compares them with those of another version; see `benchmarks.hashes`.
`python -m benchmarks attacks`, `candidates`, `endurance`, `pictures`, `shell`, `side_by_side`,
`solvers`, `vectors` and `workers` have options of their own; see their --help.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

DRIVERS = ("endurance", "hashes", "peers")
"""The benchmarks that are folders."""
BENCHMARKS = (
    "atlas_index", "classical", "coverage", "estimates", "gpu", "growth", "maximization",
    "networks", "peers", "stores", "threads", "vlfeat", "ways",
)  # fmt: skip
WITH_OPTIONS = (
    "attacks", "candidates", "endurance", "pictures", "shell", "side_by_side", "solvers", "vectors",
    "workers",
)  # fmt: skip


def load(name: str) -> Any:
    """Import one benchmark alone: others need packages that this one does not."""
    return importlib.import_module(f"benchmarks.{name}{'.driver' if name in DRIVERS else ''}")


if sys.argv[1:] and sys.argv[1] in WITH_OPTIONS:
    load(sys.argv[1]).main(sys.argv[2:])
    sys.exit()

parser = argparse.ArgumentParser(
    prog="python -m benchmarks",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
parser.add_argument("name", choices=[*BENCHMARKS, *WITH_OPTIONS, "hashes"])
parser.add_argument("--out", type=Path, help="folder, of hashes a file; in benchmarks/results")
parser.add_argument("--against", type=Path, help="of hashes: an earlier file to compare with")
parser.add_argument("--only", default="", help="of hashes: results whose names contain this text")
arguments = parser.parse_args()
results = Path("benchmarks/results")
if arguments.name == "hashes":
    out = arguments.out or results / "hashes.json"
    sys.exit(load("hashes").run(out, arguments.against, arguments.only))
out = arguments.out or results
out.mkdir(parents=True, exist_ok=True)
load(arguments.name).run(out)
