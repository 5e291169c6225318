"""From names to networks and representations."""

from __future__ import annotations

import copy
import pickle
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from preimage.app import choices
from preimage.catalog import CLASSICAL, layer_of, network, representation
from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import NNPREIMAGE
from preimage.reporting import captions
from preimage.reporting.sheet import content
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.targets import class_score
from preimage.visualizations import invert, maximize

COLOR = Preprocessing(mean=(127.5,) * 3, size=(24, 24))
SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=1)


@pytest.mark.parametrize("name", CLASSICAL)
def test_a_representation_goes_by_the_name_it_is_found_under(name: str) -> None:
    assert representation(name).name == name


@pytest.mark.parametrize(
    "made",
    [
        HOG(cell_size=4), HOG(orientations=6, softness=1 / 3), HOG(cell_size=6, bilinear=True),
        DSIFT(cell_size=4), DSIFT(step=10, orientations=4), DSIFT(cell_size=6, step=6),
    ],
    ids=lambda made: made.name,
)  # fmt: skip
def test_a_name_holds_the_arguments_that_are_not_the_usual_ones(made: HOG | DSIFT) -> None:
    assert made.name not in CLASSICAL
    for name in (made.name, made.name.replace("hog", "HOG").replace(",", ", ")):
        again = representation(name)
        assert (repr(again), again.name) == (repr(made), made.name)
    assert representation(f"{made.name}|unit").name == f"{made.name}|unit"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("hog:size=4", "unknown argument of hog 'size': did you mean 'cell_size'"),
        ("hog:", "unknown argument of hog ''"),
        ("dsift:step", "step must be a whole number, not ''"),
        ("hog:cell_size=4.5", "cell_size must be a whole number, not '4.5'"),
        ("hog:softness=soft", "softness must be a number, not 'soft'"),
        ("hog:softness=2", "softness must lie between 0 and 1"),
        ("dsift:cell_size=0", "must be positive"),
    ],
)
def test_arguments_in_a_name_that_cannot_be_used_are_refused(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        representation(name)


def test_every_classical_representation_has_words_where_it_is_shown() -> None:
    for words in (choices.CLASSICAL, captions.POSITIONS, content.NAMES, content.ABOUT):
        assert list(words) == list(CLASSICAL)


def test_the_classical_representations_are_those_of_section_5_1() -> None:
    hog, hogb, dsift = map(representation, ("hog", "hogb", "dsift"))
    assert isinstance(hog, HOG)
    assert isinstance(hogb, HOG)
    assert isinstance(dsift, DSIFT)
    assert (hog.softness, hogb.softness) == (0, 1)
    assert [rep.stride for rep in (hog, hogb, dsift)] == [8, 8, 24]
    assert (hog.cell_size, hogb.cell_size, dsift.cell_size) == (8, 8, 8)
    assert [rep.default_jitter for rep in (hog, hogb, dsift)] == [1, 1, 1]


def factory() -> tuple[nn.Module, dict[str, object]]:
    """A network of the user's own."""
    layers = [nn.Conv2d(3, 4, 3, stride) for stride in (4,)]
    layers += [nn.Conv2d(4, 4, 3, 2, 1) for _ in range(3)]
    return nn.Sequential(*layers), {"mean": (1, 2, 3), "std": (4, 5, 6), "size": (64, 64)}


def test_the_networks_of_the_paper_come_with_its_strides_jitter_and_loss_weights() -> None:
    alexnet = network("alexnet", weights="random")
    assert alexnet.preprocessing.size == (227, 227)
    assert alexnet.layers[:3] == ("conv1", "relu1", "norm1")
    conv3 = representation("alexnet/conv3", weights="random")
    assert (conv3.name, conv3.stride, conv3.default_jitter) == ("alexnet/conv3", 16, 4)
    assert conv3.loss_weight == 300
    assert conv3.code_shape(227, 227) == (384, 13, 13)


def test_efficientnet_lite0_has_the_loss_weights_that_were_measured() -> None:
    lite = network("efficientnet-lite0", weights="random")
    expected = {
        "stem": 300, "blocks.2": 300, "blocks.2.project.bn": 300, "blocks.3.expand": 20,
        "blocks.13": 20, "blocks.14": 1, "blocks": 1, "head": 300, "pool": 20, "classifier": 100,
    }  # fmt: skip
    assert {layer: lite.layer(layer).loss_weight for layer in expected} == expected
    assert lite.preprocessing == Preprocessing((127.0,) * 3, (128.0,) * 3, (224, 224), 256)
    assert len(lite.classes) == 1000


def test_a_network_of_the_users_own_has_loss_weights_by_stride() -> None:
    spec = f"import:{__name__}.factory"
    found = [representation(f"{spec}/{layer}") for layer in range(4)]
    assert [phi.stride for phi in found] == [4, 8, 16, 32]
    assert [phi.loss_weight for phi in found] == [300, 100, 20, 1]
    assert found[0].preprocessing.mean == (1, 2, 3)
    assert found[0].preprocessing.std == (4, 5, 6)
    assert isinstance(found[0], Layer)


@pytest.mark.parametrize(("source", "name"), [("torchvision", "resnet18"), ("timm", "resnet18")])
def test_layers_of_other_libraries_go_by_source_model_and_layer(source: str, name: str) -> None:
    if find_spec(source) is None:
        pytest.skip(f"{source} is not installed")
    phi = representation(f"{source}:{name}/layer3.0.conv1", weights="random")
    assert (phi.stride, phi.loss_weight) == (16, 20)
    assert phi.image_size(()) == (224, 224)


def test_an_unknown_name_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ValueError, match="unknown representation 'dsfit': did you mean 'dsift'"):
        representation("dsfit")


