"""Results of the command line: each a small function, and its name that of the result.

Every function runs in an empty folder of its own, with an empty cache.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

import preimage
from benchmarks.hashes.parts import (
    Parts,
    command,
    data_hash,
    of_figure,
    of_pictures,
    of_statistics,
    of_store,
    of_table4,
    photo,
    picture_hash,
    responses,
    set_hash,
)
from benchmarks.hashes.simplenn import write_network

CAT, COFFEE = photo("chelsea"), photo("coffee")
NETWORK = "efficientnet-lite0"
ON_NETWORK = ("--network", NETWORK)
OUT = ("--out", "out")
IN_PROCESS = ("--workers", "1")

RESULTS: dict[str, Callable[[], Parts]] = {}
"""What makes each result, by the name of the result."""


def result(function: Callable[[], Parts]) -> Callable[[], Parts]:
    """Make what the function returns a result under the function's name."""
    RESULTS[function.__name__] = function
    return function


def photos(*names: str) -> Path:
    """Copy some of the photos of the package into a folder."""
    folder = Path("photos")
    folder.mkdir()
    for name in names:
        shutil.copy(photo(name), folder)
    return folder


def study(text: str) -> Parts:
    """Carry out a study of two photos, and hash what it stored."""
    key = "reference" if "maximize" in text else "images"
    Path("study.toml").write_text(f"{key} = {[str(CAT), str(COFFEE)]}\n{text}")
    command("study", "run", "study.toml", *IN_PROCESS, *OUT)
    return of_store()


# Inversion


@result
def invert_photos() -> Parts:
    """Invert two photos with seeds and loss weights, with a grid of all."""
    weights = ("--loss-weight", "1", "--loss-weight", "20")
    seeds = ("--seeds", "2", "--seed", "5")
    command("invert", CAT, COFFEE, "--rep", "hog", "--size", "96", *seeds, *weights, "--grid", *OUT)
    return of_pictures()


@result
def invert_layers() -> Parts:
    """Invert several layers of a network."""
    layers = ("--layers", "stem,blocks.5,classifier")
    command("invert", CAT, "--rep", NETWORK, *layers, "--steps", "12", *OUT)
    return of_pictures()


@result
def invert_window() -> Parts:
    """Invert the central responses of a layer."""
    command("invert", CAT, "--rep", f"{NETWORK}/blocks.5", "--window", "5", "--steps", "12", *OUT)
    return of_pictures()


@result
def invert_channels() -> Parts:
    """Invert some of the channels of dense SIFT, at a height and width."""
    command("invert", CAT, "--rep", "dsift", "--channels", "0-63", "--size", "72x96", *OUT)
    return of_pictures()


@result
def invert_stream() -> Parts:
    """Invert one half of the channels by the authors' constants."""
    masked = ("--rep", f"{NETWORK}/blocks.2", "--stream", "2")
    command("invert", CAT, *masked, "--preset", "nnpreimage", "--steps", "6", *OUT)
    return of_pictures()


@result
def invert_algorithm_1() -> Parts:
    """Invert HOGb by Algorithm 1."""
    solver = ("--solver", "algorithm-1", "--steps", "20")
    command("invert", CAT, "--rep", "hogb", *solver, "--size", "96", *OUT)
    return of_pictures()


@result
def invert_code() -> Parts:
    """Invert a code from a file, whose photo is gone."""
    hog = preimage.representation("hog")
    np.save("code.npy", hog(hog.preprocessing.load(COFFEE, 96)[None])[0].numpy())
    command("invert", "code.npy", "--rep", "hog", "--size", "72x96", "--quality", "draft", *OUT)
    return of_pictures()


@result
def invert_memory() -> Parts:
    """Invert within a limit that holds an image only if its activations are recomputed."""
    limits = ("--memory", "60MB", "--steps", "12", "--seeds", "2")
    command("invert", CAT, "--rep", f"{NETWORK}/blocks.5", *limits, *OUT)
    return of_pictures()


@result
def invert_unaccelerated() -> Parts:
    """Invert a network of torchvision's with random weights, as it is."""
    untrained = ("--rep", "torchvision:resnet18/layer1", "--weights", "random")
    command("invert", CAT, *untrained, "--accelerate", "plain", "--steps", "12", *OUT)
    return of_pictures()


@result
def invert_own_factory() -> Parts:
    """Invert a network that a function of the user's returns."""
    rep = "import:benchmarks.plain_networks.resnet_18/layer2"
    command("invert", CAT, "--rep", rep, "--size", "96x96", "--steps", "12", *OUT)
    return of_pictures()


@result
def invert_simplenn() -> Parts:
    """Invert a layer of a MatConvNet file."""
    rep = f"matconvnet:{write_network('network.mat')}/relu2"
    command("invert", CAT, "--rep", rep, "--quality", "draft", *OUT)
    return of_pictures()


# Activation maximization and caricature


@result
def maximize_channels_and_neuron() -> Parts:
    """Maximize channels and a single response with another strength."""
    targets = ("--channels", "0,7-8", "--neurons", "3,6,6")
    command("maximize", f"{NETWORK}/blocks.5", *targets, "--steps", "8", "--strength", "2", *OUT)
    return of_pictures()


@result
def maximize_class_names() -> Parts:
    """Maximize classes, and see what the network makes of their pictures."""
    command("maximize", NETWORK, "--classes", "tree frog,cheeseburger", "--steps", "8", *OUT)
    sidecars = [json.loads(path.read_text()) for path in Path("out").glob("*.json")]
    seen = [data_hash([line["probability"], line["top_1"]]) for line in sidecars]
    return {**of_pictures(), "classes": set_hash(seen)}


