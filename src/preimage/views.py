r"""Views: the windows through which the representation sees the image.

Eq. 7 shifts the window by whole pixels (`jitter`). `affine` also turns and zooms it, so that the
result does not depend on one orientation and scale (Olah, Mordvintsev and Schubert, "Feature
Visualization", Distill 2017). The image that is optimized is a canvas, larger than the window
by a margin of T - 1 pixels for T shifts.

A view is (row, column) or (row, column, angle, zoom): the window's top left corner in
pixels, its counterclockwise angle in radians, and the factor by which the image appears
enlarged in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def jitter(x: Tensor, offsets: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the crop of each canvas (N, D, H, W) at its own row and column tau, Eq. 7.

    The `offsets` tau are whole numbers (N, 2) on the CPU; `size` is that of the crops.
    """
    height, width = size
    places = zip(x, offsets.tolist(), strict=True)
    return torch.stack([canvas[:, v : v + height, u : u + width] for canvas, (v, u) in places])


def affine(x: Tensor, views: Tensor, size: tuple[int, int]) -> Tensor:
    """Return each canvas as seen through its own window, turned about its center and zoomed.

    The interpolation is bilinear, and the canvas is continued by its mirror image. The canvases
    are (N, D, H, W), the views (N, 4); `size` is that of the window.

    >>> x = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> affine(x, torch.tensor([[0, 0, math.pi / 2, 1.0]]), (3, 3)).round().tolist()
    [[[[2.0, 5.0, 8.0], [1.0, 4.0, 7.0], [0.0, 3.0, 6.0]]]]
    """
    top, left, angle, zoom = views.to(x).view(-1, 4, 1, 1).unbind(1)
    middle_row, middle_column = ((length - 1) / 2 for length in size)
    rows = torch.arange(size[0], dtype=x.dtype, device=x.device)[:, None] - middle_row
    columns = torch.arange(size[1], dtype=x.dtype, device=x.device)[None, :] - middle_column
    cos, sin = angle.cos() / zoom, angle.sin() / zoom
    across = left + middle_column + cos * columns - sin * rows
    down = top + middle_row + sin * columns + cos * rows
    if x.device.type == "cuda":
        return sample(x, down, across)
    grid = torch.stack([_relative(across, x.shape[3]), _relative(down, x.shape[2])], dim=-1)
    return torch.nn.functional.grid_sample(
        x, grid, mode="bilinear", padding_mode="reflection", align_corners=True
    )


def sample(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return the values of each image (N, D, H, W) at rows and columns in pixels, each (N, H', W').

    It interpolates as `affine` does, by gathering the four neighbors. On a GPU, torch can repeat
    the gradient of that bit for bit, but not that of `grid_sample`.
    """
    flat, sampled = x.flatten(2), x.new_zeros(1)
    (above, down), (before, right) = (
        _neighbors(places, length)
        for places, length in zip((rows, columns), x.shape[2:], strict=True)
    )
    for row, share in ((above, 1 - down), (above + 1, down)):
        for column, part in ((before, 1 - right), (before + 1, right)):
            index = row.clamp(max=x.shape[2] - 1) * x.shape[3] + column.clamp(max=x.shape[3] - 1)
            index = index.flatten(1)[:, None].expand(-1, x.shape[1], -1)
            values = flat.gather(2, index).unflatten(2, rows.shape[1:])
            sampled = sampled + (share * part)[:, None] * values
    return sampled


def _neighbors(places: Tensor, length: int) -> tuple[Tensor, Tensor]:
    """Return the whole pixel before each place on an axis, and the distance from it.

    A place outside of the axis counts as its mirror image about the first or the last pixel.
    """
    last = length - 1
    inside = (last - (places.abs() % max(2 * last, 1) - last).abs()).clamp(0, last)
    before = inside.floor()
    return before.long(), inside - before


def center_crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return the crop of `size` at the center of the canvases `x`, (N, D, H, W).

    >>> center_crop(torch.arange(9.0).reshape(1, 1, 3, 3), (1, 1)).item()
    4.0
    """
    top, left = ((have - want) // 2 for have, want in zip(x.shape[-2:], size, strict=True))
    return x[..., top : top + size[0], left : left + size[1]]


def draw_views(
    generators: Sequence[torch.Generator],
    steps: int,
    shifts: int,
    rotation: float = 0,
    zoom: float = 1,
) -> Tensor | None:
    """Draw the views of all images at all steps, each image's from its own random stream.

    Rows and columns are uniform in 0..T-1 for T `shifts`, angles uniform within plus and minus
    `rotation` degrees, and zooms log-uniform between 1 / zoom and zoom.

    Returns:
        Views (steps, N, 2), or (steps, N, 4) if they are turned or zoomed; None if all views
        are the same.
    """
    if shifts == 1 and not rotation and zoom == 1:
        return None
    offsets = [
        torch.randint(shifts, (steps, 2), generator=g, dtype=torch.int64, device="cpu")
        for g in generators
    ]
    if not rotation and zoom == 1:
        return torch.stack(offsets, 1)
    draws = [
        2 * torch.rand((steps, 2), generator=g, dtype=torch.float32, device="cpu") - 1
        for g in generators
    ]
    ranges = torch.tensor(
        [math.radians(rotation), math.log(zoom)], dtype=torch.float32, device="cpu"
    )
    warps = torch.stack(draws, 1) * ranges
    return torch.cat([torch.stack(offsets, 1), warps[..., :1], warps[..., 1:].exp()], dim=-1)


def _relative(pixels: Tensor, length: int) -> Tensor:
    """Map coordinates 0..length-1 to -1..1, and the coordinate of a single pixel to 0."""
    return pixels * (2 / (length - 1)) - 1 if length > 1 else pixels * 0
