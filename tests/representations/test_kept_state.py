"""Values and attributes of a network that a forward pass writes, and what is restored of them."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.representations.networks import COLOR, state
from tests.support import random_image
from torch import Tensor, nn

from preimage import check, invert
from preimage.presets import NNPREIMAGE
from preimage.representations.execution import Execution
from preimage.representations.kept_state import kept_buffers, kept_state
from preimage.representations.layer import Layer

SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=1)


class Writing(nn.Module):
    """Writes its weights in every pass, in the way `how`."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how
        self.conv, self.relu = nn.Conv2d(3, 8, 3, padding=1), nn.ReLU()
        self.table = nn.Embedding(10, 8, max_norm=0.5)
        self.shift, self.known = nn.Parameter(torch.zeros(1, 8, 1, 1)), nn.Buffer(torch.tensor(0))

    def forward(self, x: Tensor) -> Tensor:
        w = self.conv.weight
        if self.how == "clamp":
            w.data.clamp_(-0.1, 0.1)
        elif self.how == "rebind":
            w.data = w.data / w.data.norm()
        y = self.conv(x)
        if self.how == "max_norm":
            y = y + self.table(torch.tensor([3]))[:, :, None, None]
        elif self.how == "first image" and not self.known:
            with torch.no_grad():
                self.shift.copy_(-y.mean((0, 2, 3), keepdim=True))
                self.known.fill_(1)
        z: Tensor = self.relu(y + self.shift)
        return z


@pytest.mark.parametrize("how", ["clamp", "rebind", "max_norm", "first image"])
def test_parameters_that_a_pass_writes_are_restored(how: str) -> None:
    model = Writing(how)
    before, places = state(model), [p.data_ptr() for p in model.parameters()]
    x = random_image(1, 3, 16, 16).float()
    expected = copy.deepcopy(model)(COLOR.to_network(x))
    phi = Layer(model, "relu", COLOR)
    torch.testing.assert_close(phi(x), expected)
    assert state(model) == before
    for mode in ("auto", "plain"):
        with phi.session(torch.device("cpu"), Execution(mode)):
            torch.testing.assert_close(phi(x), expected)
        assert state(model) == before
        photo = x[0].div(255).add(0.5)
        invert(Layer(model, "relu", COLOR), photo, settings=SHORT, execution=Execution(mode))
        assert state(model) == before
    assert check(phi, size=(16, 16))["stays as it was"].verdict == "yes"
    assert state(model) == before
    assert [p.data_ptr() for p in model.parameters()] == places


def test_weights_trained_after_a_first_pass_are_looked_after() -> None:
    model, x = Writing("clamp"), random_image(1, 3, 16, 16).float()
    with torch.no_grad():
        model.conv.weight.clamp_(-0.1, 0.1)
    phi = Layer(model, "relu", COLOR)
    phi(x)
    with torch.no_grad():
        model.conv.weight.add_(0.3)
    before = state(model)
    phi(x)
    assert state(model) == before


class Cached(nn.Module):
    """Subtracts what it remembers of the first image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 4, 3), nn.ReLU()
        self.mean: Tensor | None = None
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        if self.mean is None:
            self.mean = self.conv(x).mean().detach()
            self.seen.append(self.mean)
            self.late = self.mean
        y: Tensor = self.relu(self.conv(x) - self.mean)
        return y


@pytest.mark.parametrize("mode", ["auto", "plain"])
def test_attributes_filled_by_a_trial_run_are_emptied_again(mode: str) -> None:
    model, x = Cached(), random_image(1, 3, 9, 9).float()
    expected = copy.deepcopy(model)(COLOR.to_network(x))
    phi = Layer(model, "relu", COLOR)
    phi.code_shape(9, 9)
    torch.testing.assert_close(phi(x), expected)
    with phi.session(torch.device("cpu"), Execution(mode)):
        phi.code_shape(8, 8)
        torch.testing.assert_close(phi(x), expected)
    assert (model.mean, model.seen, hasattr(model, "late")) == (None, [], False)


class Holding(nn.BatchNorm2d):
    """Holds a dict and a set."""

    def __init__(self) -> None:
        super().__init__(3)
        self.entries, self.kinds = {1: [2]}, {3}


def test_all_of_a_module_is_kept_but_its_mode_and_hooks() -> None:
    norm = Holding()
    model = nn.Sequential(norm)
    before, entries = state(model), norm.entries
    with kept_state(model) as written, torch.no_grad():
        model(random_image(2, 3, 4, 4).float())
        norm.weight.fill_(7)
        norm.entries[5] = []
        norm.kinds.clear()
        model[0] = nn.Identity()
    assert model[0] is norm
    assert len(written) == 1
    assert (norm.entries, norm.kinds) == ({1: [2]}, {3})
    assert norm.entries is entries
    assert state(model) == before
    with kept_buffers(model):
        model(random_image(2, 3, 4, 4).float())
        assert norm.num_batches_tracked == 1
    assert norm.num_batches_tracked == 0
