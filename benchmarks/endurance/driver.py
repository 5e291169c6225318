"""Endurance: hours of use in one process or one store, as `python -m benchmarks endurance PART`.

- `app`: hours of the live app with two visitors (needs Gradio).
- `sessions`: what the live app keeps of visitors (needs Gradio).
- `inversions`: 500 inversions in one process.
- `networks`: 24 fresh networks in one process, each dropped after use.
- `study`: a study of 2,000 trials that is killed again and again.

Each part has options of its own; see its --help.
"""

import argparse
import importlib
from collections.abc import Sequence

PARTS = ("app", "inversions", "networks", "study", "sessions")


def main(arguments: Sequence[str]) -> None:
    """Run a part."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks endurance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", choices=PARTS)
    part = parser.parse_args(arguments[:1]).part
    importlib.import_module(f"benchmarks.endurance.{part}").main(arguments[1:])
