"""Masks M of Eq. 3 by name: which components of a code an inversion is to match.

>>> Mask(channels="0,2").to_tensor(CodeGrid.from_shape((4,)))
tensor([1., 0., 1., 0.])
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from preimage.names import parse_channels
from preimage.representations.base import Representation
from preimage.representations.code_grid import CodeGrid
from preimage.representations.receptive_field import Box


@dataclass(frozen=True, slots=True)
class Mask:
    """A choice of components by name: those that every given attribute keeps.

    Attributes:
        window: the central `window` x `window` responses of all channels (Figure 9), on a map or
            on the grid of tokens.
        channels: channels such as "0-24,31".
        stream: one half of the channels, 1 or 2: the streams of AlexNet (Figure 10).

    Raises:
        ValueError: if an attribute has a wrong value.
    """

    window: int | None = None
    channels: str | None = None
    stream: int | None = None

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        if self.window is not None and self.window < 1:
            raise ValueError(f"a window has a side of 1 or more responses, not {self.window}")
        if self.channels is not None:
            parse_channels(self.channels)
        if self.stream not in (None, 1, 2):
            raise ValueError(f"there are streams 1 and 2, not {self.stream}")

    def named(self) -> dict[str, Any]:
        """Return the attributes that are given, by name.

        >>> Mask(window=5).named()
        {'window': 5}
        """
        return {name: value for name, value in asdict(self).items() if value is not None}

    def to_tensor(self, grid: CodeGrid) -> Tensor | None:
        """Return zeros and ones of the shape of one code; None if everything is kept.

        Args:
            grid: the channels and positions of the code, as `Representation.code_grid` returns.

        Raises:
            ValueError: if the code has no such components.
        """
        masks: list[Tensor] = []
        everywhere = torch.ones(grid.positions, dtype=torch.float32, device="cpu")
        all_channels = torch.ones(grid.channels, dtype=torch.float32, device="cpu")
        if self.window is not None:
            masks.append(grid.code(torch.outer(_window(self.window, grid), all_channels)))
        if self.channels is not None:
            chosen = torch.zeros(grid.channels, dtype=torch.float32, device="cpu")
            chosen[parse_channels(self.channels, grid.channels)] = 1
            masks.append(grid.code(torch.outer(everywhere, chosen)))
        if self.stream is not None:
            masks.append(grid.code(torch.outer(everywhere, _stream(self.stream, grid))))
        return torch.stack(masks).prod(0) if masks else None

    def box(self, representation: Representation, size: tuple[int, int]) -> Box | None:
        """Return the part of an image of this size that the window sees; it can exceed the image.

        None means that there is no window, or that its responses see the whole image.
        """
        field = None if self.window is None else representation.receptive_field
        if self.window is None or field is None:
            return None
        grid = representation.code_grid(*size).grid
        first = [(length - self.window) // 2 for length in grid]
        last = [at + self.window - 1 for at in first]
        return Box(*field.box(first)[:2], *field.box(last)[2:])


def _window(side: int, grid: CodeGrid) -> Tensor:
    """Return ones at the central positions of the grid, (P,); the tokens before it have zeros."""
    if len(grid.code_shape) == 1:
        raise ValueError(
            f"a window needs a code of maps (K, H, W) or tokens (T, K), not of shape "
            f"{grid.code_shape}"
        )
    rows, columns = grid.grid
    if side > min(grid.grid):
        raise ValueError(f"a window of {side} x {side} does not fit maps of {rows} x {columns}")
    kept = torch.zeros(rows, columns, dtype=torch.float32, device="cpu")
    top, left = (rows - side) // 2, (columns - side) // 2
    kept[top : top + side, left : left + side] = 1
    return torch.cat([kept.new_zeros(len(grid.prefix)), kept.flatten()])


def _stream(stream: int, grid: CodeGrid) -> Tensor:
    """Return ones for one half of the channels, (K,)."""
    half = grid.channels // 2
    if half == 0:
        raise ValueError(f"a code of shape {grid.code_shape} has no two streams: leave out stream")
    kept = torch.zeros(grid.channels, dtype=torch.float32, device="cpu")
    kept[(stream - 1) * half : stream * half] = 1
    return kept
