"""The reason why no gradient of a layer reaches the image, found by comparing two images."""

from __future__ import annotations

import dataclasses
import warnings

import torch
from torch import Tensor

from preimage.representations.borrowing import RUNNING, evaluation_mode
from preimage.representations.fast_copy import difference, trial_outputs
from preimage.representations.network_error import Part


class NoGradientError(ValueError):
    """The error for a layer that passes no gradient to the image.

    Attributes:
        depends: whether its output changes with the image all the same.
    """

    def __init__(self, message: str, *, depends: bool) -> None:
        super().__init__(message)
        self.depends = depends


def no_gradient(part: Part, layer: str, x: Tensor, other: Tensor) -> NoGradientError:
    """Return the error for a layer whose gradient does not reach the image.

    `x` and `other` are two inputs of the network, (N, D, H, W) each.
    """
    blocked = f"layer {layer} of {part.label} passes no gradient to the image"
    for name, module in part.network.named_modules():
        if ".quantized." in f"{type(module).__module__}.":
            return NoGradientError(
                f"{blocked}: quantized layers, such as {name}, have none; take the network as it "
                "was before its quantization",
                depends=True,
            )
    alone = dataclasses.replace(part, layers=(layer,))
    with (
        evaluation_mode(part.network, x.device),
        RUNNING,
        torch.no_grad(),
        warnings.catch_warnings(action="ignore"),  # torch's own, of checkpoints without gradients
    ):
        codes = [trial_outputs(alone, image.detach()) for image in (x[:1], other[:1])]
    if difference(*codes) == 0:
        return NoGradientError(
            f"the output of layer {layer!r} does not depend on the image", depends=False
        )
    return NoGradientError(
        f"{blocked}, although its output depends on it: on the way the network uses "
        "torch.no_grad, torch.inference_mode, detach, whole numbers or a reentrant checkpoint",
        depends=True,
    )
