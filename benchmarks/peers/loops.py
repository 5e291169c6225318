"""One function a package: its own loop for the task, at 224 x 224 pixels.

Each makes `steps` steps and lets the clock see where they begin. What `eased` changes is what a
user of that package would write; docs/speed.md says it in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.peers.clock import Clock
from benchmarks.peers.listing import Work

SIDE = 224
CHANNEL = 5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Task:
    """A layer of a network, its channel that is excited, and the photos that are inverted."""

    model: nn.Module
    layer: str
    clock: Clock

    def watch(self, work: Work) -> nn.Module:
        """Return the network, its forward passes counted, its weights frozen or not."""
        self.model.requires_grad_(not work.eased)
        if not self.model._forward_pre_hooks:
            self.clock.watch(self.model)
        return self.model

    def photos(self, count: int) -> Tensor:
        """Blurred noise in 0..1, (count, 3, 224, 224), the same in every environment."""
        noise = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))
        return nn.functional.interpolate(noise, (SIDE, SIDE), mode="bilinear")


def _layer(task: Task) -> Any:
    from preimage import Layer, Preprocessing

    mean, std = (tuple(255 * value for value in values) for values in (MEAN, STD))
    return Layer(task.model, task.layer, Preprocessing(mean, std, (SIDE, SIDE)))


def preimage_channel(task: Task, work: Work, steps: int) -> None:
    """`maximize` as it comes."""
    from preimage import MODERN, maximize, mean_channel

    targets = [mean_channel(None, CHANNEL + n) for n in range(work.images)]
    maximize(
        _layer(task),
        targets,
        size=SIDE,
        maxima=[1.0] * work.images,
        settings=MODERN.with_steps(steps),
        progress=lambda _: task.clock.tick(work.images),
    )


def preimage_inversion(task: Task, work: Work, steps: int) -> None:
    """`invert` by Algorithm 1 as it comes, without its final stage."""
    from preimage import NNPREIMAGE, invert

    invert(
        _layer(task),
        list(task.photos(work.images)),
        settings=NNPREIMAGE.replace(iterations=steps, final_iterations=0),
        progress=lambda _: task.clock.tick(work.images),
    )


def torch_lucent(task: Task, work: Work, steps: int) -> None:
    """`render_vis`; eased: jitter alone, because its other transforms enlarge the image."""
    from lucent.optvis import objectives, param, transform
    from lucent.optvis.render import render_vis

    model = task.watch(work)
    for module in model.modules():
        module._forward_hooks.clear()  # those of the call before, which it leaves behind
    layer = task.layer.replace(".", "_")
    wanted = [objectives.channel(layer, CHANNEL + n, batch=n) for n in range(work.images)]
    render_vis(
        model,
        objectives.Objective.sum(wanted),
        lambda: param.image(SIDE, batch=work.images),
        transforms=[transform.jitter(8)] if work.eased else None,
        thresholds=(steps,),
        show_image=False,
        progress=False,
    )


def torch_dreams(task: Task, work: Work, steps: int) -> None:
    """`Dreamer.render`; eased: images keep their size."""
    from torch_dreams import Dreamer
    from torch_dreams.batched_image_param import BatchedAutoImageParam

    model = task.watch(work)

    def loss(outputs: list[Tensor]) -> Tensor:
        return -torch.stack([outputs[0][n, CHANNEL + n].mean() for n in range(work.images)]).sum()

    batch = None
    if work.images > 1:
        batch = BatchedAutoImageParam(work.images, SIDE, SIDE, device="cpu")
    Dreamer(model, quiet=True, device="cpu").render(
        [model.get_submodule(task.layer)],
        batch,
        width=SIDE,
        height=SIDE,
        iters=steps,
        custom_func=loss,
        **({"scale_min": 1.0, "scale_max": 1.0} if work.eased else {}),
    )


def dreamlens(task: Task, work: Work, steps: int) -> None:
    """`maximize_channels`, whose network always sees 224 x 224 pixels."""
    from dreamlens import FeatureVisualizer, RenderConfig

    visualizer = FeatureVisualizer(task.watch(work), quiet=True)
    config = RenderConfig(width=SIDE, height=SIDE, steps=steps)
    if work.images == 1:
        visualizer.maximize_channel(task.layer, CHANNEL, config)
    else:
        channels = range(CHANNEL, CHANNEL + work.images)
        visualizer.maximize_channels(task.layer, channels, config)


def faccent(task: Task, work: Work, steps: int) -> None:
    """`render_vis` without its plots; eased: one crop instead of 16."""
    from faccent import objectives, param
    from faccent.render import render_vis

    layer = task.layer.replace(".", "_")
    wanted = [objectives.channel(layer, CHANNEL + n, batch=n) for n in range(work.images)]
    render_vis(
        task.watch(work),
        objectives.Objective.sum(wanted),
        param.fourier(img_size=(SIDE, SIDE), batch_size=work.images, device="cpu"),
        out_thresholds=range(0, steps, 2) if steps % 2 else [*range(0, steps, 2), steps - 1],
        inline_thresholds=(),
        progress=False,
        model_input_size=(SIDE, SIDE),
        model_input_range=(-2, 2),
        img_size=(SIDE, SIDE),
        **({"nb_transforms": 1} if work.eased else {}),
    )


def horama(task: Task, work: Work, steps: int) -> None:
    """`fourier`; eased: two crops, the fewest that it takes, instead of 6."""
    import horama
    from torchvision.extension import _has_ops

    if not _has_ops():
        from benchmarks.peers.roi_align import roi_align

        horama.common.roi_align = roi_align
    model = task.watch(work)
    outputs: list[Tensor] = []
    handle = model.get_submodule(task.layer).register_forward_hook(
        lambda _, __, output: outputs.append(output)
    )

    def score(images: Tensor) -> Tensor:
        outputs.clear()
        model(images)
        return outputs[0][:, CHANNEL].mean()

    try:
        horama.fourier(
            score,
            total_steps=steps,
            image_size=SIDE,
            model_input_size=SIDE,
            device="cpu",
            **({"crops_per_iteration": 2} if work.eased else {}),
        )
    finally:
        handle.remove()


def plenoptic(task: Task, work: Work, steps: int) -> None:
    """`Metamer` of `DeepNetFeatures`, which stops behind the layer; it wants frozen weights."""
    import plenoptic
    from torchvision.transforms import Normalize

    normalize = Normalize(MEAN, STD)

    def seen(x: Tensor) -> Tensor:
        task.clock.see(x)
        return normalize(x)

    features = plenoptic.models.DeepNetFeatures(task.model, task.layer, seen)
    plenoptic.remove_grad(features)
    metamer = plenoptic.Metamer(task.photos(work.images), features)
    task.clock.restart()
    metamer.synthesize(steps)


LOOPS = {
    "preimage channel": preimage_channel,
    "preimage inversion": preimage_inversion,
    "torch-lucent channel": torch_lucent,
    "torch-dreams channel": torch_dreams,
    "dreamlens channel": dreamlens,
    "faccent channel": faccent,
    "horama channel": horama,
    "plenoptic inversion": plenoptic,
}
