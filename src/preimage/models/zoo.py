"""The networks of section 4.2 and their relatives, as MatConvNet's model zoo has them.

Tables 1-3 list AlexNet, VGG-M and VGG-VD-16; layers carry the names printed there. The
files, their checksums and layouts are those of the zoo since MatConvNet 1.0-beta17;
pooling pads by stride - 1 at the bottom and at the right, which is Caffe's rounding up.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from preimage.models.architecture import (
    Convolution,
    LayerSpec,
    Normalization,
    Pooling,
    Rectifier,
    Softmax,
    build,
)
from preimage.models.errors import ModelError
from preimage.names import unknown

_KRIZHEVSKY = (
    "A. Krizhevsky, I. Sutskever, G. E. Hinton: ImageNet classification with deep "
    "convolutional neural networks. NIPS 2012"
)
_CAFFE = "Y. Jia et al.: Caffe: Convolutional architecture for fast feature embedding. ACM MM 2014"
_CHATFIELD = (
    "K. Chatfield, K. Simonyan, A. Vedaldi, A. Zisserman: Return of the devil in the "
    "details: Delving deep into convolutional nets. BMVC 2014"
)
_SIMONYAN = (
    "K. Simonyan, A. Zisserman: Very deep convolutional networks for large-scale image "
    "recognition. ICLR 2015"
)
_UNRESTRICTED = "unrestricted use (BVLC)"
_NON_COMMERCIAL = "non-commercial use only (Oxford VGG)"
_ATTRIBUTION = "Creative Commons Attribution 4.0"


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is known by its name.

    Attributes:
        name: what a user calls it.
        file: the name of its weight file in the zoo.
        md5: checksum of that file.
        megabytes: approximate size of that file, in 10^6 bytes.
        license: terms of use of the weights.
        citation: whom to cite.
        image_size: height and width of the image that it was trained for.
        layers: the layers in order.
    """

    name: str
    file: str
    md5: str
    megabytes: int
    license: str
    citation: str
    image_size: tuple[int, int]
    layers: tuple[LayerSpec, ...]

    def build(self) -> nn.Sequential:
        """The network with random weights.

        >>> import torch
        >>> with torch.device("meta"):
        ...     network = get("vgg-m").build()
        >>> network.conv1
        Conv2d(3, 96, kernel_size=(7, 7), stride=(2, 2))
        """
        return build(self.layers)


def get(name: str) -> Network:
    """The network of that name.

    Raises:
        ModelError: if there is none; the message offers the nearest.

    >>> get("alexnet").image_size
    (227, 227)
    """
    if name in NETWORKS:
        return NETWORKS[name]
    raise ModelError(unknown("network", name, NETWORKS))


def _conv(
    number: str, kernel: int, channels: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> tuple[LayerSpec, ...]:
    """A convolution and its rectifier."""
    return (
        Convolution(
            f"conv{number}",
            (kernel, kernel),
            channels,
            (stride, stride),
            (padding, padding, padding, padding),
            groups=groups,
        ),
        Rectifier(f"relu{number}"),
    )


def _norm(number: str, kappa: float, alpha: float) -> Normalization:
    return Normalization(f"norm{number}", 5, kappa, alpha, 0.75)


def _pool(number: str, kernel: int, stride: int) -> Pooling:
    padding = (0, stride - 1, 0, stride - 1)
    return Pooling(f"pool{number}", (kernel, kernel), (stride, stride), padding)


def _classifier(kernel: int) -> tuple[LayerSpec, ...]:
    """The fully connected layers that all these networks end with."""
    return (
        Convolution("fc6", (kernel, kernel), 4096),
        Rectifier("relu6"),
        Convolution("fc7", (1, 1), 4096),
        Rectifier("relu7"),
        Convolution("fc8", (1, 1), 1000),
        Softmax("prob"),
    )


_ALEXNET: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 96, stride=4),
    _norm("1", 1, 2e-5),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, padding=2, groups=2),
    _norm("2", 1, 2e-5),
    _pool("2", 3, 2),
    *_conv("3", 3, 384, padding=1),
    *_conv("4", 3, 384, padding=1, groups=2),
    *_conv("5", 3, 256, padding=1, groups=2),
    _pool("5", 3, 2),
    *_classifier(6),
)