def test_a_name_near_none_is_refused_with_all_of_them() -> None:
    with pytest.raises(ValueError, match=f"there are {', '.join(CLASSICAL)}, alexnet/LAYER"):
        representation("xyz")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("alexnt/conv3", "unknown network 'alexnt': did you mean 'alexnet'"),
        ("alexnet", "'alexnet' is a network: name one of its layers, as alexnet/LAYER"),
        ("timm:resnet18", "name one of its layers, as timm:resnet18/LAYER"),
        ("alexnet/", "unknown representation 'alexnet/'"),
        ("timn:resnet18/layer1", "unknown source 'timn': did you mean 'timm'"),
        ("matconvnet:/nowhere/net.mat/conv1", "/nowhere/net.mat"),
        (
            "efficientnet-lite0/blocks.99",
            "EfficientNetLite 'blocks.99': did you mean 'blocks.9'",
        ),
    ],
)
def test_a_name_that_cannot_be_used_is_refused_in_one_line(name: str, message: str) -> None:
    weights = "random" if name.startswith("eff") else None
    with pytest.raises(ValueError, match=message) as raised:
        representation(name, weights)
    assert "\n" not in str(raised.value)


def test_missing_weights_are_an_error_that_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"with: preimage fetch vgg-m, .*--weights random"):
        representation("vgg-m/conv4")


def test_classical_names_may_be_written_as_in_the_paper() -> None:
    assert isinstance(representation("DSIFT"), DSIFT)
    assert repr(representation("HOG")) == "HOG(cell_size=8, orientations=9, softness=0)"


def test_a_module_is_told_how_it_becomes_a_network() -> None:
    with pytest.raises(TypeError, match=r"a Linear is a module, not a name: .*preimage\.Layer"):
        representation(nn.Linear(2, 3))  # type: ignore[arg-type]
    for make in (network, representation):
        with pytest.raises(TypeError, match="a name must be a text such as 'hog'"):
            make(3)  # type: ignore[arg-type]


def _classifier() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(6, 3),
        )  # fmt: skip


