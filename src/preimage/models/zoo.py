"""MatConvNet's model zoo as data: the networks of section 4.2 and their relatives.

Tables 1-3 list AlexNet, VGG-M and VGG-VD-16; layers carry the names printed there. Files,
checksums and layers are those of the zoo since MatConvNet 1.0-beta17; pooling pads by
stride - 1 at the bottom and at the right, which is Caffe's rounding up. Nothing here imports
torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from preimage.models import architecture
from preimage.models.architecture import Convolution, LayerSpec, Rectifier, Softmax
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
_UNTIL_RELU5 = (("relu3", 300.0), ("relu4", 100.0), ("relu5", 20.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class ZooNetwork:
    """A network of the zoo as data.

    Attributes:
        name: the name that users know.
        file: the name of its weight file.
        md5: checksum of that file.
        megabytes: approximate size of that file, in 10^6 bytes.
        license: terms of use of the weights.
        citation: the publication to cite.
        image_size: height and width of the images that it was trained on.
        layers: the layers in order.
        loss_weights: C of section 5.2.1: each value applies up to and including the named
            layer; after the last named layer C is 1.
    """

    name: str
    file: str
    md5: str
    megabytes: int
    license: str
    citation: str
    image_size: tuple[int, int] = (224, 224)
    layers: tuple[LayerSpec, ...]
    loss_weights: tuple[tuple[str, float], ...] = _UNTIL_RELU5

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The names of all layers up to the class scores, fc8.

        >>> NETWORKS["alexnet"].layer_names[:5]
        ('conv1', 'relu1', 'norm1', 'pool1', 'conv2')
        """
        return tuple(layer.name for layer in self.layers if not isinstance(layer, Softmax))

    @property
    def linear_layers(self) -> tuple[str, ...]:
        """The names of the convolutions and of the fully connected layers.

        >>> NETWORKS["vgg-m"].linear_layers
        ('conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7', 'fc8')
        """
        return tuple(layer.name for layer in self.layers if isinstance(layer, Convolution))

    @property
    def convolutions(self) -> tuple[str, ...]:
        """The names of the convolutions, without the fully connected layers."""
        return tuple(name for name in self.linear_layers if name.startswith("conv"))


def _conv(
    number: str, kernel: int, channels: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> tuple[LayerSpec, ...]:
    """Return a convolution and its rectifier."""
    name, steps, sides = f"conv{number}", (stride, stride), (padding, padding, padding, padding)
    convolution = Convolution(name, (kernel, kernel), channels, steps, sides, groups=groups)
    return convolution, Rectifier(f"relu{number}")


def _norm(number: str, kappa: float, alpha: float) -> LayerSpec:
    return architecture.Normalization(f"norm{number}", 5, kappa, alpha, 0.75)


def _pool(number: str, kernel: int, stride: int) -> LayerSpec:
    padding = (0, stride - 1, 0, stride - 1)
    return architecture.Pooling(f"pool{number}", (kernel, kernel), (stride, stride), padding)


def _classifier(kernel: int) -> tuple[LayerSpec, ...]:
    """Return the fully connected layers that all these networks end with."""
    return (
        Convolution("fc6", (kernel, kernel), 4096),
        Rectifier("relu6"),
        Convolution("fc7", (1, 1), 4096),
        Rectifier("relu7"),
        Convolution("fc8", (1, 1), 1000),
        Softmax("prob"),
    )


def _upper_vgg(channels: int, stride: int) -> tuple[LayerSpec, ...]:
    """Return the layers of VGG-F, VGG-M and VGG-S from conv3 on; `stride` is that of pool5."""
    convolutions = [layer for n in "345" for layer in _conv(n, 3, channels, padding=1)]
    return *convolutions, _pool("5", 3, stride), *_classifier(6)


_UPPER_ALEXNET = (
    *_conv("3", 3, 384, padding=1),
    *_conv("4", 3, 384, padding=1, groups=2),
    *_conv("5", 3, 256, padding=1, groups=2),
    _pool("5", 3, 2),
    *_classifier(6),
)

_ALEXNET: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 96, stride=4),
    _norm("1", 1, 2e-5),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, padding=2, groups=2),
    _norm("2", 1, 2e-5),
    _pool("2", 3, 2),
    *_UPPER_ALEXNET,
)

