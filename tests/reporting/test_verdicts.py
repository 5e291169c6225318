"""Verdicts in words, for one layer, for several, and for a store."""

from __future__ import annotations

from dataclasses import replace

from preimage.audit.measures import Estimate
from preimage.audit.result import AttackResult, Audit, Comparison, LayerResult
from preimage.audit.verdict import NO_PROOF, Verdict
from preimage.reporting.verdicts import conclude, format_estimate


def _layer(name: str, *verdicts: Verdict) -> LayerResult:
    attacks = [AttackResult(f"attack {n}", "All.", (), v, (), ()) for n, v in enumerate(verdicts)]
    return LayerResult(f"net/{name}", tuple(attacks), ())


def test_layers_that_show_the_same_stand_together() -> None:
    photo, nothing = Verdict(("photo",), ("photo",)), Verdict()
    layers = (_layer("conv1", photo), _layer("conv2", photo), _layer("fc", nothing))
    assert conclude(Audit(layers, ("a", "b"), ("one", "other"))) == [
        "2 photos were reconstructed from the output of each layer alone, judged by one and other.",
        "conv1, conv2: the very photo, of most photos.",
        "fc: nothing is shown by these attacks.",
        NO_PROOF,
    ]


def test_a_store_has_a_line_for_each_attack_and_says_whether_its_errors_are_alike() -> None:
    layer = _layer("fc", Verdict(), Verdict(("content",)))
    comparison = Comparison(1.1, 0.9, 1.3, "alike")
    lines = conclude(Audit((layer,), ("a", "b"), (), ("2 photos are too few",), comparison))
    assert lines == [
        "2 photos were reconstructed from codes of net/fc alone.",
        "attack 0: nothing is shown by these attacks. All.",
        "attack 1: what some photos show. All.",
        "Verdict: an attacker learns what some photos show.",
        "By inversion the errors of the stored vectors are 1.10 times those of photos (0.90 to "
        "1.30), by geometric means; alike, so the verdict carries over.",
        "2 photos are too few.",
        NO_PROOF,
    ]


def test_a_verdict_names_an_attackers_photos_that_are_in_the_store() -> None:
    about = {"candidates": {"found": [{}, {}], "photos": 9}}
    lines = conclude(Audit((_layer("fc", Verdict()),), ("a", "b"), (), about=about))
    assert lines[2] == (
        "Verdict: nothing is shown by these attacks; 2 of 9 photos that an attacker has are in the "
        "store."
    )


def test_a_verdict_names_photos_that_are_re_identified_though_not_most() -> None:
    rate = Estimate("reidentified", None, 0.46, 0.26, 0.67, 0.02, 1e-4, 24)
    layer = _layer("pool", Verdict(("content",), ("content",)))
    attack = replace(layer.attacks[0], estimates=(rate,))
    lines = conclude(Audit((replace(layer, attacks=(attack,)),), ("a", "b"), ()))
    assert lines[2] == (
        "Verdict: an attacker learns what most photos show; some photos are re-identified."
    )


def test_vectors_unlike_codes_of_the_layer_and_too_few_to_compare_limit_the_verdict() -> None:
    about = {"store": {"recognized": {"is_alike": False}}}
    audit = Audit((_layer("fc", Verdict()),), ("a", "b"), (), about=about)
    assert conclude(audit)[3:-1] == [
        "The vectors do not look like codes of this layer. Make sure that the network, its layer "
        "and its weights are those of the store.",
        "Too few stored vectors were attacked to compare them with those of the photos. Attack "
        "more vectors of the store, to tell whether the verdict holds for it (--sample).",
    ]


def test_a_distance_has_digits_and_a_rate_is_in_percent() -> None:
    distance = Estimate("color_distance", None, 12.34, 10, 15, 40.04, 0.001, 24)
    assert format_estimate(distance) == "12.3 (10.0 to 15.0)"
    assert format_estimate(distance, "chance") == "40.0"


def test_attacks_of_fewer_steps_than_usual_are_said_to_be() -> None:
    about = {"steps": 3, "usual_steps": 60}
    *_, few, _ = conclude(Audit((_layer("fc", Verdict()),), ("a",), (), about=about))
    assert few == (
        "The attacks had 3 of 60 steps, and may have shown more with all. Audit again without "
        "--steps."
    )
