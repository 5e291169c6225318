"""Mean, deviation, extremes and largest responses of channels, image by image.

The means and the sums of squared deviations of two sets of n_a and n_b responses are joined
in float64 by the formulas of Chan, Golub & LeVeque, "Updating formulae and a pairwise
algorithm for computing sample variances" (1979):

    mean = mean_a + d n_b / n,   M2 = M2_a + M2_b + d^2 n_a n_b / n,   d = mean_b - mean_a
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """What the responses of K channels to some images were.

    Attributes:
        count: responses of each channel.
        maximum: the largest, (K,).
        minimum: the smallest, (K,).
        mean: (K,).
        squares: the sum of squared deviations from the mean, (K,).
        zeros: how many are exactly zero, (K,).
        top_values: the largest responses of different images, falling, (K, k).
        top_images: whose they are, as the numbers that `tally` was given, (K, k).
        top_positions: row and column of a map, the token, or nothing, (K, k, axes).
    """

    count: int
    maximum: NDArray[np.float64]
    minimum: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    zeros: NDArray[np.int64]
    top_values: NDArray[np.float64]
    top_images: NDArray[np.int64]
    top_positions: NDArray[np.int64]


def tally(response: Tensor, image: int) -> Tally:
    """What the responses to one image are.

    Args:
        response: a map (K, H', W'), tokens (T, K), or a vector (K,).
        image: the number of the image.

    Raises:
        ValueError: if it is none of these, or not finite.

    >>> tally(torch.tensor([[[0.0, 1.0], [5.0, 2.0]]]), image=7).top_positions.tolist()
    [[[1, 0]]]
    """
    if response.ndim not in (1, 2, 3):
        raise ValueError(
            f"statistics are of maps (K, H, W), tokens (T, K) or vectors (K,), not of a code of "
            f"shape {tuple(response.shape)}"
        )
    by_channel = response.T if response.ndim == 2 else response
    values = by_channel.reshape(len(by_channel), -1).double()
    maximum, at = (array.cpu().numpy() for array in values.max(1))
    mean = values.mean(1)
    if not torch.isfinite(mean).all():
        raise ValueError("the responses hold NaN or infinite values")
    grid = by_channel.shape[1:]
    positions = np.stack(np.unravel_index(at, grid), 1) if grid else np.empty((len(at), 0))
    return Tally(
        count=values.shape[1],
        maximum=maximum,
        minimum=values.amin(1).cpu().numpy(),
        mean=mean.cpu().numpy(),
        squares=(values - mean[:, None]).square().sum(1).cpu().numpy(),
        zeros=(values == 0).sum(1).cpu().numpy(),
        top_values=maximum[:, None],
        top_images=np.full((len(at), 1), image),
        top_positions=positions[:, None].astype(np.int64),
    )


def join(one: Tally, other: Tally, most: int) -> Tally:
    """The tally of the images of both, which are different ones.

    Args:
        one: of the images that come first, where responses are equal.
        other: of further images.
        most: how many of the largest responses are kept.

    >>> one, other = (tally(torch.tensor([value]), image=0) for value in (1.0, 3.0))
    >>> join(one, other, most=9).squares.tolist()
    [2.0]
    """
    count = one.count + other.count
    apart = other.mean - one.mean
    values = np.concatenate([one.top_values, other.top_values], 1)
    order = np.argsort(-values, 1, kind="stable")[:, :most]
    images = np.concatenate([one.top_images, other.top_images], 1)
    positions = np.concatenate([one.top_positions, other.top_positions], 1)
    return Tally(
        count=count,
        maximum=np.maximum(one.maximum, other.maximum),
        minimum=np.minimum(one.minimum, other.minimum),
        mean=one.mean + apart * (other.count / count),
        squares=one.squares + other.squares + apart**2 * (one.count * other.count / count),
        zeros=one.zeros + other.zeros,
        top_values=np.take_along_axis(values, order, 1),
        top_images=np.take_along_axis(images, order, 1),
        top_positions=np.take_along_axis(positions, order[:, :, None], 1),
    )
