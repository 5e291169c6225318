"""One thread, because the kernels here are small, or PREIMAGE_TEST_THREADS of them; the same
examples in every run; a cache of its own."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import settings

THREADS = int(os.environ.get("PREIMAGE_TEST_THREADS", "1"))
torch.set_num_threads(THREADS)
settings.register_profile("preimage", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("preimage")


def _declare_missing_operators() -> torch.library.Library | None:
    """Lets a torchvision from PyPI be imported beside a torch that was built for the CPU alone.

    Only detection needs these operators. Elsewhere nothing is done.
    """
    try:
        importlib.import_module("torchvision")
    except ImportError:
        return None
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None


_KEPT_ALIVE = _declare_missing_operators()


def pytest_runtest_setup() -> None:
    """Each test begins with as many threads, also after one that has set another number."""
    torch.set_num_threads(THREADS)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No statistics or weights of the person who runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREIMAGE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
