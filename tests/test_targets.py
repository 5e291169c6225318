"""Targets of activation maximization: where they are, how they add up, what they are called."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from preimage.representations.code_grid import CodeGrid
from preimage.targets import (
    FunctionTarget,
    Target,
    channel,
    class_score,
    direction,
    mean_channel,
    neuron,
)

MAPS, TOKENS, VECTOR = (3, 5, 4), (10, 3), (3,)


def place(target: Target, shape: tuple[int, ...]) -> torch.Tensor:
    return target.place({None: grid(shape)})


def grid(shape: tuple[int, ...]) -> CodeGrid:
    return CodeGrid.from_shape(shape)


def test_a_channel_is_its_central_response() -> None:
    placed = place(channel(None, 1), MAPS)
    assert placed.nonzero().tolist() == [[1, 2, 2]]
    assert place(channel(None, 2), VECTOR).tolist() == [0, 0, 1]


def test_a_channel_of_tokens_is_that_of_the_central_patch() -> None:
    """10 tokens are one of the class and a grid of 3 x 3."""
    assert place(channel(None, 1), TOKENS).nonzero().tolist() == [[5, 1]]
    assert place(neuron(None, 1, 2, 0), TOKENS).nonzero().tolist() == [[7, 1]]


def test_a_neuron_is_one_response() -> None:
    assert place(neuron(None, 0, 4, 3), MAPS).nonzero().tolist() == [[0, 4, 3]]


def test_a_neuron_can_be_a_token_before_the_grid() -> None:
    tokens = CodeGrid((10, 3), 3, (2, 4), ("cls", "dist"))
    assert neuron(None, 2, "dist").place({None: tokens}).nonzero().tolist() == [[1, 2]]
    codes = torch.randn(2, 10, 3)
    (term,) = (3 * neuron(None, 2, "cls")).terms
    assert torch.equal(term.responses(codes, tokens), 3 * codes[:, :1, 2])
    assert channel(None, 0).terms[0].responses(codes, tokens).shape == (2, 8)


@pytest.mark.parametrize(("row", "column"), [("cls", 3), (3, None), ("center", None)])
def test_a_neuron_is_at_a_place_or_at_a_token(row: Any, column: Any) -> None:
    with pytest.raises(ValueError, match="must be a row and a column, or the name of a token"):
        neuron(None, 2, row, column)


def test_complex_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="a direction must hold real numbers"):
        direction(None, torch.tensor([1j]))


def test_a_mean_is_all_responses_alike() -> None:
    placed = place(mean_channel(None, 2), MAPS)
    assert torch.equal(placed[2], torch.full((5, 4), 1 / 20))
    assert not placed[:2].any()
    tokens = place(mean_channel(None, 2), TOKENS)
    assert tokens[0, 2] == 0
    assert tokens[1:, 2].sum().item() == pytest.approx(1)


def test_a_direction_is_of_the_features_or_of_a_whole_code() -> None:
    placed = place(direction(None, [1.0, -2.0, 0.0]), MAPS)
    assert placed[:, 2, 2].tolist() == [1, -2, 0]
    assert placed.count_nonzero() == 2
    whole = torch.arange(60.0).reshape(MAPS)
    assert torch.equal(place(direction(None, whole), MAPS), whole)


def test_targets_add_up_and_are_scaled() -> None:
    target = 2 * channel(None, 0) - channel(None, 1) / 4 + -mean_channel(None, 2)
    expected = (
        2 * place(channel(None, 0), MAPS)
        - 0.25 * place(channel(None, 1), MAPS)
        - place(mean_channel(None, 2), MAPS)
    )
    assert torch.equal(place(target, MAPS), expected)


def test_a_sum_of_targets_is_a_target_and_other_arithmetic_is_refused() -> None:
    assert str(sum([channel(None, 0), channel(None, 1)])) == "0 + 1"
    one: Any = channel(None, 0)
    for operation in (lambda: one * one, lambda: one + "goose", lambda: one - 1, lambda: 2 + one):
        with pytest.raises(TypeError, match="unsupported operand"):
            operation()


def test_targets_of_several_layers_lie_one_behind_the_other() -> None:
    target = channel("b", 1) - 0.5 * channel("a", 2)
    placed = target.place({"a": grid(MAPS), "b": grid(VECTOR)})
    expected = torch.cat(
        [-0.5 * place(channel(None, 2), MAPS).flatten(), place(channel(None, 1), VECTOR)]
    )
    assert torch.equal(placed, expected)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (channel("layer3", 5) - 0.5 * channel("layer3", 9), "layer3:5 - 0.5 layer3:9"),
        (-channel(None, 1) + neuron("a", 2, 3, 4), "-1 + a:2:3,4"),
        (class_score("tree frog"), "tree frog"),
        (2 * mean_channel("a", 1), "2 a:1:mean"),
        (direction("a", [1.0]), "a:direction"),
        (neuron("a", 5, "cls"), "a:5:cls"),
        (direction("a", [1.0], "register 2"), "a:direction:register 2"),
    ],
)
def test_a_target_is_called_what_it_is(target: Target, name: str) -> None:
    assert str(target) == name


@pytest.mark.parametrize("shape", [MAPS, TOKENS, VECTOR])
def test_responses_are_inner_products_with_the_target_at_every_place(
    shape: tuple[int, ...],
) -> None:
    codes = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    (term,) = (3 * channel(None, 1)).terms
    responses = term.responses(codes, grid(shape))
    positions = {3: 20, 2: 9, 1: 1}[len(shape)]
    assert responses.shape == (2, positions)
    central = (codes * place(3 * channel(None, 1), shape)).flatten(1).sum(1)
    assert bool(torch.isclose(responses, central[:, None]).any(1).all())


@pytest.mark.parametrize(
    ("target", "shape", "message"),
    [
        (channel("a", 3), MAPS, "channel 3 is not among 0-2 of a"),
        (channel(None, -1), MAPS, "channel -1 is not among 0-2"),
        (neuron(None, 0, 5, 0), MAPS, "position 5, 0 is not on the grid of 5 x 4 responses"),
        (direction(None, [1.0, 2.0]), MAPS, "a direction needs 3 values"),
        (channel(None, 0), (1, 2, 3, 4), "channels need codes of maps"),
    ],
)
def test_a_target_that_a_code_does_not_have_is_refused(
    target: Target, shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        target.place({target.terms[0].layer: grid(shape)})


@pytest.mark.parametrize("vector", [[0.0, 0.0], [float("nan"), 1.0]])
def test_a_direction_must_point_somewhere(vector: list[float]) -> None:
    with pytest.raises(ValueError, match="finite and not all zero"):
        direction(None, vector)


def test_a_function_gets_the_code_of_one_layer_or_those_of_several_by_name() -> None:
    codes = torch.arange(24.0).view(1, 2, 3, 4)
    single = FunctionTarget(lambda code: code[:, 1].sum((1, 2)))
    assert single.of_code({None: (2, 3, 4)})(codes).item() == codes[0, 1].sum().item()
    several = FunctionTarget(lambda code: code["a"][:, 1, 2] * code["b.c"][:, 3])
    flat = torch.tensor([[1.0, 2, 3, 4, 5, 6, 10, 20, 30, 40]])
    assert several.of_code({"a": (2, 3), "b.c": (4,)})(flat).item() == 6 * 40
    one = FunctionTarget(lambda code: code["a"].sum(1))
    assert one.of_code({"a": (3,)})(torch.ones(1, 3)).item() == 3


def test_a_function_has_the_name_that_python_gives_it() -> None:
    def contrast(code: Tensor) -> Tensor:
        return code.amax((1, 2, 3))

    names = [str(FunctionTarget(f)) for f in (contrast, lambda code: code, partial(contrast))]
    assert names == ["contrast", "lambda", "partial"]


@pytest.mark.parametrize("function", [lambda code: code, lambda code: 3.0])
def test_a_function_that_does_not_return_one_response_is_told_so(function: Any) -> None:
    with pytest.raises(ValueError, match=r"lambda must return one response .* of shape \(1,\)"):
        FunctionTarget(function).response({None: torch.ones(1, 2)})