_CAFFENET: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 96, stride=4),
    _pool("1", 3, 2),
    _norm("1", 1, 2e-5),
    *_conv("2", 5, 256, padding=2, groups=2),
    _pool("2", 3, 2),
    _norm("2", 1, 2e-5),
    *_conv("3", 3, 384, padding=1),
    *_conv("4", 3, 384, padding=1, groups=2),
    *_conv("5", 3, 256, padding=1, groups=2),
    _pool("5", 3, 2),
    *_classifier(6),
)

_VGG_F: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 64, stride=4),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, padding=2),
    _norm("2", 2, 1e-4),
    _pool("2", 3, 2),
    *_conv("3", 3, 256, padding=1),
    *_conv("4", 3, 256, padding=1),
    *_conv("5", 3, 256, padding=1),
    _pool("5", 3, 2),
    *_classifier(6),
)

_VGG_M: tuple[LayerSpec, ...] = (
    *_conv("1", 7, 96, stride=2),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, stride=2, padding=1),
    _norm("2", 2, 1e-4),
    _pool("2", 3, 2),
    *_conv("3", 3, 512, padding=1),
    *_conv("4", 3, 512, padding=1),
    *_conv("5", 3, 512, padding=1),
    _pool("5", 3, 2),
    *_classifier(6),
)

_VGG_S: tuple[LayerSpec, ...] = (
    *_conv("1", 7, 96, stride=2),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 3),
    *_conv("2", 5, 256),
    _pool("2", 2, 2),
    *_conv("3", 3, 512, padding=1),
    *_conv("4", 3, 512, padding=1),
    *_conv("5", 3, 512, padding=1),
    _pool("5", 3, 3),
    *_classifier(6),
)


def _very_deep(depths: tuple[int, ...]) -> tuple[LayerSpec, ...]:
    """Blocks of as many 3 x 3 convolutions, each block followed by pooling."""
    layers: list[LayerSpec] = []
    for block, (depth, channels) in enumerate(
        zip(depths, (64, 128, 256, 512, 512), strict=True), start=1
    ):
        for index in range(1, depth + 1):
            layers += _conv(f"{block}_{index}", 3, channels, padding=1)
        layers.append(_pool(f"{block}", 2, 2))
    return (*layers, *_classifier(7))


NETWORKS: dict[str, Network] = {
    network.name: network
    for network in (
        Network(
            name="alexnet",
            file="imagenet-caffe-alex.mat",
            md5="b5152a54bf61100a8ed61827c76e7d08",
            megabytes=227,
            license=_UNRESTRICTED,
            citation=_KRIZHEVSKY,
            image_size=(227, 227),
            layers=_ALEXNET,
        ),
        Network(
            name="caffenet",
            file="imagenet-caffe-ref.mat",
            md5="675dd47906d34f4d9a70fc44210d3804",
            megabytes=227,
            license=_UNRESTRICTED,
            citation=_CAFFE,
            image_size=(227, 227),
            layers=_CAFFENET,
        ),
        Network(
            name="vgg-f",
            file="imagenet-vgg-f.mat",
            md5="3513562d28089bd965cc050cbf8597a6",
            megabytes=226,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            image_size=(224, 224),
            layers=_VGG_F,
        ),
        Network(
            name="vgg-m",
            file="imagenet-vgg-m.mat",
            md5="29294d5f62578c96a3533859514235f2",
            megabytes=383,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            image_size=(224, 224),
            layers=_VGG_M,
        ),
        Network(
            name="vgg-s",
            file="imagenet-vgg-s.mat",
            md5="dbe23da22e82078debda75842b16d5fa",
            megabytes=383,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            image_size=(224, 224),
            layers=_VGG_S,
        ),
        Network(
            name="vgg-vd-16",
            file="imagenet-vgg-verydeep-16.mat",
            md5="f72d927587ca4c97fbd165ec9cb9997f",
            megabytes=515,
            license=_ATTRIBUTION,
            citation=_SIMONYAN,
            image_size=(224, 224),
            layers=_very_deep((2, 2, 3, 3, 3)),
        ),
        Network(
            name="vgg-vd-19",
            file="imagenet-vgg-verydeep-19.mat",
            md5="106118b7cf60435e6d8e04f6a6dc3657",
            megabytes=535,
            license=_ATTRIBUTION,
            citation=_SIMONYAN,
            image_size=(224, 224),
            layers=_very_deep((2, 2, 4, 4, 4)),
        ),
    )
}
"""The networks by name."""
