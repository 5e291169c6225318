"""The grid of the tokens of a transformer, and the names of the tokens before the grid.

They follow from the network's patch size and from the names of its parameters, such as
`cls_token`, which are alike in timm, torchvision, transformers and open_clip. Without these, the
numbers of tokens for images of other sizes tell: they follow the height, the width, both or none.

>>> token_grid(33, (64, 128), ("cls",), [(4, 8)])
((4, 8), ('cls',))
>>> token_grid(18, (64, 64), (), [], lambda size: 2 + size[0] // 16 * (size[1] // 16))
((4, 4), ('prefix 1', 'prefix 2'))
>>> token_grid(16, (64, 64), (), [], lambda size: size[1] // 4)
((1, 16), ())
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

Grid = tuple[int, int]
Size = tuple[int, int]

_CLASS = ("cls_token", "class_token", "class_embedding", "cls_embedding", "class_tokens", "cls")
_DISTILLATION = ("dist_token", "distillation_token")
_REGISTERS = ("reg_token", "reg_tokens", "register_token", "register_tokens", "registers")
_KINDS = (("cls", _CLASS), ("dist", _DISTILLATION), ("register", _REGISTERS))


def prefix_tokens(network: nn.Module, layer: str) -> tuple[str, ...]:
    """Return the names of the tokens that the network puts before the grid: cls, dist, registers.

    In a network of several towers, only the tower of the layer counts.
    """
    found: dict[str, tuple[int, int]] = {}
    for name, parameter in network.named_parameters():
        owner, _, last = name.rpartition(".")
        for kind, names in _KINDS:
            if last in names and parameter.numel():
                count = parameter.numel() // parameter.shape[-1]
                near = _shared(owner, layer)
                if kind not in found or near > found[kind][0]:
                    found[kind] = (near, count)
    tokens: list[str] = []
    for kind, _ in _KINDS:
        count = found.get(kind, (0, 0))[1]
        is_numbered = kind == "register" or count > 1
        tokens += [f"{kind} {n + 1}" for n in range(count)] if is_numbered else [kind] * count
    return tuple(tokens)


def patch_grids(network: nn.Module, size: tuple[int, int]) -> list[Grid]:
    """Return the grids of patches of an image of this size, one for each patch size found."""
    grids: dict[Grid, None] = {}
    for patch in _patch_sizes(network):
        whole = size[0] // patch[0], size[1] // patch[1]
        padded = math.ceil(size[0] / patch[0]), math.ceil(size[1] / patch[1])
        grids |= {grid: None for grid in (whole, padded) if min(grid) > 0}
    return list(grids)


def _patch_sizes(network: nn.Module) -> Iterator[Grid]:
    for module in network.modules():
        patch: Any = getattr(module, "patch_size", None)
        if patch is None and isinstance(module, nn.Conv2d) and module.kernel_size == module.stride:
            patch = module.stride
        pair = (patch, patch) if isinstance(patch, int) else patch
        if isinstance(pair, tuple | list) and len(pair) == 2 and all(_is_patch(p) for p in pair):
            yield pair[0], pair[1]


def _is_patch(length: object) -> bool:
    return isinstance(length, int) and length > 1


def token_grid(
    count: int,
    size: Size,
    prefix: tuple[str, ...],
    grids: Sequence[Grid],
    count_at: Callable[[Size], int | None] = lambda size: None,
    changes: Callable[[], Tensor | None] = lambda: None,
) -> tuple[Grid, tuple[str, ...]]:
    """Return the grid (rows, columns) of some tokens, and the names of the tokens before it.

    The grid of tokens that follow only the image's width is 1 x T, and T x 1 if they follow only
    its height. It is 1 x T, too, for tokens that follow neither, as keypoints and capsules do.

    Args:
        count: T, the number of all tokens.
        size: height and width of the image.
        prefix: the names that `prefix_tokens` found; a layer may lack those tokens.
        grids: the grids that `patch_grids` found; a layer may have another, coarser one.
        count_at: returns the number of tokens for an image of another size; None if unknown.
        changes: returns how much each token changes with the upper left corner of the image, (T,);
            None if unknown. It is called only if the network takes images of one size alone.
    """
    choices = (prefix, ()) if prefix else ((),)
    for names in choices:
        for grid in grids:
            if grid[0] * grid[1] == count - len(names):
                return grid, names
    sides = followed_sides(count, size, count_at)
    if False in sides:
        return ((count, 1) if sides[0] else (1, count)), ()
    finest = max((rows * columns for rows, columns in grids), default=count)
    for names in choices:
        found = _in_proportion(count - len(names), size)
        if found is not None and count - len(names) <= finest:
            is_known = bool(grids) or sides[0] is not None
            return (found, names) if is_known or _is_grid(found, changes()) else ((1, count), ())
    known = [grid for grid in grids if count / 2 < grid[0] * grid[1] <= count]
    if known:
        return known[0], _unnamed(count - known[0][0] * known[0][1])
    double = (2 * size[0], 2 * size[1])
    of_double = _length(count_at, double) or 0
    for extra in range(count):
        found = _in_proportion(count - extra, size)
        if found is not None and _in_proportion(of_double - extra, double) is not None:
            return found, _unnamed(extra)
    return (1, count), ()


def _is_grid(grid: Grid, changes: Tensor | None) -> bool:
    """Tell whether the upper left corner of an image changes that corner of its tokens most."""
    if changes is None:
        return True
    rows, columns = grid
    on_grid = changes[len(changes) - rows * columns :].reshape(grid)
    corner = on_grid[: -(-rows // 4), : -(-columns // 4)]
    return bool(corner.mean() > 2 * on_grid.mean())


def followed_sides(
    length: int, size: Size, length_at: Callable[[Size], int | None]
) -> tuple[bool | None, bool | None]:
    """Return whether a length changes with an image's height, and with its width.

    Both are None if the network does not take images of other sizes.

    Args:
        length: the length for images of this size.
        size: height and width.
        length_at: returns the length for images of another size, None if there is none; it may
            raise a ValueError for a size that the network does not take.
    """

    def changes(tall: int, wide: int) -> bool | None:
        larger = size[0] * tall, size[1] * wide
        smaller = max(size[0] // tall, 1), max(size[1] // wide, 1)
        found = _length(length_at, larger) or _length(length_at, smaller)
        return None if found is None else found != length

    with_height, with_width = changes(2, 1), changes(1, 2)
    if with_height is not None and with_width is not None:
        return with_height, with_width
    return (False, False) if changes(2, 2) is False else (None, None)


def _length(length_at: Callable[[Size], int | None], size: Size) -> int | None:
    """Return the length for images of a size; None if the network does not take them."""
    try:
        return length_at(size)
    except ValueError:
        return None


def _in_proportion(count: int, size: tuple[int, int]) -> Grid | None:
    """Return rows and columns in the image's proportions, up to rounding; None if impossible."""
    height, width = size
    if count < 1:
        return None
    near = round(math.sqrt(count * height / width))
    for rows in (near, near + 1, near - 1):
        if rows > 0 and count % rows == 0 and fits((rows, count // rows), size):
            return rows, count // rows
    return None


def fits(grid: Grid, size: tuple[int, int]) -> bool:
    """Tell whether a grid has the proportions of an image, up to one row or column."""
    return abs(grid[0] * size[1] - grid[1] * size[0]) < max(size)


def _unnamed(count: int) -> tuple[str, ...]:
    return tuple(f"prefix {n + 1}" for n in range(count))


def _shared(owner: str, layer: str) -> int:
    """Return the number of leading parts that two dotted names share."""
    count = 0
    for one, other in zip(owner.split("."), layer.split("."), strict=False):
        if one != other:
            break
        count += 1
    return count
