"""The layer of the class scores is the one that the network returns."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.representations.networks import COLOR
from tests.support import random_image
from torch import Tensor, nn
from torch.nn.functional import interpolate, linear, normalize

from preimage.representations.layer import Layer
from preimage.representations.network_error import Part
from preimage.representations.scores import find_scores


class Heads(nn.Module):
    """A trunk, a head, an auxiliary head that is registered last, and an ending of any kind."""

    def __init__(self, ending: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.ending = ending
        self.trunk = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU())
        self.map_head = nn.Conv2d(6, 4, 1)
        self.drop = nn.Dropout()
        self.head = nn.Linear(6, 4)
        self.dist = nn.Linear(6, 4)
        self.softmax = nn.Softmax(1)
        self.aux = nn.Linear(6, 4)

    def forward(self, image: Tensor) -> Any:
        x = self.trunk(image)
        pooled = x.mean((2, 3))
        aux = self.aux(pooled)
        scores = self.drop(self.head(pooled))
        return {
            "plain": lambda: scores,
            "cosine": lambda: linear(normalize(pooled), normalize(self.head.weight)),
            "average": lambda: (scores + self.dist(pooled)) / 2,
            "dict": lambda: {"out": interpolate(self.map_head(x), scale_factor=2.0), "aux": aux},
            "logits": lambda: {"loss": None, "logits": scores, "features": x},
            "one of a tuple": lambda: (scores, None),
            "flattened": lambda: self.map_head(pooled[:, :, None, None]).flatten(1),
            "softmax": lambda: self.softmax(scores),
            "function": lambda: scores.log_softmax(1),
            "sigmoid": scores.sigmoid,
            "in place": lambda: scores.mul_(16),
            "tuple": lambda: (scores, aux),
        }[self.ending]()


def part(model: nn.Module) -> Part:
    return Part(model, ("output",))


@pytest.mark.parametrize(
    ("ending", "layer", "shape"),
    [
        ("plain", "head", (1, 4)),
        ("cosine", "output", (1, 4)),
        ("average", "output", (1, 4)),
        ("dict", "output.out", (1, 4, 30, 30)),
        ("logits", "head", (1, 4)),
        ("one of a tuple", "head", (1, 4)),
        ("flattened", "map_head", (1, 4, 1, 1)),
        ("softmax", "head", (1, 4)),
        ("function", "head", (1, 4)),
        ("sigmoid", "head", (1, 4)),
        ("in place", "output", (1, 4)),
    ],
)
def test_the_scores_are_what_the_network_returns(
    ending: str, layer: str, shape: tuple[int, ...]
) -> None:
    model, x = Heads(ending).eval(), random_image(1, 3, 32, 32).float()
    assert find_scores(part(model), x / 64) == (layer, shape)
    code = Layer(model, layer, COLOR)(x)
    with torch.no_grad():
        output: Any = model(x / 64)
    output = output.get("out", output.get("logits")) if isinstance(output, dict) else output
    output = output[0] if isinstance(output, tuple) else output
    squash = {"softmax": torch.softmax, "function": torch.log_softmax}.get(ending)
    code = code.flatten(1).sigmoid() if ending == "sigmoid" else squash(code, 1) if squash else code
    torch.testing.assert_close(code.reshape(output.shape), output)


def test_several_outputs_are_a_question_to_the_user() -> None:
    with pytest.raises(ValueError, match=r"\(output\[0\], output\[1\]\): .* scores='output\[0\]'"):
        find_scores(part(Heads("tuple").eval()), torch.rand(1, 3, 32, 32))


def test_a_distilled_transformer_has_the_average_of_its_two_heads() -> None:
    timm = pytest.importorskip("timm", exc_type=ImportError)
    model = timm.create_model(
        "deit_tiny_distilled_patch16_224", img_size=32, num_classes=7, depth=1
    )
    assert find_scores(part(model.eval()), torch.rand(1, 3, 32, 32)) == ("output", (1, 7))


def test_a_classifier_of_transformers_has_its_logits() -> None:
    transformers = pytest.importorskip("transformers", exc_type=ImportError)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32, num_labels=7
    )
    model = transformers.ViTForImageClassification(config).eval()
    assert find_scores(part(model), torch.rand(1, 3, 32, 32)) == ("classifier", (1, 7))


@pytest.mark.parametrize("size", [8, 12])
def test_the_scores_of_a_fully_convolutional_network_are_those_before_its_softmax(
    size: int,
) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 8), nn.Dropout(), nn.Softmax(1)).eval()
    found = find_scores(Part(network, ("output",)), torch.rand(1, 3, size, size))
    assert (found.layer, found.shape) == ("0", (1, 4, size - 7, size - 7))
