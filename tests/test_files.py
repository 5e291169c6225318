from __future__ import annotations

import errno
import hashlib
import os
import socket
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from preimage import files
from preimage.files import (
    cache_folder,
    check_archive,
    checksum_of,
    explain,
    file_name,
    is_partial,
    md5,
    remove_partial,
    sha256,
    write_together,
    write_whole,
)
from tests.support import full_disk


def test_a_file_appears_whole_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.png"
    with write_whole(path) as partial:
        partial.write_bytes(b"all")
        assert not path.exists()
        assert (partial.parent, partial.suffix) == (path.parent, path.suffix)
        assert is_partial(partial)
    assert path.read_bytes() == b"all"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_in_the_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half() -> None:
        with write_whole(path) as partial:
            partial.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_writers_of_one_file_do_not_share_a_temporary_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with write_whole(path) as one, write_whole(path) as other:
        assert one != other
        one.write_text("1")
        other.write_text("2")
    assert path.read_text() == "1"


def test_a_full_disk_is_an_error_of_the_file_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with pytest.raises(OSError, match="No space left") as caught, write_whole(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("suffix", "write"), [
    (".npy", lambda path: np.save(path, np.zeros(9999))),
    (".npz", lambda path: np.savez(path, a=np.zeros(9999))),
    (".png", lambda path: Image.effect_noise((99, 99), 99).save(path)),
    (".txt", lambda path: path.write_bytes(bytes(9999))),
])  # fmt: skip
def test_a_writer_that_stops_half_way_leaves_nothing_and_says_why(
    suffix: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"old")
    raises = pytest.raises(OSError, match="File too large")
    with raises as caught, full_disk(), write_whole(path) as partial:
        write(partial)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_an_error_without_a_reason_keeps_its_words_and_gets_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"

    def encode() -> None:
        with write_whole(path) as partial:
            partial.write_bytes(b"half")
            raise OSError("encoder error -2")

    with pytest.raises(OSError, match="encoder error -2") as caught:
        encode()
    assert explain(caught.value) == f"{path}: encoder error -2"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failing", ["a.png", "a.json"])
def test_files_that_belong_together_are_written_together(failing: str, tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "a.json"]

    def fail() -> None:
        with write_together(*paths) as partials:
            for path, partial in zip(paths, partials, strict=True):
                partial.write_bytes(b"new")
                if path.name == failing:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match=failing) as caught:
        fail()
    assert caught.value.filename == str(tmp_path / failing)
    assert list(tmp_path.iterdir()) == []
    with write_together(*paths) as partials:
        for partial in partials:
            partial.write_bytes(b"new")
    assert [path.read_bytes() for path in paths] == [b"new", b"new"]


def test_an_error_is_explained_in_one_line_without_none() -> None:
    assert explain(OSError("7500 requested\nand 5088 written")) == "7500 requested and 5088 written"
    assert explain(OSError(errno.EIO, "", "a.png")) == "a.png: Input/output error"
    assert explain(OSError()) == "OSError"


def test_a_folder_that_cannot_be_made_is_an_error_of_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "a.txt"
    with pytest.raises(OSError, match=r"file/a\.txt") as caught, write_whole(path):
        pass
    assert caught.value.filename == str(path)


