from __future__ import annotations

from typing import Any

import pytest
from tests.app.test_choices import NAME, make_choices
from tests.app.test_task import photo

from preimage.app.form import Form


def form(**changes: Any) -> Form:
    """A form as the browser sends it, with fields left empty."""
    given: dict[str, Any] = {"model": "hog", "photo": photo(), "seeds": 1.0, "seed": 0.0}
    return Form(**(given | changes))


def test_empty_fields_have_defaults() -> None:
    empty = {"channels": None, "classes": None, "loss_weights": None}
    task = form(**empty, steps=" ", size="", strength=None).task(make_choices())
    assert (task.method, task.steps, task.seeds, task.loss_weights) == ("fast", None, (0,), ())
    assert task.size == 320


def test_fields_become_numbers() -> None:
    filled = form(seeds=2, seed=5, loss_weights=" 1, 20,auto", steps="10", size="64")
    task = filled.task(make_choices())
    assert task.seeds == (5, 6)
    assert task.loss_weights == (1.0, 20.0, "auto")
    assert (task.steps, task.size) == (10, 64)


def test_a_layer_has_the_networks_size_and_a_maximization_no_photo() -> None:
    task = form(model=NAME, layer="0", visualization="maximize", channels="1-2").task(
        make_choices()
    )
    assert task.representation == f"{NAME}/0"
    assert (task.size, task.photo, task.channels) == (None, None, (1, 2))
    assert task.method == "modern"


def test_classes_are_chosen_by_name() -> None:
    task = form(model=NAME, visualization="maximize", excite="classes", classes=["b"]).task(
        make_choices()
    )
    assert (task.classes, task.channels) == (("b",), ())


def test_a_caricature_has_one_seed_and_no_c() -> None:
    task = form(visualization="caricature", seeds=4, loss_weights="3", strength="20").task(
        make_choices()
    )
    assert (task.seeds, task.loss_weights, task.strength) == ((0,), (), 20)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"visualization": "rm"}, "no such visualization"),
        ({"model": "import:os.getcwd"}, "unknown network"),
        ({"model": NAME, "layer": "9"}, "unknown layer"),
        ({"photo": None}, "choose a photo"),
        ({"loss_weights": "many"}, "C must be numbers"),
        ({"loss_weights": "-1"}, "must not be negative"),
        ({"seeds": 0}, "from 1 to 16 seeds"),
        ({"seeds": 1e9}, "from 1 to 16 seeds"),
        ({"seeds": 8, "loss_weights": "1,2,3"}, "at most 16 pictures at a time, not 24"),
        ({"steps": "1.5"}, "steps must be a whole number"),
        ({"steps": "1e7"}, "steps must be"),
        ({"size": "10000"}, "size must be"),
        ({"visualization": "caricature", "strength": "-1"}, "strength must be a positive number"),
        ({"method": "modern"}, "no method modern"),
        ({"model": NAME, "layer": "0", "visualization": "maximize", "channels": ""}, "channels"),
        ({"model": NAME, "layer": "0", "visualization": "maximize", "channels": "0-99"}, "among"),
        ({"model": NAME, "visualization": "maximize", "excite": "classes", "classes": ["z"]},
         "unknown class"),
        ({"model": NAME, "visualization": "maximize", "excite": "classes"}, "say what to excite"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said_in_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        form(**changes).task(make_choices())
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("field", ["channels", "loss_weights", "strength", "steps", "size"])
def test_long_texts_are_refused_before_they_are_read(field: str) -> None:
    with pytest.raises(ValueError, match="at most 200 characters"):
        form(**{field: "0-99999," * 10_000}).task(make_choices())
