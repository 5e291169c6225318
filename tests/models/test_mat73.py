"""MATLAB files of version 7.3."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from tests.models.simplenn_checks import (
    SMALL,
)
from tests.models.simplenn_files import (
    CLASSES,
    random_weights,
    save_v73,
    simplenn,
)

from preimage.models import mat_file, matconvnet


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
