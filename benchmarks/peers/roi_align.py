"""`torchvision.ops.roi_align` for a torchvision without its compiled operators."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def roi_align(x: Tensor, boxes: Tensor, output_size: tuple[int, int]) -> Tensor:
    """Boxes of an image, resampled bilinearly, one sample for each pixel of the output.

    torchvision takes more samples only where a box has more pixels than the output.

    Args:
        x: the image, (1, D, H, W).
        boxes: 0, left, top, right and bottom of each box in pixels, (K, 5).
        output_size: height and width of the output.

    Raises:
        ValueError: if a box has more pixels than the output, or there is more than one image.
    """
    starts, ends = boxes[:, [2, 1]], boxes[:, [4, 3]]
    sides = (ends - starts).clamp(min=1)
    sizes = torch.tensor(output_size)
    if len(x) > 1 or bool((sides > sizes).any()):
        raise ValueError("only boxes of one image and of no more pixels than the output")
    places, inside = [], []
    for axis, size in enumerate(output_size):
        steps = (torch.arange(size) + 0.5) / size
        place = starts[:, axis, None] + steps * sides[:, axis, None]
        length = x.shape[2 + axis]
        inside.append((place >= -1) & (place <= length))
        places.append(2 * place / (length - 1) - 1)
    shape = (len(boxes), *output_size)
    grid = torch.stack([places[1][:, None].expand(shape), places[0][:, :, None].expand(shape)], -1)
    sampled = nn.functional.grid_sample(
        x.expand(len(boxes), -1, -1, -1), grid, padding_mode="border", align_corners=True
    )
    return sampled * (inside[0][:, None, :, None] & inside[1][:, None, None])
