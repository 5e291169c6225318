"""The public names of the package: a change here is a change for every user."""

from __future__ import annotations

import preimage


def test_the_public_names_are_these() -> None:
    assert sorted(preimage.__all__) == [
        "DSIFT",
        "DeadTargetError",
        "EXCITATION_PRESETS",
        "HOG",
        "ImageError",
        "Layer",
        "Layers",
        "MODERN",
        "NNPREIMAGE",
        "NonFiniteEnergyError",
        "PAPER",
        "PreImage",
        "Preprocessing",
        "Progress",
        "QUALITIES",
        "Representation",
        "Settings",
        "Target",
        "caricature",
        "channel",
        "class_score",
        "direction",
        "invert",
        "maximize",
        "mean_channel",
        "network",
        "neuron",
        "representation",
    ]


def test_every_public_name_is_there_and_documented() -> None:
    for name in preimage.__all__:
        value = getattr(preimage, name)
        assert value.__doc__, name
