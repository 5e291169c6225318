"""Networks of transformers: small ones, saved to folders and to a cache of the hub."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from tests.models.hf_networks import (
    NETWORKS,
    PROCESSORS,
    TEXT,
    TINY,
    composite,
    transformers,
    vit,
    written,
)

from preimage import catalog
from preimage.models.errors import ModelError
from preimage.models.hf_source import fetch, load
from preimage.models.sources import load as load_source


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one folder for each network."""
    top = tmp_path_factory.mktemp("transformers")
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for name, make in NETWORKS.items():
        torch.manual_seed(1)
        make().save_pretrained(top / name)
        PROCESSORS.get(name, PROCESSORS["siglip"])().save_pretrained(top / name)
    return top


@pytest.mark.parametrize(
    ("name", "tower"),
    [
        ("clip", "vision_model"),
        ("siglip", "vision_model"),
        ("blip", "vision_model"),
        ("dinov2", ""),
        ("vit", ""),
    ],
)
def test_the_part_that_sees_images_is_the_network_with_its_own_weights(
    folders: Path, name: str, tower: str
) -> None:
    found = load(str(folders / name)).module
    whole = type(NETWORKS[name]()).from_pretrained(folders / name).get_submodule(tower).eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(found(x)[0], whole(x)[0])
    assert list(found.state_dict()) == list(whole.state_dict())
    assert not any(p.requires_grad for p in found.parameters())


def test_the_classes_are_those_of_the_configuration_but_not_numbers(
    folders: Path, tmp_path: Path
) -> None:
    assert load(str(folders / "vit")).classes == ("tench, Tinca tinca", "goldfish")
    assert load(str(folders / "dinov2")).classes == ()
    numbered = written(tmp_path / "a", vit(num_labels=3), {"image_mean": [0.5] * 3})
    assert numbered.classes == ()


@pytest.mark.filterwarnings("ignore:.*no preprocessor_config")
@pytest.mark.parametrize("kind", ["CLIP", "Siglip", "Siglip2"])
def test_a_classifier_over_a_tower_is_taken_whole(kind: str, tmp_path: Path) -> None:
    options = {"num_patches": 16} if kind == "Siglip2" else {}
    found = written(tmp_path, composite(kind, "ForImageClassification", **options))
    assert found.preprocessing.size == (32, 32)
    with torch.no_grad():
        assert found.module(torch.zeros(1, 3, 32, 32)).logits.shape == (1, 2)


@pytest.mark.filterwarnings("ignore:.*no preprocessor_config")
def test_a_tower_is_found_inside_of_other_modules(tmp_path: Path) -> None:
    config = transformers.CLIPSegConfig(
        vision_config=TINY,
        text_config=TEXT,
        extract_layers=[0, 1],
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=16,
    )
    network = transformers.CLIPSegForImageSegmentation(config).eval()
    found = written(tmp_path, network)
    x = torch.ones(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(found.module(x)[0], network.clip.vision_model(x)[0])


def test_weights_are_random_from_a_fixed_seed_or_come_from_a_file(folders: Path) -> None:
    own = load(str(folders / "clip")).module.state_dict()
    name, file = str(folders / "clip"), folders / "clip" / "model.safetensors"
    one, other = (load(name, "random").module.state_dict() for _ in range(2))
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    assert not torch.equal(
        one["post_layernorm.bias"] + one["embeddings.class_embedding"],
        own["post_layernorm.bias"] + own["embeddings.class_embedding"],
    )
    given = load(name, file).module.state_dict()
    assert all(torch.equal(value, given[key]) for key, value in own.items())


def test_weights_that_the_networks_own_file_lacks_are_named(tmp_path: Path) -> None:
    network = vit()
    network.vit.save_pretrained(tmp_path)
    config = network.config.to_dict() | {"architectures": ["ViTForImageClassification"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "preprocessor_config.json").write_text(
        '{"image_processor_type": "ViTImageProcessor"}'
    )
    with pytest.warns(UserWarning, match=r"2 weights are missing and stay random: classifier\."):
        load(str(tmp_path))


def test_weights_of_another_network_are_one_clear_line(folders: Path, tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(3)}, tmp_path / "x.pth")
    for file, reason in (
        (tmp_path / "x.pth", "missing (logit_scale"),
        (folders / "siglip" / "model.safetensors", "size mismatch for"),
    ):
        with pytest.raises(ModelError) as caught:
            load(str(folders / "clip"), file)
        assert str(caught.value).startswith(f"{file} for hf:")
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)


