"""Options of speed and memory: which there are, and which a device supports."""

from __future__ import annotations

import pytest
import torch
from tests.representations.networks import COLOR, resnet
from tests.support import random_image

from preimage import invert
from preimage.checks import MOST_THREADS
from preimage.representations.execution import MODES, Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer

PHOTO = random_image(3, 32, 32, scale=1).numpy().transpose(1, 2, 0) + 0.5


def test_a_mode_that_does_not_exist_and_a_limit_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown acceleration 'turbo': there are auto, plain"):
        Execution("turbo")
    with pytest.raises(ValueError, match="memory must be a positive number of bytes, not 0"):
        Execution(memory=0)


@pytest.mark.parametrize("threads", [MOST_THREADS + 1, 100_000, 2**31 - 1, 10**11])
def test_threads_that_would_crash_torch_are_refused(threads: int) -> None:
    with pytest.raises(ValueError, match=f"threads must be at most {MOST_THREADS}, not {threads}"):
        Execution(threads=threads)
    assert Execution(threads=MOST_THREADS).threads == MOST_THREADS
    assert 16 <= MOST_THREADS <= 1024


@pytest.mark.parametrize("phi", [HOG(), Layer(resnet(), "stem", COLOR)], ids=["hog", "layer"])
def test_graphs_need_cuda(phi: HOG | Layer) -> None:
    with pytest.raises(ValueError, match="needs cuda, not cpu"):
        invert(phi, PHOTO, execution=Execution("graph"))
    for device in ("cuda", "cuda:1", torch.device("cuda", 0)):
        Execution("graph").check(device)


def test_all_other_modes_exist_on_every_device() -> None:
    for mode in set(MODES) - {"graph"}:
        Execution(mode).check("cpu")
