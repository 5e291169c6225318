"""Run a benchmark and write its figures: `python -m benchmarks NAME [--out DIR]`.

`python -m benchmarks hashes [--out FILE.json] [--against FILE.json]` writes checksums instead,
and compares them with those of another version; see `benchmarks.hashes`.
`python -m benchmarks attacks`, `candidates`, `endurance`, `pictures`, `shell`, `side_by_side`,
`solvers`, `vectors` and `workers` have options of their own; see their --help.
"""

import argparse
import sys
from pathlib import Path

from benchmarks import (
    attacks,
    candidates,
    classical,
    coverage,
    estimates,
    growth,
    maximization,
    networks,
    pictures,
    shell,
    side_by_side,
    solvers,
    stores,
    threads,
    vectors,
    vlfeat,
    ways,
    workers,
)
from benchmarks.endurance import driver as endurance
from benchmarks.hashes import driver as hashes
from benchmarks.peers import driver as peers

BENCHMARKS = {
    "classical": classical.run,
    "coverage": coverage.run,
    "estimates": estimates.run,
    "growth": growth.run,
    "maximization": maximization.run,
    "networks": networks.run,
    "peers": peers.run,
    "stores": stores.run,
    "threads": threads.run,
    "vlfeat": vlfeat.run,
    "ways": ways.run,
}

WITH_OPTIONS = {
    "attacks": attacks.main,
    "candidates": candidates.main,
    "endurance": endurance.main,
    "pictures": pictures.main,
    "shell": shell.main,
    "side_by_side": side_by_side.main,
    "solvers": solvers.main,
    "vectors": vectors.main,
    "workers": workers.main,
}

if sys.argv[1:] and sys.argv[1] in WITH_OPTIONS:
    WITH_OPTIONS[sys.argv[1]](sys.argv[2:])
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
    sys.exit(hashes.run(out, arguments.against, arguments.only))
out = arguments.out or results
out.mkdir(parents=True, exist_ok=True)
BENCHMARKS[arguments.name](out)
