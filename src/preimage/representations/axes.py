"""The axes of a layer's output, batch and channels found: every code in one layout.

Networks disagree: maps are (N, K, H', W') or, as in Swin, (N, H', W', K); tokens are (N, T, K) or,
in `nn.TransformerEncoder`, (T, N, K); windowed attention puts the windows of all images into the
batch; heads of attention have an axis of their own. A code is always a map (K, H', W'), tokens
(T, K) or a vector (K,), batch first. The axes are found from shapes: mostly those of the layer's
own output, sometimes also those for two images or for images of another size.

>>> import torch
>>> Axes(ndim=4, channels=(3,)).canonical(torch.zeros(2, 14, 14, 96), images=2).shape
torch.Size([2, 96, 14, 14])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

from torch import Tensor, nn

from preimage.representations.tokens import fits, followed_sides

Shape = tuple[int, ...]
Size = tuple[int, int]

_FIRST = (
    nn.Conv1d, nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm,
    nn.InstanceNorm2d, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d,
)  # fmt: skip
_LAST = (nn.Linear, nn.MultiheadAttention)


class AxisError(ValueError):
    """The error for an output whose axes cannot be told apart; the message says what to do."""


@final
@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of a layer's own output.

    Attributes:
        ndim: the number of axes for more than one image.
        batch: the axis of the images.
        channels: the axis of the channels, or several that are joined, such as heads and the
            features of each. None if there is none: the output stays as it is.
        interleaved: whether the batch holds the first part (such as a window) of each image, then
            the second part of each, and so on, instead of all parts of one image together.
    """

    ndim: int
    batch: int = 0
    channels: tuple[int, ...] | None = (1,)
    interleaved: bool = False

    def canonical(self, output: Tensor, images: int) -> Tensor:
        """Return the codes (N, ...) of `images` images; the output itself if it has their layout.

        Raises:
            AxisError: if the output does not have `images` images.
        """
        if output.ndim == self.ndim - 1 and images == 1:
            output = output.unsqueeze(self.batch)  # the network squeezes a batch of one
        parts, left = divmod(output.shape[self.batch], images)
        if left or not parts:
            raise AxisError(
                f"{images} images have an output of shape {tuple(output.shape)}: axis "
                f"{self.batch} is not the batch; choose a layer that computes each image by itself"
            )
        if parts == 1 and self.batch == 0 and self.channels == (1,) and self.ndim in (2, 4):
            return output
        if self.channels is None:
            codes = output.movedim(self.batch, 0)
            return codes.unsqueeze(1) if codes.ndim in (1, 3) else codes
        positions = self._positions()
        codes = output.permute(self.batch, *positions, *self.channels)
        codes = codes.flatten(1 + len(positions))
        if parts > 1:
            order = (parts, images) if self.interleaved else (images, parts)
            codes = codes.unflatten(0, order)
            codes = codes.transpose(0, 1) if self.interleaved else codes
        if codes.ndim == 4 and parts == 1:
            return codes.movedim(3, 1)
        return codes.flatten(1, -2) if codes.ndim > 3 else codes

    def windows(self, output: Shape, images: int) -> Size | None:
        """Return the number of windows of an image and the tokens in each; None without any."""
        if len(output) != self.ndim or output[self.batch] == images:
            return None
        tokens = 1
        for axis in self._positions():
            tokens *= output[axis]
        return output[self.batch] // images, tokens

    def _positions(self) -> list[int]:
        """Return the axes that are neither the batch nor channels."""
        taken = {self.batch, *(self.channels or ())}
        return [axis for axis in range(self.ndim) if axis not in taken]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The facts about a layer's output from which its axes are found.

    Attributes:
        layer: the layer's name, for messages.
        module: the module whose output it is; None for an input or an operation.
        output: the layer's own output for some images.
        images: the number of those images.
        size: their height and width.
        token_counts: returns the numbers of tokens that the network is known to have.
        is_last: whether an attribute of the network says that channels are last in its maps; None
            if there is no such attribute.
        run: returns the layer's output, given the number and the size of images. The first image
            is black, the second one differs from it in a corner. `run` is called only if module
            and shape of the output do not settle the axes.
    """

    layer: str
    module: nn.Module | None
    output: Tensor
    images: int
    size: Size
    token_counts: Callable[[], tuple[int, ...]]
    is_last: bool | None
    run: Callable[[int, Size], Tensor]


def find_axes(evidence: Evidence, channel_axis: int | None = None) -> Axes:
    """Return the axes of a layer's output.

    `channel_axis` is the axis of channels in that output if the user gives it.

    Raises:
        AxisError: if the axes cannot be found.
    """
    batch, single, interleaved = _batch_axis(evidence)
    ndim = len(single)
    others = [axis for axis in range(ndim) if axis != batch]
    lengths = tuple(single[axis] for axis in others)
    if channel_axis is not None:
        return Axes(ndim, batch, (_given(evidence.layer, channel_axis, ndim, batch),), interleaved)
    if len(others) > 3:
        places: tuple[int, ...] | None = None
    elif single[batch] > 1:
        places = (_of_windows(evidence, lengths, others),)
    elif len(others) == 3:
        places = _of_map(evidence, lengths, others)
    elif len(others) == 2:
        places = _of_tokens(evidence, lengths, others)
    else:
        places = (0,) if others else None
    channels = None if places is None else tuple(others[place] for place in places)
    return Axes(ndim, batch, channels, interleaved)


def _batch_axis(evidence: Evidence) -> tuple[int, Shape, bool]:
    """Return the batch axis, the (unsqueezed) shape for one image, and `Axes.interleaved`."""
    shape, images = tuple(evidence.output.shape), evidence.images
    if shape[:1] == (images,) and isinstance(evidence.module, _FIRST):
        return 0, (1, *shape[1:]), False
    try:
        single = shape if images == 1 else tuple(evidence.run(1, evidence.size).shape)
        double = tuple(evidence.run(2, evidence.size).shape)
    except ValueError:  # the network takes only this number of images
        if shape[:1] != (images,) and shape.count(images) != 1:
            raise
        axis = shape.index(images)
        return axis, (*shape[:axis], 1, *shape[axis + 1 :]), False
    if double == (2, *single):
        return 0, (1, *single), False
    if images == 1 and single[:1] == (1,) and double == single:  # `canonical` refuses two images
        return 0, single, False
    if len(single) == len(double):
        pairs = enumerate(zip(single, double, strict=True))
        twice = [axis for axis, (one, two) in pairs if two == 2 * one > 0]
        if len(twice) == 1:
            (axis,) = twice
            return axis, single, single[axis] > 1 and _is_interleaved(evidence, axis)
    raise AxisError(
        f"layer {evidence.layer!r} returns the shape {single} for one image and {double} for two: "
        "no axis of it is the batch; choose a layer that computes each image by itself"
    )


def _is_interleaved(evidence: Evidence, axis: int) -> bool:
    """Tell whether the parts of the first of two images are every second part of the batch."""
    one = evidence.run(1, evidence.size).detach().movedim(axis, 0)
    two = evidence.run(2, evidence.size).detach().movedim(axis, 0)
    front, every_second = (two[: len(one)] - one).norm(), (two[::2] - one).norm()
    return bool(every_second < front)


def _given(layer: str, axis: int, ndim: int, batch: int) -> int:
    """Return the channel axis that a user gives, counted from the front."""
    if not -ndim <= axis < ndim or axis % ndim == batch:
        raise AxisError(
            f"channel_axis={axis} of layer {layer!r} is not a channel axis of its output, which "
            f"has {ndim} axes and the batch at axis {batch}"
        )
    return axis % ndim


def _of_windows(evidence: Evidence, lengths: Shape, others: list[int]) -> int:
    """Return the index of the channels among the axes of a window."""
    constant = _constant(evidence, lengths, others) if len(lengths) == 3 else ()
    if len(constant) == 1:
        return constant[0]
    is_square = len(lengths) == 3 and lengths[1] == lengths[2] != lengths[0]
    return 0 if is_square else len(lengths) - 1


def _of_map(evidence: Evidence, lengths: Shape, others: list[int]) -> tuple[int, ...]:
    """Return the indices of the channels among three axes: two for heads and their features."""
    one, two, three = lengths
    first, last = fits((two, three), evidence.size), fits((one, two), evidence.size)
    if isinstance(evidence.module, _FIRST + _LAST):
        return (0,) if isinstance(evidence.module, _FIRST) else (2,)
    if first and not last and one > 1:
        return (0,)
    constant = _constant(evidence, lengths, others)
    if len(constant) == 1:
        return constant
    if first != last and len(constant) == 3:  # a network of one size
        is_strip = last and three == 1 and _spread(evidence, others) == 0
        return (0,) if first or is_strip else (2,)
    strip = _of_strip(evidence, lengths, others, constant)
    heads = None if first or strip else _of_heads(evidence, lengths, constant)
    return strip or heads or (_of_unclear_map(evidence, lengths, others),)


def _of_strip(
    evidence: Evidence, lengths: Shape, others: list[int], constant: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Return the index of the channels if only rows, or only columns, follow the image's size.

    Such maps are (K, H', 1), (K, 1, W') or (1, W', K). Tokens instead follow both sides of it.
    """
    if constant not in ((0, 1), (0, 2)):
        return None
    place = 1 if constant == (0, 2) else 2
    axis = others[place]

    def length_at(size: Size) -> int | None:
        shape = tuple(evidence.run(1, size).shape)
        return shape[axis] if len(shape) > max(others) else None

    height, width = followed_sides(lengths[place], evidence.size, length_at)
    if (height, width) == (True, False) or ((height, width) == (False, True) and place == 2):
        return (0,)
    return (2,) if (height, width) == (False, True) and lengths[0] == 1 else None


