"""Workers of one run: the same bits as alone, nothing lost, and no start that does not pay."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from preimage.optimizer import NonFiniteEnergyError, Progress
from preimage.preprocessing import Preprocessing
from preimage.presets import MODERN, NNPREIMAGE
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.visualizations import PreImage, caricature, invert, maximize, sharing
from preimage.workers import WorkerError, pool

ALONE: dict[str, Any] = {"execution": Execution(threads=1)}
SHARED: dict[str, Any] = {"workers": 2}
SHORT = MODERN.with_steps(9)


class _Net(nn.Module):
    """A network of two layers, which only this file knows."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = nn.Conv2d(3, 6, 3), nn.Conv2d(6, 8, 3, stride=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.second(torch.relu(self.first(x)))
        return found


def _layer() -> Layer:
    return Layer(_Net(), "second", Preprocessing(mean=(127.5,) * 3, size=(24, 24)))


def _photos(count: int, *shape: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.random(shape) for _ in range(count)]


def _squares(images: torch.Tensor) -> torch.Tensor:
    return (images * images).mean((1, 2, 3))


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The starts of workers, which are copies of this process and always pay."""
    if torch.cuda.is_available():
        pytest.skip("a copy of a process that has computed gradients beside a GPU cannot compute")
    found: list[str] = []

    def share(*args: Any, **kwargs: Any) -> Any:
        found.append(kwargs["method"])
        return original(*args, **kwargs)

    original = pool.share
    monkeypatch.setattr(sharing, "share", share)
    monkeypatch.setattr(sharing, "start_method", lambda *args, **kwargs: "fork")
    monkeypatch.setattr(sharing, "saves_time", lambda *args: True)
    return found


RUNS: dict[str, Callable[..., PreImage]] = {
    "hog": lambda **o: invert(
        HOG(), _photos(3, 32, 40), loss_weight=[20, 1], snapshot_every=7, quality="draft", **o
    ),
    "auto": lambda **o: invert(HOG(), _photos(3, 32, 40), loss_weight="auto", quality="draft", **o),
    "layer": lambda **o: invert(
        _layer(), _photos(2, 24, 24, 3), seeds=[0, 3], settings=NNPREIMAGE.with_steps(8), **o
    ),
    "prior": lambda **o: invert(
        _layer(), _photos(2, 24, 24, 3), settings=SHORT, prior=_squares, **o
    ),
    "maximize": lambda **o: maximize(
        _layer(), range(5), settings=SHORT, seeds=[0, 1], snapshot_every=2, **o
    ),
    "function": lambda **o: maximize(
        _layer(), [lambda codes: codes[:, 0].mean((1, 2)), _squares], settings=SHORT, **o
    ),
    "caricature": lambda **o: caricature(_layer(), _photos(3, 24, 24, 3), settings=SHORT, **o),
}


@pytest.mark.parametrize("name", RUNS)
def test_images_of_workers_are_those_of_one_process_bit_for_bit(
    name: str, starts: list[str]
) -> None:
    alone, shared = RUNS[name](**ALONE), RUNS[name](**SHARED)
    assert starts[0] == "fork"
    for field in ("images", "codes", "error", "response", "psnr", "ssim", "originals"):
        one, other = getattr(alone, field), getattr(shared, field)
        assert (one is None and other is None) or torch.equal(one, other)
    assert torch.equal(alone.trace.terms, shared.trace.terms)
    assert torch.equal(alone.trace.loss_weight, shared.trace.loss_weight)
    assert [step for step, _ in alone.snapshots] == [step for step, _ in shared.snapshots]
    for (_, one), (_, other) in zip(alone.snapshots, shared.snapshots, strict=True):
        assert torch.equal(one, other)
    for field in ("sources", "loss_weights", "seeds", "targets", "maxima", "versions", "settings"):
        assert getattr(alone, field) == getattr(shared, field)


def test_one_image_and_images_of_one_energy_start_no_workers(starts: list[str]) -> None:
    invert(HOG(), _photos(1, 24, 24), quality="draft", **SHARED)
    maximize(_layer(), [0], seeds=[0, 1], diversity=1.0, settings=SHORT, **SHARED)
    maximize(_layer(), [0, 1], mosaic=True, settings=SHORT, **SHARED)
    assert starts == []


def test_a_short_run_starts_no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "share", None)
    monkeypatch.setattr(sharing, "_START", {"fork": 1e9, "forkserver": 1e9, "spawn": 1e9})
    assert len(invert(HOG(), _photos(2, 24, 24), quality="draft", **SHARED)) == 2


def test_progress_tells_of_all_images_together(starts: list[str]) -> None:
    told: list[Progress] = []
    result = invert(HOG(), _photos(3, 24, 32), quality="draft", progress=told.append, **SHARED)
    assert told[-1].step == told[-1].steps == len(result.trace.loss)
    assert torch.equal(told[-1].energy.total, result.trace.total[-1])
    assert told[-1].images.shape == (3, 1, 24, 32)


def test_ctrl_c_returns_the_latest_images_of_all(
    starts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preimage.workers.process._SECONDS_BETWEEN_REPORTS", 0)

    pressed: list[int] = []

    def press(progress: Progress) -> None:
        if not pressed:
            pressed.append(progress.step)
            raise KeyboardInterrupt

    settings = NNPREIMAGE.with_steps(5000)
    result = invert(HOG(), _photos(3, 24, 24), settings=settings, progress=press, **SHARED)
    assert result.interrupted
    assert result.sources == (0, 1, 2)
    assert 0 < len(result.trace.loss) < 5000
    assert bool(result.trace.total.isfinite().all())
    assert result.error is not None
    assert len(result.error) == 3


def test_a_worker_that_dies_is_an_error_that_holds_the_other_images(starts: list[str]) -> None:
    here = os.getpid()

    def deadly(images: torch.Tensor) -> torch.Tensor:
        if os.getpid() != here and float(images.detach().std()) < 1:
            os.kill(os.getpid(), 9)
        return _squares(images)

    photos = _photos(2, 24, 24, 3)
    with pytest.raises(WorkerError, match="a worker process died") as caught:
        invert(
            _layer(), photos, start=[photos[0], np.full((24, 24, 3), 0.5)], settings=SHORT,
            prior=deadly, **SHARED,
        )  # fmt: skip
    assert isinstance(caught.value.finished, PreImage)
    assert caught.value.finished.sources == (0,)
    assert multiprocessing.active_children() == []


def test_an_error_of_a_worker_is_that_of_one_process(starts: list[str]) -> None:
    settings = NNPREIMAGE.replace(alpha=100, start_amplitude=1e4)
    with pytest.raises(NonFiniteEnergyError) as alone:
        invert(HOG(), _photos(2, 24, 24), settings=settings, **ALONE)
    with pytest.raises(NonFiniteEnergyError) as shared:
        invert(HOG(), _photos(2, 24, 24), settings=settings, **SHARED)
    assert str(alone.value) == str(shared.value)


def test_the_limit_of_memory_is_that_of_all_workers_together(starts: list[str]) -> None:
    options: dict[str, Any] = {"settings": SHORT, "execution": Execution(memory=260_000)}
    assert len(invert(_layer(), _photos(2, 24, 24, 3), **options)) == 2
    with pytest.raises(ValueError, match=r"the limit is .* or fewer workers: each of the 2 has"):
        invert(_layer(), _photos(2, 24, 24, 3), **options, **SHARED)


@pytest.mark.parametrize(("workers", "words"), [(0, "at least 1"), (1.5, "whole number")])
def test_a_wrong_number_of_workers_is_an_error(workers: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        invert(HOG(), _photos(2, 24, 24), workers=workers)


def test_workers_are_for_the_cpu() -> None:
    with pytest.raises(ValueError, match="leave workers out on cuda"):
        sharing.choose_workers(2, 3, torch.device("cuda"), Execution())
