"""Results of the library's functions: each a small function, and its name that of the result."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

import preimage
from benchmarks.hashes.parts import Parts, of_result, photo
from benchmarks.hashes.simplenn import write_network
from preimage import PreImage, Representation, channel, class_score, mean_channel, neuron

CAT, COFFEE = photo("chelsea"), photo("coffee")
LAYERS = ("stem", "blocks.2", "blocks.5", "blocks.13", "pool", "classifier")
ALGORITHM_1 = preimage.NNPREIMAGE.replace(iterations=12, final_iterations=6)
"""The authors' constants for an inversion, with jitter and a final stage, in few steps."""
AUTHORS = preimage.NNPREIMAGE.replace(iterations=8, final_iterations=4)
"""The same for a maximization or a caricature."""
MODERN = preimage.MODERN.with_steps(8)

RESULTS: dict[str, Callable[[], Parts]] = {}
"""What makes each result, by the name of the result."""


def result(function: Callable[[], PreImage]) -> Callable[[], PreImage]:
    """Make what the function returns a result under the function's name."""
    RESULTS[function.__name__] = lambda: of_result(function())
    return function


def result_by_layer(function: Callable[[str], PreImage]) -> Callable[[str], PreImage]:
    """Make what the function returns for each of `LAYERS` a result."""
    for layer in LAYERS:
        name = f"{function.__name__}_{layer}"
        RESULTS[name] = lambda layer=layer: of_result(function(layer))  # type: ignore[misc]
    return function


def efficientnet(layer: str) -> Representation:
    """Load a layer of EfficientNet-Lite0, the only network here that is trained."""
    return preimage.representation(f"efficientnet-lite0/{layer}")


def resnet18(layer: str) -> Representation:
    """Make a layer of torchvision's ResNet-18 with random weights."""
    return preimage.representation(f"torchvision:resnet18/{layer}", "random")


def vit(layer: str) -> Representation:
    """Make a layer of timm's smallest vision transformer with random weights."""
    return preimage.representation(f"timm:vit_tiny_patch16_224/{layer}", "random")


def simplenn(layer: str) -> Representation:
    """Make a layer of a network in MatConvNet's format."""
    return preimage.representation(f"matconvnet:{write_network('network.mat')}/{layer}")


# Inversion of HOG, HOGb and dense SIFT


@result
def hog_fast() -> PreImage:
    """Invert HOG with two seeds at each of two loss weights."""
    return preimage.invert(preimage.HOG(), CAT, size=96, seeds=[0, 1], loss_weight=[1, 20])


@result
def hogb_best() -> PreImage:
    """Invert HOGb in four stages."""
    return preimage.invert(preimage.HOG(bilinear=True), CAT, size=96, quality="best")


@result
def dsift_fast() -> PreImage:
    """Invert dense SIFT with another seed than the first."""
    return preimage.invert(preimage.DSIFT(), CAT, size=96, seeds=[3])


@result
def dsift_draft() -> PreImage:
    """Invert two photos at a time, of a height and width that are no multiples of the cells."""
    return preimage.invert(preimage.DSIFT(), [CAT, COFFEE], size=(75, 101), quality="draft")


@result
def hog_nnpreimage() -> PreImage:
    """Invert HOG by Algorithm 1 with the authors' constants."""
    settings = preimage.NNPREIMAGE.with_steps(20)
    return preimage.invert(preimage.HOG(), CAT, size=96, settings=settings)


@result
def hogb_paper() -> PreImage:
    """Invert HOGb by Algorithm 1 with the printed constants."""
    hogb, settings = preimage.representation("hogb"), preimage.PAPER.with_steps(20)
    return preimage.invert(hogb, CAT, size=96, settings=settings)


@result
def dsift_jitter() -> PreImage:
    """Invert dense SIFT with jitter and a final stage, which it has not by default."""
    return preimage.invert(preimage.DSIFT(), CAT, size=96, settings=ALGORITHM_1.replace(jitter=4))


@result
def hog_memory() -> PreImage:
    """Invert with six seeds within a limit that holds some of the images at a time."""
    return preimage.invert(
        preimage.HOG(),
        CAT,
        size=96,
        seeds=range(6),
        quality="draft",
        execution=preimage.Execution(memory=5 * 2**20),
    )


