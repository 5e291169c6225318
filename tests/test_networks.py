"""Loaded networks: their layers with C, and their classes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from preimage.models import efficientnet_lite, zoo
from preimage.models.layers import build
from preimage.networks import Network
from preimage.preprocessing import GRAY, Preprocessing
from tests.representations.networks import Pair, Residual


class Normalized(nn.Module):
    """Ends in a softmax that is a function, of scores that are a function, too."""

    def __init__(self, head: nn.Sequential) -> None:
        super().__init__()
        self.linear: Any = [head[1]]  # hidden in a list: it is no submodule

    def forward(self, x: Tensor) -> Tensor:
        (head,) = self.linear
        scores: Tensor = linear(x.flatten(1), head.weight, head.bias)
        return scores.softmax(1)


class Captioned(nn.Module):
    """Needs a second input."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.flat = nn.Conv2d(1, 4, (5, 3)), nn.Flatten()

    def forward(self, x: Tensor, caption: Tensor) -> Tensor:
        features: Tensor = self.flat(self.image(x))
        return features + caption


class Tower(nn.Module):
    """Blocks one level down, a pair of outputs, and a head that is not called."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.aux = nn.Conv2d(3, 4, 4, 4), nn.Linear(4, 2)
        self.tower: Any = nn.Module()
        self.tower.blocks = nn.ModuleList(Residual(4) for _ in range(3))
        self.tower.pair = Pair()
        self.tower.forward = self.run
        self.head = nn.Linear(4, 2)

    def run(self, x: Tensor) -> Tensor:
        for block in self.tower.blocks:
            x = block(x)
        first: Tensor = self.tower.pair(x)[0]
        return first

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.tower(self.embed(x)).mean((2, 3)))
        return scores


CLASSES = ("goldfish, Carassius auratus", "tree frog, tree-frog", "crane", "crane", "goose")
NAMED = Network(nn.Flatten(), GRAY, "named", CLASSES)


def lite0() -> Network:
    found = efficientnet_lite.load(weights="random")
    return Network(found.module, found.preprocessing, "efficientnet-lite0")


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("vgg-m", {"conv1": 300, "relu3": 300, "conv4": 100, "relu4": 100, "conv5": 20,
                   "relu5": 20, "pool5": 1, "fc8": 1}),
        ("vgg-vd-16", {"conv1_1": 300, "conv4_3": 300, "relu4_3": 100, "conv5_1": 100,
                       "relu5_1": 20, "conv5_3": 20, "relu5_3": 1, "pool5": 1}),
    ],
)  # fmt: skip
def test_the_loss_weights_are_those_of_section_5_2_1(name: str, weights: dict[str, float]) -> None:
    with torch.device("meta"):
        module = build(zoo.get(name).layers)
    weighted = zoo.get(name).loss_weights
    found = Network(module, Preprocessing(mean=(0.0,) * 3), name, (), weighted)
    assert {layer: found.layer(layer).loss_weight for layer in weights} == weights


def test_layers_of_one_network_share_its_weights() -> None:
    lite = lite0()
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(lite.layer("head.act")(x), lite.layer("head")(x))


def test_several_layers_of_a_network_are_computed_at_once() -> None:
    lite = lite0()
    x = torch.rand(1, 3, 32, 32)
    both = lite.several(["blocks.3", "stem"])
    assert [layer.name for layer in both.layers.values()] == [
        "efficientnet-lite0/blocks.3", "efficientnet-lite0/stem",
    ]  # fmt: skip
    assert torch.equal(both.outputs(x)["blocks.3"], lite.layer("blocks.3")(x))


@pytest.mark.parametrize(("stride", "weight"), [(4, 300), (5, 100), (8, 100), (16, 20), (17, 1)])
def test_networks_without_a_table_have_loss_weights_by_stride(stride: int, weight: float) -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3, stride))
    assert Network(module, GRAY, "mine").layer("0").loss_weight == weight


def test_the_main_layers_are_the_blocks_of_chains_and_other_children() -> None:
    assert lite0().main_layers == (
        "stem",
        *(f"blocks.{i}" for i in range(16)),
        "head",
        "pool",
        "classifier",
    )


def test_the_scores_are_those_that_the_network_returns() -> None:
    network = lite0()
    assert network.score_layer == "classifier"
    assert (
        Network(network.module, network.preprocessing, "mine", scores="pool").score_layer == "pool"
    )


def test_scores_that_are_not_as_many_as_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"named has 5 classes, but its scores, the layer output"):
        NAMED.score_layer  # noqa: B018


def test_probabilities_are_those_of_scores_before_a_softmax_or_behind_one() -> None:
    """A softmax in a function is no module, and is not taken twice."""
    head, x = nn.Sequential(nn.Flatten(), nn.Linear(48, 4)), 100 * torch.rand(2, 3, 4, 4)
    for module in (head, nn.Sequential(head, nn.Softmax(1)), Normalized(head)):
        network = Network(module, Preprocessing(mean=(127.5,) * 3, size=(4, 4)), "mine")
        with torch.no_grad():
            torch.testing.assert_close(network.probabilities(x), head(x).softmax(1))


def test_layers_are_those_that_a_pass_reaches_and_main_layers_are_blocks() -> None:
    network = Network(Tower(), Preprocessing(mean=(127.5,) * 3, size=(16, 16)), "mine")
    blocks = [f"tower.blocks.{n}" for n in range(3)]
    assert network.main_layers == ("embed", *blocks, "tower.pair[0]", "tower.pair[1]", "head")
    assert "aux" not in network.layers
    assert network.layers[:3] == ("embed", "tower", "tower.blocks.0")


def test_a_class_is_found_by_any_of_its_names_or_its_number() -> None:
    assert NAMED.class_index("Tree Frog") == 1
    assert NAMED.class_index("carassius auratus") == 0
    assert NAMED.class_index("4") == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tree frag", "did you mean 'tree frog'"),
        ("crane", "several classes are called 'crane': 2, 3"),
        ("5", "unknown class '5'"),
    ],
)
def test_a_class_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NAMED.class_index(name)
    with pytest.raises(ValueError, match="have no names"):
        Network(nn.Flatten(), GRAY, "unnamed").class_index(name)


def test_scores_at_several_positions_are_averaged_as_probabilities() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 5, 4), nn.Softmax(1))
    network = Network(module, Preprocessing(mean=(127.5,) * 3), "mine", CLASSES)
    x = torch.randn(2, 3, 6, 7)
    expected = module[0](x).softmax(1).mean((2, 3))
    torch.testing.assert_close(network.probabilities(x), expected)
    picture = Preprocessing(mean=(127.5,) * 3).to_pil(torch.zeros(3, 9, 8))
    found = network.confidence(picture, "goose")
    at_zero = network.probabilities(torch.zeros(1, 3, 9, 8))[0]
    assert found["probability"] == pytest.approx(float(at_zero[4]), abs=0.02)
    assert found["top_1"] in {name.split(",")[0] for name in CLASSES}


def test_a_network_that_does_not_run_shows_its_children_and_what_is_missing() -> None:
    network = Network(Captioned(), Preprocessing(mean=(127.5,), size=(32, 32)), "captioned")
    first, header, *rows, note = str(network).splitlines()
    assert first == repr(network)
    assert header.split()[:3] == ["layer", "kind", "kernel"]
    assert [row.split() for row in rows] == [
        ["image", "Conv2d", "5", "-", "-", "-", "-"], ["flat", "Flatten", "-", "-", "-", "-"],
    ]  # fmt: skip
    assert note.endswith("give its further inputs by network(..., inputs={'caption': ...})")
    assert "<td>Conv2d</td>" in network._repr_html_()
    assert "inputs={&#x27;caption&#x27;: ...}" in network._repr_html_()
    with pytest.raises(ValueError, match="give its further inputs"):
        network.layers_table()
    given = {"caption": torch.zeros(1)}
    runs = Network(Captioned(), network.preprocessing, "captioned", inputs=given)
    assert str(runs).splitlines()[1:] == str(runs.layers_table()).splitlines()


def test_a_network_prints_as_one_line_without_its_modules() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
    network = Network(module, Preprocessing(mean=(127.5,) * 3, size=(9, 8)), "mine", ("goose",))
    assert repr(network) == "Network('mine', Sequential, 9 x 8 pixels, 1 classes)"


@pytest.mark.parametrize("given", [{"scores": "fd"}, {"channel_axis": {"fd": 1}}])
def test_a_layer_that_scores_or_channel_axis_name_must_be_there(given: dict[str, Any]) -> None:
    module = nn.ModuleDict({"fc": nn.Conv2d(3, 4, 3)})
    with pytest.raises(ValueError, match="unknown layer of ModuleDict 'fd'"):
        Network(module, Preprocessing(mean=(127.5,) * 3), "mine", **given)


def test_a_network_shows_the_table_of_its_layers() -> None:
    module = nn.Sequential(
        nn.Conv2d(1, 8, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(1568, 3)
    )
    network = Network(module, Preprocessing(mean=(127.5,), size=(31, 31)), "a<b>")
    table = network.layers_table()
    assert list(table) == [
        ("0", "Conv2d", 5, "5", "2", "2", 8),
        ("1", "ReLU", "", "5", "2", "2", 8),
        ("2", "Flatten", "", "global", "", "", 1568),
        ("3", "Linear", "", "global", "", "", 3),
    ]
    assert network.layers_table() is table
    assert str(network).splitlines() == [repr(network), *str(table).splitlines()]
    assert network._repr_html_() == (
        "<p>Network(&#x27;a&lt;b&gt;&#x27;, Sequential, 31 x 31 pixels)</p>" + table._repr_html_()
    )


class DropoutDefinedLast(nn.Module):
    """The dropout before the last layer is defined after it, as in many networks."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.stem, self.drop = nn.Linear(8, 2), nn.Conv2d(1, 8, 5), nn.Dropout()

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.head(self.drop(self.stem(image).mean((2, 3))))
        return scores


