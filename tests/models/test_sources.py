"""torchvision, timm and import paths: networks, preprocessing, caches and errors."""

from __future__ import annotations

import hashlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from preimage.models.errors import ModelError
from preimage.models.loaded import SourceModel
from preimage.models.sources import fetch_source, load_source

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@pytest.fixture(autouse=True)
def empty_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's caches, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    if find_spec("huggingface_hub"):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def torchvision() -> Any:
    return pytest.importorskip("torchvision")


@pytest.fixture
def timm() -> Any:
    return pytest.importorskip("timm")


def scores(model: SourceModel) -> torch.Tensor:
    x = torch.randn(1, 3, *model.size, generator=torch.Generator().manual_seed(1))
    result: torch.Tensor = model.network(x)
    return result


def cache_on_the_hub(cache: Path, state: dict[str, torch.Tensor]) -> Path:
    """A cache of the Hugging Face hub that holds the weights of timm/test_vit.r160_in1k."""
    folder = cache / "models--timm--test_vit.r160_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0123abcd")
    snapshot = folder / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    pytest.importorskip("safetensors.torch").save_file(state, snapshot / "model.safetensors")
    return snapshot / "model.safetensors"


def test_a_torchvision_network_comes_with_its_own_preprocessing(torchvision: Any) -> None:
    model = load_source("torchvision:resnet18", "random")
    assert model.mean == pytest.approx(IMAGENET_MEAN)
    assert model.std == pytest.approx(IMAGENET_STD)
    assert (model.resize, model.size, model.interpolation) == (256, (224, 224), "bilinear")
    assert model.classes[31] == "tree frog"
    assert scores(model).shape == (1, 1000)


def test_a_timm_network_comes_with_its_own_preprocessing(timm: Any) -> None:
    model = load_source("timm:vit_small_patch16_224", "random")
    assert model.mean == model.std == (127.5,) * 3
    assert (model.resize, model.size, model.interpolation) == (248, (224, 224), "bicubic")
    assert model.classes[31] == "tree frog, tree-frog"
    assert scores(model).shape == (1, 1000)
    assert "blocks.6" in dict(model.network.named_modules())


def test_a_timm_network_that_squashes_photos_has_no_crop(timm: Any) -> None:
    assert load_source("timm:tiny_vit_21m_512", "random").resize is None


def test_a_timm_crop_that_cannot_be_expressed_is_refused(timm: Any) -> None:
    with pytest.raises(ModelError, match="crop mode 'squash'"):
        load_source("timm:dm_nfnet_f1", "random")


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_random_weights_are_the_same_each_time_and_leave_the_generator_alone(spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    before = torch.get_rng_state()
    first, second = (load_source(spec, "random") for _ in range(2))
    assert torch.equal(scores(first), scores(second))
    assert torch.equal(before, torch.get_rng_state())
    assert not any(p.requires_grad for p in first.network.parameters())
    assert not any(module.training for module in first.network.modules())


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_ported_from_tensorflow_undo_the_normalization(
    torchvision: Any, name: str
) -> None:
    network: Any = load_source(f"torchvision:{name}", "random").network
    assert network.transform_input is True


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_that_are_not_in_the_cache_are_an_error_that_names_the_ways_out(spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    with pytest.raises(ModelError) as caught:
        load_source(spec)
    for way_out in (f"preimage fetch {spec}", "--weights FILE", "--weights random"):
        assert way_out in str(caught.value)


def test_fetched_torchvision_weights_are_loaded(
    torchvision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = torchvision.models.resnet18().eval()
    torch.save(trained.state_dict(), tmp_path / "w.pth")
    checksum = hashlib.sha256((tmp_path / "w.pth").read_bytes()).hexdigest()[:8]
    served = (tmp_path / "w.pth").rename(tmp_path / f"resnet18-{checksum}.pth")
    default = torchvision.models.ResNet18_Weights.DEFAULT
    monkeypatch.setattr(default.value, "url", served.as_uri())
    cached = fetch_source("torchvision:resnet18", progress=False)
    served.unlink()
    assert fetch_source("torchvision:resnet18", progress=False) == cached
    network: Any = load_source("torchvision:resnet18").network
    assert torch.equal(network.fc.weight, trained.fc.weight)


def test_cached_timm_weights_are_loaded(timm: Any, tmp_path: Path) -> None:
    trained = timm.create_model("test_vit")
    cached = cache_on_the_hub(tmp_path / "hub", trained.state_dict())
    network: Any = load_source("timm:test_vit").network
    assert torch.equal(network.head.weight, trained.head.weight)
    assert "state_dict" not in network.pretrained_cfg
    assert fetch_source("timm:test_vit") == cached


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
    assert fetch_source("timm:test_vit", progress=False) == tmp_path / "pytorch_model.bin"
    repository = "timm/test_vit.r160_in1k"
    assert asked == [
        (repository, "model.safetensors", None),
        (repository, "pytorch_model.bin", None),
    ]
    assert not hub.utils.are_progress_bars_disabled()


def test_a_hub_that_cannot_be_reached_is_one_clear_line(
    timm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def download(*_: object, **__: object) -> str:
        raise hub.errors.LocalEntryNotFoundError("cannot reach the hub\nmore")

    monkeypatch.setattr(hub, "hf_hub_download", download)
    with pytest.raises(ModelError) as caught:
        fetch_source("timm:test_vit")
    assert str(caught.value) == "timm/test_vit.r160_in1k: not downloaded: cannot reach the hub"


def test_a_network_without_pretrained_weights_cannot_be_fetched(timm: Any) -> None:
    with pytest.raises(ModelError, match="offers no pretrained weights"):
        fetch_source("timm:efficientnet_lite1")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_come_from_a_file(tmp_path: Path, spec: str, suffix: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    model = load_source(spec, "random")
    state = {key: value + 1 for key, value in model.network.state_dict().items()}
    path = tmp_path / f"w{suffix}"
    if suffix == ".pth":
        torch.save(state, path)
    else:
        pytest.importorskip("safetensors.torch").save_file(state, path)
    loaded = load_source(spec, path).network.state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())


@pytest.mark.parametrize("spec", ["torchvision:resnet18", "timm:test_vit"])
def test_weights_of_another_network_are_one_clear_line(tmp_path: Path, spec: str) -> None:
    pytest.importorskip(spec.partition(":")[0])
    torch.save({"some.weight": torch.zeros(2)}, tmp_path / "w.pth")
    with pytest.raises(ModelError) as caught:
        load_source(spec, tmp_path / "w.pth")
    message = str(caught.value)
    assert message.startswith(f"{tmp_path}/w.pth for {spec}: weights of another network: ")
    assert "unexpected (some.weight)" in message
    assert "\n" not in message


def test_old_names_in_densenets_files_are_understood(torchvision: Any, tmp_path: Path) -> None:
    state = torchvision.models.densenet121().state_dict()
    old = {
        key.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.")
        if "denselayer" in key
        else key: value
        for key, value in state.items()
    }
    assert old.keys() != state.keys()
    torch.save(old, tmp_path / "w.pth")
    network: Any = load_source("torchvision:densenet121", tmp_path / "w.pth").network
    assert torch.equal(network.classifier.weight, state["classifier.weight"])


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("torchvision:resnet5", "did you mean 'resnet"),
        ("timm:vit_smal_patch16_224", "'vit_small_patch16_224'"),
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
        load_source(spec)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ImportError("No module named 'timm'"), 'pip install "preimage[timm]"'),
        (RuntimeError("operator torchvision::nms does not exist"), "fit the installed torch"),
    ],
)
def test_a_library_that_cannot_be_imported_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, reason: str
) -> None:
    def fail(name: str) -> None:
        raise raised

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(ModelError) as caught:
        load_source("timm:resnet18")
    assert reason in str(caught.value)


