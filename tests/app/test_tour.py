from __future__ import annotations

import dataclasses

import pytest
import torch
from tests.app.test_choices import NAME, network
from tests.app.test_task import photo

import preimage
from preimage.app.choices import NetworkFacts
from preimage.app.options import Limits
from preimage.app.tour import NETWORK, STEPS, class_task, likeliest, words_about
from preimage.app.words import describe_error
from preimage.catalog import CLASSICAL
from preimage.models.efficientnet_lite import EfficientNetLite
from preimage.visualizations import PreImage


@pytest.fixture(scope="module")
def result() -> PreImage:
    """An inversion of the last layer of a small network."""
    settings = preimage.NNPREIMAGE.with_steps(2)
    return preimage.invert(network().layer("3"), photo().open(), settings=settings)


def test_the_tour_goes_from_hog_to_class_scores_in_five_steps() -> None:
    assert [step.representation for step in STEPS] == [
        "hog", f"{NETWORK}/blocks.2", f"{NETWORK}/blocks.10", f"{NETWORK}/pool",
        f"{NETWORK}/classifier",
    ]  # fmt: skip
    assert [step.shows_class for step in STEPS] == [False] * 4 + [True]
    assert [step.needs_network for step in STEPS] == [False] + [True] * 4


def test_the_layers_of_the_tour_are_those_that_the_texts_name() -> None:
    made = EfficientNetLite()
    shapes = {}
    for step in STEPS[1:]:
        name = step.representation.removeprefix(f"{NETWORK}/")
        made.get_submodule(name).register_forward_hook(
            lambda _module, _x, y, name=name: shapes.update({name: tuple(y.shape[1:])})
        )
    with torch.no_grad():
        made.eval()(torch.zeros(1, 3, 224, 224))
    assert shapes["blocks.2"] == (24, 56, 56)
    assert shapes["blocks.10"][1:] == (14, 14)
    assert shapes["pool"][0] == 1280
    assert shapes["classifier"] == (1000,)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_is_a_task_that_the_app_allows(step: object) -> None:
    assert isinstance(step, type(STEPS[0]))
    task = step.task(photo())
    task.check(Limits())
    assert task.representation in CLASSICAL or task.network == NETWORK
    assert task.count == 1
    assert step.question.endswith("?")


def test_the_likeliest_class_is_named_with_its_probability(result: PreImage) -> None:
    facts = NetworkFacts(NAME, (), ("red fox, Vulpes", "cat", "goose", "frog"), (32, 48))
    chances = result.codes[0].softmax(0)
    found = likeliest(result, facts)
    assert found.number == int(chances.argmax())
    assert found.name == facts.classes[found.number].split(",")[0]
    assert found.words.endswith(f"{found.name}, {100 * float(chances.max()):.0f} %.")
    task = class_task(found.number)
    task.check(Limits())
    assert task.classes == (str(found.number),)


def test_an_inversion_is_told_in_words(result: PreImage) -> None:
    assert words_about(result) == (
        "What 4 responses without a place still tell",
        "4 numbers, 0.087 % of the photo's 4,608. Each can depend on the whole photo.",
    )
    steps = len(result.trace.loss)
    assert f" % after {steps} steps: " in describe_error(result)
    gone_on = dataclasses.replace(result, start=("a result after 200 steps",))
    assert "after" not in describe_error(gone_on)