def test_main_layers_are_in_the_order_of_the_computation_and_all_in_that_of_definition() -> None:
    network = Network(DropoutDefinedLast(), Preprocessing(mean=(127.5,), size=(9, 9)), "mine")
    assert network.main_layers == ("stem", "head")
    assert network.layers == ("head", "stem", "drop")


class Beside(nn.Module):
    """A branch beside the image, and one of more axes than a code has."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.cond = nn.Conv2d(1, 8, 5, stride=2), nn.Linear(3, 8)
        self.heads = nn.Unflatten(1, (2, 4))

    def forward(self, image: Tensor, context: Tensor) -> Tensor:
        x = self.stem(image)
        scores: Tensor = self.heads(x).mean((3, 4)).flatten(1) + self.cond(context)
        return scores


def test_a_layer_beside_the_image_has_dashes_and_a_reason_and_the_others_their_rows() -> None:
    given = {"context": torch.ones(1, 3)}
    gray = Preprocessing(mean=(127.5,), size=(31, 31))
    network = Network(Beside(), gray, "mine", inputs=given)
    table = network.layers_table()
    assert list(table) == [
        ("stem", "Conv2d", 5, "5", "2", "2", 8),
        ("heads", "Unflatten", "", "-", "-", "-", "-"),
        ("cond", "Linear", "", "-", "-", "-", "-"),
    ]
    more, beside = table.note.split("; ")
    assert beside == "the output of layer 'cond' does not depend on the image"
    assert "channels need codes of maps" in more
    assert network.usable_layers == ("stem",)
    assert str(network).endswith(table.note)


def test_a_network_without_any_usable_layer_says_why() -> None:
    with pytest.raises(ValueError, match="missing 1 required positional argument: 'context'"):
        Network(Beside(), Preprocessing(mean=(127.5,), size=(31, 31)), "mine").layers_table()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("k5", r"unknown layer of Tower 'k5': there are embed, tower\.blocks\.0, .*, head; `preim"),
        ("tower.block.1", r"did you mean 'tower\.blocks\.1'\?; `preimage layers NETWORK`"),
    ],
)
def test_a_misspelt_layer_gets_the_main_layers_and_where_they_are_listed(
    name: str, message: str
) -> None:
    network = Network(Tower(), Preprocessing(mean=(127.5,) * 3, size=(16, 16)), "mine")
    with pytest.raises(ValueError, match=message):
        network.layer(name)


class Fields(nn.Module):
    """A network that returns a dict of scores and features, and a number that is no code."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> dict[str, Any]:
        features = self.stem(x).mean((2, 3))
        return {"logits": self.head(features), "all": (features,), "count": torch.tensor(3)}


def test_what_a_network_returns_by_name_is_among_its_layers() -> None:
    network = Network(Fields(), Preprocessing(mean=(127.5,) * 3, size=(16, 16)), "mine")
    assert network.layers == ("stem", "head", "output.logits", "output.all[0]")
    assert network.main_layers == ("stem", "head")
    assert all(network.layer(name).code_shape(16, 16) for name in network.layers)
    with pytest.raises(ValueError, match=r"did you mean 'output\.logits'\?; `preimage layers"):
        network.layer("logits")
