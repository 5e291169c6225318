"""A process that times one picture of one package: `... timed JOB.json`, a line of JSON as answer.

The job names the package, and its settings and a class, or a photo and a layer. The clock counts
processor time from the call on. It stands still while judges look at the picture of a class as it
then is, after every few steps; a picture that they have believed three times in a row ends the run.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from benchmarks.missing_operators import declare_missing_operators
from benchmarks.peers.makers import IMAGENET, NETWORK, SCORES, SIDE, Fed
from benchmarks.peers.pictures import eight_bits

BELIEVED = 0.9
"""The probability of its class that a picture needs."""
JUDGES = ("efficientnet-lite1", "efficientnet-lite2")

_IN_A_ROW = 3
"""The number of looks at which a picture must be believed, so that no lucky step counts."""


class BelievedError(Exception):
    """The end of a run whose picture is believed."""


class Watch:
    """A clock of processor time that stands still while the judges look.

    Args:
        belief: returns the probability of the class for a picture.
        every: number of steps between two looks.

    Attributes:
        looks: step, seconds and probability of every look.
    """

    def __init__(self, belief: Callable[[Any], float], every: int) -> None:
        self.looks: list[tuple[int, float, float]] = []
        self.picture: Callable[[], Any]
        self._belief, self._every = belief, every
        self._steps, self._begin = 0, 0.0

    def start(self) -> None:
        """Start the clock: everything that the package needs is imported."""
        self._begin = time.process_time()

    def step(self, *_: object) -> None:
        """Count a step of an optimizer; look at the picture if it is time."""
        self._steps += 1
        if self._steps % self._every == 0:
            seconds = time.process_time() - self._begin
            with torch.no_grad():
                self.look(self._steps, seconds, self.picture())
            self._begin = time.process_time() - seconds

    def look(self, step: int, seconds: float, picture: Any) -> None:
        """Note what the judges say; raise BelievedError if the picture stays believed."""
        self.looks.append((step, round(seconds, 2), round(self._belief(picture), 4)))
        last = self.looks[-_IN_A_ROW:]
        if len(last) == _IN_A_ROW and all(look[2] >= BELIEVED for look in last):
            raise BelievedError

    def result(self) -> dict[str, Any]:
        """Return step and seconds of the first look since which the picture is believed.

        At the last looks of a run, fewer than three in a row are enough.
        """
        first = len(self.looks)
        while first and self.looks[first - 1][2] >= BELIEVED:
            first -= 1
        found: dict[str, Any] = {"reached": first < len(self.looks)}
        step, seconds, _ = self.looks[min(first, len(self.looks) - 1)]
        return found | {
            "steps": step, "seconds": seconds, "best": max(look[2] for look in self.looks),
        }  # fmt: skip


def preimage_class(network: Any, index: int, watch: Watch) -> None:
    """Maximize a class by `maximize` as it comes; the judges look afterwards."""
    from preimage import class_score, maximize

    times = {}
    begin = time.process_time()

    def note(progress: Any) -> None:
        times[progress.step] = time.process_time() - begin

    result = maximize(network, [class_score(index)], snapshot_every=15, progress=note)
    whole = time.process_time() - begin
    for step, (picture,) in result.frames():
        watch.look(step, times[step], picture)
    watch.look(len(times), whole, result.to_pil())


def preimage_steps(network: Any, index: int, watch: Watch, steps: int) -> None:
    """Maximize a class by `maximize` in so many steps; the judges look at the result alone."""
    from preimage import MODERN, class_score, maximize

    begin = time.process_time()
    result = maximize(network, [class_score(index)], settings=MODERN.with_steps(steps))
    watch.look(steps, time.process_time() - begin, result.to_pil())


def torch_lucent(network: Any, index: int, watch: Watch, lr: float = 0.05) -> None:
    """Maximize a class by `render_vis`, 512 steps."""
    from lucent.optvis import objectives, param
    from lucent.optvis.render import render_vis

    watch.start()

    def image() -> Any:
        params, picture = param.image(SIDE)
        watch.picture = lambda: picture()[0]
        return params, picture

    wanted = objectives.channel(SCORES.replace(".", "_"), index)
    render_vis(
        Fed(network.module, *IMAGENET), wanted, image, show_image=False, progress=False,
        optimizer=lambda params: torch.optim.Adam(params, lr=lr),
    )  # fmt: skip


def torch_dreams(network: Any, index: int, watch: Watch, **settings: Any) -> None:
    """Maximize a class by `Dreamer.render`, 120 steps."""
    from torch_dreams import Dreamer
    from torch_dreams.auto_image_param import AutoImageParam

    watch.start()
    model = Fed(network.module, *IMAGENET)
    canvas = _uncopied(AutoImageParam(SIDE, SIDE, device="cpu", standard_deviation=0.01))
    watch.picture = canvas.to_chw_tensor

    def loss(outputs: list[Tensor]) -> Tensor:
        return -outputs[0][:, index].mean()

    Dreamer(model, quiet=True, device="cpu").render(
        [model.get_submodule(SCORES)], canvas, custom_func=loss, **settings
    )


def dreamlens(network: Any, index: int, watch: Watch, **settings: Any) -> None:
    """Maximize a class by `maximize`, 120 steps."""
    from dreamlens import FeatureVisualizer, RenderConfig
    from dreamlens.image_parameters import FourierCanvas
    from dreamlens.objectives import FeatureTarget

    watch.start()
    canvas = _uncopied(FourierCanvas(SIDE, SIDE, device="cpu"))
    watch.picture = canvas.as_chw
    FeatureVisualizer(Fed(network.module, *IMAGENET), quiet=True).maximize(
        FeatureTarget.for_channel(SCORES, index),
        RenderConfig(width=SIDE, height=SIDE, **settings),
        canvas,
    )


def faccent(network: Any, index: int, watch: Watch, lr: float = 0.05, **settings: Any) -> None:
    """Maximize a class by `render_vis` without its plots, 99 steps of 16 crops."""
    from faccent import objectives, param
    from faccent.render import render_vis

    watch.start()
    canvas = param.fourier(img_size=(SIDE, SIDE), device="cpu")
    watch.picture = lambda: canvas.params_to_img()[0]
    render_vis(
        Fed(network.module), objectives.channel(SCORES.replace(".", "_"), index), canvas,
        inline_thresholds=(), progress=False, model_input_size=(SIDE, SIDE),
        model_input_range=(0, 1), img_size=(SIDE, SIDE),
        optimizer=lambda params: torch.optim.Adam(params, lr=lr), **settings,
    )  # fmt: skip


def plenoptic(network: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Invert a block by `Metamer` in its default number of steps."""
    from plenoptic import Metamer

    count = int(job["layer"].removeprefix("blocks.")) + 1
    model = Fed(nn.Sequential(network.module.stem, *network.module.blocks[:count]))
    begin = time.process_time()
    with Image.open(job["photo"]) as photo:
        x = torch.as_tensor(np.array(photo.convert("RGB"))).permute(2, 0, 1)[None] / 255
    metamer = Metamer(x, model)
    metamer.synthesize()
    seconds = time.process_time() - begin
    error = _error(network, job, eight_bits(metamer.metamer[0]))
    steps = len(metamer.losses) - 1
    return {"reached": True, "steps": steps, "seconds": round(seconds, 2), "best": error}