class Trap:
    """Unpickling it creates a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_no_code_of_a_folder_ever_runs(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    vit().config.save_pretrained(tmp_path)
    torch.save({"x": Trap(trap)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="could run code and are never read"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "x", "auto_map": {"AutoConfig": "c.C"}}')
    (tmp_path / "c.py").write_text(f"import os\nos.mkdir({str(trap)!r})")
    with pytest.raises(ModelError, match="custom code"):
        load(str(tmp_path))
    assert not trap.exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"attn_implementation": "someone/kernel"},
        {"_attn_implementation": "someone/kernel@main:attention"},
        {"attn_implementation": {"vision_config": "someone/kernel"}},
        {"vision_config": {"attn_implementation": "someone/kernel"}},
    ],
)
def test_compiled_attention_of_the_hub_is_refused(asked: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "vit"} | asked))
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"asks for code of the hub \(.*someone/kernel"):
        load(str(tmp_path))


def test_a_network_of_text_has_no_tower(tmp_path: Path) -> None:
    config = transformers.BertConfig(
        hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9
    )
    with pytest.raises(ModelError, match="neither BertModel nor a vision tower in it"):
        written(tmp_path, transformers.BertModel(config))


def test_a_folder_that_holds_no_network_is_one_clear_line(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json"):
        load(str(tmp_path))
    vit().config.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="weights are not on this machine"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "nothing"}')
    with pytest.raises(ModelError, match=r"cannot be loaded: .*`nothing`") as caught:
        load(str(tmp_path), "random")
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="it is a folder on this machine"):
        fetch(str(folders / "vit"))


def cached(hub: Path, folder: Path) -> None:
    """Put a network into a cache of the hub, as test/vit-small."""
    repository = hub / "models--test--vit-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abcd")
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / "0123abcd").symlink_to(folder)


def test_a_name_of_the_hub_is_looked_up_in_its_cache_alone(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run 'preimage fetch hf:test/vit-small'"):
        load("test/vit-small")
    cached(tmp_path / "hub", folders / "vit")
    assert load("test/vit-small").classes == ("tench, Tinca tinca", "goldfish")
    with pytest.raises(ModelError, match="did you mean 'test/vit-small'"):
        load("test/vit-smal")
    with pytest.raises(ModelError, match="as hf:OWNER/NAME/LAYER"):
        load("test")
    with pytest.raises(ModelError, match="not a valid name on the hub"):
        load("a/b/c")


def test_the_layer_stands_after_the_last_slash(folders: Path, tmp_path: Path) -> None:
    cached(tmp_path / "hub", folders / "vit")
    for name in ("test/vit-small", str(folders / "vit")):
        layer = catalog.representation(f"hf:{name}/vit.layers.0")
        assert layer.name == f"hf:{name}/vit.layers.0"
        assert layer.code_shape(32, 32) == (17, 16)
    assert load_source(f"hf:{folders / 'vit'}").classes


def test_a_network_is_fetched_with_its_safe_weights_first(
    folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repository, revision, allow_patterns))
        if "model*.safetensors" not in allow_patterns:
            (tmp_path / "pytorch_model.bin").touch()
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert fetch("a/b@v1") == tmp_path
    assert asked == [
        ("a/b", "v1", ["*.json", "model*.safetensors"]),
        ("a/b", "v1", ["*.json", "pytorch_model*.bin"]),
    ]
    (tmp_path / "pytorch_model.bin").unlink()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(ModelError, match=r"holds neither model\*\.safetensors nor"):
        fetch("a/b")
