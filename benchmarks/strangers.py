"""Small networks of many families with random weights, and layers of each to try.

None of them is a network of the paper: they hold channels first or last, tokens first or second,
windows, registers, auxiliary heads, and branches.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from preimage.networks import Network
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Stranger:
    """A network and its layers to try.

    Attributes:
        name: the name in tables.
        build: makes the network, in evaluation mode.
        layers: number of channels by layer; the last layer is that of the scores.
        size: height and width of its images.
    """

    name: str
    build: Callable[[], nn.Module]
    layers: dict[str, int]
    size: tuple[int, int] = (224, 224)

    def network(self) -> Network:
        """Return the network with weights from a fixed seed.

        Its batch normalization has seen some photos, so that no signal dies out on its way.
        """
        torch.manual_seed(0)
        preprocessing = Preprocessing(MEAN, STD, self.size)
        module = self.build().train()
        for parameter in module.parameters():  # a head of zeros has no code
            if parameter.ndim > 1 and not parameter.any():
                nn.init.normal_(parameter, std=0.02)
        norms = [norm for norm in module.modules() if isinstance(norm, _BatchNorm)]
        for norm in norms:
            norm.momentum = None  # the mean over all passes
        if norms:
            photos = [preprocessing.load(path) for path in shipped_photos().values()]
            with torch.no_grad():
                module(preprocessing.to_network(torch.stack(photos)))
        return Network(module.eval(), preprocessing, self.name)


def torchvision(name: str, **options: Any) -> nn.Module:
    """Return a network of torchvision."""
    models = importlib.import_module("torchvision.models")
    network: nn.Module = models.get_model(name, weights=None, **options)
    return network


def timm(name: str) -> nn.Module:
    """Return a network of timm."""
    network: nn.Module = importlib.import_module("timm").create_model(
        name, pretrained=False, num_classes=1000
    )
    return network


def clip() -> nn.Module:
    """Return the vision tower of a small CLIP, with a projection as its output."""
    hf = importlib.import_module("transformers")
    config = hf.CLIPVisionConfig(**_small(), projection_dim=24)
    network: nn.Module = hf.CLIPVisionModelWithProjection(config)
    return network


def siglip() -> nn.Module:
    """Return the vision tower of a small SigLIP."""
    hf = importlib.import_module("transformers")
    network: nn.Module = hf.SiglipVisionModel(hf.SiglipVisionConfig(**_small()))
    return network


def dinov2_with_registers() -> nn.Module:
    """Return a small DINOv2 with four registers and a classifier."""
    hf = importlib.import_module("transformers")
    config = hf.Dinov2WithRegistersConfig(**_small(), num_register_tokens=4, num_labels=10)
    network: nn.Module = hf.Dinov2WithRegistersForImageClassification(config)
    return network


def _small() -> dict[str, Any]:
    return {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "image_size": 64,
        "patch_size": 8,
    }


class UNet(nn.Module):
    """A small U-Net of three scales, which takes sides that are multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = _block(3, 8), _block(8, 16), _block(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.up2, self.up1 = nn.ConvTranspose2d(32, 16, 2, 2), nn.ConvTranspose2d(16, 8, 2, 2)
        self.merge2, self.merge1 = _block(32, 16), _block(16, 8)
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return five maps of the size of the image."""
        one = self.down1(x)
        two = self.down2(self.pool(one))
        up = self.merge2(torch.cat([self.up2(self.bottom(self.pool(two))), two], 1))
        result: Tensor = self.head(self.merge1(torch.cat([self.up1(up), one], 1)))
        return result


def _block(inputs: int, outputs: int) -> nn.Module:
    conv = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU())


class TokensFirst(nn.Module):
    """A transformer encoder of (T, N, C), as `nn.TransformerEncoder` is by default."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return ten scores."""
        tokens = self.encoder(self.patches(x).flatten(2).permute(2, 0, 1))
        result: Tensor = self.head(tokens.mean(0))
        return result


STRANGERS = (
    Stranger(
        "torchvision resnet50", partial(torchvision, "resnet50"), {"layer3": 1024, "fc": 1000}
    ),
    Stranger(
        "torchvision swin_t",
        partial(torchvision, "swin_t"),
        {"features.3": 192, "features.3.0.attn": 192, "head": 1000},
    ),
    Stranger(
        "torchvision vit_b_16",
        partial(torchvision, "vit_b_16"),
        {"encoder.layers.encoder_layer_3": 768, "heads": 1000},
    ),
    Stranger(
        "torchvision googlenet, auxiliary heads",
        partial(torchvision, "googlenet", aux_logits=True, init_weights=True),
        {"inception4a": 512, "fc": 1000},
    ),
    Stranger(
        "torchvision densenet121",
        partial(torchvision, "densenet121"),
        {"features.denseblock3": 1024, "classifier": 1000},
    ),
    Stranger(
        "torchvision efficientnet_v2_s",
        partial(torchvision, "efficientnet_v2_s"),
        {"features.4": 128, "classifier": 1000},
    ),
    Stranger(
        "torchvision inception_v3",
        partial(torchvision, "inception_v3", aux_logits=True, init_weights=True),
        {"Mixed_6b": 768, "fc": 1000},
        (299, 299),
    ),
    Stranger(
        "torchvision maxvit_t",
        partial(torchvision, "maxvit_t"),
        {"blocks.1": 128, "classifier": 1000},
    ),
    Stranger(
        "torchvision mobilenet_v3_large",
        partial(torchvision, "mobilenet_v3_large"),
        {"features.8": 80, "classifier": 1000},
    ),
    Stranger(
        "timm swin_tiny",
        partial(timm, "swin_tiny_patch4_window7_224"),
        {"layers.1": 192, "layers.1.blocks.0.attn": 192, "head": 1000},
    ),
    Stranger(
        "timm deit_tiny distilled",
        partial(timm, "deit_tiny_distilled_patch16_224"),
        {"blocks.5": 192, "output": 1000},
    ),
    Stranger(
        "timm eva02_tiny", partial(timm, "eva02_tiny_patch14_224"), {"blocks.5": 192, "head": 1000}
    ),
    Stranger("timm convnext_atto", partial(timm, "convnext_atto"), {"stages.1": 80, "head": 1000}),
    Stranger("timm mixer_s32", partial(timm, "mixer_s32_224"), {"blocks.3": 512, "head": 1000}),
    Stranger("timm levit_128s", partial(timm, "levit_128s"), {"stages.1": 256, "output": 1000}),
    Stranger(
        "transformers CLIP",
        clip,
        {"vision_model.encoder.layers.1": 48, "visual_projection": 24},
        (64, 64),
    ),
    Stranger(
        "transformers SigLIP",
        siglip,
        {"encoder.layers.1": 48, "head": 48},
        (64, 64),
    ),
    Stranger(
        "transformers DINOv2 with registers",
        dinov2_with_registers,
        {"dinov2_with_registers.encoder.layer.1": 48, "classifier": 10},
        (64, 64),
    ),
    Stranger("U-Net", UNet, {"bottom": 32, "merge2": 16, "head": 5}, (64, 64)),
    Stranger(
        "nn.TransformerEncoder (T, N, C)",
        TokensFirst,
        {"encoder.layers.1": 32, "head": 10},
        (64, 64),
    ),
)
