"""A process that makes steps when it is told to: `... worker PACKAGE TASK NETWORK`.

It says who it is, then answers each line of JSON on its standard input with one on its standard
output. What packages print goes to the standard error instead.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from typing import Any

import torch

from benchmarks.missing_operators import declare_missing_operators
from benchmarks.peers.clock import Clock
from benchmarks.peers.listing import Work
from benchmarks.peers.loops import LOOPS, Task
from benchmarks.plain_networks import NETWORKS


def main() -> None:
    """Answers until its standard input ends."""
    package, kind, network = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(answer: dict[str, Any]) -> None:
        answers.write(json.dumps(answer) + "\n")

    try:
        torch.set_num_threads(1)
        if package != "preimage":
            declare_missing_operators()
        torch.manual_seed(0)
        make, layer = NETWORKS[network]
        task = Task(make(), layer, Clock())
        weights = sum(float(p.detach().double().sum()) for p in task.model.parameters())
        say({"package": version(package), "torch": torch.__version__, "weights": weights})
        for line in sys.stdin:
            asked = json.loads(line)
            work = Work(asked["eased"], asked["images"])
            task.clock.restart()
            LOOPS[f"{package} {kind}"](task, work, asked["steps"] + 2)
            say(task.clock.means())
    except Exception as error:
        say({"failed": f"{type(error).__name__}: {error}".splitlines()[0]})
        raise


if __name__ == "__main__":
    main()
