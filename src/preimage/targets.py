r"""Targets Phi_0 of activation maximization (section 6), and their algebra.

A target is what an image is to excite: a component of a layer, several, or a direction in
the space of its features. Targets add up, and are scaled:

    >>> channel("layer3", 5) - 0.5 * channel("layer3", 9)
    layer3:5 - 0.5 layer3:9

The layer is named as in the network; None stands for the representation that is maximized.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
Position = tuple[int, int] | Literal["center", "everywhere"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Term:
    """A weighted component or direction of one layer.

    Attributes:
        layer: the layer's name, or None for the representation itself.
        feature: a channel, or a direction (K,); a class has -1 until its network is known.
        position: row and column of the response, the central one, or the mean of all.
        weight: what it counts, below zero where it is to be suppressed.
        class_name: of a class score, as the user gave it; else empty.
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
        elif self.position != "center":
            words += ":" + ",".join(map(str, self.position))
        return words

    def pick(self, by_layer: Mapping[str | None, T]) -> T:
        """Return what is there for the term's layer, or for None: the only layer there is."""
        return by_layer[None] if None in by_layer else by_layer[self.layer]

    def place(self, code_shape: tuple[int, ...]) -> Tensor:
        """Phi_0 of this term, of the shape of one code: (K, H', W'), (T, K) or (K,).

        Raises:
            ValueError: if the code has no such channel, position or direction.
        """
        layout = _Layout.of(code_shape)
        vector = self._vector(layout)
        if tuple(vector.shape) == code_shape:
            return self.weight * vector
        return self.weight * layout.spread(vector, self.position)

    def _vector(self, layout: _Layout) -> Tensor:
        """The features that count, (K,), or a whole code."""
        if isinstance(self.feature, Tensor):
            vector = self.feature.detach().cpu().float()
            if tuple(vector.shape) not in ((layout.channels,), layout.code_shape):
                raise ValueError(
                    f"a direction needs {layout.channels} values or the shape "
                    f"{layout.code_shape} of a code, not {tuple(vector.shape)}"
                )
            return vector
        if not 0 <= self.feature < layout.channels:
            raise ValueError(
                f"channel {self.feature} is not among 0-{layout.channels - 1} of "
                f"{self.layer or 'the layer'}"
            )
        return torch.nn.functional.one_hot(torch.tensor(self.feature), layout.channels).float()

    def responses(self, codes: Tensor) -> Tensor:
        """The term's response at every position of codes (N, ...), times its weight: (N, P)."""
        layout = _Layout.of(tuple(codes.shape[1:]))
        vector = self._vector(layout).to(codes)
        if vector.shape == codes.shape[1:]:
            return self.weight * (codes.flatten(1) @ vector.flatten())[:, None]
        responses = self.weight * (layout.by_position(codes) @ vector)
        return responses.mean(1, keepdim=True) if self.position == "everywhere" else responses


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Target:
    """A sum of terms; see `channel`, `neuron`, `mean_channel`, `direction` and `class_score`."""

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
        words = [_amount(term.weight) + str(term) for term in self.terms]
        return " + ".join(words).replace("+ -", "- ")

    def mapped(self, change: Callable[[Term], Term]) -> Target:
        """The target with each of its terms changed."""
        return Target(tuple(change(term) for term in self.terms))

    @property
    def is_central(self) -> bool:
        """Whether it is of central responses alone."""
        return all(
            term.position == "center"
            and not (isinstance(term.feature, Tensor) and term.feature.ndim > 1)
            for term in self.terms
        )

    def at(self, row: int, column: int) -> Target:
        """The target at a row and a column instead."""
        return self.mapped(lambda term: replace(term, position=(row, column)))

    def place(self, code_shapes: Mapping[str | None, tuple[int, ...]]) -> Tensor:
        """Phi_0: of the shape of one code, or of several layers' one behind the other, (K,).

        Args:
            code_shapes: of each layer by name, in their order; of None for the only layer.

        Raises:
            ValueError: as `Term.place`.
        """
        placed = {
            layer: torch.stack(
                [torch.zeros(shape)]
                + [term.place(shape) for term in self.terms if layer in (None, term.layer)]
            ).sum(0)
            for layer, shape in code_shapes.items()
        }
        if len(placed) == 1:
            return next(iter(placed.values()))
        return torch.cat([codes.flatten() for codes in placed.values()])


