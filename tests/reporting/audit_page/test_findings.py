"""Findings in plain words, each with the measure that says so most clearly."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import torch
from tests.reporting.audit_page.audits import audit, store_audit

from preimage.audit.attacks import Attack, Inversion, StartedInversion
from preimage.audit.decoder import Decoder
from preimage.audit.measures import MEASURES
from preimage.audit.own_photos import Decoding, NearestPhoto
from preimage.audit.verdict import Verdict, decide
from preimage.reporting.audit_page.findings import MEANINGS, METHODS, headline, strongest, tell
from preimage.representations.hog import HOG


def test_every_measure_has_a_meaning() -> None:
    assert set(MEANINGS) == set(MEASURES)


def test_findings_say_of_how_many_photos_they_hold(tmp_path: Path) -> None:
    found = {told.title: told for told in tell(audit(tmp_path).layers[0])}
    assert list(found) == ["The very photo", "Arrangement", "Colors", "What the photo shows"]
    assert [told.level for told in found.values()] == [2, 2, 1, 1]
    arrangement = found["Arrangement"].estimate
    assert arrangement is not None
    assert (arrangement.measure, found["Arrangement"].attack) == ("reidentified_hog", "inversion")


def test_an_arrangement_that_only_reidentified_photos_show_is_told_by_them(tmp_path: Path) -> None:
    layer = audit(tmp_path).layers[0]
    (attack,) = layer.attacks
    estimates = [
        dataclasses.replace(
            one, low=0.1, luck=0.5 if MEASURES[one.measure].shows == "arrangement" else one.luck
        )
        for one in attack.estimates
    ]
    attack = dataclasses.replace(attack, estimates=tuple(estimates), verdict=decide(estimates))
    _, arrangement, *_rest = tell(dataclasses.replace(layer, attacks=(attack,)))
    assert (arrangement.title, arrangement.extent) == ("Arrangement", "of some photos")
    assert arrangement.estimate is not None
    assert arrangement.estimate.measure == "reidentified"


def test_what_is_not_measured_is_not_called_safe(tmp_path: Path) -> None:
    *shown, contents = tell(audit(tmp_path, judge=None, luck=0.5).layers[0])
    assert {told.extent for told in shown} == {"not beyond chance"}
    assert (contents.level, contents.extent) == (None, "not measured: no judge")


def test_headlines_name_the_subject_and_the_verdict(tmp_path: Path) -> None:
    assert headline(store_audit(tmp_path)) == (
        "These vectors give away the very photo, of most photos; and 1 of 3 photos that an "
        "attacker has is in the store."
    )
    assert headline(store_audit(tmp_path, luck=0.5)) == (
        "Reconstructions showed nothing, but 1 of 3 photos that an attacker has is in the store."
    )
    assert headline(audit(tmp_path)).startswith("The output of this layer gives away the very")
    layers = audit(tmp_path, ("net/a", "net/b"))
    assert headline(layers).startswith("2 of 2 layers, a, b, give away the very photo")
    for names in (("net/a",), ("net/a", "net/b")):
        assert "no all-clear" in headline(audit(tmp_path, names, luck=0.5))


def test_photos_that_are_re_identified_though_not_most_are_in_the_headline(tmp_path: Path) -> None:
    found = store_audit(tmp_path, count=4)
    layer = found.layers[0]
    verdict = Verdict(("content",))
    attack = dataclasses.replace(layer.attacks[0], verdict=verdict)
    found = dataclasses.replace(found, layers=(dataclasses.replace(layer, attacks=(attack,)),))
    assert headline(found).startswith(
        "Provisional, with 4 photos only: these vectors give away what some photos show; "
        "some photos are re-identified; "
    )


def test_a_headline_of_enough_photos_or_of_nothing_is_not_called_provisional(
    tmp_path: Path,
) -> None:
    assert headline(store_audit(tmp_path, count=24)).startswith("These vectors give away")
    assert "Provisional" not in headline(audit(tmp_path, count=4, luck=0.5))


def test_every_attack_is_explained_in_two_sentences() -> None:
    inversion = Inversion()
    phi, nothing = HOG(), torch.zeros(0)
    decoder = Decoding(Decoder("hog", "", (), (), 0, nothing), inversion)
    nearest = NearestPhoto(phi.name, (), nothing, frozenset())
    attacks: list[Attack] = [inversion, decoder, dataclasses.replace(decoder, with_code=True)]
    attacks += [nearest, StartedInversion(nearest, inversion)]
    assert set(METHODS) == {attack.name for attack in attacks}
    assert all(words.count(". ") == 1 and words.endswith(".") for words in METHODS.values())


def test_of_attacks_that_show_as_much_the_one_with_higher_rates_is_strongest(
    tmp_path: Path,
) -> None:
    layer = audit(tmp_path, attacks=("inversion", "decoder")).layers[0]
    assert strongest(layer).attack == "inversion"
