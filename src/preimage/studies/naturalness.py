"""How natural a picture is: its gradients against those of a photo."""

from __future__ import annotations

import torch
from torch import Tensor

_BINS = 51


def gradient_intersection(image: Tensor, photo: Tensor) -> float:
    """Intersection of two histograms of gradients, 1 for equal ones (the authors' code).

    The histograms are of the differences of neighboring gray levels along both axes, in
    bins of 10 from -255 to 255, each of sum 1.

    Args:
        image: (D, H, W), 0..255.
        photo: likewise, of any size.

    >>> flat, edge = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    >>> edge[:, :, 2:] = 255
    >>> gradient_intersection(flat, flat), round(gradient_intersection(flat, edge), 2)
    (1.0, 0.83)
    """
    return float(torch.minimum(_histogram(image), _histogram(photo)).sum())


def _histogram(image: Tensor) -> Tensor:
    gray = image.clamp(0, 255).mean(0).double()
    steps = torch.cat([gray.diff(dim=0).flatten(), gray.diff(dim=1).flatten()])
    counts = torch.histc(steps, _BINS, -255, 255)
    return counts / counts.sum()
