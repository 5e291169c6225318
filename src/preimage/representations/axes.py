"""The axes of a layer's output, batch and channels found: every code in one layout.

Networks disagree: maps are (N, K, H', W') or, as in Swin, (N, H', W', K); tokens are (N, T, K) or,
in `nn.TransformerEncoder`, (T, N, K); windowed attention puts the windows of all images into the
batch; heads of attention have an axis of their own. A code is always a map (K, H', W'), tokens
(T, K) or a vector (K,), batch first. The axes are found from shapes: mostly those of the layer's
own output, sometimes also those for two images or for images of another size. If these leave a
doubt, values that follow a change in the image across an axis tell that it holds positions.

>>> import torch
>>> Axes(ndim=4, channels=(3,)).canonical(torch.zeros(2, 14, 14, 96), images=2).shape
torch.Size([2, 96, 14, 14])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, final

from torch import Tensor, nn

from preimage.representations.declared_axes import is_first_by_kind, is_last_by_kind
from preimage.representations.position_axes import position_axes
from preimage.representations.tokens import fits, followed_sides

Shape = tuple[int, ...]
Size = tuple[int, int]

_MOST_BEFORE = 32
"""The most tokens that a network is taken to put before a grid of patches."""


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
        is_guess: whether nothing told the channels, so that the usual layout was assumed.
    """

    ndim: int
    batch: int = 0
    channels: tuple[int, ...] | None = (1,)
    interleaved: bool = False
    is_guess: bool = False

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
        widths: the numbers of channels that its layer normalizations name.
        is_last: whether an attribute of the network says that channels are last in its maps; None
            if there is no such attribute.
        run: returns the layer's output, given the number and the size of images. The first image
            is black, the second of two differs from it in a corner; three are those of
            `position_axes.quarters`. `run` is called only if module and shape of the output do
            not settle the axes.
    """

    layer: str
    module: nn.Module | None
    output: Tensor
    images: int
    size: Size
    token_counts: Callable[[], tuple[int, ...]]
    widths: frozenset[int]
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
    found = _places(evidence, _Outside(batch, tuple(others), lengths), single[batch] > 1)
    channels = None if found.places is None else tuple(others[place] for place in found.places)
    return Axes(ndim, batch, channels, interleaved, found.is_guess)


class _Outside(NamedTuple):
    """The axes of an output beside that of the batch, and their lengths."""

    batch: int
    axes: tuple[int, ...]
    lengths: Shape


class _Found(NamedTuple):
    """The places of the channels among the axes beside the batch; None if there are no channels."""

    places: tuple[int, ...] | None
    is_guess: bool = False


def _places(evidence: Evidence, outside: _Outside, is_windowed: bool) -> _Found:
    """Return which of the axes beside the batch hold the channels."""
    count = len(outside.axes)
    if count > 3 or count == 0:
        return _Found(None)
    if is_windowed:
        return _Found((_of_windows(evidence, outside),))
    if count == 3:
        return _Found(_of_map(evidence, outside))
    return _of_tokens(evidence, outside) if count == 2 else _Found((0,))


def _batch_axis(evidence: Evidence) -> tuple[int, Shape, bool]:
    """Return the batch axis, the (unsqueezed) shape for one image, and `Axes.interleaved`."""
    shape, images = tuple(evidence.output.shape), evidence.images
    if shape[:1] == (images,) and is_first_by_kind(evidence.module):
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


def _of_windows(evidence: Evidence, outside: _Outside) -> int:
    """Return the index of the channels among the axes of a window."""
    lengths = outside.lengths
    constant = _constant(evidence, outside) if len(lengths) == 3 else ()
    if len(constant) == 1:
        return constant[0]
    is_square = len(lengths) == 3 and lengths[1] == lengths[2] != lengths[0]
    return 0 if is_square else len(lengths) - 1


def _of_map(evidence: Evidence, outside: _Outside) -> tuple[int, ...]:
    """Return the indices of the channels among three axes: two for heads and their features."""
    one, two, three = lengths = outside.lengths
    first, last = fits((two, three), evidence.size), fits((one, two), evidence.size)
    is_first, is_linear = first and not last and one > 1, isinstance(evidence.module, nn.Linear)
    may_be_tokens = {two, three} & set(_token_lengths(evidence, lengths))
    if is_first_by_kind(evidence.module) or (is_first and not is_linear and not may_be_tokens):
        return (0,)
    if is_last_by_kind(evidence.module) or (is_linear and not is_first):
        return (2,)
    constant = _constant(evidence, outside)
    if len(constant) == 1:
        return constant
    followed = _followed(evidence, outside) or ()
    still = tuple(n for n in range(3) if n not in followed and lengths[n] > 1)
    if followed and 0 < len(still) < 3:
        return still
    if first != last and len(constant) == 3:  # a network of one size
        return (0,) if first else (2,)
    strip = _of_strip(evidence, outside, constant)
    heads = None if first or strip else _of_heads(evidence, lengths, constant)
    return strip or heads or (_of_unclear_map(evidence, lengths),)


def _of_strip(
    evidence: Evidence, outside: _Outside, constant: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Return the index of the channels if only rows, or only columns, follow the image's size.

    Such maps are (K, H', 1), (K, 1, W') or (1, W', K). Tokens instead follow both sides of it.
    """
    if constant not in ((0, 1), (0, 2)):
        return None
    place = 1 if constant == (0, 2) else 2
    axis = outside.axes[place]

    def length_at(size: Size) -> int | None:
        shape = tuple(evidence.run(1, size).shape)
        return shape[axis] if len(shape) > max(outside.axes) else None

    height, width = followed_sides(outside.lengths[place], evidence.size, length_at)
    if (height, width) == (True, False) or ((height, width) == (False, True) and place == 2):
        return (0,)
    return (2,) if (height, width) == (False, True) and outside.lengths[0] == 1 else None


