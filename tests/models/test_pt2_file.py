"""Files of torch.export that could run code: none of it does."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.pt2_files import export
from torch import nn

from preimage.models.errors import ModelError
from preimage.models.pt2_file import check_program


class Trap:
    """Unpickling it creates a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pt2") / "net.pt2"
    axes = {2: torch.export.Dim("h", min=8, max=1024)}
    return export(file, nn.Conv2d(3, 4, 3), torch.zeros(1, 3, 16, 16), dynamic=(axes,))


def changed(program: Path, file: Path, entry: str, change: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(program) as source, zipfile.ZipFile(file, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name.endswith(entry) else data)
    return file


def edited(edit: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        tree = json.loads(data)
        edit(tree)
        return json.dumps(tree).encode()

    return change


def test_an_ordinary_program_passes(program: Path) -> None:
    check_program("pt2:net", program)


def test_pickled_weights_constants_and_example_inputs_are_refused(
    program: Path, tmp_path: Path
) -> None:
    trap = tmp_path / "sprung"

    def unpickles(tree: Any) -> None:
        tree["config"]["weight"]["use_pickle"] = True

    def points_elsewhere(tree: Any) -> None:
        tree["config"]["weight"]["path_name"] = "custom_obj_0"

    cases: list[tuple[str, Callable[[bytes], bytes], str]] = [
        ("model_weights_config.json", edited(unpickles), "pickles weight"),
        ("model_weights_config.json", edited(points_elsewhere), "pickles weight"),
        ("sample_inputs/model.pt", lambda _: pickle.dumps(Trap(trap)), "inputs are no tensors"),
    ]
    for entry, change, reason in cases:
        file = changed(program, tmp_path / "x.pt2", entry, change)
        with pytest.raises(ModelError, match=f"{reason}; that could run code and is never loaded"):
            check_program("pt2:x", file)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("find", "replacement", "reason"),
    [
        ("torch.ops.aten.conv2d.default", "torch.load", "calls torch.load"),
        (
            "torch.ops.aten.conv2d.default",
            "torch.ops.aten.from_file.default",
            "calls torch.ops.aten",
        ),
        ("torch.ops.aten.conv2d.default", "_operator.methodcaller", "calls _operator.methodcaller"),
        ("'s", "open(chr(47)), 's", "has the size"),
        ('"name": "input"', '"name": "x=__import__(1)"', "has the name"),
    ],
)
def test_functions_sizes_and_names_that_could_run_code_are_refused(
    program: Path, tmp_path: Path, find: str, replacement: str, reason: str
) -> None:
    def change(data: bytes) -> bytes:
        assert find in data.decode()
        return data.decode().replace(find, replacement).encode()

    file = changed(program, tmp_path / "x.pt2", "models/model.json", change)
    with pytest.raises(ModelError, match=reason):
        check_program("pt2:x", file)


def test_files_beside_the_program_are_refused(program: Path, tmp_path: Path) -> None:
    for name in ("net/data/aotinductor/model/code.so", "net/data/weights/model.pt", "other/x"):
        file = changed(program, tmp_path / "x.pt2", "none", lambda data: data)
        with zipfile.ZipFile(file, "a") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(ModelError, match="holds "):
            check_program("pt2:x", file)


@pytest.mark.parametrize("data", [b"", b"PK", b"anything"])
def test_other_files_are_no_programs(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.pt2").write_bytes(data)
    with pytest.raises(ModelError, match=r"damaged, or not a program of torch\.export"):
        check_program("pt2:x", tmp_path / "x.pt2")
    with zipfile.ZipFile(tmp_path / "y.pt2", "w") as archive:
        archive.writestr("a/b", b"c")
    with pytest.raises(ModelError, match="damaged, or not a program"):
        check_program("pt2:y", tmp_path / "y.pt2")


def test_a_program_of_an_older_torch_is_named_as_such(tmp_path: Path) -> None:
    file = tmp_path / "old.pt2"
    with zipfile.ZipFile(file, "w") as archive:  # as torch 2.4 to 2.7 save it
        archive.writestr("serialized_exported_program.json", "{}")
        archive.writestr("version", "7.3")
    with pytest.raises(ModelError, match=r"pt2:old: saved by an older torch: .*2\.9"):
        check_program("pt2:old", file)
