"""`python -m benchmarks endurance app`: hours of the live app with two visitors.

The app runs as a process of its own. `app.csv` has a row a minute: memory, threads, open files and
temporary files of the app and what its visitors have done; `app-failures.txt` has a line for each
thing that was not done. The visitors pause so that all of the app takes a given share of a core.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.endurance.visitors import Tally, Visitor
from benchmarks.timing import machine

_TICKS = os.sysconf("SC_CLK_TCK")
_COUNTED = ("visits", "runs", "stopped", "vanished", "gone on", "kept", "downloads")


def main(arguments: Sequence[str]) -> None:
    """Let visitors use the app for hours, and write what became of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks endurance app", description=__doc__)
    add = parser.add_argument
    add("--hours", type=float, default=2.0, help="how long")
    add("--share", type=float, default=1 / 3, help="cores that all of the app may take")
    add("--visitors", type=int, default=2, help="number of visitors at a time")
    add("--every", type=float, default=60.0, help="seconds between two rows")
    add("--out", type=Path, default=Path("endurance"), help="folder of the table")
    chosen = parser.parse_args(arguments)
    run(chosen.hours, chosen.out, chosen.share, chosen.visitors, chosen.every)


def run(
    hours: float, out: Path, share: float = 1 / 3, visitors: int = 2, every: float = 60.0
) -> None:
    """Let visitors use the app for so many hours.

    Args:
        hours: how long.
        out: folder of the table.
        share: cores that all of the app may take on average.
        visitors: their number.
        every: seconds between two rows of the table.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally, ended = Tally(), threading.Event()
    with _served(out) as app:
        print(machine(), f"process {app.process.pid}", app.address, flush=True)
        begin = time.monotonic()
        threads = [
            threading.Thread(target=_visit, args=(app, number, tally, share, ended))
            for number in range(visitors)
        ]
        for thread in threads:
            thread.start()
        try:
            _record(app, tally, out, begin + 3600 * hours, every)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
    print(f"the app ended with {app.process.returncode}, leaving {app.leftovers()} files")
    print(f"{len(tally.failures)} failures; {dict(tally.counts)}")


@dataclass(frozen=True)
class App:
    """The app in a process of its own.

    Attributes:
        process: the process.
        address: where the app can be reached.
        folder: the folder for temporary files of the app and its workers.
    """

    process: subprocess.Popen[bytes]
    address: str
    folder: Path

    def processes(self) -> list[int]:
        """Return the app's process, and all that have come from it."""
        parents: dict[int, int] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            if fields := _fields(path):
                parents[int(path.parent.name)] = int(fields[1])
        found = [self.process.pid]
        for number in found:
            found += [child for child, parent in parents.items() if parent == number]
        return found

    def seconds(self) -> float:
        """Return the processor time of all processes so far."""
        total = 0
        for number in self.processes():
            if fields := _fields(Path(f"/proc/{number}/stat")):
                total += sum(map(int, fields[11:15]))
        return total / _TICKS

    def leftovers(self) -> int:
        """Return the number of temporary files."""
        return sum(path.is_file() for path in self.folder.rglob("*"))

    def row(self) -> dict[str, Any]:
        """Return the present state in numbers; memory in units of 10^6 bytes."""
        memory = _memory(self.process.pid)
        workers = [_memory(number) for number in self.processes()[1:]]
        folder = Path(f"/proc/{self.process.pid}")
        sizes = [size for path in self.folder.rglob("*") if (size := _size(path)) is not None]
        return {
            "rss_mb": memory["Rss"],
            "anon_mb": memory["Anonymous"],
            "others": len(workers),
            "others_anon_mb": round(sum(worker["Anonymous"] for worker in workers), 1),
            "threads": len(list((folder / "task").iterdir())),
            "open_files": len(list((folder / "fd").iterdir())),
            "temporary_files": len(sizes),
            "temporary_mb": round(sum(sizes) / 1e6, 2),
            "cpu_seconds": round(self.seconds(), 1),
        }


def _fields(path: Path) -> list[str]:
    """Return the fields of a process after its name; none if it has ended."""
    try:
        return path.read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _memory(process: int) -> dict[str, float]:
    """Return the memory of a process by kind; zero if it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        text = ""
    kinds = dict(re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE))
    return {name: round(int(kinds.get(name, 0)) * 1024 / 1e6, 2) for name in ("Rss", "Anonymous")}


def _size(path: Path) -> int | None:
    """Return the size of a file; None if it is none, or was deleted meanwhile."""
    try:
        return path.stat().st_size if path.is_file() else None
    except OSError:
        return None


@contextmanager
def _served(out: Path) -> Iterator[App]:
    """Serve the app until the end of the block, then end it as Ctrl-C does."""
    command = [sys.executable, "-m", "preimage", "app", "--port", "0", "--workers", "2"]
    with (
        tempfile.TemporaryDirectory(prefix="endurance-") as folder,
        (out / "app.log").open("wb") as log,
    ):
        environment = {**os.environ, "TMPDIR": folder, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            yield App(process, _address(process, out / "app.log"), Path(folder))
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            finally:
                process.kill()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the app prints once it answers."""
    while process.poll() is None:
        if found := re.search(r"open (http://\S+?)/?;", log.read_text()):
            return found[1]
        time.sleep(0.1)
    raise ChildProcessError(f"the app did not start: {log.read_text()}")


def _visit(app: App, number: int, tally: Tally, share: float, ended: threading.Event) -> None:
    """Let a visitor come again and again until the end, whatever goes wrong."""
    visitor = Visitor(app.address, number, tally, _pacer(app, share, ended))
    while not ended.is_set():
        try:
            visitor.visit()
        except InterruptedError:
            return
        except Exception as error:  # whatever a visitor meets is told
            if not ended.is_set():
                now = time.strftime("%H:%M:%S", time.gmtime())
                tally.failures.append(f"{now} {type(error).__name__}: {error}")
                ended.wait(1)


def _pacer(app: App, share: float, ended: threading.Event) -> Callable[[], None]:
    """Return a function that waits until the app has taken no more than its share of a core."""
    begin, before = time.monotonic(), app.seconds()

    def pause() -> None:
        while app.seconds() - before > share * (time.monotonic() - begin) and not ended.is_set():
            ended.wait(1)
        if ended.is_set():
            raise InterruptedError

    return pause


def _record(app: App, tally: Tally, out: Path, end: float, every: float) -> None:
    """Write a row again and again until the end; stop if the app has ended."""
    begin, writer = time.monotonic(), None
    with (out / "app.csv").open("w", newline="") as file:
        while app.process.poll() is None:
            row: dict[str, Any] = {"minutes": round((time.monotonic() - begin) / 60, 2)}
            row |= app.row()
            row |= {name.replace(" ", "_"): tally.counts[name] for name in _COUNTED}
            row["failures"] = len(tally.failures)
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            (out / "app-failures.txt").write_text("".join(f"{x}\n" for x in tally.failures))
            if time.monotonic() >= end:
                return
            time.sleep(max(0.0, min(every, end - time.monotonic())))
    raise ChildProcessError(f"the app has ended by itself: {app.process.returncode}")
