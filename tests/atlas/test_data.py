"""The data of an atlas speak for themselves."""

from __future__ import annotations

import dataclasses

import pytest
from tests.atlas.sites import inversion, maximization
from tests.study_files import MEASURES

from preimage.atlas.data import Channel, Image, Layer, PhotoRow, Picture

IMAGE = Image("assets/pictures/a.webp", "a picture", 20, 20)


def _channel(label: str, *responses: float, is_class: bool = False) -> Channel:
    pictures = [
        Picture(IMAGE, maximization(), dataclasses.replace(MEASURES, response=r), (("cat", 0.5),))
        for r in responses
    ]
    return Channel(
        address="net/conv/3.html", label=label, index=3, is_class=is_class, maximum=2.0,
        pictures=pictures,
    )  # fmt: skip


def test_a_channel_is_named_by_what_it_is() -> None:
    assert _channel("3").title == "channel 3"
    assert _channel("3:1,2").title == "response 3:1,2"
    assert _channel("goose", is_class=True).title == "class goose"


def test_a_channel_speaks_for_its_first_picture() -> None:
    channel = _channel("3", 5.0, 1.0)
    assert channel.response == 5
    assert channel.ratio == pytest.approx(2.5)
    assert channel.names == (("cat", 0.5),)
    empty = _channel("3")
    assert (empty.response, empty.ratio, empty.names) == (None, None, ())


def test_a_layer_knows_its_lowest_error() -> None:
    pictures = [
        Picture(IMAGE, inversion(), dataclasses.replace(MEASURES, error=e))
        for e in (0.3, None, 0.2)
    ]
    layer = Layer(
        name="hog", title="hog", address="classical/hog", channels=[], caricatures=[],
        inversions=[PhotoRow("cat", None, pictures)],
    )  # fmt: skip
    assert layer.lowest_error == 0.2
    layer.inversions.clear()
    assert layer.lowest_error is None
