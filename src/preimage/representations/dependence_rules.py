"""The rules by which operations pass on what their inputs depend on.

`dependence` keeps two ends for each value: the first row (negated) and the last row of the image
that the value depends on, so that the end of several values together is the maximum of their
ends. An operation that moves values moves their ends. Every other operation takes maxima: over
its inputs, over the window of a convolution, or over the axes that it mixes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._pytree import tree_leaves

NOTHING = float("-inf")
"""The end of a value that depends on no row."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation, as a rule sees it.

    Attributes:
        operation: the operation.
        values: its arguments by name.
        ends: the ends of those arguments that are tensors, by name; None for one without.
        output: the value that the operation returned.
    """

    operation: Any
    values: dict[str, Any]
    ends: dict[str, Any]
    output: Any

    @property
    def shape(self) -> torch.Size:
        """The shape of the first output."""
        first: Tensor = tree_leaves(self.output)[0]
        return first.shape

    @property
    def first(self) -> Tensor:
        """The ends of the first argument."""
        ends: Tensor = next(iter(self.ends.values()))
        return ends


Rule = Callable[[Call], Any]
"""Returns the ends of the outputs, in order. A rule may leave out those of the last outputs."""


def rule_of(operation: Any) -> Rule | None:
    """Return the rule of an operation; None if there is none."""
    namespace, _, name = operation._schema.name.partition("::")
    if namespace != "aten":
        return None
    if rule := _RULES.get(name) or _RULES.get(name.removesuffix("_")):
        return rule
    if name.startswith("_scaled_dot_product"):
        return _attention
    return _together if torch.Tag.pointwise in operation.tags else None


def slim(ends: Tensor) -> Tensor:
    """Return the ends with each axis that an `expand` made reduced to length 1.

    Most ends are the same for all channels and columns, so that rules take little time.
    """
    for axis, stride in enumerate(ends.stride()):
        if stride == 0 and ends.shape[axis] > 1:
            ends = ends.narrow(axis, 0, 1)
    return ends


def _depends(ends: Tensor | None) -> bool:
    return ends is not None and bool((slim(ends) > NOTHING).any())


def _largest(parts: Sequence[Tensor | None], shape: torch.Size) -> Tensor:
    """Return the maximum of ends that broadcast to `shape`."""
    result = torch.tensor(NOTHING, dtype=torch.float32, device="cpu")
    for ends in parts:
        if ends is not None:
            result = torch.maximum(result, slim(ends))
    return result.broadcast_to(shape)


def _together(call: Call) -> Tensor:
    """Return the ends after an elementwise operation."""
    return _largest(tree_leaves(call.ends), call.shape)


def _moved(call: Call) -> Any:
    """Return the ends after an operation that moves values: the operation applied to them."""

    def as_ends(value: Tensor, ends: Tensor | None) -> Tensor:
        if ends is not None:
            return ends
        filled = value.is_floating_point()
        return torch.full_like(value, NOTHING, dtype=torch.float32) if filled else value

    arguments = dict(call.values)
    for name, ends in call.ends.items():
        value = call.values[name]
        if isinstance(value, Tensor):
            arguments[name] = as_ends(value, ends)
        else:
            pairs = zip(value, ends, strict=True)
            arguments[name] = [v if v is None else as_ends(v, e) for v, e in pairs]
    return _call(call.operation, arguments)


def _reshaped(call: Call) -> Tensor:
    return call.first.reshape(call.shape)


def _call(operation: Any, arguments: dict[str, Any]) -> Any:
    schema = operation._schema.arguments
    positional = [arguments[a.name] for a in schema if not a.kwarg_only]
    return operation(*positional, **{a.name: arguments[a.name] for a in schema if a.kwarg_only})


def _padded(call: Call) -> Tensor:
    """Return the ends after padding; an axis along which all ends are equal keeps length 1."""
    ends = slim(call.first)
    axes = range(call.first.ndim - 1, -1, -1)
    pads = [*call.values["pad"], *[0] * (2 * call.first.ndim - len(call.values["pad"]))]
    kept = [
        pads[2 * n + side] if ends.shape[axis] > 1 else 0
        for n, axis in enumerate(axes)
        for side in (0, 1)
    ]
    return functional.pad(ends, kept, value=NOTHING).expand(call.shape)


def _overwritten(call: Call) -> Tensor:
    """Return the ends of a tensor that is filled with a copy, or with a constant."""
    return _largest([call.ends.get("src")], call.shape)


def _whole(call: Call) -> Tensor:
    """Return the ends after an operation whose every output depends on all of its inputs."""
    known = [ends for ends in tree_leaves(call.ends) if ends is not None]
    return _largest([slim(ends).amax() for ends in known], call.shape)


def _reduced(call: Call) -> list[Tensor]:
    """Return the ends after a reduction over some axes, such as a sum or a mean."""
    axes = call.values.get("dim")
    axes = [axes] if isinstance(axes, int) else list(axes or range(call.first.ndim))
    reduced = slim(call.first).amax(axes, keepdim=True)
    shape = list(call.first.shape)
    for axis in axes:
        shape[axis] = 1
    return [reduced.expand(shape).reshape(output.shape) for output in tree_leaves(call.output)]


def _mixed(call: Call, axes: Sequence[int]) -> Tensor:
    """Return the ends after an operation that keeps the shape and mixes along some axes."""
    ends = slim(call.first)
    return _largest([ends.amax(list(axes), keepdim=True) if axes else ends], call.shape)


def _along_axis(call: Call) -> Tensor:
    return _mixed(call, [call.values["dim"]])


def _layer_norm(call: Call) -> Tensor:
    return _mixed(call, range(-len(call.values["normalized_shape"]), 0))


def _group_norm(call: Call) -> Tensor:
    return _mixed(call, range(1, call.first.ndim))


def _batch_norm(call: Call) -> Tensor:
    trains = call.values.get("training", False)
    return _mixed(call, [axis for axis in range(call.first.ndim) if trains and axis != 1])


def _halves(call: Call) -> Tensor:
    return _largest(call.first.chunk(2, call.values["dim"]), call.shape)


def _product(call: Call) -> Tensor:
    """Return the ends after a matrix product; with three arguments, the first one is a bias."""
    *bias, left, right = (ends for ends in call.ends.values())
    parts: list[Tensor | None] = list(bias)
    if left is not None:
        vector = call.values[list(call.ends)[-1]].ndim == 1
        parts.append(slim(left).amax(-1, keepdim=not vector))
    if right is not None:
        parts.append(slim(right).amax(-2, keepdim=True) if right.ndim > 1 else right.amax())
    return _largest(parts, call.shape)


def _linear(call: Call) -> Tensor:
    if call.first is None or _depends(call.ends["weight"]):
        return _whole(call)
    return _largest([slim(call.first).amax(-1, keepdim=True)], call.shape)


def _attention(call: Call) -> Tensor:
    """Return the ends after attention: those of its own query and of all keys and values."""
    parts = [
        slim(ends).amax(axes, keepdim=True)
        for name, axes in (("query", (-1,)), ("key", (-1, -2)), ("value", (-2, -1)))
        if (ends := call.ends[name]) is not None
    ]
    return _largest(parts, call.shape)


def _convolution(call: Call) -> Tensor:
    """Return the ends after a convolution, also a transposed one."""
    weight, groups = call.values["weight"], call.values["groups"]
    if call.first is None or _depends(call.ends["weight"]):
        return _whole(call)  # the kernel is computed from the image, too
    ends, size = slim(call.first), weight.ndim - 2
    if ends.shape[1] > 1:
        ends = ends.unflatten(1, (groups, -1)).amax(2)
        ends = ends.repeat_interleave(call.shape[1] // groups, 1)
    kernel = list(weight.shape[2:])
    stride, padding, dilation = (
        _for_each_axis(call.values[name], size) for name in ("stride", "padding", "dilation")
    )
    if call.values["transposed"]:
        ends = _spread(ends, stride)
        padding = [d * (k - 1) - p for k, d, p in zip(kernel, dilation, padding, strict=True)]
        stride = [1] * size
    found = _windows(ends, kernel, stride, padding, dilation, call.shape[2:])
    return found.expand(call.shape)


def _spread(ends: Tensor, stride: Sequence[int]) -> Tensor:
    """Return the ends spread apart by the stride, the first step of a transposed convolution."""
    wide = [(n - 1) * s + 1 for n, s in zip(ends.shape[2:], stride, strict=True)]
    spread = ends.new_full((*ends.shape[:2], *wide), NOTHING)
    rows: list[Any] = [slice(None, None, s) for s in stride]
    spread[(..., *rows)] = ends
    return spread


def _pooling(call: Call) -> Tensor:
    found = re.search(r"(\d)d", call.operation._schema.name)
    size = int(found[1]) if found else 2
    is_batch = call.first.ndim == size + 2
    ends = slim(call.first if is_batch else call.first[None])
    kernel = _for_each_axis(call.values["kernel_size"], size)
    stride = _for_each_axis(call.values["stride"] or kernel, size)
    padding = _for_each_axis(call.values["padding"], size)
    dilation = _for_each_axis(call.values.get("dilation", 1), size)
    maxima = _windows(ends, kernel, stride, padding, dilation, call.shape[-size:])
    return (maxima if is_batch else maxima[0]).expand(call.shape)


def _adaptive_pooling(call: Call) -> Tensor:
    size = call.values["output_size"]
    return functional.adaptive_max_pool2d(slim(call.first), size).expand(call.shape)


def _windows(
    ends: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    before: Sequence[int],
    dilation: Sequence[int],
    shape: Sequence[int],
) -> Tensor:
    """Return the maxima in `shape` sliding windows, with padding `before` the first one.

    An axis of length 1 keeps its length, because all windows see the same along it.
    """
    pads: list[int] = []
    windows = []
    for k, s, p, d, n, size in zip(
        kernel, stride, before, dilation, shape, ends.shape[2:], strict=True
    ):
        pads = [*((p, (n - 1) * s + d * (k - 1) + 1 - p - size) if size > 1 else (0, 0)), *pads]
        windows.append((k, s, d) if size > 1 else (1, 1, 1))
    padded = functional.pad(ends, pads, value=NOTHING)
    pools = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
    kernels, strides, dilations = zip(*windows, strict=True)
    pooled: Tensor = pools[len(windows) - 1](padded, kernels, strides, 0, dilations)
    return pooled


def _for_each_axis(value: Any, axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def _interpolated(call: Call) -> Tensor:
    """Return the ends after an interpolation, whose weights are found by running it."""
    name = next(iter(call.ends))
    ends = slim(call.first)
    for axis in range(2, ends.ndim):
        count = ends.shape[axis]
        if count == 1:
            continue
        basis = torch.eye(count, dtype=torch.float32, device=ends.device).view(
            1, count, *(count if n == axis else 1 for n in range(2, ends.ndim))
        )
        basis = basis.expand(1, count, *call.first.shape[2:]).to(call.values[name])
        answers = _call(call.operation, {**call.values, name: basis})
        taken = answers.movedim(axis, -1).reshape(count, -1, answers.shape[axis])[:, 0] != 0
        first = taken.byte().argmax(0)
        last = count - 1 - taken.flip(0).byte().argmax(0)
        spans = [
            ends.index_select(axis, torch.minimum(first + n, last))
            for n in range(int((last - first).max()) + 1)
        ]
        ends = torch.stack(spans).amax(0)
    return ends.expand(call.shape)


def _rules(rule: Rule, names: str) -> dict[str, Rule]:
    return dict.fromkeys(names.split(), rule)


_RULES: dict[str, Rule] = {
    **_rules(_reshaped, "view _unsafe_view reshape _reshape_alias"),
    **_rules(
        _moved,
        "permute transpose t unsqueeze squeeze expand select slice split split_with_sizes unbind "
        "unfold diagonal alias detach flip roll repeat cat stack index index_select gather "
        "pixel_shuffle pixel_unshuffle channel_shuffle reflection_pad1d reflection_pad2d "
        "replication_pad1d replication_pad2d upsample_nearest1d "
        "upsample_nearest2d _upsample_nearest_exact1d _upsample_nearest_exact2d",
    ),
    **_rules(
        _together,
        "clone _to_copy lift_fresh hardswish _prelu_kernel native_dropout rsub tril triu "
        "masked_fill where hardtanh as_strided_ "
        "celu elu hardsigmoid ldexp leaky_relu selu",  # an older torch calls not all pointwise
    ),
    **_rules(_padded, "constant_pad_nd"),
    **_rules(_overwritten, "copy_ fill_ zero_"),
    **_rules(
        _reduced,
        "mean sum amax amin max min var std var_mean std_mean linalg_vector_norm norm logsumexp "
        "prod any all argmax argmin",
    ),
    **_rules(_along_axis, "_softmax _log_softmax _safe_softmax cumsum"),
    **_rules(_layer_norm, "native_layer_norm _fused_rms_norm"),
    **_rules(_group_norm, "native_group_norm"),
    **_rules(
        _batch_norm,
        "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training "
        "cudnn_batch_norm",
    ),
    **_rules(_halves, "glu"),
    **_rules(_product, "mm bmm addmm baddbmm mv addmv dot"),
    **_rules(_linear, "linear"),
    **_rules(_convolution, "convolution"),
    **_rules(
        _pooling,
        "max_pool2d_with_indices max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d",
    ),
    **_rules(_adaptive_pooling, "_adaptive_avg_pool2d adaptive_max_pool2d"),
    **_rules(
        _interpolated,
        "upsample_linear1d upsample_bilinear2d _upsample_bilinear2d_aa upsample_bicubic2d "
        "_upsample_bicubic2d_aa",
    ),
    **_rules(
        _whole,
        "_fft_r2c _fft_c2c _fft_c2r _transformer_encoder_layer_fwd _native_multi_head_attention",
    ),
}
