"""One function a package: a whole picture at the package's defaults, 224 x 224 pixels.

`MAXIMIZED` has a picture of a class of EfficientNet-Lite0, `INVERTED` one with the code of a
photo. Each returns red, green and blue in 0..1, (3, 224, 224), or preimage's own 8-bit picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

SIDE = 224
NETWORK = "efficientnet-lite0"
SCORES = "network.classifier"
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Fed(nn.Module):
    """A network of preimage that takes images as another package gives them.

    The normalization of the package is undone, and the network's own done. Its weights are
    frozen, which changes no picture, and spares packages that leave it to their users time.

    Args:
        network: its module, which takes (x - 127) / 128.
        mean: what the package subtracts from red, green and blue in 0..1.
        std: what it divides by.
    """

    def __init__(self, network: nn.Module, mean: Any = (0.0,), std: Any = (1.0,)) -> None:
        super().__init__()
        self.network = network
        self.mean, self.std = (torch.tensor(value).view(-1, 1, 1) for value in (mean, std))
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.network((255 * (x * self.std + self.mean) - 127) / 128)
        return scores


def preimage_class(network: Any, index: int) -> Image.Image:
    """Maximize a class by `maximize` as it comes."""
    import preimage

    return preimage.maximize(network, [preimage.class_score(index)]).to_pil()


def torch_lucent(network: Any, index: int) -> Tensor:
    """Maximize a class by `render_vis`, 512 steps."""
    from lucent.optvis import objectives, param
    from lucent.optvis.render import render_vis

    wanted = objectives.channel(SCORES.replace(".", "_"), index)
    model = Fed(network.module, *IMAGENET)
    pictures = render_vis(
        model, wanted, lambda: param.image(SIDE), show_image=False, progress=False
    )
    return torch.as_tensor(pictures[-1][0]).permute(2, 0, 1)


def torch_dreams(network: Any, index: int) -> Tensor:
    """Maximize a class by `Dreamer.render`, 120 steps."""
    from torch_dreams import Dreamer

    model = Fed(network.module, *IMAGENET)
    found: Any = Dreamer(model, quiet=True, device="cpu").render(
        [model.get_submodule(SCORES)],
        width=SIDE,
        height=SIDE,
        custom_func=lambda outputs: -outputs[0][:, index].mean(),
    )
    return found.to_chw_tensor()


def dreamlens(network: Any, index: int) -> Tensor:
    """Maximize a class by `maximize_channel`, 120 steps."""
    from dreamlens import FeatureVisualizer, RenderConfig

    visualizer = FeatureVisualizer(Fed(network.module, *IMAGENET), quiet=True)
    found: Any = visualizer.maximize_channel(SCORES, index, RenderConfig(width=SIDE, height=SIDE))
    return found.image.as_chw()


def faccent(network: Any, index: int) -> Tensor:
    """Maximize a class by `render_vis` without its plots, 99 steps of 16 crops."""
    from faccent import objectives
    from faccent.render import render_vis

    found: Any = render_vis(
        Fed(network.module),
        objectives.channel(SCORES.replace(".", "_"), index),
        inline_thresholds=(),
        progress=False,
        model_input_size=(SIDE, SIDE),
        model_input_range=(0, 1),
        img_size=(SIDE, SIDE),
    )
    return found[0][-1][0]


def horama(network: Any, index: int) -> Tensor:
    """Maximize a class by `fourier`, 1000 steps of 6 crops, in its range of -2.5 to 2.5."""
    import horama

    _without_operators(horama)
    model = Fed(network.module, (0.5,), (0.2,))
    found: Any = horama.fourier(lambda x: model(x)[:, index].mean(), image_size=SIDE, device="cpu")
    return found[0] / 5 + 0.5


def horama_maco(network: Any, index: int) -> Tensor:
    """Maximize a class by `maco`, whose spectrum of photos it downloads."""
    import horama

    _without_operators(horama)
    model = Fed(network.module, (0.5,), (0.2,))
    found: Any = horama.maco(lambda x: model(x)[:, index].mean(), image_size=SIDE, device="cpu")
    return found[0] / 5 + 0.5


def _without_operators(horama: Any) -> None:
    """Give horama the `roi_align` that a torchvision without compiled operators lacks."""
    from torchvision.extension import _has_ops

    if not _has_ops():
        from benchmarks.peers.roi_align import roi_align

        horama.common.roi_align = roi_align


def preimage_inversion(network: Any, photo: Image.Image, layer: str, _: float) -> Image.Image:
    """Invert a layer by `invert` as it comes."""
    import preimage

    return preimage.invert(network.layer(layer), photo, size=(SIDE, SIDE)).to_pil()


def plenoptic(network: Any, photo: Image.Image, layer: str, seconds: float) -> Tensor:
    """Invert a block by `Metamer`, which goes on for so many processor seconds."""
    import numpy as np
    import plenoptic

    begin = time.process_time()
    count = int(layer.removeprefix("blocks.")) + 1
    model = Fed(nn.Sequential(network.module.stem, *network.module.blocks[:count]))
    x = torch.as_tensor(np.array(photo)).permute(2, 0, 1)[None] / 255
    metamer = plenoptic.Metamer(x, model)
    while time.process_time() - begin < seconds:
        metamer.synthesize(5)
    return metamer.metamer[0]


Picture = Tensor | Image.Image

MAXIMIZED: dict[str, Callable[[Any, int], Picture]] = {
    "preimage": preimage_class,
    "torch-lucent": torch_lucent,
    "torch-dreams": torch_dreams,
    "dreamlens": dreamlens,
    "faccent": faccent,
    "horama": horama,
    "horama maco": horama_maco,
}
INVERTED: dict[str, Callable[[Any, Image.Image, str, float], Picture]] = {
    "preimage": preimage_inversion,
    "plenoptic": plenoptic,
}
