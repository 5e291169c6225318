"""The layout of a code: its channels, the grid of its positions, and the tokens before the grid.

>>> vit = CodeGrid((33, 192), channels=192, grid=(4, 8), prefix=("cls",))
>>> vit.index((3, 0)), vit.index("cls"), vit.index("center")
(25, 0, 21)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from preimage.names import unknown

Position = tuple[int, int] | str
"""Row and column, "center", "everywhere", or the name of a token before the grid."""


def is_token(position: Position) -> bool:
    """Tell whether a position is the name of a token before the grid."""
    return isinstance(position, str) and position not in ("center", "everywhere")


@dataclass(frozen=True, slots=True)
class CodeGrid:
    """The grid of positions in the code of one image.

    Attributes:
        code_shape: maps (K, H', W'), tokens (T, K) or a vector (K,).
        channels: K.
        grid: rows and columns: H' x W' for maps, those of the patches for tokens, 1 x 1 for a
            vector. For windowed attention, each row is a window, and its columns are the tokens in
            that window. T x 1 or 1 x T for tokens that follow only the image's height or width,
            and 1 x T, without a prefix, for tokens that follow neither the image's size nor a grid
            of patches, such as keypoints and capsules.
        prefix: the names of the tokens before the grid, such as "cls" and "register 1".
    """

    code_shape: tuple[int, ...]
    channels: int
    grid: tuple[int, int]
    prefix: tuple[str, ...] = ()

    @classmethod
    def from_shape(cls, code_shape: tuple[int, ...]) -> CodeGrid:
        """Return the grid of codes of which only the shape is known.

        Tokens get the largest square grid; the tokens left over stand before it.

        Raises:
            ValueError: if the shape is not that of maps, tokens or a vector.
        """
        if len(code_shape) == 3:
            return cls(code_shape, code_shape[0], (code_shape[1], code_shape[2]))
        if len(code_shape) == 2:
            side = math.isqrt(code_shape[0])
            before = tuple(f"prefix {n + 1}" for n in range(code_shape[0] - side**2))
            return cls(code_shape, code_shape[1], (side, side), before)
        if len(code_shape) == 1:
            return cls(code_shape, code_shape[0], (1, 1))
        raise ValueError(
            "channels need codes of maps (K, H, W), tokens (T, K) or vectors (K,), not of shape "
            f"{code_shape}: give the axis of channels, as in Layer(..., channel_axis=1)"
        )

    @property
    def positions(self) -> int:
        """P, the number of all positions, including those of the prefix."""
        return len(self.prefix) + self.grid[0] * self.grid[1]

    def index(self, position: Position) -> int:
        """Return the number of a position among all positions, those of the prefix first.

        Raises:
            ValueError: if there is no such position.
        """
        rows, columns = self.grid
        if position == "center":
            position = rows // 2, columns // 2
        if isinstance(position, str):
            if position not in self.prefix:
                raise ValueError(unknown("position", position, (*self.prefix, "row,column")))
            return self.prefix.index(position)
        row, column = position
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(
                f"position {row}, {column} is not on the grid of {rows} x {columns} responses"
            )
        return len(self.prefix) + row * columns + column

    def spread(self, vector: Tensor, position: Position) -> Tensor:
        """Return a code with `vector` (K,) at a position, or an equal share everywhere on the grid.

        Raises:
            ValueError: if there is no such position.
        """
        rows, columns = self.grid
        places = torch.zeros(self.positions, dtype=torch.float32, device="cpu")
        if position == "everywhere":
            places[len(self.prefix) :] = 1 / (rows * columns)
        else:
            places[self.index(position)] = 1
        return self.code(torch.outer(places, vector))

    def by_position(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as features at each of P positions, (N, P, K), prefix first."""
        if len(self.code_shape) == 3:
            return codes.flatten(2).transpose(1, 2)
        return codes if len(self.code_shape) == 2 else codes[:, None]

    def on_grid(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as features on the grid alone, (N, rows * columns, K)."""
        return self.by_position(codes)[:, len(self.prefix) :]

    def code(self, values: Tensor) -> Tensor:
        """Return values (P, K) at all positions, prefix first, in the shape of the code."""
        return (values.T if len(self.code_shape) == 3 else values).reshape(self.code_shape)
