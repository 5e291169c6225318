"""Workers as the driver sees them: a process that makes steps and says how long they took."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from benchmarks.peers.environments import ROOT, PeerError
from benchmarks.peers.listing import Work


class Worker:
    """A process that speaks as `worker` does, to be used in a `with` statement.

    Attributes:
        facts: what it said of itself: versions, and the sum of its network's weights.

    Raises:
        PeerError: if it fails or ends; also from `measure`.
    """

    facts: dict[str, Any]

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile("w+")
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        self._process: Any = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(path for path in paths if path),
                "OMP_NUM_THREADS": "1",
                "MPLBACKEND": "Agg",
            },
        )
        try:
            self.facts = self._answer()
        except PeerError:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def measure(self, work: Work, steps: int) -> dict[str, float]:
        """Mean seconds ("wall") and processor seconds ("process") of a step; images "seen"."""
        asked = {"eased": work.eased, "images": work.images, "steps": steps}
        with contextlib.suppress(BrokenPipeError):  # if it has ended, the answer says so
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            status = self._process.wait()
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines() or ["it said nothing"]
            raise PeerError(f"its process ended with status {status}: {said[-1]}")
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise PeerError(answer["failed"])
        return answer
