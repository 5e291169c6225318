"""Downloads: resumed after an interruption, checked, and complete or not there at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.models.file_server import FileServer, serving

from preimage.models.download import Progress, download, install
from preimage.models.errors import ModelError

CONTENT = bytes(range(256)) * 20
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(CONTENT) as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "net.mat"


def get(server: FileServer, target: Path, progress: Progress | None = None) -> bytes:
    download(f"{server.address}/net.mat", target, MD5, progress)
    return target.read_bytes()


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_progress_runs_up_to_the_size_of_the_file(server: FileServer, target: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert get(server, target, lambda done, total: seen.append((done, total))) == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    assert contents(target.parent) == ["net.mat"]


def test_an_interrupted_download_is_resumed_where_it_ended(
    server: FileServer, target: Path
) -> None:
    server.limit = 1000
    with pytest.raises(ModelError, match=r"interrupted after 1000 of .* run the same command"):
        get(server, target)
    assert contents(target.parent) == ["net.mat.part"]
    server.limit = None
    seen: list[tuple[int, int]] = []
    assert get(server, target, lambda done, total: seen.append((done, total))) == CONTENT
    assert server.asked == [None, "bytes=1000-"]
    assert seen[0][0] > 1000
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert contents(target.parent) == ["net.mat"]


def test_a_server_without_ranges_sends_everything_again(server: FileServer, target: Path) -> None:
    server.limit, server.ranges = 1000, False
    with pytest.raises(ModelError, match="interrupted"):
        get(server, target)
    server.limit = None
    assert get(server, target) == CONTENT


def test_a_download_that_ended_just_before_the_renaming_is_only_checked(
    server: FileServer, target: Path
) -> None:
    target.parent.mkdir()
    target.with_name("net.mat.part").write_bytes(CONTENT)
    assert get(server, target) == CONTENT
    assert contents(target.parent) == ["net.mat"]


def test_a_download_of_another_checksum_leaves_nothing(server: FileServer, target: Path) -> None:
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(ModelError, match=r"checksum of the downloaded file is .* nothing was"):
        get(server, target)
    assert contents(target.parent) == []


def test_a_damaged_beginning_is_not_resumed_forever(server: FileServer, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("net.mat.part").write_bytes(b"?" * 1000)
    with pytest.raises(ModelError, match="checksum"):
        get(server, target)
    assert get(server, target) == CONTENT


def test_a_file_that_the_server_lacks_is_an_error_that_leaves_nothing(
    server: FileServer, target: Path
) -> None:
    with pytest.raises(ModelError, match=r"HTTP Error 404: Not Found$"):
        download(server.address.replace("models", "elsewhere"), target, MD5)
    assert contents(target.parent) == []


def test_a_server_that_cannot_be_reached_is_an_error(target: Path) -> None:
    with FileServer() as server:
        pass
    with pytest.raises(ModelError, match="refused"):
        get(server, target)
    assert contents(target.parent) == []


def test_install_copies_a_file_of_the_right_checksum_alone(tmp_path: Path, target: Path) -> None:
    (tmp_path / "mine.mat").write_bytes(CONTENT)
    with pytest.raises(
        ModelError, match=r"its checksum is \w+, but that of the net.mat of its authors is 0123"
    ):
        install(tmp_path / "mine.mat", target, "0123")
    assert contents(target.parent) == []
    install(tmp_path / "mine.mat", target, MD5)
    assert target.read_bytes() == CONTENT
