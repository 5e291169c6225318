"""MATLAB files of version 7.3."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.models.simplenn_checks import (
    SMALL,
)
from tests.models.simplenn_files import (
    CLASSES,
    random_weights,
    save_v73,
    simplenn,
)

from preimage.models import mat73, mat_file, matconvnet
from preimage.models.errors import ModelError
from preimage.models.read_limit import ReadLimit


def test_a_struct_array_of_a_7_3_file_is_a_list(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.mat", "w") as file:
        struct = file.create_group("s")
        struct.attrs["MATLAB_class"] = np.bytes_("struct")
        references = np.empty((2, 1), h5py.ref_dtype)
        for index in range(2):
            target = file.create_dataset(f"#refs#/{index}", data=np.array([[index + 0.5]]))
            target.attrs["MATLAB_class"] = np.bytes_("double")
            references[index, 0] = target.ref
        struct.create_dataset("size", data=references, dtype=h5py.ref_dtype)
    found = mat_file.load(tmp_path / "x.mat", ["s"])
    np.testing.assert_equal(found, {"s": [{"size": np.array([[0.5]])}, {"size": [[1.5]]}]})


def test_a_7_3_file_without_matlab_s_class_attributes_is_read(tmp_path: Path) -> None:
    tree = simplenn(SMALL, random_weights(SMALL), "beta17")
    model = matconvnet.read(save_v73(tmp_path / "net.mat", tree, classes=False))
    assert list(model.layers) == SMALL
    assert model.classes == tuple(CLASSES)


@pytest.mark.parametrize(("shape", "chunk"), [((10**5, 10**5), 1000), ((9, 9), 20_000)])
def test_a_7_3_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, shape: tuple[int, int], chunk: int
) -> None:
    path = tmp_path / "bomb.mat"
    options = {"chunks": (chunk, chunk), "maxshape": (None, None), "compression": "gzip"}
    with h5py.File(path, "w") as file:
        file.create_dataset("layers", shape, "f4", **options)
    with pytest.raises(ModelError, match="far more than its size suggests"):
        mat_file.load(path, ["layers"])


def test_a_7_3_file_whose_cells_refer_to_each_other_without_end_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.mat"
    with h5py.File(path, "w") as file:
        target = file.create_dataset("#refs#/0", data=np.zeros(1)).ref
        for level in range(1, 9):
            references = np.full((10, 1), target, h5py.ref_dtype)
            target = file.create_dataset(f"#refs#/{level}", data=references).ref
        file.create_dataset("layers", data=np.full((1, 1), target, h5py.ref_dtype))
    with h5py.File(path, "r") as file, pytest.raises(ValueError, match="far more than its size"):
        mat73._read(file["layers"], file, ReadLimit(10**9, arrays=1000))
