"""`python -m benchmarks NAME [--out DIR]`: runs a benchmark and writes its figures."""

import argparse
from pathlib import Path

from benchmarks import classical, growth, maximization, networks, solvers
from benchmarks.peers import driver as peers

BENCHMARKS = {
    "classical": classical.run,
    "growth": growth.run,
    "maximization": maximization.run,
    "networks": networks.run,
    "peers": peers.run,
    "solvers": solvers.run,
}

parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
parser.add_argument("name", choices=BENCHMARKS)
parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
arguments = parser.parse_args()
arguments.out.mkdir(parents=True, exist_ok=True)
BENCHMARKS[arguments.name](arguments.out)