def make_special(kind: str, path: Path) -> None:
    """Makes a file that holds nothing."""
    if kind == "a named pipe":
        os.mkfifo(path)
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(path))
    else:
        path.symlink_to(os.devnull)


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device"])
def test_what_is_no_file_is_never_replaced(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    path = Path("a.png")
    make_special(kind, path)
    before = path.lstat()
    for linked in (path, Path("link.png")):
        if linked != path:
            linked.symlink_to(path)
        with pytest.raises(OSError, match=f"is {kind}, not a file") as caught, write_whole(linked):
            pytest.fail("work was begun")
        assert explain(caught.value) == f"{linked}: is {kind}, not a file"
    assert path.lstat().st_ino == before.st_ino
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "link.png"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_the_file_that_it_leads_to_is_written(
    exists: bool, tmp_path: Path
) -> None:
    target, link, outer = tmp_path / "b" / "real", tmp_path / "l.png", tmp_path / "outer.png"
    target.parent.mkdir()
    if exists:
        target.write_text("old")
    link.symlink_to(Path("b", "real"))
    outer.symlink_to(link)
    with write_whole(outer) as partial:
        assert (partial.parent, partial.suffix) == (target.parent, ".png")
        partial.write_text("new")
    assert (link.is_symlink(), outer.is_symlink()) == (True, True)
    assert target.read_text() == "new"
    assert [path.name for path in target.parent.iterdir()] == ["real"]


@pytest.mark.parametrize(("refusals", "is_written"), [(3, True), (10**6, False)])
def test_on_windows_a_file_that_is_open_for_a_moment_is_waited_for(
    refusals: int, is_written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, replace = [refusals], os.replace

    def refuse(source: Path, target: Path) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(errno.EACCES, "is open elsewhere", str(source))
        replace(source, target)

    path = tmp_path / "a.txt"
    monkeypatch.setattr(files, "_SECONDS_TO_REPLACE", 0.5)
    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(files, "os", SimpleNamespace(**vars(os) | {"name": "nt"}))
    refused = nullcontext() if is_written else pytest.raises(PermissionError, match=r"a\.txt")
    with refused, write_whole(path) as partial:
        partial.write_text("new")
    assert [one.name for one in tmp_path.iterdir()] == ["a.txt"] * is_written


def test_an_error_of_another_file_keeps_its_name(tmp_path: Path) -> None:
    other = tmp_path / "missing"
    with pytest.raises(FileNotFoundError) as caught, write_whole(tmp_path / "a.txt"):
        other.read_bytes()
    assert caught.value.filename == str(other)


def test_only_old_temporary_files_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "ab"
    with write_whole(folder / "old.png") as old, write_whole(folder / "young.png") as young:
        for path in (old, young, folder / "kept.png"):
            path.write_bytes(b"half")
            os.utime(path, (0, 0))
        os.utime(young)
        remove_partial(tmp_path)
        assert [path.exists() for path in (old, young)] == [False, True]
        old.touch()
    assert sorted(path.name for path in folder.iterdir()) == ["kept.png", "old.png", "young.png"]


def test_checksums_are_those_of_hashlib(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"contents")
    assert sha256(path) == sha256(b"contents") == hashlib.sha256(b"contents").hexdigest()
    assert md5(path) == hashlib.md5(b"contents", usedforsecurity=False).hexdigest()
    with pytest.raises(FileNotFoundError):
        sha256(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("blocks.5", "blocks.5"),
        ("matconvnet:C:\\nets/my net.mat/conv1", "matconvnet-C--nets-my-net.mat-conv1"),
        ("a\nb", "a-b"),
        ("x" * 500, "x" * 120),
        ("NUL", "-NUL"),
        ("com1.hog", "-com1.hog"),
        ("auxiliary", "auxiliary"),
        ("conv1.", "conv1-"),
    ],
)
def test_a_file_name_has_no_character_that_takes_it_apart(text: str, name: str) -> None:
    assert file_name(text) == name


def test_the_cache_folder_is_the_platforms_unless_the_environment_names_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("PREIMAGE_CACHE")
    assert cache_folder().name == "preimage"
    assert cache_folder() != tmp_path


def test_a_zip_file_that_holds_far_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in "abc":
            archive.writestr(name, bytes(10**7))
    check_archive(path)
    monkeypatch.setattr(files, "inflated_limit", lambda size: 10 * size)
    with pytest.raises(ValueError, match="decompresses to 30,000,000 bytes, far more"):
        check_archive(path)


def test_ordinary_archives_and_other_files_pass(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(10**7))
    check_archive(path)
    path.write_bytes(b"anything")
    check_archive(path)
    check_archive(tmp_path / "missing")


def test_a_cache_folder_of_an_unknown_user_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", "~nobodyx/y")
    with pytest.raises(ValueError, match="PREIMAGE_CACHE names the folder ~nobodyx/y, but there"):
        cache_folder()


def test_a_folder_has_a_checksum_of_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.npy").write_bytes(b"one")
    assert checksum_of(tmp_path / "a/1.npy") == hashlib.sha256(b"one").hexdigest()
    seen = {checksum_of(tmp_path / "a")}
    (tmp_path / "a/1.npy").rename(tmp_path / "a/2.npy")
    seen.add(checksum_of(tmp_path / "a"))
    (tmp_path / "a/2.npy").write_bytes(b"two")
    seen.add(checksum_of(tmp_path / "a"))
    assert len(seen) == 3
