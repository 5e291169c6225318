"""The list of the ImageNet classes."""

from __future__ import annotations

import pytest

from preimage.models.imagenet import imagenet_classes


def test_there_are_1000_classes_in_the_order_of_their_wordnet_ids() -> None:
    ids = list(imagenet_classes())
    assert len(ids) == 1000
    assert ids == sorted(ids)
    assert all(len(identifier) == 9 and identifier[0] == "n" for identifier in ids)


def test_the_names_agree_with_torchvisions() -> None:
    models = pytest.importorskip("torchvision.models")
    categories = models.ResNet18_Weights.DEFAULT.meta["categories"]
    told_apart = {"crane bird": "crane", "maillot tank suit": "maillot, tank suit"}
    for names, category in zip(imagenet_classes().values(), categories, strict=True):
        assert category in names.split(", ") or told_apart[category] == names
