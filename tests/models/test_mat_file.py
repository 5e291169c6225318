"""MATLAB files of any version, and what is wrong with one in one clear line."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.models.simplenn_checks import (
    Save,
    a_conv,
    message,
    save_v7,
)
from tests.models.simplenn_files import (
    narrow,
    random_weights,
    save_v5,
    save_v73,
    simplenn,
)

from preimage.extras import install_command
from preimage.models import mat_file, matconvnet, zoo
from preimage.models.errors import ModelError

TREE: dict[str, Any] = {
    "number": np.array([[2.5]]),
    "matrix": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "bytes": np.array([[1, 2]], np.uint8),
    "text": "conv1",
    "empty": np.zeros((0, 0)),
    "nothing": "",
    "struct": {"a": "x", "b": {"c": [np.array([[1.0]]), "y", []]}},
}


@pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v73"])
def test_what_was_written_is_read_back(save: Any, tmp_path: Path) -> None:
    found = mat_file.load(save(tmp_path / "x.mat", TREE), [*TREE, "absent"])
    assert list(found) == list(TREE)
    np.testing.assert_equal(found, TREE)


def test_only_the_named_variables_are_returned(tmp_path: Path) -> None:
    assert mat_file.load(save_v5(tmp_path / "x.mat", TREE), ["text"]) == {"text": "conv1"}


def network_tree() -> dict[str, Any]:
    layers = narrow(zoo.get("vgg-m").layers, 32)
    return simplenn(layers, random_weights(layers), "beta17")


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path) -> None:
    assert message(tmp_path / "net.mat") == "no such file"


@pytest.mark.parametrize("content", [b"", b"x", b"\x89PNG\r\n\x1a\n" * 100, b"MATLAB 5.0 " * 50])
def test_a_file_of_another_kind_is_no_matlab_file(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "net.mat"
    path.write_bytes(content)
    assert message(path).startswith("not a MATLAB file, or a damaged or truncated one (")


@pytest.mark.parametrize("save", [save_v5, save_v7, save_v73], ids=["v5", "v7", "v73"])
@pytest.mark.parametrize("part", [0.001, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_said_to_be_damaged(save: Save, part: float, tmp_path: Path) -> None:
    path = save(tmp_path / "net.mat", network_tree())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert "damaged or truncated" in message(path)


@pytest.mark.parametrize("save", [save_v5, save_v7, save_v73], ids=["v5", "v7", "v73"])
def test_no_damage_causes_anything_but_a_model_error(save: Save, tmp_path: Path) -> None:
    tree = simplenn(zoo.get("vgg-m").layers[1:4], {}, "beta17")
    tree["layers"].insert(0, a_conv())
    path = save(tmp_path / "net.mat", tree)
    content, rng = path.read_bytes(), np.random.default_rng(1)
    errors = []
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(128, len(content), 3):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            matconvnet.read(path)
        except ModelError as error:
            errors.append(str(error))
    assert errors
    assert not any("\n" in text for text in errors)


def test_a_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "attacked",)

    path = tmp_path / "net.mat"
    path.write_bytes(pickle.dumps(Attack()))
    assert "not a MATLAB file" in message(path)
    assert not (tmp_path / "attacked").exists()


def test_a_7_3_file_without_h5py_is_an_error_that_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_v73(tmp_path / "net.mat", {"layers": [a_conv()]})
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert message(path) == f"a MATLAB 7.3 file needs h5py: {install_command('matconvnet')}"