@result
def hog_code() -> PreImage:
    """Invert a code without its photo, with a mask that leaves some of its channels out."""
    hog = preimage.HOG()
    code = hog(hog.preprocessing.load(COFFEE, 96)[None])
    mask = torch.ones(27, 1, 1)
    mask[18:] = 0
    return preimage.invert(hog, codes=code, mask=mask, quality="draft")


@result
def dsift_cells() -> PreImage:
    """Invert a gray array in smaller cells."""
    rows, columns = np.mgrid[0:60, 0:72]
    waves = 0.5 + 0.4 * np.sin(rows / 5) * np.cos(columns / 7)
    return preimage.invert(preimage.DSIFT(cell_size=4), waves, quality="draft")


# Inversion of layers of networks


@result_by_layer
def efficientnet_draft(layer: str) -> PreImage:
    """Invert a layer by the fast solver, with the loss weight that is the layer's own."""
    return preimage.invert(efficientnet(layer), CAT, quality="draft")


@result
def efficientnet_algorithm_1() -> PreImage:
    """Invert a layer by Algorithm 1 with two seeds."""
    return preimage.invert(efficientnet("blocks.5"), CAT, seeds=[0, 1], settings=ALGORITHM_1)


@result
def efficientnet_scores_algorithm_1() -> PreImage:
    """Invert the class scores by Algorithm 1."""
    return preimage.invert(efficientnet("classifier"), COFFEE, settings=ALGORITHM_1)


@result
def efficientnet_unaccelerated() -> PreImage:
    """Invert a layer of the network as it is, its normalizations not folded."""
    layer = efficientnet("blocks.5")
    return preimage.invert(layer, CAT, settings=ALGORITHM_1, execution=preimage.Execution("plain"))


@result
def efficientnet_bfloat16() -> PreImage:
    """Invert a layer that is computed in bfloat16."""
    return preimage.invert(
        efficientnet("stem"), CAT, settings=ALGORITHM_1, execution=preimage.Execution("bf16")
    )


@result
def efficientnet_recomputed() -> PreImage:
    """Invert within a limit that holds an image only if its activations are recomputed."""
    layer = efficientnet("blocks.5")
    return preimage.invert(
        layer, COFFEE, settings=ALGORITHM_1, execution=preimage.Execution(memory=60 * 2**20)
    )


@result
def efficientnet_mask() -> PreImage:
    """Invert some of the responses of a layer."""
    layer = efficientnet("blocks.2")
    mask = torch.zeros(layer.code_shape(224, 224))
    mask[:, 20:40, 10:30] = 1
    return preimage.invert(layer, CAT, mask=mask, settings=ALGORITHM_1)


@result
def efficientnet_snapshots() -> PreImage:
    """Invert at another size, with other constants of the fast solver, and keep snapshots."""
    layer = efficientnet("blocks.2")
    settings = (
        preimage.settings_for(preimage.HOG(), "fast").with_steps(12).replace(beta=1.5, alpha=4)
    )
    return preimage.invert(layer, CAT, size=(96, 128), settings=settings, snapshot_every=4)


@result
def efficientnet_two_layers() -> PreImage:
    """Invert the codes of two layers as one."""
    layers = preimage.network("efficientnet-lite0").several(["blocks.2", "blocks.5"])
    return preimage.invert(layers, CAT, settings=ALGORITHM_1)


@result
def alexnet_relu3() -> PreImage:
    """Invert a network of the paper, whose convolutions have groups, with random weights."""
    layer = preimage.network("alexnet", weights="random").layer("relu3")
    return preimage.invert(layer, CAT, settings=ALGORITHM_1)


@result
def resnet18_layer2() -> PreImage:
    """Invert a layer of a network of torchvision's."""
    return preimage.invert(resnet18("layer2"), CAT, settings=ALGORITHM_1)


@result
def vit_tokens() -> PreImage:
    """Invert the tokens of a vision transformer."""
    return preimage.invert(vit("blocks.2"), CAT, settings=ALGORITHM_1)


