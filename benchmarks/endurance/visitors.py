"""Visitors of the app, who send what its page would send, and check all that they get."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import random
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from gradio_client.utils import apply_diff
from PIL import Image

_LONG = {"Steps": "2000", "Size": "320"}
NETWORK = "efficientnet-lite0"
RUNS: Mapping[str, Mapping[str, Any]] = {
    "invert HOG": {"Steps": "30", "Size": "96"},
    "invert a layer": {
        "Representation": NETWORK, "Layer": "blocks.1", "Steps": "10", "Size": "64", "Seeds": 2,
    },
    "maximize": {
        "Representation": NETWORK, "Layer": "blocks.3", "What to do": "maximize", "Channels": "0-1",
        "Method": "modern", "Steps": "5", "Size": "48",
    },
    "caricature": {
        "Representation": NETWORK, "Layer": "blocks.3", "What to do": "caricature",
        "Method": "anchored", "Steps": "5", "Size": "64",
    },
}  # fmt: skip
"""Small runs, each given by the fields that differ from the usual ones."""
USUAL = {"Representation": "hog", "What to do": "invert"}
"""The usual choices of the fields on which others depend."""
_PICTURES, _STATUS, _FILES = 4, 3, 7
"""The outputs of a run in which its pictures, a line about it, and its files are shown."""


class VisitError(Exception):
    """The reason why something that a visitor asked for was not done."""


@dataclass
class Tally:
    """The counts of all visitors, and the words of each failure.

    Attributes:
        counts: how often each thing was done.
        failures: what went wrong.
        pictures: a checksum for each run of which the same picture must come every time.
    """

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    pictures: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, name: str, number: int = 1) -> None:
        """Count something that was done."""
        with self._lock:
            self.counts[name] += number

    def compare(self, run: str, picture: bytes) -> None:
        """Raise VisitError unless a run has the picture that it had the first time."""
        digest = hashlib.sha256(picture).hexdigest()
        with self._lock:
            if self.pictures.setdefault(run, digest) != digest:
                raise VisitError(f"{run}: another picture than the first time")


class Page:
    """A page of the app that is open in a browser of its own.

    Args:
        address: the address of the app.
        name: the visitor, whom the app tells from others by this name.
    """

    def __init__(self, address: str, name: str) -> None:
        self.session = secrets.token_hex(6)
        self._client = httpx.Client(
            base_url=address, headers={"x-forwarded-for": name}, timeout=120, trust_env=False
        )
        self._get("/")
        config = json.loads(self._get("/config"))
        self._parts = {part["id"]: part for part in config["components"]}
        self._events = config["dependencies"]
        self._heartbeat = http.client.HTTPConnection(urlsplit(address).netloc)
        self._heartbeat.request(
            "GET", f"/gradio_api/heartbeat/{self.session}", headers={"X-Forwarded-For": name}
        )
        self._heartbeat.getresponse().readline()

    def close(self) -> None:
        """Close the page, as a browser does, with all of its connections."""
        if self._heartbeat.sock is not None:
            self._heartbeat.sock.close()
        self._heartbeat.close()
        self._client.close()

    def _get(self, path: str) -> bytes:
        answer = self._client.get(path)
        if answer.status_code != 200:
            raise VisitError(
                f"GET {path.partition('=')[0]}: {answer.status_code} {answer.text[:200]}"
            )
        return answer.content

    def upload(self, photo: bytes, name: str) -> dict[str, Any]:
        """Upload a photo, and return it as the page would name it in a call."""
        answer = self._client.post("/gradio_api/upload", files={"files": (name, photo)})
        if answer.status_code != 200:
            raise VisitError(f"upload: {answer.status_code} {answer.text[:200]}")
        kind = {"_type": "gradio.FileData"}
        return {"path": answer.json()[0], "orig_name": name, "size": len(photo), "meta": kind}

    def download(self, files: list[dict[str, Any]]) -> dict[str, bytes]:
        """Return the contents of files that the page offers, by their names."""
        return {file["orig_name"]: self._get(f"/gradio_api/file={file['path']}") for file in files}

    def _event(self, label: str) -> dict[str, Any]:
        """Return the event of the first button or field with a label."""
        for event in self._events:
            for part, _ in event["targets"]:
                props = self._parts.get(part, {}).get("props", {})
                if label in (props.get("value"), props.get("label")) and event["backend_fn"]:
                    found: dict[str, Any] = event
                    return found
        raise VisitError(f"there is nothing called {label}")

    def _after(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the event that follows another."""
        return next(one for one in self._events if one["trigger_after"] == event["id"])

    def _call(self, event: Mapping[str, Any], values: list[Any]) -> Any:
        call = {"fn_index": event["id"], "data": values, "session_hash": self.session}
        place = "run/predict" if event["queue"] is False else "queue/join"
        answer = self._client.post(f"/gradio_api/{place}", json=call)
        if answer.status_code != 200:
            raise VisitError(f"{place}: {answer.status_code} {answer.text[:200]}")
        return answer.json()

    def choose(self, label: str, value: Any) -> None:
        """Choose a value of a field, on which other fields depend."""
        list(self._results(self._call(self._event(label), [value])["event_id"]))

    def press(
        self, label: str, fields: Mapping[str, Any] | None = None
    ) -> Generator[list[Any], None, None]:
        """Press a button, and yield what the page shows from then on.

        Args:
            label: the words on the button.
            fields: values by the labels of the fields, where they are not the usual ones.
        """
        event = self._event(label)
        if event["queue"] is False:
            self._call(event, [None] * len(event["inputs"]))
            if all(one["trigger_after"] != event["id"] for one in self._events):
                return
            event = self._after(event)
        given, values = fields or {}, []
        for part in (self._parts[number]["props"] for number in event["inputs"]):
            values.append(given.get(part.get("label", ""), part.get("value")))
        yield from self._results(self._call(event, values)["event_id"])

    def _results(self, call: str) -> Iterator[list[Any]]:
        """Yield the values of the outputs of a call as they come."""
        shown: list[Any] = []
        for message in self._messages():
            if message.get("event_id") not in (call, None):
                continue
            if message["msg"] == "process_generating" and message["success"]:
                new = message["output"]["data"]
                shown = list(map(apply_diff, shown, new)) if shown else new
                yield shown
            if message["msg"] == "process_completed":
                if not message["success"]:
                    raise VisitError(f"a run: {str(message['output'])[:200]}")
                if not shown:
                    yield message["output"]["data"]
                return
        raise VisitError("the app ended the messages of a run before its end")

    def _messages(self) -> Iterator[dict[str, Any]]:
        place, session = "/gradio_api/queue/data", {"session_hash": self.session}
        with self._client.stream("GET", place, params=session) as answer:
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))


