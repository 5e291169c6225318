"""What `preimage study run --dry-run` says beforehand, and what the run then takes.

`estimates.csv`: for studies of several kinds and one or two workers, the seconds and the bytes that
the dry run says (of a calm machine, and of this one at its present load), those that the run
takes, and their ratio. The seconds of the run are by the clock and in processor time, which other
programs on a busy machine do not change.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.timing import machine, write_csv
from preimage.photo_files import shipped_photos

STUDIES = {
    "hog, many small trials": 'representations = ["hog"]\nsize = 64\nsteps = 20\n'
    f"seeds = {list(range(40))}",
    "hog, usual": 'representations = ["hog"]\nlimit = 4',
    "dsift": 'representations = ["dsift"]\nlimit = 4\nsize = 128',
    "network, few trials": 'representations = ["efficientnet-lite0/blocks.2"]\nlimit = 2\n'
    "steps = 60",
    "network, paper's solver": 'representations = ["efficientnet-lite0/stem"]\nlimit = 2\n'
    'preset = "nnpreimage"\nsteps = 50\nsize = [96, 96]',
    "channels": 'visualization = "maximize"\nrepresentations = ["efficientnet-lite0/blocks.1"]\n'
    'channels = "0-9"\nsteps = 40',
}
UNITS = {"s": 1, "minutes": 60, "hours": 3600}
SIZES = {"bytes": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}


def run(out: Path) -> None:
    """About five minutes of two quiet cores."""
    print(machine())
    rows = [row(name, text, workers) for name, text in STUDIES.items() for workers in (1, 2)]
    write_csv(out / "estimates.csv", rows)


def row(name: str, text: str, workers: int) -> dict[str, Any]:
    """Return the estimate of a study and the truth."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        photos = next(iter(shipped_photos().values())).parent
        key = "reference" if "maximize" in text else "images"
        (folder / "study.toml").write_text(f'{key} = ["{photos}"]\n{text}\n')
        lines = study(folder, workers, "--dry-run")
        said = re.search(r"about ([\d.]+) (\w+) with .* about ([\d.]+) (\w+) on disk", lines)
        if said is None:
            raise RuntimeError(lines)
        busy = re.search(r"at its present load about ([\d.]+) (\w+)", lines) or said
        before, begin = processor_seconds(), time.perf_counter()
        study(folder, workers)
        wall, cpu = time.perf_counter() - begin, processor_seconds() - before
        files = [path for path in (folder / "study").rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    seconds, bytes_ = float(said[1]) * UNITS[said[2]], float(said[3]) * SIZES[said[4]]
    now = float(busy[1]) * UNITS[busy[2]]
    found = {
        "study": name, "workers": workers, "said": round(seconds, 1), "said of now": round(now, 1),
        "clock": round(wall, 1), "cpu": round(cpu, 1), "clock / said of now": round(wall / now, 2),
        "megabytes said": round(bytes_ / 1e6, 2), "megabytes": round(size / 1e6, 2),
        "size / said": round(size / bytes_, 2),
    }  # fmt: skip
    print(found, flush=True)
    return found


def study(folder: Path, workers: int, *options: str) -> str:
    """Run the study of a folder; return what was printed."""
    command = [sys.executable, "-m", "preimage", "study", "run", "study.toml", *options]
    command += ["--workers", str(workers)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def processor_seconds() -> float:
    """Return the processor time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
