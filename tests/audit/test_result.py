"""The result of an audit: measures and verdicts of layers, and errors of stored vectors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.audit.planted import judge, names, textures, thumbnails

from preimage.audit.likeness import Gallery
from preimage.audit.result import (
    Attacked,
    Audit,
    LayerResult,
    compare_errors,
    find_limits,
    measure_layer,
)

PHOTOS = textures(9)


@pytest.fixture(scope="module")
def layer() -> LayerResult:
    made = {"weak": thumbnails(PHOTOS, 1), "strong": PHOTOS}
    files = [f"{n}.png" for n in range(9)]
    attacked = [Attacked(name, "All.", found, files, [0.1] * 9) for name, found in made.items()]
    return measure_layer("net/conv1", names(9), Gallery(PHOTOS, [judge()]), attacked)


def test_the_verdict_of_a_layer_is_that_of_its_strongest_attack(layer: LayerResult) -> None:
    weak, strong = layer.attacks
    assert (weak.verdict.level, strong.verdict.level) == ("arrangement", "photo")
    assert layer.verdict == strong.verdict
    assert (layer.photos, strong.files[8], strong.errors[0]) == (names(9), "8.png", 0.1)


def test_everything_is_plain_data(layer: LayerResult) -> None:
    comparison = compare_errors([0.1, 0.2, 0.3] * 2, [0.1, 0.2, 0.3] * 2)
    audit = Audit((layer,), ("a.png",), ("grain",), ("few",), comparison, {"seed": 7})
    found = json.loads(json.dumps(audit.describe()))
    assert (found["seed"], found["judge"], found["warnings"]) == (7, ["grain"], ["few"])
    assert found["comparison"]["ratio"] == pytest.approx(1)
    (described,) = found["layers"]
    assert described["verdict"]["level"] == "photo"
    assert described["attacks"][1]["estimates"][0]["measure"] == "reidentified"
    assert "proves nothing" in found["no_proof"]


@pytest.mark.parametrize(
    ("factor", "count", "outcome", "words"),
    [
        (1, 24, "alike", "the verdict carries over"),
        (2, 24, "unlike", "the verdict is that of the photos alone"),
        (0.4, 24, "unlike", "the verdict is that of the photos alone"),
    ],
)
def test_stored_vectors_are_alike_unlike_or_too_few(
    factor: float, count: int, outcome: str, words: str
) -> None:
    errors = np.exp(np.random.default_rng(0).normal(-2, 0.3, 48)).tolist()
    found = compare_errors([factor * error for error in errors[:count]], errors[24:])
    assert found.outcome == outcome
    assert found.low < found.ratio < found.high
    assert words in str(found)


def test_vectors_of_very_different_errors_are_too_few_to_tell() -> None:
    found = compare_errors([0.02, 0.05, 0.1, 0.2, 0.5, 1], [0.1, 0.2] * 6)
    assert found.outcome == "unknown"
    assert "too few vectors" in str(found)


def test_errors_of_few_vectors_are_not_compared() -> None:
    with pytest.raises(ValueError, match="at least 6 vectors"):
        compare_errors([0.1, 0.2] * 2, [0.1] * 9)


def test_few_photos_and_no_judge_limit_the_verdict() -> None:
    few, without = find_limits(23, 0)
    assert few.startswith("23 photos are too few")
    assert few.endswith("it takes 24")
    assert without.startswith("without a judge")
    assert find_limits(24, 2) == []


def test_a_notebook_shows_the_verdict_of_each_attack_and_the_limits(layer: LayerResult) -> None:
    audit = Audit((layer,), ("a.png",), ("grain",), ("few photos",))
    verdicts = [
        (layer.representation, attack.attack, str(attack.verdict)) for attack in layer.attacks
    ]
    assert list(audit.table()) == verdicts
    shown = audit._repr_html_()
    assert f"<td>{layer.attacks[0].attack}</td>" in shown
    assert "<p>1 photo; few photos; An attack that fails proves nothing" in shown
