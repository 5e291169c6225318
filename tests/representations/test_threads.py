"""The number of threads: given or measured, named by the result, and restored."""

from __future__ import annotations

import time

import pytest
import torch
from tests.representations.networks import COLOR, resnet
from tests.support import random_image

from preimage import caricature, invert, maximize
from preimage.presets import NNPREIMAGE
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.threads import use_threads

SHORT = NNPREIMAGE.replace(iterations=2, final_iterations=1)
PHOTO = random_image(3, 32, 32).float().div(255).add(0.5)
measures_threads = pytest.mark.measures_threads


@pytest.fixture
def two_threads() -> None:
    torch.set_num_threads(2)


def clock(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, list[float]]) -> list[int]:
    """Let evaluations with a number of threads take these seconds in turn; return the numbers."""
    calls: list[int] = []
    now = [0.0]

    def evaluate() -> None:
        calls.append(torch.get_num_threads())
        times = seconds[calls[-1]]
        now[0] += times.pop(0) if len(times) > 1 else times[0]

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    with use_threads(None, evaluate):
        calls.append(torch.get_num_threads())
    return calls


@measures_threads
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("one", "two", "calls"),
    [
        ([9.0, 1.0], [5.0], [1, 2, 1, 1]),  # a busy machine
        ([9.0, 1.0], [0.6], [1, 2, 1, 2, 1, 2]),
        ([9.0, 1.0], [1.4, 0.6], [1, 2, 1, 2, 1, 2]),  # the first call of two prepares its own
        ([9.0, 1.0], [1.0, 0.95], [1, 2, 1, 2, 1, 1]),  # not worth a second core
        ([9.0, 0.01], [0.006], [1, 2, 1, 2, 1, 2, 1, 2, 1, 2]),
        ([9.0, 0.01], [0.006, 0.006, 0.02, 0.006], [1, 2, 1, 2, 1, 2, 1, 2, 1, 1]),  # now and then
    ],
)
def test_the_faster_number_is_taken(
    one: list[float], two: list[float], calls: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clock(monkeypatch, {1: one, 2: two}) == calls
    assert torch.get_num_threads() == 2


@measures_threads
def test_with_one_thread_there_is_nothing_to_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    assert clock(monkeypatch, {1: [1.0]}) == [1]


@pytest.mark.usefixtures("two_threads")
def test_the_number_is_restored_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), use_threads(1, lambda: None):
        1 // 0  # noqa: B018
    assert torch.get_num_threads() == 2


@measures_threads
@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("number", [1, 2])
def test_a_measured_run_has_the_bits_of_the_number_that_it_names(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For all visualizations, of networks and of HOG; nothing of the measurement reaches them."""
    seconds = {1: 2.0, 2: 2.0, number: 1.0}
    now = [0.0]

    def passing() -> float:
        now[0] += seconds[torch.get_num_threads()]
        return now[0]

    monkeypatch.setattr(time, "perf_counter", passing)
    layer, given = Layer(resnet(), "body", COLOR), Execution(threads=number)
    for visualize in (
        lambda execution: invert(layer, PHOTO, settings=SHORT, execution=execution),
        lambda execution: maximize(layer, [0], settings=SHORT, execution=execution),
        lambda execution: caricature(layer, PHOTO, settings=SHORT, execution=execution),
        lambda execution: invert(HOG(), PHOTO, settings=SHORT, execution=execution),
    ):
        found, again = visualize(Execution()), visualize(given)
        assert found.versions["threads"] == found.describe()["versions"]["threads"] == str(number)
        assert torch.equal(again.images, found.images)
        assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_a_given_number_overrules() -> None:
    found = invert(HOG(), PHOTO, settings=SHORT, execution=Execution(threads=1))
    assert found.versions["threads"] == "1"


@pytest.mark.parametrize("number", [0, -1, 1.5])
def test_a_number_below_one_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="threads must be"):
        Execution(threads=number)
