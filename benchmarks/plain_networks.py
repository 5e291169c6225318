"""VGG-16 and ResNet-18 in torch alone, so that every environment can import them.

Structure, names of layers and initialization are torchvision's, but for the stem of ResNet-18,
which is one module here. torchvision itself needs a torch that its wheel was built for.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

_VGG_16 = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)


def vgg_16() -> nn.Sequential:
    """VGG-16 with its classifier."""
    features = nn.Sequential()
    inputs = 3
    for outputs in _VGG_16:
        if outputs:
            features.extend([nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)])
            inputs = outputs
        else:
            features.append(nn.MaxPool2d(2))
    classifier = nn.Sequential(
        *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(inplace=True), nn.Dropout()),
        *(nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout()),
        nn.Linear(4096, 1000),
    )
    parts = {"features": features, "pool": nn.AdaptiveAvgPool2d(7), "flatten": nn.Flatten()}
    return _initialized(nn.Sequential(OrderedDict({**parts, "classifier": classifier})))


class Block(nn.Module):
    """Two convolutions and a skip, as in ResNet-18."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.one_bn, self.two_bn = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)
        self.two = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.act = nn.ReLU(inplace=True)
        self.skip: nn.Module = nn.Identity()
        if stride > 1:
            projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.skip = nn.Sequential(projection, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.two_bn(self.two(self.act(self.one_bn(self.one(x)))))
        return self.act(y + self.skip(x))


def resnet_18() -> nn.Sequential:
    """ResNet-18 with its classifier."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    parts: dict[str, nn.Module] = {"stem": nn.Sequential(*stem, nn.MaxPool2d(3, 2, 1))}
    inputs = 64
    for index, outputs in enumerate((64, 128, 256, 512)):
        blocks = Block(inputs, outputs, 2 if index else 1), Block(outputs, outputs, 1)
        parts[f"layer{index + 1}"] = nn.Sequential(*blocks)
        inputs = outputs
    end = {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten(), "fc": nn.Linear(512, 1000)}
    return _initialized(nn.Sequential(OrderedDict({**parts, **end})))


def _initialized(network: nn.Sequential) -> nn.Sequential:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network.eval()


NETWORKS = {"vgg-16": (vgg_16, "features.17"), "resnet-18": (resnet_18, "layer3")}
"""Networks by name, each with the layer at which peers are compared."""
