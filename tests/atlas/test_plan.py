"""The trials of an atlas."""

from __future__ import annotations

import pytest
from tests.atlas.sites import CLASSES, TINY

from preimage.atlas.plan import Wishes, plan_classical, plan_network, spread
from preimage.photo_files import photo_paths
from preimage.studies.loader import Loader
from preimage.studies.trial import Trial


def _plan(**wishes: object) -> dict[str, list[Trial]]:
    return plan_network(TINY, Wishes(limit=1, steps=2, **wishes), Loader())  # type: ignore[arg-type]


def test_by_default_all_main_layers_but_the_scores_show_their_channels() -> None:
    plan = _plan()
    assert list(plan) == [f"{part} of {TINY}" for part in ("channels", "inversions", "caricatures")]
    channels, inversions, caricatures = plan.values()
    layers = {trial.representation.rpartition("/")[2]: 0 for trial in channels}
    for trial in channels:
        layers[trial.representation.rpartition("/")[2]] += 1
    assert layers == {"conv1": 4, "relu": 4, "conv2": 6, "pool": 6, "flat": 6}
    assert len(inversions) == 6  # each layer, the scores too
    assert len(caricatures) == 5


def test_wishes_choose_layers_channels_classes_seeds_and_c() -> None:
    channels, inversions, caricatures = _plan(
        layers=["conv2"], channels="1,2", classes=[CLASSES[0].split(",")[0]], seeds=2, depths=2,
        loss_weight=[1, 20],
    ).values()  # fmt: skip
    assert [(t.component, t.seed) for t in channels] == [
        ("1", 0), ("1", 1), ("2", 0), ("2", 1), ("red fox", 0), ("red fox", 1),
    ]  # fmt: skip
    assert {t.representation for t in inversions} == {f"{TINY}/conv2", f"{TINY}/score"}
    assert [t.weight for t in inversions[:2]] == [1, 20]
    assert len(caricatures) == 1


def test_with_diversity_maps_have_as_many_pictures_that_differ() -> None:
    channels, *_ = _plan(
        layers=["conv2", "flat"], channels="1", classes=["red fox"], seeds=2, diversity=5
    ).values()
    assert [(t.representation.rpartition("/")[2], t.seed, t.diversity) for t in channels] == [
        ("conv2", 0, 0), ("conv2", 1, 0), ("flat", 0, 0), ("flat", 1, 0),
        ("conv2", 0, 5), ("conv2", 1, 5), ("score", 0, 0), ("score", 1, 0),
    ]  # fmt: skip
    assert {t.seeds for t in channels if t.diversity} == {(0, 1)}


def test_diversity_needs_two_seeds() -> None:
    with pytest.raises(ValueError, match="diversity needs at least two seeds"):
        _plan(diversity=5)


def test_the_last_layer_is_inverted_unless_there_is_no_room_for_it() -> None:
    for depths, last in ((3, True), (2, False)):
        _, inversions, _ = _plan(layers=["conv1", "relu"], channels="0", depths=depths).values()
        assert (f"{TINY}/score" in {t.representation for t in inversions}) == last


def test_all_stands_for_the_main_layers() -> None:
    channels, *_ = _plan(layers=["all"], channels="0").values()
    assert len(channels) == 6


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="conv9"):
        _plan(layers=["conv9"])


def test_a_descriptor_has_the_methods_of_table_4() -> None:
    (trials,) = plan_classical(["hogb"], photo_paths()[:2]).values()
    assert {t.representation for t in trials} == {"hogb"}
    assert len(trials) == 8


def test_layers_are_spread_as_far_as_can_be() -> None:
    layers = [str(n) for n in range(17)]
    assert sorted(spread(layers, [], 5), key=int) == ["0", "4", "8", "12", "16"]
    assert spread(layers, ["3"], 1) == ["3"]
    assert sorted(spread(layers, [], 99), key=int) == layers
