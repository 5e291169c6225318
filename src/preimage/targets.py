r"""Targets Phi_0 of activation maximization (section 6), and their algebra.

An image is to excite a component of a layer, a sum of several, or a direction in the space of
features. Targets can be added and scaled:

    >>> channel("layer3", 5) - 0.5 * channel("layer3", 9)
    layer3:5 - 0.5 layer3:9

Layers have the names that the network gives them. The layer is None if the target
is of the representation's own code, as with a single layer. What is not linear in the codes is a
function of them (`FunctionTarget`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor

from preimage.checks import whole
from preimage.representations.code_grid import CodeGrid, Position, is_token

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Term:
    """A component or direction of one layer, with a weight.

    Attributes:
        layer: the layer's name; None for the representation itself.
        feature: a channel's number, or a direction, of shape (K,) or of a whole code. A
            class has channel -1 until its network is known.
        position: row and column of the response; "center" for the central response, "everywhere"
            for the mean of all responses on the grid, or the name of a token before the grid,
            such as "cls" or "register 1".
        weight: factor of the response; negative to suppress the response.
        class_name: the class, as the user named it; empty if the term is not a class score.
    """

    layer: str | None
    feature: int | Tensor
    position: Position = "center"
    weight: float = 1
    class_name: str = ""

    def __str__(self) -> str:
        if self.class_name:
            return self.class_name
        words = "direction" if isinstance(self.feature, Tensor) else str(self.feature)
        if self.layer is not None:
            words = f"{self.layer}:{words}"
        if self.position == "everywhere":
            words += ":mean"
        elif isinstance(self.position, str):
            words += f":{self.position}" if self.is_token else ""
        else:
            words += ":" + ",".join(map(str, self.position))
        return words

    def pick(self, by_layer: Mapping[str | None, T]) -> T:
        """Return the entry of the term's layer; a single layer has the key None."""
        return by_layer[None] if None in by_layer else by_layer[self.layer]

    @property
    def is_token(self) -> bool:
        """True if the position is a token before the grid, such as "cls"."""
        return is_token(self.position)

    def place(self, grid: CodeGrid) -> Tensor:
        """Return Phi_0 of this term, of the shape of one code: (K, H', W'), (T, K) or (K,).

        Raises:
            ValueError: if the code has no such channel, position or direction.
        """
        vector = self._vector(grid)
        if tuple(vector.shape) == grid.code_shape:
            return self.weight * vector
        return self.weight * grid.spread(vector, self.position)

    def _vector(self, grid: CodeGrid) -> Tensor:
        """Return the unweighted direction: (K,), or of the shape of a whole code."""
        if isinstance(self.feature, Tensor):
            vector = self.feature.detach().cpu().float()
            if tuple(vector.shape) not in ((grid.channels,), grid.code_shape):
                raise ValueError(
                    f"a direction needs {grid.channels} values or the shape "
                    f"{grid.code_shape} of a code, not {tuple(vector.shape)}"
                )
            return vector
        if not 0 <= self.feature < grid.channels:
            raise ValueError(
                f"channel {self.feature} is not among 0-{grid.channels - 1} of "
                f"{self.layer or 'the layer'}"
            )
        direction = torch.zeros(grid.channels, dtype=torch.float32, device="cpu")
        direction[self.feature] = 1
        return direction

    def responses(self, codes: Tensor, grid: CodeGrid) -> Tensor:
        """Return the weighted responses (N, P) of codes (N, ...) at the P positions of the grid.

        For a token before the grid, and for the mean of all responses, P = 1.
        """
        vector = self._vector(grid).to(codes)
        if vector.shape == codes.shape[1:]:
            return self.weight * (codes.flatten(1) @ vector.flatten())[:, None]
        if self.is_token:
            at = grid.index(self.position)
            return self.weight * (grid.by_position(codes)[:, at : at + 1] @ vector)
        responses = self.weight * (grid.on_grid(codes) @ vector)
        return responses.mean(1, keepdim=True) if self.position == "everywhere" else responses


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Target:
    """A sum of terms, made by `channel`, `neuron`, `mean_channel`, `direction`, `class_score`."""

    terms: tuple[Term, ...]

    def __add__(self, other: object) -> Target:
        return Target(self.terms + other.terms) if isinstance(other, Target) else NotImplemented

    def __radd__(self, other: object) -> Target:
        return self if other == 0 else NotImplemented  # so that sum() works

    def __sub__(self, other: object) -> Target:
        return self + -other if isinstance(other, Target) else NotImplemented

    def __mul__(self, factor: object) -> Target:
        if not isinstance(factor, int | float):
            return NotImplemented
        return Target(tuple(replace(term, weight=factor * term.weight) for term in self.terms))

    def __rmul__(self, factor: object) -> Target:
        return self * factor

    def __truediv__(self, divisor: float) -> Target:
        return self * (1 / divisor)

    def __neg__(self) -> Target:
        return self * -1

    def __repr__(self) -> str:
        factors: dict[float, str] = {1: "", -1: "-"}
        words = [factors.get(t.weight, f"{t.weight:g} ") + str(t) for t in self.terms]
        return " + ".join(words).replace("+ -", "- ")

    def mapped(self, change: Callable[[Term], Term]) -> Target:
        """Return the target with each of its terms changed."""
        return Target(tuple(change(term) for term in self.terms))

    @property
    def is_central(self) -> bool:
        """True if all terms are central responses."""
        return all(
            term.position == "center"
            and not (isinstance(term.feature, Tensor) and term.feature.ndim > 1)
            for term in self.terms
        )

    def at(self, row: int, column: int) -> Target:
        """Return the target with all terms at this row and column."""
        return self.mapped(lambda term: replace(term, position=(row, column)))

    def place(self, grids: Mapping[str | None, CodeGrid]) -> Tensor:
        """Return Phi_0: the code of a single layer, or the flattened codes of several, joined.

        `grids` are the codes' grids in the order of the layers; a single layer has the key None.

        Raises:
            ValueError: if a code has no such channel, position or direction.
        """
        placed = {
            layer: torch.stack(
                [torch.zeros(grid.code_shape, dtype=torch.float32, device="cpu")]
                + [term.place(grid) for term in self.terms if layer in (None, term.layer)]
            ).sum(0)
            for layer, grid in grids.items()
        }
        if len(placed) == 1:
            return next(iter(placed.values()))
        return torch.cat([codes.flatten() for codes in placed.values()])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FunctionTarget:
    """A function of codes that a user gives, whose value is the response.

    Attributes:
        function: gets the code of an image with its batch axis, (1, ...), or the codes of several
            layers by name. It returns the response, (1,), by which torch can differentiate.
    """

    function: Callable[[Any], Tensor]

    def __repr__(self) -> str:
        name: str = getattr(self.function, "__name__", type(self.function).__name__)
        return name.strip("<>")

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms of the target: a function has none."""
        return ()

    @property
    def is_central(self) -> bool:
        """False: nothing is known of the positions that the function uses."""
        return False

    def response(self, codes: Mapping[str | None, Tensor]) -> Tensor:
        """Return the response, (), to an image with these codes; a single layer has the key None.

        Raises:
            ValueError: if the function does not return a single value.
        """
        value: object = self.function(codes[None] if None in codes else dict(codes))
        if not isinstance(value, Tensor) or value.numel() != 1:
            found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(
                f"{self} must return one response for each image, a tensor of shape (1,) for the "
                f"codes (1, ...) of one image, not {found}"
            )
        return value.reshape(())

    def of_code(self, shapes: Mapping[str | None, tuple[int, ...]]) -> Callable[[Tensor], Tensor]:
        """Return the response as a function of the code of a representation, (1, ...).

        `shapes` are those of the layers' codes; the code of several layers is flattened.
        """

        def respond(code: Tensor) -> Tensor:
            if None in shapes:
                return self.response({None: code})
            parts = code.split([math.prod(shape) for shape in shapes.values()], 1)
            pairs = zip(shapes.items(), parts, strict=True)
            return self.response({name: part.unflatten(1, shape) for (name, shape), part in pairs})

        return respond


AnyTarget: TypeAlias = Target | FunctionTarget


def _index(index: int) -> int:
    """Return the number of a channel, also of NumPy; whether it exists is checked later."""
    return whole("a channel", index, least=-(2**63))


def channel(layer: str | None, index: int) -> Target:
    """Return the target of a channel's response at the center of its map or grid of tokens."""
    return Target((Term(layer, _index(index)),))


