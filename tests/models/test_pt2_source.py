"""Programs of torch.export, against the networks that they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.models.pt2_files import export, network
from torch import Tensor, nn

import preimage
from preimage import catalog
from preimage.models.errors import ModelError
from preimage.models.pt2_source import load
from preimage.models.sources import load as load_source

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*there is no"),
]
X = torch.linspace(-2, 2, 3 * 32 * 24).view(1, 3, 32, 24)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("pt2") / "net.pt2", network(), X)


@pytest.fixture(scope="session")
def dynamic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    axes = {
        0: torch.export.Dim("n", max=64),
        2: torch.export.Dim("h", min=8, max=1024),
        3: torch.export.Dim("w", min=8, max=1024),
    }
    folder = tmp_path_factory.mktemp("pt2")
    return export(folder / "net.pt2", network(), X.repeat(2, 1, 1, 1), dynamic=(axes,))


def test_every_module_that_was_called_is_a_layer(program: Path) -> None:
    found, plain = load(str(program)), network()
    names = [name for name, _ in plain.named_modules() if name]
    assert [name for name, _ in found.module.named_modules() if name] == names
    preprocessing = found.preprocessing
    for name in names:
        layer = preimage.Layer(found.module, name, preprocessing)
        expected = preimage.Layer(plain, name, preprocessing)
        assert torch.equal(layer(X), expected(X)), name
    assert preprocessing.size == (32, 24)
    assert not any(parameter.requires_grad for parameter in found.module.parameters())


def test_a_layer_is_inverted_without_a_word(
    program: Path, recwarn: pytest.WarningsRecorder
) -> None:
    layer = catalog.representation(f"pt2:{program}/blocks.1")
    photo = Path(preimage.__file__).parent / "photos" / "chelsea.jpg"
    result = preimage.invert(layer, photo, size=(32, 24), quality="draft")
    assert result.error is not None
    assert float(result.error[0]) < 0.5
    assert result.ran.fallback is None
    assert [str(w.message) for w in recwarn if "there is no" not in str(w.message)] == []


def test_a_program_with_free_axes_takes_other_sizes(dynamic: Path) -> None:
    found, x = load(str(dynamic)), torch.ones(3, 3, 40, 48)
    assert found.preprocessing.size == (224, 224)
    torch.testing.assert_close(found.module(x), network()(x))


def test_a_toml_file_beside_it_describes_the_images(program: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.pt2"
    file.write_bytes(program.read_bytes())
    with pytest.warns(
        UserWarning, match=r"there is no .*mine\.toml with mean and std: those of Im"
    ):
        load(str(file))
    description = tmp_path / "mine.toml"
    description.write_text(
        'mean = [1, 2, 3]\nstd = [10, 20, 30]\nclasses = ["a", "b", "c", "d", "e"]'
    )
    found = load(str(file))
    assert (found.preprocessing.mean, found.preprocessing.std) == ((1, 2, 3), (10, 20, 30))
    assert (found.preprocessing.size, found.classes) == ((32, 24), tuple("abcde"))
    for text, reason in (
        ("size = [64, 64]", "exported for images of 32 x 24 alone, not"),
        ("men = [1, 2, 3]", "did you mean 'mean'"),
        ("mean = [", r"mine\.toml: "),
        ("mean = 3", "is not iterable"),
    ):
        description.write_text(text)
        with pytest.raises(ModelError, match=reason) as caught:
            load(str(file))
        assert "\n" not in str(caught.value)


class Pair(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Add two images."""
        return x + y


def test_a_program_that_does_not_take_one_image_says_what_it_takes(tmp_path: Path) -> None:
    pair = export(tmp_path / "pair.pt2", Pair(), X, X)
    with pytest.raises(
        ModelError, match=r"takes \(1, 3, 32, 24\), \(1, 3, 32, 24\), not one image"
    ):
        load(str(pair))
    two = export(tmp_path / "two.pt2", nn.ReLU(), X.repeat(2, 1, 1, 1))
    with pytest.raises(ModelError, match="exported for batches of 2 images alone"):
        load(str(two))
    gray = export(tmp_path / "gray.pt2", nn.ReLU(), X[:, :1])
    with pytest.raises(ModelError, match=r"needs .*gray\.toml with mean and std of its 1 channels"):
        load(str(gray))
    (tmp_path / "gray.toml").write_text("mean = [127.5]\nstd = [64]")
    assert load(str(gray)).preprocessing.channels == 1


@pytest.mark.parametrize("module", [nn.BatchNorm2d(3), nn.Dropout()])
def test_a_program_of_training_is_refused(module: nn.Module, tmp_path: Path) -> None:
    file = export(tmp_path / "net.pt2", module.train(), X.repeat(1, 1, 1, 1))
    with pytest.raises(ModelError, match=r"call eval\(\) before torch\.export\.export"):
        load(str(file))


def test_a_missing_or_damaged_file_and_other_weights_are_one_clear_line(
    program: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="no such file"):
        load(str(tmp_path / "no.pt2"))
    (tmp_path / "x.pt2").write_bytes(program.read_bytes()[:3000])
    with pytest.raises(ModelError, match="damaged, or not a program"):
        load(str(tmp_path / "x.pt2"))
    with pytest.raises(ModelError, match="the file holds its own weights"):
        load_source(f"pt2:{program}", "random")