@result
def simplenn_conv2() -> PreImage:
    """Invert a layer of a MatConvNet file."""
    return preimage.invert(simplenn("conv2"), CAT, quality="draft")


@result
def own_network() -> PreImage:
    """Invert a module of the user's, which is given gray images."""
    module = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(6, 9, 3)
    )
    gray = preimage.Preprocessing(mean=(127.5,), std=(60.0,), size=(64, 64), resize=72)
    return preimage.invert(preimage.Layer(module, "2", gray), CAT, quality="draft")


# Activation maximization


@result
def maximize_channels() -> PreImage:
    """Maximize two channels with two seeds."""
    return preimage.maximize(efficientnet("blocks.5"), [0, 3], seeds=[0, 1], settings=MODERN)


@result
def maximize_nnpreimage() -> PreImage:
    """Maximize channels with the authors' constants."""
    return preimage.maximize(efficientnet("blocks.2"), range(3), settings=AUTHORS)


@result
def maximize_classes() -> PreImage:
    """Maximize two classes by name."""
    network = preimage.network("efficientnet-lite0")
    return preimage.maximize(network, ["tree frog", "goose"], settings=MODERN)


@result
def maximize_mosaic() -> PreImage:
    """Maximize channels in one image with the authors' constants."""
    return preimage.maximize(efficientnet("stem"), range(6), mosaic=True, settings=AUTHORS)


@result
def maximize_mosaic_modern() -> PreImage:
    """Maximize channels in one image as a spectrum."""
    layer = efficientnet("blocks.1")
    return preimage.maximize(layer, range(4), mosaic=True, seeds=[1], settings=MODERN)


@result
def maximize_diverse() -> PreImage:
    """Maximize the mean of a channel by three images that are to differ."""
    layer, target = efficientnet("blocks.2"), mean_channel(None, 3)
    return preimage.maximize(layer, target, seeds=range(3), diversity=10, settings=MODERN)


@result
def maximize_targets() -> PreImage:
    """Maximize a single response, a difference and a direction; largest responses are given."""
    layer = efficientnet("blocks.3")
    targets = [
        neuron(None, 5, 3, 4),
        channel(None, 3) - 0.5 * channel(None, 9),
        preimage.direction(None, torch.arange(40.0) - 20),
    ]
    return preimage.maximize(layer, targets, maxima=[2, 3, 40], size=96, settings=MODERN)


@result
def maximize_across_layers() -> PreImage:
    """Maximize the sum of a class and a channel of another layer, with photos of the user's."""
    network = preimage.network("efficientnet-lite0")
    target = class_score("goose") + mean_channel("blocks.8", 40)
    return preimage.maximize(network, target, reference=[CAT, COFFEE], settings=MODERN)


@result
def maximize_resnet18() -> PreImage:
    """Maximize a channel of a network of torchvision's."""
    return preimage.maximize(resnet18("layer3"), [7], settings=MODERN)


@result
def maximize_vit() -> PreImage:
    """Maximize a channel of the tokens of a vision transformer."""
    return preimage.maximize(vit("blocks.3"), [5], settings=MODERN)


@result
def maximize_simplenn() -> PreImage:
    """Maximize channels of a MatConvNet file."""
    return preimage.maximize(simplenn("conv2"), range(3), settings=AUTHORS)


# Caricature


@result_by_layer
def caricature(layer: str) -> PreImage:
    """Exaggerate what a layer sees in a photo."""
    return preimage.caricature(efficientnet(layer), CAT, settings=AUTHORS)


@result
def caricature_photos() -> PreImage:
    """Exaggerate two photos with two seeds at another size, with the printed constants."""
    layer, settings = efficientnet("blocks.2"), preimage.PAPER.with_steps(10)
    photos = [CAT, COFFEE]
    return preimage.caricature(layer, photos, seeds=[0, 1], size=128, strength=4, settings=settings)


@result
def caricature_hog() -> PreImage:
    """Exaggerate what HOG sees in a photo."""
    return preimage.caricature(preimage.HOG(), CAT, size=96, settings=AUTHORS)


@result
def caricature_vit() -> PreImage:
    """Exaggerate what a vision transformer sees in a photo."""
    return preimage.caricature(vit("blocks.1"), CAT, settings=AUTHORS)
