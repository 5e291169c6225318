"""Small networks of transformers, and what the source makes of them once they are saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from preimage.models.hf_source import load
from preimage.models.loaded import Loaded

transformers = pytest.importorskip("transformers")

TINY = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 32,
    "patch_size": 8,
}
TEXT = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 100,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
PROCESSORS = {
    "clip": lambda: transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32}
    ),
    "siglip": lambda: transformers.SiglipImageProcessorPil(size={"height": 32, "width": 32}),
}


def composite(kind: str, head: str = "Model", **vision: Any) -> Any:
    config = getattr(transformers, f"{kind}Config")(vision_config=TINY | vision, text_config=TEXT)
    return getattr(transformers, f"{kind}{head}")(config)


def vit(**options: Any) -> Any:
    return transformers.ViTForImageClassification(transformers.ViTConfig(**TINY, **options))


NETWORKS: dict[str, Callable[[], Any]] = {
    "clip": lambda: composite("CLIP"),
    "siglip": lambda: composite("Siglip"),
    "siglip2": lambda: composite("Siglip2", num_patches=16),
    "blip": lambda: composite("Blip"),
    "dinov2": lambda: transformers.Dinov2WithRegistersModel(
        transformers.Dinov2WithRegistersConfig(**TINY)
    ),
    "vit": lambda: vit(id2label={0: "tench, Tinca tinca", 1: "goldfish"}),
}


def written(folder: Path, network: Any, processor: dict[str, Any] | None = None) -> Loaded:
    """What is loaded of a network that is saved to a folder, with an image processor."""
    network.save_pretrained(folder)
    if processor is not None:
        (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    return load(str(folder))
