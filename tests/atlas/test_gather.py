"""The data of an atlas from the records of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.atlas.sites import inversion, keep, maximization
from tests.cli.runner import save_photo

from preimage.atlas.data import Atlas
from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial


def _gather(folder: Path, trials: list[Trial], left: int = 0) -> Atlas:
    """The atlas of trials, of which the last ones are not done."""
    with keep(folder / "store", trials[: len(trials) - left]) as store:
        store.plan("a", trials)
        records = store.records("a")
    return gather(records, Loader(), Media(folder / "site"), Options(folder, ()))


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_trials_are_grouped_by_network_layer_and_channel(tmp_path: Path) -> None:
    trials = [maximization("net/conv", channel, seed=seed) for channel in (7, 3) for seed in (1, 0)]
    trials += [maximization("net/conv", 3, position=(1, 2)), maximization("other/fc", 0)]
    trials += [maximization("net/fc", 0, class_name="cat")]
    atlas = _gather(tmp_path, trials)
    assert [model.name for model in atlas.models] == ["net", "other"]
    conv, fc = atlas.models[0].layers
    assert [c.label for c in conv.channels] == ["3", "3:1,2", "7"]
    assert [c.address for c in conv.channels] == [
        "net/conv/3.html", "net/conv/3-1-2.html", "net/conv/7.html",
    ]  # fmt: skip
    assert [p.trial.seed for p in conv.channels[0].pictures] == [0, 1]
    assert fc.channels[0].title == "class cat"
    assert atlas.classical is None


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_pictures_that_differ_from_each_other_stand_beside_the_others(tmp_path: Path) -> None:
    unlike: dict[str, Any] = {"diversity": 2.0, "seeds": (0, 1)}
    trials = [maximization(channel=n, seed=seed, **unlike) for n in (0, 1) for seed in (1, 0)]
    (model,) = _gather(tmp_path, [*trials, maximization(channel=1)]).models
    alone, both = model.layers[0].channels
    assert [p.trial.seed for p in alone.pictures] == [0, 1]
    assert alone.diverse == []
    assert [p.trial.diversity for p in both.pictures] == [0]
    assert [p.trial.seed for p in both.diverse] == [0, 1]


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_the_same_network_with_other_weights_is_another_one(tmp_path: Path) -> None:
    trials = [maximization(), maximization(weights="a.pth", weights_sha256="0" * 64)]
    first, second = _gather(tmp_path, trials).models
    assert (first.name, second.name) == ("net", "net (a.pth)")
    assert first.address != second.address


def test_photos_are_shown_as_the_representation_gets_them(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "cat.png", 0, (40, 48))
    fields: dict[str, Any] = {"photo": str(photo), "size": 24}
    trials = [inversion(weight=w, **fields) for w in (20, 1)] + [
        inversion(photo="gone.png", photo_sha256="1")
    ]
    classical = _gather(tmp_path, trials).classical
    assert classical is not None
    here, gone = classical.layers[0].inversions
    assert here.photo is not None
    assert (here.name, here.photo.width, here.photo.height) == ("cat", 24, 20)
    assert [p.trial.weight for p in here.pictures] == [1, 20]
    assert (gone.name, gone.photo) == ("gone", None)


@pytest.mark.filterwarnings("ignore:.*its pages lack what needs it")
def test_what_failed_or_is_missing_is_told(tmp_path: Path) -> None:
    trials = [maximization(channel=n) for n in range(3)]
    with keep(tmp_path / "store", trials[:1]) as store:
        store.plan("a", trials)
        store.put(Failure(trials[1].key, "dead unit"))
        records = store.records("a")
    (model,) = gather(records, Loader(), Media(tmp_path), Options(tmp_path, ())).models
    (layer,) = model.layers
    assert [c.reason for c in layer.channels] == ["", "dead unit", "not yet computed"]
    assert [c.tile is None for c in layer.channels] == [False, True, True]
    assert [line.rpartition(": ")[2] for line in layer.unavailable] == [
        "dead unit", "not yet computed",
    ]  # fmt: skip


def test_an_empty_store_is_an_empty_atlas(tmp_path: Path) -> None:
    assert _gather(tmp_path, []) == Atlas([], None)
