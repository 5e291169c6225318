"""Image towers of OpenCLIP, on a small model that the tests register."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from preimage import catalog
from preimage.models.errors import ModelError
from preimage.models.open_clip_source import fetch, load

open_clip = pytest.importorskip("open_clip")

VISION = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8}
TEXT = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 2, "layers": 1}
NAME = "preimage-tiny"


@pytest.fixture(scope="session", autouse=True)
def registered(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A small model, and one whose text tower would be downloaded."""
    folder = tmp_path_factory.mktemp("open_clip")
    config = {"embed_dim": 16, "vision_cfg": VISION, "text_cfg": TEXT}
    (folder / f"{NAME}.json").write_text(json.dumps(config))
    (folder / "preimage-hub.json").write_text(
        json.dumps(config | {"text_cfg": {"hf_model_name": "x/y"}})
    )
    open_clip.add_model_config(folder)


def trained(seed: int = 1) -> Any:
    torch.manual_seed(seed)
    logging.disable(logging.WARNING)
    network = open_clip.create_model(NAME).eval()
    logging.disable(logging.NOTSET)
    return network


def code(network: Any) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = network(torch.ones(1, 3, 32, 32))
    return result


@pytest.mark.parametrize("wrap", ["bare", "checkpoint", "parallel", "tower"])
def test_the_image_tower_has_the_weights_of_the_file(tmp_path: Path, wrap: str) -> None:
    network = trained()
    state = network.state_dict()
    if wrap == "checkpoint":
        state = {"state_dict": state, "epoch": 3, "name": "run"}
    elif wrap == "parallel":
        state = {f"module.{key}": value for key, value in state.items()}
    elif wrap == "tower":
        state = network.visual.state_dict()
    torch.save(state, tmp_path / "w.pt")
    for found in (load(NAME, tmp_path / "w.pt"), load(f"{NAME}@{tmp_path}/w.pt")):
        assert torch.equal(code(found.module), code(network.visual))
    assert "transformer.resblocks.1" in dict(found.module.named_modules())


def test_without_weights_and_tag_the_ways_out_are_named() -> None:
    with pytest.raises(
        ModelError, match="needs --weights FILE or random, or a tag: there are none"
    ):
        load(NAME)
    with pytest.raises(ModelError, match="or a tag: open_clip:RN50@openai, open_clip:RN50@yfcc15m"):
        load("RN50")


def test_no_text_tower_is_built_or_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.hf_hub_download", lambda *_, **__: pytest.fail("fetched"))
    handlers = logging.root.handlers[:]
    one, other = (load("preimage-hub", "random") for _ in range(2))
    assert torch.equal(code(one.module), code(other.module))
    assert (logging.root.handlers, logging.root.manager.disable) == (handlers, 0)


def test_the_preprocessing_is_that_of_the_weights() -> None:
    clip = load(NAME, "random").preprocessing
    assert clip.mean == pytest.approx([255 * m for m in (0.48145466, 0.4578275, 0.40821073)])
    assert (clip.size, clip.resize, clip.interpolation) == ((32, 32), 32, "bicubic")


def test_a_tag_brings_its_own_preprocessing_and_activation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"hf_hub": "test/tiny/", "mean": (0.5,) * 3, "std": (0.25,) * 3, "quick_gelu": True}
    described = {"interpolation": "bilinear", "resize_mode": "squash"}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, NAME, {"v1": known | described})
    with pytest.raises(ModelError, match=f"run 'preimage fetch open_clip:{NAME}@v1'"):
        load(f"{NAME}@v1")
    with pytest.raises(ModelError, match="no such file, and unknown tag 'v2': there are v1"):
        load(f"{NAME}@v2")
    snapshot = tmp_path / "hub" / "models--test--tiny" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0123")
    torch.save(trained().state_dict(), snapshot / "open_clip_pytorch_model.bin")
    found = load(f"{NAME}@v1")
    assert found.preprocessing.mean == (127.5,) * 3
    assert (found.preprocessing.std, found.preprocessing.resize) == ((63.75,) * 3, None)
    assert "QuickGELU" in repr(found.module)
    assert fetch(f"{NAME}@v1") == snapshot / "open_clip_pytorch_model.bin"


def test_a_model_without_a_tag_has_the_preprocessing_of_its_first_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tags = {"v1": {"mean": (0.5,) * 3, "std": (0.25,) * 3}, "v2": {"mean": (0.0,) * 3}}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, NAME, tags)
    assert load(NAME, "random").preprocessing.mean == (127.5,) * 3


def test_the_layer_stands_after_the_last_slash(tmp_path: Path) -> None:
    torch.save(trained().state_dict(), tmp_path / "w.pt")
    layer = catalog.representation(f"open_clip:{NAME}@{tmp_path}/w.pt/transformer.resblocks.1")
    assert layer.code_shape(32, 32) == (17, 64)


def test_names_and_weights_that_do_not_fit_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown OpenCLIP model 'ViT-B-3': did you mean"):
        load("ViT-B-3@openai")
    torch.save({"x": torch.zeros(3)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt for open_clip:.*: weights of another network: "):
        load(NAME, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="name a tag to fetch: there are none"):
        fetch(NAME)


def test_a_download_that_fails_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(known: dict[str, Any]) -> str:
        raise FileNotFoundError("no network\nmore")

    monkeypatch.setattr(open_clip, "download_pretrained", download)
    with pytest.raises(ModelError) as caught:
        fetch("RN50@openai")
    assert str(caught.value) == "open_clip:RN50@openai: not downloaded: no network"
