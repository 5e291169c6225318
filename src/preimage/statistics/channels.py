"""Statistics of channels: mean, deviation, extremes, and largest responses with their images.

The means and the sums of squared deviations of two sets of n_a and n_b responses are joined
in float64 by the formulas of Chan, Golub & LeVeque, "Updating formulae and a pairwise
algorithm for computing sample variances" (1979):

    mean = mean_a + d n_b / n,   M2 = M2_a + M2_b + d^2 n_a n_b / n,   d = mean_b - mean_a
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from preimage.names import LayerName
from preimage.representations.code_grid import CodeGrid
from preimage.tables import Table

_UNNAMED = LayerName("", "")
_SHOWN = 40
"""The most channels that a notebook shows."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelStatistics:
    """Statistics of the responses of a layer's K channels to images, at all positions of its grid.

    Tokens before the grid, such as a class token, are left out, because their responses mean
    something else and are often much larger.

    Attributes:
        count: number of responses of each channel.
        maximum: the largest response, M of section 6, (K,).
        minimum: the smallest response, (K,).
        mean: the mean response, (K,).
        squares: the sum of squared deviations from the mean, (K,).
        zero_count: number of responses that are exactly zero, (K,).
        top_values: the largest responses, each to a different image, in descending order, (K, k).
        top_images: the image of each top response, as an index of `images`, (K, k).
        top_positions: the position of each top response: row and column of a map or of the grid
            of tokens (K, k, 2), or nothing (K, k, 0).
        name: the names of network and layer. During the measurement, `name`, `images` and `skipped`
            are empty.
        images: the files that were measured.
        skipped: a line for each file that could not be used.
    """

    count: int
    maximum: NDArray[np.float64]
    minimum: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    zero_count: NDArray[np.int64]
    top_values: NDArray[np.float64]
    top_images: NDArray[np.int64]
    top_positions: NDArray[np.int64]
    name: LayerName = _UNNAMED
    images: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()

    @property
    def std(self) -> NDArray[np.float64]:
        """The standard deviation of all responses of a channel, (K,)."""
        return np.sqrt(self.squares / self.count)

    @property
    def zeros(self) -> NDArray[np.float64]:
        """The fraction of responses that are exactly zero, (K,)."""
        return self.zero_count / self.count

    @property
    def dead(self) -> NDArray[np.bool_]:
        """True for channels whose response is the same everywhere in all images, (K,)."""
        return self.maximum == self.minimum

    def table(self) -> Table:
        """Return a row for each channel: its numbers, and the image of its largest response."""
        rows = []
        for k in range(len(self.maximum)):
            numbers = (self.maximum[k], self.mean[k], self.std[k])
            best = int(self.top_images[k, 0]) if self.top_images.shape[1] else -1
            name = Path(self.images[best]).name if 0 <= best < len(self.images) else ""
            zeros = f"{100 * self.zeros[k]:.0f}"
            rows.append((k, *(f"{number:.4g}" for number in numbers), zeros, name))
        note = f"{self.name}: {self.count} responses of each channel"
        return Table(("channel", "maximum", "mean", "std", "zeros %", "strongest in"), rows, note)

    def _repr_html_(self) -> str:
        """Return the table of the first channels as HTML, for notebooks."""
        return self.table().first(_SHOWN)._repr_html_()


def image_statistics(
    response: Tensor, image: int, grid: CodeGrid | None = None
) -> ChannelStatistics:
    """Return the statistics of the responses to one image.

    Args:
        response: a map (K, H', W'), tokens (T, K), or a vector (K,).
        image: the index of the image.
        grid: the grid of the response; tokens before it are left out. If None, tokens get the
            largest square grid.

    Raises:
        ValueError: if the response has another shape, or is not finite.

    >>> response = torch.tensor([[[0.0, 1.0], [5.0, 2.0]]])
    >>> image_statistics(response, image=7).top_positions.tolist()
    [[[1, 0]]]
    """
    if grid is None:
        grid = CodeGrid.from_shape(tuple(response.shape))
    tokens = response.ndim == 2
    by_channel = grid.on_grid(response[None])[0].T.unflatten(1, grid.grid) if tokens else response
    values = by_channel.reshape(len(by_channel), -1).double()
    maximum, at = (array.cpu().numpy() for array in values.max(1))
    mean = values.mean(1)
    if not torch.isfinite(mean).all():
        raise ValueError("the responses hold NaN or infinite values")
    places = by_channel.shape[1:]
    positions = np.stack(np.unravel_index(at, places), 1) if places else np.empty((len(at), 0))
    return ChannelStatistics(
        count=values.shape[1],
        maximum=maximum,
        minimum=values.amin(1).cpu().numpy(),
        mean=mean.cpu().numpy(),
        squares=(values - mean[:, None]).square().sum(1).cpu().numpy(),
        zero_count=(values == 0).sum(1).cpu().numpy(),
        top_values=maximum[:, None],
        top_images=np.full((len(at), 1), image),
        top_positions=positions[:, None].astype(np.int64),
    )


def join(one: ChannelStatistics, other: ChannelStatistics, top: int) -> ChannelStatistics:
    """Return the statistics of two sets of images together; the sets must not overlap.

    Args:
        one: statistics of the first set, whose images come first if responses are equal.
        other: statistics of the second set.
        top: number of largest responses to keep.

    >>> one, other = (image_statistics(torch.tensor([value]), image=0) for value in (1.0, 3.0))
    >>> join(one, other, top=9).squares.tolist()
    [2.0]
    """
    count = one.count + other.count
    apart = other.mean - one.mean
    values = np.concatenate([one.top_values, other.top_values], 1)
    order = np.argsort(-values, 1, kind="stable")[:, :top]
    images = np.concatenate([one.top_images, other.top_images], 1)
    positions = np.concatenate([one.top_positions, other.top_positions], 1)
    return ChannelStatistics(
        count=count,
        maximum=np.maximum(one.maximum, other.maximum),
        minimum=np.minimum(one.minimum, other.minimum),
        mean=one.mean + apart * (other.count / count),
        squares=one.squares + other.squares + apart**2 * (one.count * other.count / count),
        zero_count=one.zero_count + other.zero_count,
        top_values=np.take_along_axis(values, order, 1),
        top_images=np.take_along_axis(images, order, 1),
        top_positions=np.take_along_axis(positions, order[:, :, None], 1),
    )
