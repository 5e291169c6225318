"""Searches of defended stores: planted stores are found as well as they should be."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize

from preimage.audit.defenses import Defense, plan_defense
from preimage.audit.usefulness import (
    Known,
    Rate,
    edit,
    encode_known,
    measure_membership,
    measure_use,
)
from preimage.networks import Network
from preimage.photo_files import photo_paths
from preimage.preprocessing import Preprocessing

PHOTOS, LENGTH = 24, 64


def _known() -> Known:
    """Codes in random directions, of two classes; changed photos have nearly the same."""
    random = torch.Generator().manual_seed(0)
    centers = torch.randn(2, LENGTH, generator=random)
    classes = torch.arange(PHOTOS) // 3 % 2
    codes = torch.randn(PHOTOS, LENGTH, generator=random) + 2 * centers[classes]
    near = codes + 0.1 * torch.randn(PHOTOS, LENGTH, generator=random)
    return Known(
        codes=codes,
        edits={"shifted": near, "cropped": torch.randn(PHOTOS, LENGTH, generator=random)},
        crops=torch.randn(99, LENGTH, generator=random),
        photo_of=torch.arange(99) % PHOTOS,
        others=torch.randn(30, LENGTH, generator=random),
        classes=classes,
    )


def _rates(name: str, known: Known) -> dict[str, Rate]:
    defense = plan_defense(name, torch.cat([known.codes, known.others])) if name else Defense("")
    return {
        rate.name: rate
        for rate in (*measure_use(defense, known), measure_membership(defense, known))
    }


@pytest.mark.parametrize("name", ["", "unit", "int8", "rotation", "rotation:known"])
def test_what_keeps_angles_keeps_usefulness(name: str) -> None:
    rates = _rates(name, _known())
    assert rates["shifted"].value == rates["same_class"].value == 1
    assert rates["cropped"].value < 0.2
    assert rates["retrieval"].value == pytest.approx(
        (rates["shifted"].value + rates["cropped"].value) / 2
    )
    assert rates["retrieval"].chance == 1 / 54
    assert rates["matched"].value == 1 if name != "rotation" else rates["matched"].value < 0.1
    assert rates["matched"].chance < 0.02


@pytest.mark.parametrize("name", ["noise:100", "first:1"])
def test_what_destroys_vectors_leaves_nothing(name: str) -> None:
    rates = _rates(name, _known())
    assert rates["shifted"].high < 0.4
    assert rates["matched"].value < 0.2
    assert rates["same_class"].value < 0.8


def test_averages_are_found_by_each_of_their_photos_if_these_are_alike() -> None:
    known = _known()
    codes = known.codes[::3].repeat_interleave(3, 0)
    rates = _rates("average:3", replace(known, codes=codes, edits={"shifted": codes}))
    assert rates["shifted"].value == 1
    assert rates["same_class"].value == 1


def test_a_store_of_one_average_finds_nothing() -> None:
    rates = _rates("average:99", replace(_known(), others=torch.zeros(0, LENGTH)))
    assert rates["shifted"].value == rates["cropped"].value == 0


def test_classes_of_too_few_photos_are_not_measured() -> None:
    known = replace(_known(), classes=torch.arange(PHOTOS))
    assert "same_class" not in _rates("unit", known)
    assert "same_class" not in _rates("unit", replace(known, classes=None))


def test_changed_photos_are_alike_and_not_the_same() -> None:
    preprocessing = Preprocessing(mean=(120.0,) * 3, size=(48, 64))
    image = preprocessing.load(photo_paths()[0])
    found = edit(image, preprocessing)
    assert set(found) == {"shifted", "cropped", "compressed"}
    for changed in found.values():
        assert changed.shape == image.shape
        assert not changed.equal(image)
    assert torch.cosine_similarity(found["compressed"].flatten(), image.flatten(), 0) > 0.9


def test_photos_are_encoded_with_changes_and_crops_and_left_out_of_the_others() -> None:
    module = nn.Sequential(nn.AvgPool2d(4), nn.Flatten())
    phi = Network(module, Preprocessing(mean=(120.0,) * 3, size=(24, 24)), "small").layer("1")
    photos = photo_paths()[:4]
    codes = torch.cat([phi.encode(phi.preprocessing.load(path)[None]) for path in photos])
    others = torch.cat([2 * codes[:1], normalize(torch.ones(1, codes.shape[1]))])
    known = encode_known(phi, photos, codes, others)
    assert known.others.equal(others[1:])
    assert {found.shape for found in known.edits.values()} == {codes.shape}
    assert known.crops.shape == (99, codes.shape[1])
    assert set(known.photo_of.tolist()) == {0, 1, 2, 3}