def channel(layer: str | None, index: int) -> Target:
    """The central response of a channel; of tokens (T, K), that of the central one."""
    return Target((Term(layer, index),))


def neuron(layer: str | None, index: int, row: int, column: int) -> Target:
    """One response of a channel, at a row and a column of its map."""
    return Target((Term(layer, index, (row, column)),))


def mean_channel(layer: str | None, index: int) -> Target:
    """The mean of all responses of a channel, which fills the image with its pattern."""
    return Target((Term(layer, index, "everywhere"),))


def direction(
    layer: str | None, vector: Tensor | Sequence[float], position: Position = "center"
) -> Target:
    """A direction: of the features (K,) at a position, or of whole codes.

    Raises:
        ValueError: if it is zero or not finite.
    """
    values = torch.as_tensor(vector, dtype=torch.float32)
    if not bool(values.isfinite().all() and values.any()):
        raise ValueError("a direction must be finite and not all zero")
    return Target((Term(layer, values, position),))


def class_score(name: str | int) -> Target:
    """The score of a class before the softmax, by name ("tree frog") or index."""
    return Target((Term(None, -1, class_name=str(name)),))


def channel_count(code_shape: tuple[int, ...]) -> int:
    """K of a code of maps (K, H', W'), tokens (T, K) or a vector (K,).

    Raises:
        ValueError: if it is of another shape.

    >>> channel_count((48, 7, 7)), channel_count((197, 384))
    (48, 384)
    """
    return _Layout.of(code_shape).channels


def _amount(weight: float) -> str:
    return "" if weight == 1 else "-" if weight == -1 else f"{weight:g} "


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a code of maps (K, H', W'), tokens (T, K) or a vector (K,) is laid out."""

    code_shape: tuple[int, ...]
    channels: int
    grid: tuple[int, int]
    prefix: int

    @classmethod
    def of(cls, code_shape: tuple[int, ...]) -> _Layout:
        if len(code_shape) == 3:
            return cls(code_shape, code_shape[0], (code_shape[1], code_shape[2]), 0)
        if len(code_shape) == 2:
            side = math.isqrt(code_shape[0])
            return cls(code_shape, code_shape[1], (side, side), code_shape[0] - side**2)
        if len(code_shape) == 1:
            return cls(code_shape, code_shape[0], (1, 1), 0)
        raise ValueError(f"no target in codes of shape {code_shape}: maps, tokens or vectors")

    def spread(self, vector: Tensor, position: Position) -> Tensor:
        """A code that holds `vector` (K,) at a position, or its share everywhere."""
        rows, columns = self.grid
        if position == "everywhere":
            places = torch.zeros(self.prefix + rows * columns)
            places[self.prefix :] = 1 / (rows * columns)
        else:
            row, column = (rows // 2, columns // 2) if position == "center" else position
            if not (0 <= row < rows and 0 <= column < columns):
                raise ValueError(
                    f"position {row}, {column} is not on the grid of {rows} x {columns} responses"
                )
            places = torch.zeros(self.prefix + rows * columns)
            places[self.prefix + row * columns + column] = 1
        values = torch.outer(places, vector)
        return (values.T if len(self.code_shape) == 3 else values).reshape(self.code_shape)

    def by_position(self, codes: Tensor) -> Tensor:
        """Codes (N, ...) as (N, P, K)."""
        if len(self.code_shape) == 3:
            return codes.flatten(2).transpose(1, 2)
        return codes[:, self.prefix :] if len(self.code_shape) == 2 else codes[:, None]
