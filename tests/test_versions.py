from __future__ import annotations

import platform
from importlib import import_module
from importlib.util import find_spec

import torch

import preimage
from preimage.versions import versions


def test_versions_name_all_that_a_result_depends_on() -> None:
    numba = find_spec("numba") and import_module("numba").__version__
    assert versions() == ({"numba": numba} if numba else {}) | {
        "preimage": preimage.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": str(torch.get_num_threads()),
    }


def test_the_device_is_named_if_there_is_one() -> None:
    assert versions("cuda:1") == versions() | {"device": "cuda:1"}
