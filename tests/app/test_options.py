from __future__ import annotations

import pytest

from preimage.app.options import AppOptions


def test_defaults_are_local() -> None:
    options = AppOptions()
    assert options.host == "127.0.0.1"
    assert options.networks == ()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"port": 70000}, "port"), ({"workers": 0}, "workers"), ({"networks": ("vgg-x",)}, "vgg-")],
)
def test_wrong_values_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        AppOptions(**changes)  # type: ignore[arg-type]


def test_a_network_without_weights_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="vgg-vd-19: no weights on this machine"):
        AppOptions(networks=("vgg-vd-19",))


def test_named_networks_stand_first_and_once() -> None:
    first = AppOptions(networks=("timm:resnet18", "timm:resnet18")).all_networks
    assert first[0] == "timm:resnet18"
    assert first.count("timm:resnet18") == 1
