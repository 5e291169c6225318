from __future__ import annotations

import pytest
import torch
from tests.checking import faults
from torch import nn

import preimage
from preimage.checking import check


def test_a_sound_network_has_no_property_that_fails() -> None:
    report = check(faults.layer(faults.built(faults.Fault)))
    assert report.ok
    assert [row.name for row in report if row.verdict == "no"] == []


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (faults.Noisy, "deterministic"),
        (faults.Detached, "differentiable"),
        (faults.Rounded, "differentiable"),
        (faults.Mixing, "first axis is the batch"),
        (faults.Constant, "depends on the image"),
        (faults.Counting, "deterministic"),
        (faults.Hooking, "stays as it was"),
    ],
)
def test_each_fault_is_found_by_its_property(kind: type[nn.Module], name: str) -> None:
    report = check(faults.layer(faults.built(kind)))
    assert report[name].verdict == "no", report
    assert not report.ok


def test_a_network_that_does_not_run_has_its_own_words_in_the_table() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Linear(7, 2))
    report = check(faults.layer(network, "1"))
    assert report["runs"].verdict == "no"
    assert "shapes cannot be multiplied" in report["runs"].finding
    assert [row.name for row in report][-1] == "stays as it was"


def test_a_network_stands_for_its_class_scores() -> None:
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 22 * 22, 5))
    network = preimage.Network(module, faults.COLOR, "mine")
    assert check(network).representation == "mine/3"


@pytest.mark.parametrize("name", ["hog", "hogb", "dsift"])
def test_classical_representations_pass(name: str) -> None:
    report = check(preimage.representation(name), size=64)
    assert report.ok, report
    assert report.size == (64, 64)


def test_a_check_leaves_the_network_in_its_mode() -> None:
    network = faults.built(faults.Fault)
    network.train()
    check(faults.layer(network))
    assert network.training
    assert all(p.requires_grad and p.grad is None for p in network.parameters())


def test_what_is_no_representation_is_refused() -> None:
    with pytest.raises(TypeError, match="name one of its layers"):
        check(torch.nn.ReLU())  # type: ignore[arg-type]