def _of_unclear_map(evidence: Evidence, lengths: Shape) -> int:
    """Return the index of the channels if neither proportions nor other images show it."""
    if evidence.is_last is not None:
        return 2 if evidence.is_last else 0
    if (lengths[0] == lengths[1]) != (lengths[1] == lengths[2]):
        return 2 if lengths[0] == lengths[1] else 0
    raise AxisError(
        f"the output of layer {evidence.layer!r} has the axes {lengths} after the batch: which "
        "of them holds the channels is unclear: give it, as in Layer(..., channel_axis=1)"
    )


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


def _of_tokens(evidence: Evidence, outside: _Outside) -> _Found:
    """Return the index of the channels among two axes; none for a map without channels.

    A length alone can deceive: a transformer can have as many channels as patches. It counts at
    once only if the width of a layer or of a normalization agrees with it.
    """
    lengths, is_linear = outside.lengths, isinstance(evidence.module, nn.Linear)
    if is_first_by_kind(evidence.module) or is_last_by_kind(evidence.module):
        return _Found((0,) if is_first_by_kind(evidence.module) else (1,))
    tokens = [length in _token_lengths(evidence, lengths) for length in lengths]
    named = [length in evidence.widths for length in lengths]
    by_count = None if tokens[0] == tokens[1] else tokens.index(False)
    by_width = None if named[0] == named[1] else named.index(True)
    if by_count is not None and (by_count == by_width or (is_linear and by_count == 1)):
        return _Found((by_count,))
    constant = _constant(evidence, outside)
    if len(constant) == 1:
        return _Found(constant)
    followed = _followed(evidence, outside)
    if followed is not None and len(followed) == 1:
        return _Found((1 - followed[0],))
    if (not constant or followed) and fits((lengths[0], lengths[1]), evidence.size):
        return _Found(None)
    place = by_count if by_width is None else by_width
    return _Found((1 if place is None else place,), place is None and not is_linear)


def _token_lengths(evidence: Evidence, lengths: Shape) -> list[int]:
    """Return those lengths that can be numbers of tokens: a grid of patches and some before it."""
    counts = evidence.token_counts()
    return [n for n in lengths if any(0 <= n - count <= _MOST_BEFORE for count in counts)]


def _followed(evidence: Evidence, outside: _Outside) -> tuple[int, ...] | None:
    """Return the indices of axes that follow a change in the image; None if that is unclear."""
    try:
        outputs = evidence.run(3, evidence.size).movedim(outside.batch, 0)
    except ValueError:  # the network takes one image at a time
        return None
    if len(outputs) != 3 or tuple(outputs.shape[1:]) != outside.lengths:
        return None
    found = position_axes(outputs)
    return None if found is None else tuple(axis - 1 for axis in found)


def _constant(evidence: Evidence, outside: _Outside) -> tuple[int, ...]:
    """Return the axes whose length stays when the image's size changes; all if it is fixed."""
    (height, width), (_, axes, lengths) = evidence.size, outside
    for other in ((height // 2, width // 2), (2 * height, 2 * width)):
        try:
            shape = tuple(evidence.run(1, other).shape)
        except ValueError:  # the network does not take images of this size
            continue
        if len(shape) > max(axes):
            return tuple(n for n, axis in enumerate(axes) if shape[axis] == lengths[n])
    return tuple(range(len(lengths)))
