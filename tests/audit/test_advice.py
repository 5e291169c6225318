"""Advice follows from the verdict, and from what limits it, by rules."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

import pytest

from preimage.audit.advice import advise, judge_certainty, shows_some_photos
from preimage.audit.defended import Defended, DefenseResult
from preimage.audit.measures import Estimate, Finding
from preimage.audit.photos import Photo
from preimage.audit.result import AttackResult, Audit, Comparison, LayerResult
from preimage.audit.usefulness import Rate
from preimage.audit.verdict import Verdict, decide

ALIKE, UNLIKE = Comparison(1.0, 0.9, 1.1, "alike"), Comparison(2.0, 1.8, 2.2, "unlike")
UNKNOWN = Comparison(1.0, 0.4, 2.2, "unknown")
STORE = {"store": {"recognized": {"is_alike": True}}}


def _layer(name: str, *shows: Finding) -> LayerResult:
    attack = AttackResult("inversion", "All.", (), Verdict(shows), (), ())
    return LayerResult(f"net/{name}", (attack,), (Photo("a.png", "0", "a.png"),))


def _audit(*layers: LayerResult, photos: int = 24, judges: int = 1, **more: Any) -> Audit:
    names = tuple(f"{n}.png" for n in range(photos))
    options: dict[str, Any] = {
        "comparison": ALIKE,
        "defenses": Defended((), 12, 50, "draft"),
        "about": STORE,
    }
    return Audit(layers, names, ("seer",) * judges, **options | more)


@pytest.mark.parametrize(
    ("shows", "words"),
    [
        (("photo", "arrangement", "content"), ["as the photos themselves"]),
        (("arrangement",), ["small, blurred copies"]),
        (("arrangement", "content"), ["small, blurred copies", "descriptions of the photos"]),
        (("color", "content"), ["descriptions of the photos"]),
        (("color",), ["colors alone are seldom sensitive"]),
        ((), ["no all-clear"]),
    ],
)
def test_vectors_are_treated_as_what_they_show(
    shows: tuple[Finding, ...], words: list[str]
) -> None:
    lines = advise(_audit(_layer("pool", *shows)))
    assert len(lines) == len(words)
    for line, part in zip(lines, words, strict=True):
        assert part in line
        assert "these vectors" in line


def test_layers_are_named_and_the_least_telling_one_is_proposed() -> None:
    layers = [_layer("a", "photo"), _layer("b", "photo"), _layer("c", "content"), _layer("d")]
    audit = Audit(tuple(layers), ("0.png",) * 24, ("seer",))
    treat, describe, nothing, choose = advise(audit)
    assert treat.startswith("Treat outputs of a, b as the photos themselves")
    assert describe.startswith("Treat outputs of c as descriptions")
    assert "Keep outputs of d" in nothing
    assert choose.endswith("of which the least was shown: d.")
    assert judge_certainty(audit) == "firm"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"photos": 23}, "with 24 photos or more (--reference)"),
        ({"judges": 0}, "--judge"),
        ({"comparison": UNLIKE}, "photos like those in the store"),
        ({"comparison": UNKNOWN}, "--sample"),
        ({"comparison": None}, "--sample"),
        ({"about": STORE | {"steps": 20, "usual_steps": 200}}, "without --steps; if time is short"),
    ],
)
def test_what_is_missing_makes_a_verdict_provisional(options: dict[str, Any], words: str) -> None:
    audit = _audit(_layer("pool", "photo"), **options)
    _, line = advise(audit)
    assert words in line
    assert judge_certainty(audit) == "provisional"
    assert judge_certainty(_audit(_layer("pool", "photo"))) == "firm"
    assert judge_certainty(_audit(_layer("pool"), **options)) == "no proof"


def test_vectors_of_another_layer_and_known_photos_are_spoken_of() -> None:
    about = {
        "store": {"recognized": {"is_alike": False}},
        "candidates": {"found": [{"row": 1}], "photos": 2},
    }
    _, known, other = advise(_audit(_layer("pool", "photo"), about=about))
    assert "has a copy of a photo" in known
    assert "the network, its layer and its weights" in other


def test_what_would_help_is_to_be_measured_if_anything_leaks() -> None:
    leak, nothing = _layer("pool", "photo"), _layer("pool")
    assert any("--defend" in line for line in advise(_audit(leak, defenses=None)))
    for audit in (_audit(leak), _audit(nothing, defenses=None)):
        assert not any("--defend" in line for line in advise(audit))


def test_photos_that_are_re_identified_though_not_most_are_not_passed_over() -> None:
    found = Estimate("reidentified", None, 0.25, 0.1, 0.47, 0.01, 0.001, 24)
    for luck, words in (
        (0.001, "Some photos, but not most, were re-identified"),
        (0.5, "no all-clear"),
    ):
        estimates = (dataclasses.replace(found, luck=luck),)
        attack = AttackResult("inversion", "All.", estimates, decide(estimates), (), ())
        layer = LayerResult("net/pool", (attack,), (Photo("a.png", "0", "a.png"),))
        assert shows_some_photos(layer) == (luck < 0.05)
        assert words in advise(_audit(layer))[0]


def test_no_defense_is_judged_where_nothing_is_shown_without_one() -> None:
    rate = Rate("retrieval", 1.0, 0, 1, 0, 24)
    results = tuple(
        DefenseResult(name, "", (), Verdict(), rate, (rate,), (), ()) for name in ("none", "unit")
    )
    audit = _audit(_layer("pool"), defenses=Defended(results, 12, 50, "draft"))
    assert any(line.startswith("Nothing was shown without a defense") for line in advise(audit))
    shown = _audit(_layer("pool", "content"), defenses=Defended(results, 12, 50, "draft"))
    (line,) = (line for line in advise(shown) if "whether one helps" in line)
    assert "what is shown without one can be luck" in line


@pytest.mark.parametrize(
    ("found", "words"), [(0.95, "under noise:2, and"), (0.8, "Under none of 2")]
)
def test_a_defense_helps_if_less_is_shown_and_searches_still_find(found: float, words: str) -> None:
    results = []
    for name, value, shows in (
        ("none", 1.0, "photo"),
        ("unit", 1.0, "photo"),
        ("noise:2", found, "content"),
    ):
        rate = Rate("retrieval", value, 0, 1, 0, 24)
        verdict = Verdict((cast("Finding", shows),))
        results.append(DefenseResult(name, "", (), verdict, rate, (rate,), (), ()))
    defended = Defended(tuple(results), 12, 24, "draft")
    lines = advise(_audit(_layer("pool", "photo"), defenses=defended))
    assert words in lines[1]
