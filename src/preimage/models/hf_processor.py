"""The image processors of transformers as `Preprocessing`."""

from __future__ import annotations

import warnings
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from preimage.models.errors import ModelError
from preimage.preprocessing import Preprocessing

_FILES = ("preprocessor_config.json", "processor_config.json")
_INTERPOLATIONS = {1: "bicubic", 2: "bilinear", 3: "bicubic"}
"""Interpolations by Pillow's numbers; Lanczos, 1, is replaced by the nearest that we have."""

_IMAGENET = {
    "do_rescale": True,
    "do_normalize": True,
    "image_mean": (0.485, 0.456, 0.406),
    "image_std": (0.229, 0.224, 0.225),
}


def preprocessing_of(
    transformers: Any, spec: str, folder: Path, network: Any, tower: Any
) -> Preprocessing:
    """Return the preprocessing of the network in `folder`, whose vision tower is `tower`.

    If no file in the folder describes the preprocessing, the defaults for networks of this kind
    are used, at the size in the tower's configuration, after a warning.

    Raises:
        ModelError: if the image processor cannot be expressed as a `Preprocessing`.
    """
    processor, config = _processor(transformers, folder), vision_config(tower)
    channels = getattr(config, "num_channels", None) or 3
    if processor is None:
        warnings.warn(
            f"{spec}: no {_FILES[0]}: its mean, deviation and size are taken from the defaults",
            stacklevel=2,
        )
        processor = _default(transformers, network.config)
        size, resize = _side(config), None
    else:
        size, resize = _sizes(processor, config)
    mean, std = _normalization(processor, channels)
    try:
        return Preprocessing(
            mean=mean,
            std=std,
            size=size,
            resize=resize,
            interpolation=_INTERPOLATIONS.get(int(processor.get("resample") or 2), "bilinear"),
            range=None if processor.get("do_rescale") else (0.0, 255.0),
        )
    except ValueError as error:
        raise ModelError(
            f"{spec}: its image processor is not supported ({error}); load it by a factory of "
            "your own, as import:MODULE.FACTORY"
        ) from None


def adapt(transformers: Any, folder: Path, tower: Any) -> None:
    """Convert RGB images to the form that a vision tower takes, if it takes another one.

    Processors of MobileViT turn RGB into BGR; towers of SigLIP 2 take images cut into patches.
    """
    if (_processor(transformers, folder) or {}).get("do_flip_channel_order"):
        tower.register_forward_pre_hook(_flipped)
    config = vision_config(tower)
    if getattr(config, "model_type", "").startswith("siglip2"):
        patches = partial(_as_patches, config.patch_size)
        tower.register_forward_pre_hook(patches, with_kwargs=True)


def vision_config(tower: Any) -> Any:
    """Return the vision tower's configuration, which can be a part of the network's."""
    return getattr(tower.config, "vision_config", tower.config)


def _flipped(module: nn.Module, images: tuple[Any, ...]) -> tuple[Any, ...]:
    return (images[0].flip(1), *images[1:])


def _as_patches(
    side: int, module: nn.Module, images: tuple[Any, ...], named: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Cut images (N, D, H, W) into patches (N, T, side * side * D), row by row."""
    x: Tensor = images[0]
    height, width = x.shape[2] // side, x.shape[3] // side
    cut = x.unfold(2, side, side).unfold(3, side, side).permute(0, 2, 3, 4, 5, 1)
    shapes = torch.tensor([[height, width]] * len(x), device=x.device)
    mask = torch.ones(len(x), height * width, dtype=torch.int32, device=x.device)
    given = {"pixel_attention_mask": mask, "spatial_shapes": shapes}
    return (cut.reshape(len(x), height * width, -1),), named | given


def _processor(transformers: Any, folder: Path) -> dict[str, Any] | None:
    """Return the settings of the folder's image processor, with its class's defaults."""
    if not any((folder / file).is_file() for file in _FILES):
        return None
    processor = transformers.AutoImageProcessor.from_pretrained(
        folder, backend="pil", local_files_only=True, trust_remote_code=False
    )
    return _described(processor)


def _default(transformers: Any, config: Any) -> dict[str, Any]:
    """Return the default settings of the image processor for networks of this kind."""
    kinds = transformers.IMAGE_PROCESSOR_MAPPING.get(type(config), None) or {}
    return _described(kinds["pil"]()) if "pil" in kinds else dict(_IMAGENET)


def _described(processor: Any) -> dict[str, Any]:
    return {**processor.to_dict(), "kind": type(processor).__name__}


def _normalization(
    processor: dict[str, Any], channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation in 0..255 of ((x * factor - offset) - mean) / std."""
    factor = processor.get("rescale_factor") or 1 / 255
    scale = round(1 / factor, 6) if processor.get("do_rescale") else 1.0
    offset = 1.0 if processor.get("rescale_offset") else 0.0
    mean: tuple[float, ...] = (0.0,) * channels
    std: tuple[float, ...] = (1.0,) * channels
    if processor.get("do_normalize"):
        mean, std = tuple(processor["image_mean"]), tuple(processor["image_std"])
    if processor.get("include_top"):  # EfficientNet divides once more
        std = tuple(s * more for s, more in zip(std, processor["image_std"], strict=True))
    mean, std = (channels * v if len(v) == 1 else v for v in (mean, std))
    return tuple(scale * (m + offset) for m in mean), tuple(scale * s for s in std)


def _sizes(processor: dict[str, Any], config: Any) -> tuple[tuple[int, int], int | None]:
    """Return the size of images, and the length that the shorter side is resized to before a crop.

    An image that would be stretched before a crop keeps its proportions instead.
    """
    size = dict(processor.get("size") or {}) if processor.get("do_resize") else {}
    crop = processor.get("crop_size") if processor.get("do_center_crop") else None
    cut = (int(crop["height"]), int(crop["width"])) if crop else None
    if "height" in size:
        whole = (int(size["height"]), int(size["width"]))
        return (whole, None) if cut in (None, whole) else (cut, min(whole))
    if "shortest_edge" in size:
        edge = int(size["shortest_edge"])
        cut = cut or (edge, edge)
        if fraction := processor.get("crop_pct"):
            squashed = edge >= 384 and processor["kind"].startswith("ConvNext")
            return cut, None if squashed else int(edge / fraction)
        return cut, int(256 / 224 * edge) if processor["kind"].startswith("Levit") else edge
    if "longest_edge" in size:
        return (int(size["longest_edge"]),) * 2, None
    return cut or _side(config), None


def _side(config: Any) -> tuple[int, int]:
    """Return the image size in a network's configuration, or else 224 x 224."""
    size = getattr(config, "image_size", None) or 224
    height, width = size if isinstance(size, list | tuple) else (size, size)
    return int(height), int(width)