class Visitor:
    """A visitor, who opens the page, has some runs, closes it, and comes again.

    Args:
        address: the address of the app.
        number: the number of the visitor, from which all choices follow.
        tally: where to count.
        pause: called before each thing that a visitor does.
    """

    def __init__(
        self, address: str, number: int, tally: Tally, pause: Callable[[], object]
    ) -> None:
        self._address, self._tally, self._pause = address, tally, pause
        self._name = f"10.0.0.{number + 1}"
        self._random = random.Random(number)

    def visit(self) -> None:
        """Open the page, upload a photo, do up to six things with it, and close the page."""
        self._pause()
        page = Page(self._address, self._name)
        try:
            number = self._random.randrange(20)
            photo = page.upload(_photo(number), f"photo-{number}.jpg")
            for _ in range(self._random.randint(1, 6)):
                self._pause()
                todo = self._random.choice([self._run, self._run, self._run, self._stop])
                todo(page, number, photo)
            if self._random.random() < 0.3:
                self._vanish(page, photo)
        finally:
            page.close()
        self._tally.count("visits")

    def _run(self, page: Page, number: int, photo: dict[str, Any]) -> None:
        """Have a run to its end, take its files along, and keep it for comparison or go on."""
        name = self._random.choice(list(RUNS))
        fields = {"Your own photo": photo, **RUNS[name]}
        for label in ("Representation", "What to do"):
            page.choose(label, fields.get(label, USUAL[label]))
        self._take(page, f"{name} {number}", list(page.press("Start", fields)))
        self._tally.count(name)
        if self._random.random() < 0.3:
            list(page.press("Keep for comparison"))
            self._tally.count("kept")
        if name != "caricature" and self._random.random() < 0.3:
            self._take(page, f"{name} {number}, gone on", list(page.press("Go on")))
            self._tally.count("gone on")

    def _take(self, page: Page, run: str, shown: list[list[Any]], *, is_same: bool = True) -> None:
        """Download all files of a run that has ended."""
        if not isinstance(shown[-1][_FILES], list):
            raise VisitError(f"{run}: no files, but {str(shown[-1][_STATUS])[:300]}")
        files = page.download(shown[-1][_FILES])
        pictures = sorted(name for name in files if name.endswith(".png"))
        for name in pictures:
            Image.open(io.BytesIO(files[name])).load()
            if is_same:
                self._tally.compare(f"{run}, {name}", files[name])
        self._tally.count("runs")
        self._tally.count("downloads", len(files))

    def _stop(self, page: Page, number: int, photo: dict[str, Any]) -> None:
        """Stop a long run after some frames, and take along what it has."""
        self._begin(page, photo, self._random.randint(1, 4))
        self._take(page, f"stopped {number}", list(page.press("Stop")), is_same=False)
        self._tally.count("stopped")

    def _begin(self, page: Page, photo: dict[str, Any], pictures: int) -> None:
        """Begin a long run, and watch until there were so many pictures."""
        for label, value in USUAL.items():
            page.choose(label, value)
        shown = set[str]()
        frames = page.press("Start", {"Your own photo": photo, **_LONG})
        while len(shown) < pictures:
            shown.add(str(next(frames)[_PICTURES]))
        frames.close()

    def _vanish(self, page: Page, photo: dict[str, Any]) -> None:
        """Begin a long run, and leave without a word."""
        self._begin(page, photo, self._random.randint(1, 4))
        self._tally.count("vanished")


def _photo(number: int) -> bytes:
    """Return a photo as a JPEG file; each number has one of its own."""
    noise = np.random.default_rng(number).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    sides = (480 + 40 * (number % 5), 360)
    file = io.BytesIO()
    Image.fromarray(noise).resize(sides, Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()