FACTORIES = """
from torch import nn

def bare():
    return nn.Conv2d(3, 4, 3)

def described():
    settings = dict(mean=[0, 0, 0], std=[255.0] * 3, resize=40, size=[32, 32],
                    interpolation="bicubic", classes=["a", "b"])
    return bare(), settings

def misspelt(): return bare(), {"men": 0}
def unit_interval(): return bare(), {"mean": (0.485,) * 3, "std": (0.229,) * 3}
def one_size(): return bare(), {"size": 32}
def failing(): raise KeyError("x")
def nothing(): return None
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user_factories.py").write_text(FACTORIES)
    (tmp_path / "user_broken.py").write_text("def f(:")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("factories")
def test_an_import_path_gives_what_the_factory_returns() -> None:
    model = load_source("import:user_factories.bare")
    assert isinstance(model.network, nn.Conv2d)
    assert (model.mean, model.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert (model.resize, model.size, model.classes) == (None, (224, 224), ())


def test_an_import_path_may_lie_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "current_factories.py").write_text(FACTORIES)
    elsewhere = [entry for entry in sys.path if Path(entry).resolve() != tmp_path and entry]
    monkeypatch.setattr(sys, "path", elsewhere)
    with pytest.raises(ModelError, match="No module named 'current_factories'"):
        load_source("import:current_factories.bare")
    monkeypatch.chdir(tmp_path)
    assert isinstance(load_source("import:current_factories.bare").network, nn.Conv2d)


@pytest.mark.usefixtures("factories")
def test_a_factory_may_describe_its_input() -> None:
    model = load_source("import:user_factories.described")
    assert (model.mean, model.std) == ((0, 0, 0), (255.0,) * 3)
    assert (model.resize, model.size) == (40, (32, 32))
    assert (model.interpolation, model.classes) == ("bicubic", ("a", "b"))


@pytest.mark.usefixtures("factories")
def test_weights_are_put_into_what_a_factory_returns(tmp_path: Path) -> None:
    torch.save(nn.Conv2d(3, 4, 3).state_dict(), tmp_path / "w.pth")
    state = torch.load(tmp_path / "w.pth")
    network = load_source("import:user_factories.bare", tmp_path / "w.pth").network
    assert torch.equal(network.state_dict()["weight"], state["weight"])


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("user_factories.misspelt", "did you mean 'mean'?"),
        ("user_factories.unit_interval", "std must be in units of 0..255"),
        ("user_factories.one_size", "'int' object is not iterable"),
        ("user_factories.failing", "the factory failed: KeyError: 'x'"),
        ("user_factories.nothing", "must return a torch.nn.Module"),
        ("user_factories.bar", "did you mean 'bare'?"),
        ("user_absent.f", "No module named 'user_absent'"),
        ("user_broken.f", "SyntaxError"),
    ],
)
def test_a_factory_that_cannot_be_used_is_one_clear_line(path: str, reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_source(f"import:{path}")
    assert reason in str(caught.value)


@pytest.mark.usefixtures("factories")
def test_there_is_nothing_to_fetch_for_an_import_path() -> None:
    with pytest.raises(ModelError, match="nothing to fetch"):
        fetch_source("import:user_factories.bare")
