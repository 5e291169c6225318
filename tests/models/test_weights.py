"""Where weight files lie, and how they get there: completely or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.models.simplenn_files import narrow, random_weights, save_v5, simplenn

from preimage.models import weights
from preimage.models import zoo as networks
from preimage.models.architecture import LayerSpec
from preimage.models.errors import ModelError


class Zoo(ThreadingHTTPServer):
    """Serves one file, with or without ranges, and hangs up after `limit` bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = b""
        self.limit: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/models"


class Handler(BaseHTTPRequestHandler):
    server: Zoo

    def do_GET(self) -> None:
        zoo = self.server
        asked = self.headers.get("Range")
        zoo.asked.append(asked)
        if not self.path.startswith("/models/imagenet-"):
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and zoo.ranges else 0
        if start >= len(zoo.content):
            self.send_error(416)
            return
        body = zoo.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(zoo.content) - 1}/*")
        self.end_headers()
        self.wfile.write(body[: zoo.limit])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keeps the test's output clean."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def layers() -> list[LayerSpec]:
    return narrow(networks.get("vgg-m").layers, 32)


@pytest.fixture
def file(layers: list[LayerSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weight file of a narrowed VGG-M, whose checksum and layers `vgg-m` now has."""
    path = save_v5(tmp_path / "mine.mat", simplenn(layers, random_weights(layers), "beta17"))
    changed = dataclasses.replace(
        networks.get("vgg-m"),
        md5=hashlib.md5(path.read_bytes()).hexdigest(),
        layers=tuple(layers),
    )
    monkeypatch.setitem(networks.NETWORKS, "vgg-m", changed)
    return path


@pytest.fixture
def zoo(file: Path) -> Iterator[Zoo]:
    with Zoo() as server:
        server.content = file.read_bytes()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_missing_weight_file_is_an_error_that_names_the_command(cache: Path) -> None:
    with pytest.raises(ModelError, match=r"vgg-m \(383 MB\).*: preimage fetch vgg-m$"):
        weights.load("vgg-m")
    assert not weights.is_installed("vgg-m")
    assert not cache.exists()


def test_an_unknown_network_is_an_error() -> None:
    with pytest.raises(ModelError, match="did you mean 'vgg-m'"):
        weights.fetch("vgg_m")


def test_fetch_downloads_a_file_that_loads(zoo: Zoo, cache: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = weights.fetch("vgg-m", lambda done, total: seen.append((done, total)), zoo.address)
    assert path == weights.path_of("vgg-m") == cache / "imagenet-vgg-m.mat"
    assert path.read_bytes() == zoo.content
    assert seen[-1] == (len(zoo.content), len(zoo.content))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert contents(cache) == ["imagenet-vgg-m.mat"]
    assert weights.is_installed("vgg-m")
    assert list(weights.load("vgg-m").layers) == list(networks.get("vgg-m").layers)


def test_a_file_that_is_there_is_not_downloaded_again(zoo: Zoo) -> None:
    for _ in range(2):
        weights.fetch("vgg-m", address=zoo.address)
    assert len(zoo.asked) == 1


def test_an_interrupted_download_is_resumed_where_it_ended(zoo: Zoo, cache: Path) -> None:
    zoo.limit = 1000
    with pytest.raises(ModelError, match=r"interrupted after 1000 of .* run the same command"):
        weights.fetch("vgg-m", address=zoo.address)
    assert contents(cache) == ["imagenet-vgg-m.mat.part"]
    assert not weights.is_installed("vgg-m")
    zoo.limit = None
    seen: list[tuple[int, int]] = []
    weights.fetch("vgg-m", lambda done, total: seen.append((done, total)), zoo.address)
    assert zoo.asked == [None, "bytes=1000-"]
    assert seen[0][0] > 1000
    assert seen[-1] == (len(zoo.content), len(zoo.content))
    assert weights.path_of("vgg-m").read_bytes() == zoo.content
    assert contents(cache) == ["imagenet-vgg-m.mat"]


def test_a_server_without_ranges_sends_everything_again(zoo: Zoo) -> None:
    zoo.limit, zoo.ranges = 1000, False
    with pytest.raises(ModelError, match="interrupted"):
        weights.fetch("vgg-m", address=zoo.address)
    zoo.limit = None
    assert weights.fetch("vgg-m", address=zoo.address).read_bytes() == zoo.content


def test_a_download_that_ended_just_before_the_renaming_is_only_checked(
    zoo: Zoo, cache: Path
) -> None:
    cache.mkdir()
    (cache / "imagenet-vgg-m.mat.part").write_bytes(zoo.content)
    assert weights.fetch("vgg-m", address=zoo.address).read_bytes() == zoo.content
    assert contents(cache) == ["imagenet-vgg-m.mat"]


def test_a_download_of_another_checksum_leaves_nothing(zoo: Zoo, cache: Path) -> None:
    zoo.content = zoo.content[:-1] + b"?"
    with pytest.raises(ModelError, match=r"checksum of the downloaded file is .* nothing was"):
        weights.fetch("vgg-m", address=zoo.address)
    assert contents(cache) == []


def test_a_damaged_beginning_is_not_resumed_forever(zoo: Zoo, cache: Path) -> None:
    cache.mkdir()
    (cache / "imagenet-vgg-m.mat.part").write_bytes(b"?" * 1000)
    with pytest.raises(ModelError, match="checksum"):
        weights.fetch("vgg-m", address=zoo.address)
    assert weights.fetch("vgg-m", address=zoo.address).read_bytes() == zoo.content


def test_a_file_that_the_server_lacks_is_an_error_that_leaves_nothing(
    zoo: Zoo, cache: Path
) -> None:
    with pytest.raises(ModelError, match=r"HTTP Error 404: Not Found$"):
        weights.fetch("vgg-m", address=zoo.address.replace("models", "elsewhere"))
    assert contents(cache) == []


def test_a_server_that_cannot_be_reached_is_an_error(file: Path, cache: Path) -> None:
    with Zoo() as server:
        address = server.address
    with pytest.raises(ModelError, match="refused"):
        weights.fetch("vgg-m", address=address)
    assert contents(cache) == []


def test_install_copies_a_file_that_the_user_has(file: Path, cache: Path) -> None:
    assert weights.install("vgg-m", file) == weights.path_of("vgg-m")
    assert weights.path_of("vgg-m").read_bytes() == file.read_bytes()
    assert contents(cache) == ["imagenet-vgg-m.mat"]
    weights.load("vgg-m")


def test_install_refuses_a_file_of_another_checksum(file: Path, cache: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(ModelError, match=r"its checksum is \w+, but that of imagenet-vgg-m.mat"):
        weights.install("vgg-m", file)
    assert contents(cache) == []


def test_install_says_that_a_file_is_missing(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ModelError, match=r"none.mat: No such file or directory"):
        weights.install("vgg-m", tmp_path / "none.mat")
    assert contents(cache) == []


def test_a_cache_that_cannot_be_written_is_an_error(file: Path, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(ModelError, match=r"mine\.mat"):
        weights.install("vgg-m", file)


def test_loading_the_file_of_another_network_is_an_error(file: Path, cache: Path) -> None:
    cache.mkdir()
    (cache / "imagenet-vgg-f.mat").write_bytes(file.read_bytes())
    with pytest.raises(ModelError, match=r"imagenet-vgg-f.mat: a weight file of another network"):
        weights.load("vgg-f")