def preimage_inversion(network: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Invert a layer by `invert` in as few steps as the error of the job takes."""
    from preimage import invert, settings_for

    found: dict[str, Any] = {}
    for steps in (10, 15, 20, 30, 40, 60, 100, 200):
        phi = network.layer(job["layer"])
        settings = settings_for(phi, "fast").with_steps(steps)
        begin = time.process_time()
        result = invert(phi, job["photo"], size=(SIDE, SIDE), settings=settings)
        seconds, error = time.process_time() - begin, _error(network, job, result.to_pil())
        reached = error <= job["error"]
        found = {"reached": reached, "steps": steps, "seconds": round(seconds, 2), "best": error}
        if reached:
            break
    return found


def _error(network: Any, job: dict[str, Any], picture: Image.Image) -> float:
    """Return the error of a picture in 8 bits."""
    with Image.open(job["photo"]) as photo:
        images = [network.preprocessing.load(one, (SIDE, SIDE)) for one in (picture, photo)]
    codes = network.layer(job["layer"]).encode(torch.stack(images))
    return round(float((codes[0] - codes[1]).norm() / codes[1].norm()), 4)


def _uncopied(canvas: Any) -> Any:
    """Return an image that a package takes as it is, in place of a copy that nobody can watch."""
    canvas.__deepcopy__ = lambda _: canvas
    return canvas


MAKERS: dict[str, Callable[..., None]] = {
    "preimage": preimage_class,
    "preimage steps": preimage_steps,
    "torch-lucent": torch_lucent,
    "torch-dreams": torch_dreams,
    "dreamlens": dreamlens,
    "faccent": faccent,
}
INVERTERS = {"plenoptic": plenoptic, "preimage": preimage_inversion}


def main(path: str) -> None:
    """Carry out the job in a file, and print what was found."""
    declare_missing_operators()
    import preimage

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # packages print
    torch.set_num_threads(1)
    job = json.loads(Path(path).read_text())
    network = preimage.network(NETWORK, job["weights"])
    random.seed(0)
    np.random.seed(0)  # what packages draw from
    torch.manual_seed(0)
    found = (inverted if "photo" in job else maximized)(network, job)
    facts = {"version": version(job["package"].partition(" ")[0])}
    answers.write(json.dumps(facts | found) + "\n")


def inverted(network: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Return what a package finds for a photo and a layer."""
    return INVERTERS[job["package"]](network, job)


def maximized(network: Any, job: dict[str, Any]) -> dict[str, Any]:
    """Return what a package finds for a class."""
    from preimage import Judge

    judge, name = Judge(JUDGES), network.classes[job["class"]]

    def belief(picture: Any) -> float:
        found = judge.judge(eight_bits(picture), class_name=name).judge_probability
        return float(found or 0)

    watch = Watch(belief, job["every"])
    register_optimizer_step_post_hook(watch.step)
    with contextlib.suppress(BelievedError):
        MAKERS[job["package"]](network, job["class"], watch, **job["settings"])
    return watch.result() | {"looks": watch.looks}


if __name__ == "__main__":
    main(*sys.argv[1:])
