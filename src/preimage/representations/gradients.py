"""Oriented gradients pooled into cells, which HOG and dense SIFT share (section 4.1).

Both descriptors measure the gradient of a gray image at every pixel, share its
magnitude between the two nearest of K orientation bins, and pool the bins over
overlapping cells. `Binning` says how the gradient is taken and binned, `CellPooling`
where the cells lie.

With g = (gx, gy), m = |g| and the angle counted in bins, t = K angle / (2 pi), a pixel
adds m (1 - w) to bin floor(t) and m w to the next. Here w follows the fractional part f
of t along a ramp, w = clamp((f - 1/2) / softness + 1/2, 0, 1): softness 1 is bilinear
binning (HOGb, DSIFT), 0 is hard binning (HOG), and values between are a smooth
surrogate whose limit is the hard one. Pooling is linear and separable: one matrix for
each axis.

`cell_histograms` never makes the K x H x W array of binned gradients, since a pixel touches
two bins and few cells. `cell_histograms_plain` computes the same and is written for reading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from preimage.representations.pooling_axis import AxisWeights, PoolingAxis

VL_EPSILON = 1.19209290e-7
"""VLFeat's `VL_EPSILON_F`, which its cubic angle and the norms of DSIFT contain."""

_CUBIC = (0.9675, 0.1821)
_TINY = 1e-15


@dataclass(frozen=True, slots=True)
class Binning:
    """The way the gradient of an image is taken and shared among orientation bins.

    Attributes:
        orientations: K, the number of directed bins around the circle; even.
        softness: width of the ramp between two bins: 1 bilinear, 0 hard.
        angle: "exact" (atan2) or "cubic" (VLFeat's `vl_fast_atan2_f`).
        border: gradient of the outermost pixels: "zero" (interior pixels only,
            differences not halved: HOG) or "one-sided" (central differences halved,
            one-sided ones not: DSIFT).
    """

    orientations: int
    softness: float
    angle: Literal["exact", "cubic"]
    border: Literal["zero", "one-sided"]


