"""Tests of the weakened gradients of residual branches."""

import torch
from torch import Tensor, nn

from preimage.representations.skip_paths import weaken_branches


class Block(nn.Module):
    """A residual block, whose skip path may have weights of its own."""

    def __init__(self, projects: bool = False) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4))
        self.skip = nn.Linear(4, 4) if projects else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Return the skip path's values plus the branch's."""
        y: Tensor = self.branch(x)
        y += self.skip(x)
        return y


def _gradient(network: nn.Module, share: float | None) -> Tensor:
    x = torch.linspace(-1, 1, 4, dtype=torch.float64)[None].requires_grad_()
    codes = network.double()(x)
    if share is not None:
        weaken_branches(codes, share)
    (gradient,) = torch.autograd.grad(codes.sum(), x)
    return gradient


def test_the_branch_of_a_residual_block_passes_a_share() -> None:
    torch.manual_seed(0)
    block = Block()
    of_branch = _gradient(block.branch, None)
    torch.testing.assert_close(_gradient(block, 0.25), 1 + 0.25 * of_branch)
    torch.testing.assert_close(_gradient(block, 1), 1 + of_branch)


def test_a_skip_path_with_weights_is_a_branch_like_the_other() -> None:
    torch.manual_seed(0)
    block = Block(projects=True)
    torch.testing.assert_close(_gradient(block, 0.25), _gradient(block, None))


def test_a_network_without_skip_paths_keeps_its_gradient() -> None:
    torch.manual_seed(0)
    chain = Block().branch
    assert torch.equal(_gradient(chain, 0.25), _gradient(chain, None))


def test_shares_of_nested_blocks_multiply() -> None:
    torch.manual_seed(0)
    inner, outer = Block(), Block()
    outer.branch[1] = inner
    x = torch.linspace(-1, 1, 4, dtype=torch.float64)[None].requires_grad_()
    found = _gradient(outer, 0.25)
    first, _, last = outer.branch
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    inside, after = first.weight.detach(), last.weight.detach().sum(0, keepdim=True)
    hidden = first(x).detach().requires_grad_()
    (of_inner,) = torch.autograd.grad(inner.branch(hidden), hidden, after)
    torch.testing.assert_close(found, 1 + 0.25 * (after + 0.25 * of_inner) @ inside)


def test_an_addition_of_a_tensor_to_itself_or_to_a_constant_is_no_block() -> None:
    x = torch.ones(3, requires_grad=True)
    y = 2 * x
    codes = y + y + torch.ones(3)
    weaken_branches(codes, 0.0)
    assert torch.autograd.grad(codes.sum(), x)[0].tolist() == [4, 4, 4]