def neuron(layer: str | None, index: int, row: int | str, column: int | None = None) -> Target:
    """Return the target of one response of a channel, at a row and a column of its map.

    Instead of a row and a column, it can be the name of a token before the grid:

    >>> neuron("blocks.6", 5, 3, 4), neuron("blocks.6", 5, "cls")
    (blocks.6:5:3,4, blocks.6:5:cls)

    Raises:
        ValueError: if the position is neither.
    """
    if isinstance(row, str) and column is None and is_token(row):
        return Target((Term(layer, _index(index), row),))
    if isinstance(row, str) or column is None:
        raise ValueError(
            "the position of a neuron must be a row and a column, or the name of a token, such as "
            f"'cls', not {row!r}, {column!r}"
        )
    place = (whole("a row", row, least=-(2**63)), whole("a column", column, least=-(2**63)))
    return Target((Term(layer, _index(index), place),))


def mean_channel(layer: str | None, index: int) -> Target:
    """Return the target of a channel's mean response; its pattern then fills the image."""
    return Target((Term(layer, _index(index), "everywhere"),))


def direction(
    layer: str | None, vector: Tensor | Sequence[float], position: Position = "center"
) -> Target:
    """Return the target of a direction: of the features (K,) at a position, or of whole codes.

    Raises:
        ValueError: if the direction is zero or not finite.
    """
    given = torch.as_tensor(vector)
    if given.is_complex():
        raise ValueError("a direction must hold real numbers, not complex ones")
    values = given.float()
    if not bool(values.isfinite().all() and values.any()):
        raise ValueError("a direction must be finite and not all zero")
    return Target((Term(layer, values, position),))


def class_score(name: str | int) -> Target:
    """Return the target of a class score before the softmax, by name ("tree frog") or index."""
    return Target((Term(None, -1, class_name=str(name)),))