def _of_unclear_map(evidence: Evidence, lengths: Shape, others: list[int]) -> int:
    """Return the index of the channels if neither proportions nor another image size show it."""
    if evidence.is_last is not None:
        return 2 if evidence.is_last else 0
    if (lengths[0] == lengths[1]) != (lengths[1] == lengths[2]):
        return 2 if lengths[0] == lengths[1] else 0
    place = _spread(evidence, others)
    if place is None:
        raise AxisError(
            f"the output of layer {evidence.layer!r} has the axes {lengths} after the batch: which "
            "of them holds the channels is unclear: give it, as in Layer(..., channel_axis=1)"
        )
    return place


def _of_heads(
    evidence: Evidence, lengths: Shape, constant: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Return the indices of channels beside one axis of tokens; None if there is no such axis.

    Heads and their features are (heads, T, d) or (T, heads, d). If only the first axis of
    (windows, T, d) changes with the size of the image, only the last axis holds channels.
    """
    counts = evidence.token_counts()
    known = [place for place in (0, 1) if lengths[place] in counts]
    if len(known) == 1 and (len(constant) != 2 or known[0] not in constant):
        return (1 - known[0], 2)
    if constant == (0, 2):
        return constant
    return (2,) if constant == (1, 2) else None


def _spread(evidence: Evidence, others: list[int]) -> int | None:
    """Return the index of the axis along which a change in one corner of the image spreads evenly.

    Return None if the change spreads about as evenly along another axis.
    """
    try:
        output = evidence.run(2, evidence.size).detach()
    except ValueError:  # the network takes one image at a time
        return None
    change = (output[1] - output[0]).square()
    uneven = []
    for axis in others:
        along = change.movedim(axis - 1, 0).flatten(1).sum(1)
        uneven.append(abs(float(along[: len(along) // 2].sum() / along.sum()) - 0.5))
    least, next_least, _ = sorted(uneven)
    return uneven.index(least) if next_least > 2 * least + 0.05 else None


def _of_tokens(evidence: Evidence, lengths: Shape, others: list[int]) -> tuple[int, ...] | None:
    """Return the index of the channels among two axes; None for a map without channels."""
    counts = evidence.token_counts()
    known = [length in counts for length in lengths]
    if known[0] != known[1]:
        return (1,) if known[0] else (0,)
    if isinstance(evidence.module, _FIRST):
        return (0,)
    if known[0] or isinstance(evidence.module, _LAST):
        return (1,)
    constant = _constant(evidence, lengths, others)
    if not constant and fits((lengths[0], lengths[1]), evidence.size):
        return None
    return constant if len(constant) == 1 else (1,)


def _constant(evidence: Evidence, lengths: Shape, others: list[int]) -> tuple[int, ...]:
    """Return the axes whose length stays when the image's size changes; all if it is fixed."""
    height, width = evidence.size
    for other in ((height // 2, width // 2), (2 * height, 2 * width)):
        try:
            shape = tuple(evidence.run(1, other).shape)
        except ValueError:  # the network does not take images of this size
            continue
        if len(shape) > max(others):
            return tuple(n for n, axis in enumerate(others) if shape[axis] == lengths[n])
    return tuple(range(len(lengths)))


def says_channels_last(network: nn.Module, layer: str) -> bool | None:
    """Return whether a network, or a part around a layer, declares NHWC, as in timm; else None."""
    module: Any = network
    found = getattr(network, "output_fmt", None)
    for part in layer.split("."):
        module = dict(module._modules.items()).get(part) if module is not None else None
        found = getattr(module, "output_fmt", found)
    words = str(getattr(found, "value", found))
    return {"NHWC": True, "NCHW": False}.get(words)