@dataclass(frozen=True, slots=True, eq=False)
class CellPooling:
    """Separable pooling of an H x W image into H' x W' cells.

    Attributes:
        rows: the weights of image rows in cell rows.
        columns: the weights of image columns in cell columns.
        starts: for each row, the index at which it starts in a flattened array (H, W', K + 2),
            (H, 1).
        offsets: for each column and each of the R cells that it touches, the index at which the
            bins of that cell start in the row, (R, 1, W).
        weights: the pooling weight that belongs to each offset, (R, 1, W).
    """

    rows: PoolingAxis
    columns: PoolingAxis
    starts: Tensor
    offsets: Tensor
    weights: Tensor

    @classmethod
    def build(
        cls,
        rows: AxisWeights | np.ndarray,
        columns: AxisWeights | np.ndarray,
        bins: int,
        like: Tensor,
    ) -> CellPooling:
        """Return the pooling for weights, or matrices (cells, pixels), in the dtype of `like`."""
        axes = [
            AxisWeights.from_dense(axis) if isinstance(axis, np.ndarray) else axis
            for axis in (rows, columns)
        ]
        height, across = axes[0].cells.shape[1], axes[1]
        starts = np.arange(height)[:, None] * (across.count * (bins + 2))
        offsets = across.cells[:, None, :] * (bins + 2)

        def tensor(array: np.ndarray, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.as_tensor(array).to(like.device, dtype)

        down, right = (PoolingAxis(axis, like) for axis in axes)
        weights = tensor(across.values[:, None, :], like.dtype)
        return cls(down, right, tensor(starts), tensor(offsets), weights)


def image_gradient(x: Tensor, border: str) -> tuple[Tensor, Tensor]:
    """Return horizontal and vertical differences of images (N, H, W), each (N, H, W).

    >>> gx, gy = image_gradient(torch.arange(12.0).reshape(1, 3, 4), "one-sided")
    >>> gx[0, 1].tolist(), gy[0, :, 0].tolist()
    ([1.0, 1.0, 1.0, 1.0], [4.0, 4.0, 4.0])
    """
    if border == "zero":
        pad = torch.nn.functional.pad
        gx = pad(x[:, 1:-1, 2:] - x[:, 1:-1, :-2], (1, 1, 1, 1))
        return gx, pad(x[:, 2:, 1:-1] - x[:, :-2, 1:-1], (1, 1, 1, 1))
    return _one_sided(x, 2), _one_sided(x, 1)


def _one_sided(x: Tensor, dim: int) -> Tensor:
    length = x.shape[dim]
    first = x.narrow(dim, 1, 1) - x.narrow(dim, 0, 1)
    inner = (x.narrow(dim, 2, length - 2) - x.narrow(dim, 0, length - 2)) * 0.5
    last = x.narrow(dim, length - 1, 1) - x.narrow(dim, length - 2, 1)
    return torch.cat([first, inner, last], dim)


def _image_gradient_adjoint(gx: Tensor, gy: Tensor, border: str) -> Tensor:
    """Apply the transpose of `image_gradient`; overwrite the arguments."""
    x = torch.zeros_like(gx)
    if border == "zero":
        dx, dy = gx[:, 1:-1, 1:-1], gy[:, 1:-1, 1:-1]
        x[:, 1:-1, 2:] += dx
        x[:, 1:-1, :-2] -= dx
        x[:, 2:, 1:-1] += dy
        x[:, :-2, 1:-1] -= dy
        return x
    for g, dim in ((gx, 2), (gy, 1)):
        length = g.shape[dim]
        inner = g.narrow(dim, 1, length - 2).mul_(0.5)
        x.narrow(dim, 2, length - 2).add_(inner)
        x.narrow(dim, 0, length - 2).sub_(inner)
        for source, ahead in ((0, 1), (length - 1, length - 1)):
            edge = g.narrow(dim, source, 1)
            x.narrow(dim, ahead, 1).add_(edge)
            x.narrow(dim, ahead - 1, 1).sub_(edge)
    return x


def _cubic_angle(gx: Tensor, gy: Tensor) -> Tensor:
    """Return VLFeat's approximation of atan2, within 0.01 rad of it (`vl_fast_atan2_f`)."""
    ax, ay = gx.abs(), gy.abs() + VL_EPSILON
    r = (ax - ay) / (ax + ay)
    from_axis = (r * r * _CUBIC[1] - _CUBIC[0]) * r - math.pi / 4
    one = gx.new_ones(())
    return (math.pi / 2 + from_axis * one.copysign(gx)) * one.copysign(gy)


def _bins(gx: Tensor, gy: Tensor, binning: Binning) -> tuple[Tensor, Tensor]:
    """Return the lower bin, a whole number in [-K/2, K/2], and the fraction f above it."""
    angle = torch.atan2(gy, gx) if binning.angle == "exact" else _cubic_angle(gx, gy)
    half = binning.orientations / 2
    t = (angle * (half / math.pi)).clamp_(min=-half)  # the cubic overshoots -pi by 2e-6
    t = t.nan_to_num_(nan=0.0)  # NaN has no bin; the magnitude stays NaN
    lower = t.floor()
    return lower, t - lower


def _ramp(fraction: Tensor, binning: Binning) -> Tensor:
    """Return the share w of the upper bin; hard binning gives ties to the lower, as VLFeat."""
    if binning.softness == 0:
        tie = binning.orientations * torch.finfo(fraction.dtype).eps
        return (fraction > 0.5 + tie).to(fraction.dtype)
    if binning.softness == 1:
        return fraction
    return ((fraction - 0.5) / binning.softness + 0.5).clamp(0, 1)


def cell_histograms_plain(x: Tensor, binning: Binning, pooling: CellPooling) -> Tensor:
    """Return the cells of `cell_histograms` by slower code, written for reading."""
    gx, gy = image_gradient(x, binning.border)
    still = (gx == 0) & (gy == 0)
    magnitude = (gx**2 + gy**2).masked_fill(still, 1).sqrt().masked_fill(still, 0)
    lower, fraction = _bins(gx.masked_fill(still, 1), gy, binning)
    upper_share = _ramp(fraction, binning)
    bins = binning.orientations
    k = torch.arange(bins, device=x.device).view(-1, 1, 1)
    lower = (lower % bins).unsqueeze(1)
    below = (magnitude * (1 - upper_share)).unsqueeze(1)
    above = (magnitude * upper_share).unsqueeze(1)
    binned = torch.where(lower == k, below, 0) + torch.where((lower + 1) % bins == k, above, 0)
    return pooling.columns.pool_last(pooling.rows.pool(binned))


def cell_histograms(x: Tensor, binning: Binning, pooling: CellPooling) -> Tensor:
    """Return the histograms of oriented gradients of images (N, H, W): cells (N, K, H', W').

    On a CPU each pixel is scattered into the cells it touches, with a hand-written gradient
    (no second derivative). On other devices `cell_histograms_plain` computes them, because
    scattering on a GPU adds in an order that changes from run to run.
    """
    if x.device.type != "cpu":
        return cell_histograms_plain(x, binning, pooling)
    cells: Tensor = _CellHistograms.apply(x, binning, pooling)
    return cells


class _CellHistograms(torch.autograd.Function):
    """Cells by scattering, with bins -K/2 .. K/2 + 1 that wrap around only after pooling."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, binning: Binning, pooling: CellPooling) -> Tensor:
        gx, gy = image_gradient(x, binning.border)
        magnitude = torch.addcmul(gx * gx, gy, gy).sqrt_()
        lower, fraction = _bins(gx, gy, binning)
        share = _ramp(fraction, binning)
        half = binning.orientations // 2
        if binning.softness == 0:
            slot, parts = (lower + share).add_(half).long(), [magnitude]
        else:
            upper = magnitude * share
            slot, parts = lower.add_(half).long(), [magnitude - upper, upper]
        width = len(pooling.columns) * (binning.orientations + 2)
        slot += pooling.starts
        padded = x.new_zeros(x.shape[0], x.shape[1] * width)
        indices = [(slot + offsets).flatten(1) for offsets in pooling.offsets]
        for index, weights in zip(indices, pooling.weights, strict=True):
            for shift, part in enumerate(parts):
                padded[:, shift:].scatter_add_(1, index, (part * weights).flatten(1))
        pooled = pooling.rows.pool(padded.view(x.shape[0], x.shape[1], width))
        ctx.binning, ctx.pooling = binning, pooling
        ctx.save_for_backward(gx, gy, magnitude, share, *indices)
        return _fold(pooled, half)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        gx, gy, magnitude, share, *indices = ctx.saved_tensors
        binning, pooling = ctx.binning, ctx.pooling
        rows = pooling.rows.spread(_unfold(grad, binning.orientations // 2))
        padded = rows.view(gx.shape[0], -1)
        shifts = 1 if binning.softness == 0 else 2
        received = [torch.zeros_like(gx) for _ in range(shifts)]
        for index, weights in zip(indices, pooling.weights, strict=True):
            for shift, total in enumerate(received):
                for n in range(gx.shape[0]):
                    values = padded[n, shift:].index_select(0, index[n])
                    total[n].addcmul_(values.view_as(total[n]), weights)
        inverse = magnitude.clamp(min=_TINY).reciprocal_()
        if binning.softness == 0:
            radial = received[0].mul_(inverse)
            return _image_gradient_adjoint(gx * radial, gy * radial, binning.border), None, None
        lower, upper = received
        slope = upper.sub_(lower)
        radial = torch.addcmul(lower, share, slope).mul_(inverse)
        tangential = slope.mul_(_angular_rate(gx, gy, magnitude, share, binning))
        dx = torch.addcmul(gx * radial, gy, tangential, value=-1)
        dy = torch.addcmul(gy * radial, gx, tangential)
        return _image_gradient_adjoint(dx, dy, binning.border), None, None


def _angular_rate(
    gx: Tensor, gy: Tensor, magnitude: Tensor, share: Tensor, binning: Binning
) -> Tensor:
    """Return r in m dw = r (gx dgy - gy dgx), where w is the share of the upper bin."""
    scale = binning.orientations / (2 * math.pi * binning.softness)
    if binning.angle == "exact":
        rate = scale / magnitude.clamp(min=_TINY)
    else:
        ax, ay = gx.abs(), gy.abs()
        reach = (ax + ay).clamp_(min=_TINY).reciprocal_()
        r = (ax - ay).mul_(reach)
        slope = (_CUBIC[0] - 3 * _CUBIC[1] * r * r).mul_(reach).mul_(reach)
        rate = slope.mul_(2 * scale * magnitude)
    if binning.softness == 1:
        return rate
    return rate.masked_fill_((share == 0) | (share == 1), 0)


def _fold(pooled: Tensor, half: int) -> Tensor:
    """Turn (N, H', W' (K + 2)) with bins -K/2 .. K/2 + 1 into (N, K, H', W')."""
    bins = pooled.unflatten(2, (-1, 2 * half + 2))
    bins[..., :2] += bins[..., 2 * half :]
    return torch.cat([bins[..., half : 2 * half], bins[..., :half]], -1).permute(0, 3, 1, 2)


def _unfold(cells: Tensor, half: int) -> Tensor:
    """Apply the transpose of `_fold`."""
    bins = cells.permute(0, 2, 3, 1)
    wrapped = torch.cat([bins[..., half:], bins, bins[..., half : half + 2]], -1)
    return wrapped[..., : 2 * half + 2].flatten(2)
