"""Networks whose gradients do not reach the image, and what is said about them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.representations.networks import COLOR
from tests.support import random_image
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from preimage import check, invert
from preimage.representations.layer import Layer
from preimage.representations.no_gradient import NoGradientError

X = random_image(1, 3, 9, 9).float()


class Blocked(nn.Module):
    """Sends the image through `blocks`, which lets no gradient pass."""

    def __init__(self, blocks: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.blocks = blocks
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.relu(self.blocks(self.conv, x))
        return y


def without_grad(conv: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        y: Tensor = conv(x)
    return y


def inferred(conv: nn.Module, x: Tensor) -> Tensor:
    with torch.inference_mode():
        y: Tensor = conv(x)
    return y


def detached(conv: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = conv(x.detach())
    return y


def constant(conv: nn.Module, x: Tensor) -> Tensor:
    y: Tensor = conv(torch.ones_like(x))
    return y


@pytest.mark.parametrize("blocks", [without_grad, inferred, detached])
def test_a_gradient_that_is_blocked_is_told_from_a_constant(
    blocks: Callable[[nn.Module, Tensor], Tensor],
) -> None:
    phi = Layer(Blocked(blocks), "relu", COLOR)
    message = r"^layer relu of Blocked passes no gradient to the image, although its output dep"
    with pytest.raises(NoGradientError, match=message) as raised:
        phi(X.clone().requires_grad_())
    assert raised.value.depends
    with pytest.raises(NoGradientError, match=message):
        invert(phi, X[0].div(255).add(0.5))
    report = check(phi, size=(9, 9))
    assert report["runs"].verdict == "yes"
    assert report["differentiable"].verdict == "no"
    assert "although its output depends on it" in report["differentiable"].finding


def test_a_layer_inside_a_reentrant_checkpoint_is_one_of_them() -> None:
    phi = Layer(Blocked(lambda conv, x: checkpoint(conv, x, use_reentrant=True)), "conv", COLOR)
    with pytest.raises(NoGradientError, match=r"a reentrant checkpoint$"):
        phi(X.clone().requires_grad_())


def test_a_constant_layer_does_not_depend_on_the_image() -> None:
    phi = Layer(Blocked(constant), "relu", COLOR)
    with pytest.raises(NoGradientError, match=r"^the output of layer 'relu' does not depend on "):
        phi.code_shape(9, 9)
    report = check(phi, size=(9, 9))
    assert report["runs"].verdict == "yes"
    assert report["depends on the image"].verdict == "no"
