"""The app in a process of its own, as `preimage app` starts it, and clients that attack it."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import pytest


class Served:
    """A running app.

    Attributes:
        address: its address, without a slash at the end.
        process: its process.
    """

    def __init__(self, address: str, process: subprocess.Popen[bytes]) -> None:
        self.address, self.process = address, process
        self._clients: list[Any] = []

    def client(self, name: str = "") -> Any:
        """A client that the app takes for another machine than all others."""
        import httpx

        numbers = ".".join(str(secrets.randbelow(256)) for _ in range(3))
        headers = {"x-forwarded-for": name or f"10.{numbers}"}
        made = httpx.Client(base_url=self.address, headers=headers, timeout=60, trust_env=False)
        self._clients.append(made)
        return made

    def close(self) -> None:
        """Close the connections of all clients."""
        while self._clients:
            self._clients.pop().close()

    def end(self, number: int = signal.SIGTERM) -> int:
        """The exit status of the app after a signal."""
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def served(*arguments: str) -> Iterator[Served]:
    """The app at a free port of this machine; skips without Gradio."""
    if find_spec("gradio") is None:
        pytest.skip("Gradio is missing: run `make test-browser`")
    with tempfile.TemporaryFile("w+b") as output:
        given = arguments if "--workers" in arguments else ("--workers", "1", *arguments)
        process = subprocess.Popen(
            [sys.executable, "-m", "preimage", "app", "--port", "0", *given],
            stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        app = Served(_address(process, output), process)
        try:
            yield app
        finally:
            app.close()
            process.terminate()  # so that it deletes its folder
            try:
                process.wait(20)
            finally:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], output: IO[bytes]) -> str:
    """The address that the app prints, after which it answers."""
    while True:
        output.seek(0)
        written = output.read().decode()
        found = re.search(r"open (http://\S+?)/?;", written)
        if found:
            return found[1]
        assert process.poll() is None, written
        time.sleep(0.1)


def events(client: Any) -> list[dict[str, Any]]:
    """The events of the app's pages that run on the server."""
    config = client.get("/config").json()
    return [event for event in config["dependencies"] if event["backend_fn"]]


def inputs_of(client: Any, event: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The components that an event takes its values from."""
    components = {part["id"]: part for part in client.get("/config").json()["components"]}
    return [components[number] for number in event["inputs"]]


def usual_values(client: Any, event: Mapping[str, Any]) -> list[Any]:
    """The values that the page would send for an event before anything is changed."""
    return [part["props"].get("value") for part in inputs_of(client, event)]


def call(client: Any, event: Mapping[str, Any], values: list[Any], session: str) -> Any:
    """The answer to a call of an event."""
    body = {"fn_index": event["id"], "data": values, "session_hash": session, "event_data": None}
    place = "/gradio_api/queue/join" if event["queue"] is not False else "/gradio_api/run/predict"
    return client.post(place, json=body)


def messages(client: Any, session: str) -> Iterator[dict[str, Any]]:
    """The messages of a session until all of its calls have ended."""
    with client.stream("GET", "/gradio_api/queue/data", params={"session_hash": session}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:"):
                message = json.loads(line.removeprefix("data:"))
                yield message
                if message["msg"] == "close_stream":
                    return


def outcome(client: Any, event: Mapping[str, Any], values: list[Any]) -> tuple[bool, str]:
    """Return whether a call of an event succeeds, and all that the app says about it."""
    session = secrets.token_hex(6)
    answer = call(client, event, values, session)
    if answer.status_code != 200 or event["queue"] is False:
        return answer.status_code == 200, answer.text
    found = list(messages(client, session))
    ended = [message for message in found if message["msg"] == "process_completed"]
    return bool(ended and ended[-1]["success"]), json.dumps(found)


def upload(client: Any, data: bytes, name: str = "photo.png") -> Any:
    """The answer to the upload of a file."""
    return client.post("/gradio_api/upload", files={"files": (name, data, "image/png")})


def uploaded(client: Any, data: bytes) -> Path:
    """The place where the app keeps an uploaded photo."""
    answer = upload(client, data)
    assert answer.status_code == 200, answer.text
    return Path(answer.json()[0])