_CAFFENET: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 96, stride=4),
    _pool("1", 3, 2),
    _norm("1", 1, 2e-5),
    *_conv("2", 5, 256, padding=2, groups=2),
    _pool("2", 3, 2),
    _norm("2", 1, 2e-5),
    *_UPPER_ALEXNET,
)

_VGG_F: tuple[LayerSpec, ...] = (
    *_conv("1", 11, 64, stride=4),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, padding=2),
    _norm("2", 2, 1e-4),
    _pool("2", 3, 2),
    *_upper_vgg(256, 2),
)

_VGG_M: tuple[LayerSpec, ...] = (
    *_conv("1", 7, 96, stride=2),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 2),
    *_conv("2", 5, 256, stride=2, padding=1),
    _norm("2", 2, 1e-4),
    _pool("2", 3, 2),
    *_upper_vgg(512, 2),
)

_VGG_S: tuple[LayerSpec, ...] = (
    *_conv("1", 7, 96, stride=2),
    _norm("1", 2, 1e-4),
    _pool("1", 3, 3),
    *_conv("2", 5, 256),
    _pool("2", 2, 2),
    *_upper_vgg(512, 3),
)


def _very_deep(depths: tuple[int, ...]) -> tuple[LayerSpec, ...]:
    """Return the layers of a VGG-VD: blocks of 3 x 3 convolutions, `depths` in each block."""
    layers: list[LayerSpec] = []
    for block, depth, channels in zip("12345", depths, (64, 128, 256, 512, 512), strict=True):
        for index in range(1, depth + 1):
            layers += _conv(f"{block}_{index}", 3, channels, padding=1)
        layers.append(_pool(block, 2, 2))
    return (*layers, *_classifier(7))


NETWORKS: dict[str, ZooNetwork] = {
    network.name: network
    for network in (
        ZooNetwork(
            name="alexnet",
            file="imagenet-caffe-alex.mat",
            md5="b5152a54bf61100a8ed61827c76e7d08",
            megabytes=227,
            license=_UNRESTRICTED,
            citation=_KRIZHEVSKY,
            image_size=(227, 227),
            layers=_ALEXNET,
        ),
        ZooNetwork(
            name="caffenet",
            file="imagenet-caffe-ref.mat",
            md5="675dd47906d34f4d9a70fc44210d3804",
            megabytes=227,
            license=_UNRESTRICTED,
            citation=_CAFFE,
            image_size=(227, 227),
            layers=_CAFFENET,
        ),
        ZooNetwork(
            name="vgg-f",
            file="imagenet-vgg-f.mat",
            md5="3513562d28089bd965cc050cbf8597a6",
            megabytes=226,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            layers=_VGG_F,
        ),
        ZooNetwork(
            name="vgg-m",
            file="imagenet-vgg-m.mat",
            md5="29294d5f62578c96a3533859514235f2",
            megabytes=383,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            layers=_VGG_M,
        ),
        ZooNetwork(
            name="vgg-s",
            file="imagenet-vgg-s.mat",
            md5="dbe23da22e82078debda75842b16d5fa",
            megabytes=383,
            license=_NON_COMMERCIAL,
            citation=_CHATFIELD,
            layers=_VGG_S,
        ),
        ZooNetwork(
            name="vgg-vd-16",
            file="imagenet-vgg-verydeep-16.mat",
            md5="f72d927587ca4c97fbd165ec9cb9997f",
            megabytes=515,
            license=_ATTRIBUTION,
            citation=_SIMONYAN,
            layers=_very_deep((2, 2, 3, 3, 3)),
            loss_weights=(("conv4_3", 300), ("conv5_1", 100), ("conv5_3", 20)),
        ),
        ZooNetwork(
            name="vgg-vd-19",
            file="imagenet-vgg-verydeep-19.mat",
            md5="106118b7cf60435e6d8e04f6a6dc3657",
            megabytes=535,
            license=_ATTRIBUTION,
            citation=_SIMONYAN,
            layers=_very_deep((2, 2, 4, 4, 4)),
            loss_weights=(("conv4_4", 300), ("conv5_1", 100), ("conv5_4", 20)),
        ),
    )
}
"""The networks by name."""


def get(name: str) -> ZooNetwork:
    """Return the network of that name.

    Raises:
        ModelError: if there is no such network; the nearest name is offered.

    >>> get("alexnet").image_size
    (227, 227)
    """
    if name not in NETWORKS:
        raise ModelError(unknown("network", name, NETWORKS))
    return NETWORKS[name]