@result
def maximize_mosaic_of_photos() -> Parts:
    """Maximize channels in one image, with the largest responses to photos of the user's."""
    how = ("--preset", "nnpreimage", "--steps", "8", "--reference", photos("china", "flower"))
    command("maximize", f"{NETWORK}/blocks.2", "--channels", "0-3", "--mosaic", *how, *OUT)
    return of_pictures()


@result
def maximize_diverse_tokens() -> Parts:
    """Maximize a channel of a vision transformer by two images that are to differ."""
    layer = ("timm:vit_tiny_patch16_224/blocks.1", "--weights", "random", "--channels", "3")
    command("maximize", *layer, "--seeds", "2", "--diversity", "5", "--steps", "6", *OUT)
    return of_pictures()


@result
def caricature_layers() -> Parts:
    """Exaggerate what several layers see in a photo."""
    layers = ("--rep", NETWORK, "--layers", "blocks.2,blocks.5")
    command("caricature", CAT, *layers, "--steps", "6", "--strength", "5", *OUT)
    return of_pictures()


# What channels do over photos


def across_first(box: list[int]) -> list[int]:
    """Turn (top, left, bottom, right) into the (left, top, right, bottom) of older versions."""
    top, left, bottom, right = box
    return [left, top, right, bottom]


@result
def stats() -> Parts:
    """Measure what the channels of three layers do over the photos of the package."""
    layers = [f"{NETWORK}/{layer}" for layer in ("stem", "blocks.5", "classifier")]
    return of_statistics(command("stats", *layers, "--json"))


@result
def top() -> Parts:
    """Cut out what some channels answer most to."""
    command("top", f"{NETWORK}/blocks.5", "--channels", "0-5", "--out", "out/top.png")
    described = json.loads(Path("out/top.json").read_text())["channels"]
    boxes = [
        [across_first(response["box"]) for response in channel["top"]] for channel in described
    ]
    return {
        "responses": data_hash([responses(channel) for channel in described]),
        "boxes": data_hash(boxes),
        "picture": picture_hash(Path("out/top.png")),
    }


# Studies


@result
def study_inversions() -> Parts:
    """Invert every combination of representations, loss weights, seeds and a constant."""
    return study("""
        representations = ["hog", "dsift", "efficientnet-lite0/blocks.2"]
        loss_weight = [1, 20]
        seeds = [0, 1]
        size = [96, 96]
        steps = 8
        [settings]
        beta = [1.5, 2.0]
    """)


@result
def study_algorithm_1() -> Parts:
    """Invert some of the channels by the authors' constants, one of them changed."""
    return study("""
        representations = ["hogb", "efficientnet-lite0/stem"]
        preset = "nnpreimage"
        size = 96
        steps = 8
        [settings]
        final_iterations = 4
        [mask]
        channels = "0-11"
    """)


@result
def study_maximizations() -> Parts:
    """Maximize channels and a single response."""
    return study("""
        visualization = "maximize"
        representations = ["efficientnet-lite0/blocks.2"]
        channels = "0-2"
        neurons = [[3, 6, 6]]
        steps = 8
    """)


@result
def study_caricatures() -> Parts:
    """Exaggerate what a layer sees in photos."""
    return study("""
        visualization = "caricature"
        representations = ["efficientnet-lite0/blocks.5"]
        steps = 8
        [settings]
        final_iterations = 4
    """)


@result
def audit() -> Parts:
    """Reconstruct four photos from two layers."""
    images = ("--images", photos("chelsea", "coffee", "china", "flower"))
    layers = ("--layers", "stem,blocks.8")
    command("audit", "layers", NETWORK, *layers, *images, "--steps", "8", *IN_PROCESS, *OUT)
    return of_store()


# Tables and figures of the paper


@result
def demo() -> Parts:
    """Make the picture of the demo; its captions are part of it."""
    command("demo", "--out", "demo.png")
    return {"picture": picture_hash(Path("demo.png"))}


@result
def table4() -> Parts:
    """Measure two photos at 96 pixels: every picture, and the table of errors."""
    images = ("--images", photos("chelsea", "coffee"))
    command("reproduce", "table4", *images, "--size", "96", *IN_PROCESS, *OUT)
    return of_table4()


@result
def table5() -> Parts:
    """Invert a photo from two layers with each prior left out in turn."""
    few = ("--layers", "stem,blocks.1", "--limit", "1", "--loss-weight", "20", "--steps", "6")
    command("reproduce", "table5", *ON_NETWORK, *few, "--ablation", *IN_PROCESS, *OUT)
    return of_store()


@result
def fig3() -> Parts:
    """Maximize a class with three jitters."""
    few = ("--preset", "modern", "--steps", "6")
    command("reproduce", "fig3", *ON_NETWORK, *few, *IN_PROCESS, *OUT)
    return of_figure("fig3")


@result
def fig9() -> Parts:
    """Invert the central responses of two layers."""
    layers = ("--layers", "stem,blocks.1")
    command("reproduce", "fig9", *ON_NETWORK, *layers, "--steps", "6", *IN_PROCESS, *OUT)
    return of_store()


@result
def fig11() -> Parts:
    """Maximize the first channels of two layers."""
    few = ("--layers", "stem,blocks.4", "--channels", "0-2", "--preset", "modern", "--steps", "8")
    command("reproduce", "fig11", *ON_NETWORK, *few, *IN_PROCESS, *OUT)
    return of_figure("fig11")


@result
def fig14() -> Parts:
    """Exaggerate what two layers see in a photo."""
    layers = ("--layers", "stem,blocks.2")
    command("reproduce", "fig14", *ON_NETWORK, *layers, "--steps", "6", *IN_PROCESS, *OUT)
    return of_figure("fig14")