def test_a_module_of_ones_own_does_what_a_named_network_does() -> None:
    module = _classifier().train()
    birds = network(module, COLOR, name="birds", classes=("goose", "swan, cygnet", "heron"))
    assert birds.layers == ("0", "1", "2", "3", "4")
    assert birds.layer("1").name == "birds/1"
    photo = shipped_photos()["chelsea"]
    inverted = invert(birds.layer("1"), photo, size=24, settings=SHORT)
    assert inverted.representation == "birds/1"
    found = maximize(birds, [class_score("cygnet")], settings=SHORT, size=24)
    assert found.images.shape == (1, 3, 24, 24)
    assert birds.probabilities(inverted.images).shape == (1, 3)
    assert module.training
    assert all(p.requires_grad for p in module.parameters())
    assert network(module, COLOR).layer("1").name == "Sequential/1"


class _Told(nn.Module):
    """A network with a second argument, two outputs, and maps with channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(3, 8, 5, stride=2)
        self.last = nn.Identity()

    def forward(self, image: Tensor, time: Tensor) -> dict[str, Tensor]:
        maps = self.last(self.maps(image).permute(0, 2, 3, 1))
        return {"features": maps, "logits": maps.mean((1, 2)) + time}


def test_a_module_of_ones_own_takes_all_that_can_be_said_about_a_network() -> None:
    told = network(
        _Told(),
        COLOR,
        name="told",
        classes=[f"class {n}" for n in range(8)],
        inputs={"time": torch.ones(1, 1)},
        scores="output.logits",
        channel_axis={"last": 1},
    )
    assert told.score_layer == "output.logits"
    assert told.layer("last").code_shape(19, 35) == (8, 16, 8)  # the rows are called channels
    assert told.layer("last").axes(19, 35).channels == (1,)
    found = maximize(told, [class_score("class 3")], settings=SHORT, size=24)
    assert found.representation == "told/output.logits"
    same = Network(told.module, COLOR, "told", told.classes, inputs=told.inputs, scores=told.scores)
    assert (same.name, same.classes, same.score_layer) == ("told", told.classes, told.score_layer)
    with pytest.raises(TypeError, match=r"Network\(module, preimage\.Preprocessing"):
        Network("told", told.module, COLOR)  # type: ignore[arg-type]


def test_what_belongs_to_a_module_is_refused_for_a_name_and_the_other_way_round() -> None:
    with pytest.raises(TypeError, match="a module brings its weights and needs its preprocessing"):
        network(_classifier())
    with pytest.raises(TypeError, match="a module brings its weights"):
        network(_classifier(), COLOR, weights="random")
    with pytest.raises(TypeError, match="alexnet has preprocessing, name, classes, inputs and axe"):
        network("alexnet", "random")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="alexnet has preprocessing, name, classes, inputs and axe"):
        network("alexnet", channel_axis=0)


def test_steps_after_a_representation_are_part_of_it() -> None:
    phi = representation("hog|unit|int8:0.01")
    assert phi.name == "hog|unit|int8:0.01"
    lite0 = network("efficientnet-lite0", weights="random")
    assert layer_of(lite0, "stem|bgr|unit").name == "efficientnet-lite0/stem|bgr|unit"
    assert isinstance(layer_of(lite0, "stem"), Layer)
    with pytest.raises(ValueError, match="unknown step 'untit': did you mean 'unit'"):
        representation("hog|untit")
    with pytest.raises(ValueError, match="unknown step '': there are plain, unit"):
        representation("hog|")


def test_a_representation_knows_the_weights_that_were_given_for_it() -> None:
    untrained = network("efficientnet-lite0", weights="random")
    for phi in (
        untrained.layer("stem"),
        untrained.layer("stem").sibling("blocks.0"),
        untrained.several(["stem", "blocks.0"]),
        layer_of(untrained, "pool|unit"),
    ):
        assert phi.weights == {"weights": "random"}
    module = network(_classifier(), COLOR)
    for phi in (
        module.layer("1"), module.several(["0", "1"]), module.layer("1").sibling("0"),
        representation("hog|unit"),
    ):  # fmt: skip
        assert phi.weights == {}
        assert copy.deepcopy(phi).weights == pickle.loads(pickle.dumps(phi)).weights == {}
