"""Image processors of transformers, against what they make of photos themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.hf_networks import NETWORKS, PROCESSORS, composite, transformers, vit, written


def test_size_crop_mean_and_deviation_come_from_the_image_processor(tmp_path: Path) -> None:
    clip = written(tmp_path / "a", NETWORKS["clip"](), PROCESSORS["clip"]().to_dict()).preprocessing
    assert (clip.size, clip.resize, clip.interpolation) == ((32, 32), 36, "bicubic")
    assert clip.mean == pytest.approx([255 * m for m in (0.48145466, 0.4578275, 0.40821073)])
    assert clip.std == pytest.approx([255 * s for s in (0.26862954, 0.26130258, 0.27577711)])
    siglip = written(
        tmp_path / "b", NETWORKS["siglip"](), PROCESSORS["siglip"]().to_dict()
    ).preprocessing
    assert (siglip.mean, siglip.std) == ((127.5,) * 3, (127.5,) * 3)
    assert (siglip.size, siglip.resize) == ((32, 32), None)


def test_a_tower_of_siglip_2_cuts_images_as_its_processor_does(tmp_path: Path) -> None:
    network = NETWORKS["siglip2"]()
    found = written(tmp_path, network, {"image_processor_type": "SiglipImageProcessor"})
    size = {"patch_size": 8, "max_num_patches": 24}
    processor = transformers.Siglip2ImageProcessorPil(**size, do_resize=False)
    pixels = torch.randint(0, 256, (3, 32, 48), generator=torch.Generator().manual_seed(0))
    given = processor(pixels.numpy().astype("uint8"), return_tensors="pt")
    with torch.no_grad():
        expected = network.eval().vision_model(**given).pooler_output
        x = found.preprocessing.to_network(found.preprocessing.to_core(pixels.float()))
        torch.testing.assert_close(found.module(x[None]).pooler_output, expected)


@pytest.mark.parametrize(
    ("processor", "size", "resize"),
    [
        ({"image_processor_type": "ConvNextImageProcessor", "size": 28}, (28, 28), 32),
        ({"image_processor_type": "ConvNextImageProcessor", "size": 384}, (384, 384), None),
        ({"feature_extractor_type": "ViTFeatureExtractor", "size": 48}, (48, 48), None),
        ({"image_processor_type": "LevitImageProcessor", "size": 224}, (224, 224), 256),
        (
            {
                "image_processor_type": "BitImageProcessor",
                "size": {"shortest_edge": 40},
                "do_center_crop": False,
            },
            (40, 40),
            40,
        ),
        (
            {
                "image_processor_type": "BeitImageProcessor",
                "size": {"height": 40, "width": 48},
                "crop_size": 32,
                "do_center_crop": True,
            },
            (32, 32),
            40,
        ),
    ],
)
def test_every_way_to_give_a_size_is_read(
    tmp_path: Path, processor: dict[str, Any], size: tuple[int, int], resize: int | None
) -> None:
    found = written(tmp_path, vit(), processor).preprocessing
    assert (found.size, found.resize) == (size, resize)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("ViTImageProcessorPil", {"do_rescale": False, "image_mean": [99.0] * 3}),
        ("ViTImageProcessorPil", {"do_normalize": False}),
        ("ViTImageProcessorPil", {"do_normalize": False, "do_rescale": False}),
        ("ViTImageProcessorPil", {"rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3}),
        ("EfficientNetImageProcessorPil", {"rescale_offset": True, "include_top": False}),
        ("EfficientNetImageProcessorPil", {"image_std": [0.25, 0.5, 0.4]}),
    ],
)
def test_what_enters_the_network_is_what_the_image_processor_makes(
    tmp_path: Path, kind: str, change: dict[str, Any]
) -> None:
    size = {"height": 32, "width": 32}
    processor = getattr(transformers, kind)(**{"size": size, **change})
    described = processor.to_dict() | {"image_processor_type": kind.removesuffix("Pil")}
    found = written(tmp_path, vit(), described).preprocessing
    pixels = torch.randint(0, 256, (3, 32, 32), generator=torch.Generator().manual_seed(0))
    expected = processor(pixels.numpy().astype("uint8"), return_tensors="pt")["pixel_values"][0]
    x = found.to_network(found.to_core(pixels.float()))
    torch.testing.assert_close(x, expected.float(), rtol=1e-4, atol=1e-4)


def test_a_network_that_wants_bgr_gets_bgr(tmp_path: Path) -> None:
    config = transformers.MobileViTConfig(
        image_size=32, hidden_sizes=[8, 8, 8], neck_hidden_sizes=[8] * 7, num_attention_heads=2
    )
    network = transformers.MobileViTModel(config).eval()
    processor = {"image_processor_type": "MobileViTImageProcessor", "size": 32, "crop_size": 32}
    found = written(tmp_path, network, processor)
    x = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(found.module(x)[0], network(x.flip(1))[0])
    assert found.preprocessing.std == (255.0,) * 3


def test_without_an_image_processor_defaults_are_taken_and_said(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"no preprocessor_config\.json") as caught:
        found = written(tmp_path, composite("Siglip"))
    assert len(caught) == 1
    assert (found.preprocessing.mean, found.preprocessing.size) == ((127.5,) * 3, (32, 32))
