from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from tests.app.test_choices import NAME, network
from tests.app.test_task import photo

import preimage
from preimage.app.choices import Choices, NetworkFacts
from preimage.app.depth import Moment, Walk, as_values, choose_layers
from preimage.app.frames import Frame
from preimage.app.options import AppOptions
from preimage.app.runs import Runs, Stage
from preimage.app.task import Task
from preimage.visualizations import PreImage

FACTS = Choices(AppOptions((NAME,)), network).facts(NAME)


class Run:
    """A run in this process, whose result is there at once."""

    def __init__(self, task: Task, error: str | None) -> None:
        self.error = error
        self.result: PreImage | None = None
        self.is_stopped = self.is_left = False
        if error is None and task.photo is not None:
            layer = network().layer(task.representation.removeprefix(f"{NAME}/"))
            settings = preimage.settings_for(layer, task.method).with_steps(20)
            settings = settings.replace(loss_weight=20)
            self.result = preimage.invert(layer, task.photo.open(), settings=settings)

    def events(self) -> Iterator[Stage | Frame | None]:
        try:
            yield Stage("loading")
            yield Frame(1, 2, [[1.0]], [b""])
            yield None
        finally:
            self.is_left = True

    def stop(self) -> None:
        self.is_stopped = True


class AtOnce:
    """Runs without workers; those of a layer in `fails` fail."""

    def __init__(self, fails: str = "") -> None:
        self.begun: list[Run] = []
        self._fails = fails

    def begin(self, task: Task) -> Run:
        fails = bool(self._fails) and task.representation.endswith(f"/{self._fails}")
        self.begun.append(Run(task, "too small" if fails else None))
        return self.begun[-1]


def go(walk: Walk, runs: AtOnce) -> Iterator[Moment]:
    return walk.go(cast(Runs, runs))


def test_a_walk_has_a_place_for_the_photo_and_for_each_layer() -> None:
    walk = Walk(FACTS, [photo()], 8, "draft")
    said = list(go(walk, AtOnce()))
    assert [place.name for place in walk.places] == ["photo", "0", "1", "2", "3"]
    assert said[:4] == [
        ("Layer 1 of 4, 0: waiting for a worker", 0, 0), ("Layer 1 of 4, 0: loading", 0, 0),
        ("Layer 1 of 4, 0: step 1 of 2", 1, 2), ("Layer 1 of 4, 0", 0, 0),
    ]  # fmt: skip
    first, last = walk.places[1], walk.places[-1]
    assert first.heading == "What 14 x 22 responses of this layer still tell"
    assert first.code.endswith("Each depends on 5 x 5 pixels.")
    assert last.heading == "What 4 responses without a place still tell"
    assert walk.places[0].code == "4,608 numbers: 32 x 48 pixels, 3 each."
    assert len({place.pictures[0].source for place in walk.places}) == 4  # 3 flattens 2
    assert all(place.pictures[0].words.startswith("Error ") for place in walk.places[1:])


def test_two_photos_stand_side_by_side() -> None:
    walk = Walk(FACTS, [photo(), photo((48, 40))], 2, "draft")
    list(go(walk, AtOnce()))
    assert [len(place.pictures) for place in walk.places] == [2, 2, 2]
    for place in walk.places:
        assert place.pictures[0].source != place.pictures[1].source


def test_a_stopped_walk_keeps_what_is_done() -> None:
    walk, runs = Walk(FACTS, [photo()], 4, "draft"), AtOnce()
    for moment in go(walk, runs):
        if moment.words == "Layer 2 of 4, 1: loading":
            walk.stop()
    assert [place.name for place in walk.places] == ["photo", "0"]
    assert len(runs.begun) == 2
    assert runs.begun[-1].is_stopped
    assert walk.summary == "Stopped."


def test_the_inversion_under_way_is_left_when_the_visitor_goes_away() -> None:
    walk, runs = Walk(FACTS, [photo()], 4, "draft"), AtOnce()
    said = go(walk, runs)
    assert [next(said), next(said)][1].words.endswith("loading")
    said.close()  # type: ignore[attr-defined]
    assert runs.begun[0].is_left


def test_a_layer_that_fails_is_told_and_the_walk_goes_on() -> None:
    walk = Walk(FACTS, [photo()], 4, "draft")
    list(go(walk, AtOnce(fails="1")))
    assert [place.name for place in walk.places] == ["photo", "0", "2", "3"]
    assert walk.summary == "Done: drag the slider. 1: too small"


@pytest.mark.parametrize(("count", "names"), [(2, "03"), (3, "023"), (1, "03"), (99, "0123")])
def test_layers_are_chosen_evenly_with_the_first_and_the_last(count: int, names: str) -> None:
    assert "".join(choose_layers(FACTS, count)) == names


def test_places_are_sent_as_plain_data() -> None:
    walk = Walk(FACTS, [photo()], 2, "draft")
    list(go(walk, AtOnce()))
    values: list[dict[str, Any]] = json.loads(json.dumps(as_values(walk.places)))
    assert values[0]["name"] == "photo"
    assert set(values[1]) == {"name", "heading", "code", "pictures"}
    assert set(values[1]["pictures"][0]) == {"source", "alt", "words"}


def test_facts_have_the_layout_of_codes() -> None:
    assert isinstance(FACTS, NetworkFacts)
    assert [layer.code.grid for layer in FACTS.layers] == [(14, 22), (14, 22), (1, 1), (1, 1)]
