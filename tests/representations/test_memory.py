"""The memory that an evaluation takes, and how a limit is kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
import torch
from tests.representations.networks import COLOR, deep, evaluation
from tests.support import random_image
from torch import nn
from torch.profiler import ProfilerActivity, profile

from preimage import invert, maximize
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.memory import limit_memory, peak_bytes

pytestmark = pytest.mark.filterwarnings("ignore:.*Profiler clears events")  # torch 2.10

CPU = torch.device("cpu")
SIZE = (64, 64)


def random_photo(channels: int, seed: int) -> np.ndarray:
    return random_image(channels, *SIZE, seed=seed, scale=1).numpy() + 0.5


def weight_bytes(model: nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in model.parameters())


def profiled_peak(function: Callable[[], object]) -> int:
    """The same by torch's profiler, which sees every allocation."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        function()
    results: Any = profiled.profiler
    events = results.kineto_results.events()
    return max(accumulate(event.nbytes() for event in events if event.name() == "[memory]"))


def both_peaks(model: nn.Module) -> tuple[int, int]:
    """Measure code and gradient of layer 17 by our own means, and by the profiler."""
    phi = Layer(model, "17", COLOR)
    with phi.session(CPU):
        evaluation(phi)
        profiled = profiled_peak(lambda: evaluation(phi))
        return peak_bytes(lambda: evaluation(phi), CPU), profiled


def test_the_peak_is_that_of_the_profiler() -> None:
    parts = [part for _ in range(9) for part in (nn.Tanh(), nn.AvgPool2d(3, 1, 1))]
    peak, profiled = both_peaks(nn.Sequential(*parts))
    assert peak == profiled


def test_the_peak_leaves_out_what_convolutions_take_inside_themselves() -> None:
    """That differs from processor to processor: from 1 to 75 % of the rest were measured."""
    peak, profiled = both_peaks(deep())
    kept = 9 * 32 * SIZE[0] * SIZE[1] * 4
    assert kept < peak <= profiled


def test_as_many_images_fit_as_the_memory_holds() -> None:
    phi = HOG()
    with phi.session(CPU) as session:

        def at_once(images: int, memory: int | None) -> int:
            return limit_memory(phi, session, (64, 64), images, memory, CPU)

        assert at_once(1, 10**9) == 1
        assert at_once(1000, None) == 1000
        few, more = at_once(40, 12_000_000), at_once(40, 18_000_000)
        assert 1 <= few < more < 40
        assert at_once(40, 10**9) == 40


def test_what_does_not_fit_is_recomputed_and_then_refused() -> None:
    phi = Layer(deep(), "17", COLOR)
    with phi.session(CPU) as session:
        evaluation(phi)
        kept = peak_bytes(lambda: evaluation(phi), CPU)
        limit = session.weight_bytes + kept
        assert limit_memory(phi, session, SIZE, 1, limit, CPU) == 1
        assert session.ran.recomputed
        assert not session.recompute()
    message = r"needs .* MB .* but the limit is 1 KB: use fewer or smaller"
    with phi.session(CPU) as session, pytest.raises(ValueError, match=message):
        limit_memory(phi, session, SIZE, 1, 1000, CPU)


def test_a_limit_of_memory_changes_no_image() -> None:
    layers = Layers([Layer(deep(), "11", COLOR)])
    photos = [random_photo(3, seed).transpose(1, 2, 0) for seed in (0, 1, 2)]
    settings = NNPREIMAGE.with_steps(3).replace(final_iterations=2)
    plain = invert(layers, photos, settings=settings)
    execution = Execution(memory=weight_bytes(layers.model) + 3 * 2**20)
    within = invert(layers, photos, settings=settings, execution=execution)
    assert torch.equal(plain.images, within.images)
    assert torch.equal(plain.trace.total, within.trace.total)


def test_diverse_images_are_computed_together_or_not_at_all() -> None:
    phi = Layer(deep(), "3", COLOR)
    options: Any = {"seeds": range(6), "size": 64, "maxima": [1.0], "diversity": 1.0}
    short = MODERN.with_steps(1)
    enough = Execution(memory=weight_bytes(phi.model) + 2**27)
    assert len(maximize(phi, [0], settings=short, execution=enough, **options)) == 6
    little = Execution(memory=weight_bytes(phi.model) + 9 * 2**20)
    with pytest.raises(ValueError, match="diversity needs all 6 images in memory at once"):
        maximize(phi, [0], settings=short, execution=little, **options)


def test_images_of_classical_codes_computed_in_parts_are_the_same_bits() -> None:
    photos = [random_photo(1, seed)[0] for seed in range(7)]
    plain = invert(HOG(), photos)
    within = invert(HOG(), photos, execution=Execution(memory=2_000_000))
    assert torch.equal(plain.images, within.images)
    assert plain.ran.at_once == 7
    assert within.ran.at_once is not None
    assert within.ran.at_once < 7
