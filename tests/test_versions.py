from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec

import torch

import preimage
from preimage.versions import versions, when_and_where


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


def test_the_date_is_that_of_coordinated_universal_time() -> None:
    found = when_and_where()
    date = datetime.strptime(found["date"], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - date).total_seconds()) < 120
    assert found["system"] == platform.platform()
