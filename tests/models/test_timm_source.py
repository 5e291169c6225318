"""timm's networks: preprocessing, and weights from the user's caches and from the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.models.sources import scores

from preimage.models.errors import ModelError
from preimage.models.timm_source import fetch, load


@pytest.fixture
def timm() -> Any:
    return pytest.importorskip("timm")


def cache_on_the_hub(cache: Path, state: dict[str, torch.Tensor]) -> Path:
    """A cache of the Hugging Face hub that holds the weights of timm/test_vit.r160_in1k."""
    folder = cache / "models--timm--test_vit.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123abcd")
    snapshot = folder / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    pytest.importorskip("safetensors.torch").save_file(state, snapshot / "model.safetensors")
    return snapshot / "model.safetensors"


def test_a_timm_network_comes_with_its_own_preprocessing(timm: Any) -> None:
    model = load("vit_small_patch16_224", "random")
    assert model.preprocessing.mean == model.preprocessing.std == (127.5,) * 3
    assert (
        model.preprocessing.resize,
        model.preprocessing.size,
        model.preprocessing.interpolation,
    ) == (248, (224, 224), "bicubic")
    assert model.classes[31] == "tree frog, tree-frog"
    assert scores(model).shape == (1, 1000)
    assert "blocks.6" in dict(model.module.named_modules())


def test_a_timm_network_that_squashes_photos_has_no_crop(timm: Any) -> None:
    assert load("tiny_vit_21m_512", "random").preprocessing.resize is None


def test_a_timm_crop_that_cannot_be_expressed_is_refused(timm: Any) -> None:
    with pytest.raises(ModelError, match="crop mode 'squash'"):
        load("dm_nfnet_f1", "random")


def test_cached_timm_weights_are_loaded(timm: Any, tmp_path: Path) -> None:
    trained = timm.create_model("test_vit")
    cached = cache_on_the_hub(tmp_path / "hub", trained.state_dict())
    network: Any = load("test_vit").module
    assert torch.equal(network.head.weight, trained.head.weight)
    assert "state_dict" not in network.pretrained_cfg
    assert fetch("test_vit") == cached


def test_timm_weights_are_fetched_from_the_hub(
    timm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def download(repository: str, file: str, revision: str | None) -> str:
        asked.append((repository, file, revision))
        if file == "model.safetensors":
            raise hub.errors.EntryNotFoundError("no such file")
        return str(tmp_path / file)

    monkeypatch.setattr(hub, "hf_hub_download", download)
    assert fetch("test_vit") == tmp_path / "pytorch_model.bin"
    repository = "timm/test_vit.r160_in1k"
    assert asked == [
        (repository, "model.safetensors", None),
        (repository, "pytorch_model.bin", None),
    ]


def test_a_hub_that_cannot_be_reached_is_one_clear_line(
    timm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def download(*_: object, **__: object) -> str:
        raise hub.errors.LocalEntryNotFoundError("cannot reach the hub\nmore")

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(ModelError) as caught:
        fetch("test_vit")
    assert str(caught.value) == "timm/test_vit.r160_in1k: not downloaded: cannot reach the hub"


def test_a_network_without_pretrained_weights_cannot_be_fetched(timm: Any) -> None:
    with pytest.raises(ModelError, match="offers no pretrained weights"):
        fetch("efficientnet_lite1")
