"""Arguments that no visualization can use, and the start of the shared procedure."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support import known, random_image
from torch import nn

from preimage.compiling import has_numba
from preimage.preprocessing import GRAY, Preprocessing
from preimage.presets import CLASSICAL_QUALITIES, MODERN, NETWORK_QUALITIES, NNPREIMAGE
from preimage.representations import threads
from preimage.representations.execution import Execution
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.settings import Settings
from preimage.visualizations import PreImage, caricature, invert, maximize
from preimage.visualizations.solve import check_arguments, load_photos, noise, with_margin

SHORT = NNPREIMAGE.replace(final_iterations=0, jitter=1)
COLOR = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=(12, 14))


def test_what_is_no_representation_is_named_with_an_example() -> None:
    with pytest.raises(TypeError, match=r"such as preimage\.HOG\(\) .*, not 'hog'"):
        check_arguments("hog", [0])


def test_seeds_are_a_sequence_with_at_least_one() -> None:
    check_arguments(HOG(), range(3))
    with pytest.raises(TypeError, match="seeds must be a list or a range of seeds, not 3"):
        check_arguments(HOG(), 3)
    with pytest.raises(ValueError, match="at least one seed"):
        check_arguments(HOG(), [])


def test_one_photo_is_a_batch_of_one() -> None:
    photo = np.zeros((4, 5))
    assert load_photos(GRAY, photo, None).shape == (1, 1, 4, 5)
    assert load_photos(GRAY, [photo, photo], (2, 3)).shape == (2, 1, 2, 3)
    with pytest.raises(ValueError, match="no image was given"):
        load_photos(GRAY, [], None)


def test_the_noise_is_uniform_and_scaled_by_its_quantile() -> None:
    values = noise((1, 100, 100), 80.0, torch.Generator().manual_seed(3)).flatten().numpy()
    raw = torch.rand(10_000, generator=torch.Generator().manual_seed(3)).numpy() * 2 - 1
    quantile = np.quantile(raw, 0.95, method="inverted_cdf")
    np.testing.assert_allclose(values, raw / quantile * 80 / math.sqrt(3), rtol=1e-5)


def test_a_margin_is_the_mirrored_border_and_leaves_the_image_in_the_middle() -> None:
    images = random_image(2, 3, 6, 7)
    enlarged = with_margin(images, 3)
    assert torch.equal(enlarged[..., 1:7, 1:8], images)
    assert torch.equal(enlarged[..., 0, 1:8], images[..., 1, :])
    assert torch.equal(enlarged[..., 7:, 1:8], images[..., 3:5, :].flip(-2))
    assert torch.equal(with_margin(images, 0), images)


def test_a_network_given_as_it_is_is_told_how_it_becomes_a_representation() -> None:
    with pytest.raises(TypeError, match=r"a Sequential is a network: name one of its layers, as"):
        check_arguments(nn.Sequential(), [0])


@pytest.mark.measures_threads
@pytest.mark.parametrize(
    ("settings", "fuses"), [(SHORT, False), (CLASSICAL_QUALITIES["draft"], has_numba())]
)
def test_threads_are_measured_on_the_code_that_the_solver_runs(
    settings: Settings, fuses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[bool] = []
    linearized = HOG.linearized

    def noted(self: HOG, x: torch.Tensor) -> Any:
        measured.append(self.fused() is self and has_numba())
        return linearized(self, x)

    def measure(evaluate: Callable[[], object]) -> int:
        monkeypatch.setattr(HOG, "linearized", noted)
        evaluate()
        monkeypatch.setattr(HOG, "linearized", linearized)
        return 1

    monkeypatch.setattr(threads, "faster_number", measure)
    few = settings if settings is SHORT else settings.replace(stages=((2, 0.5),))
    invert(HOG(), random_image(3, 24, 24, scale=1.0).sigmoid().float(), settings=few)
    assert measured == [fuses]


def test_seeds_of_numpy_are_seeds() -> None:
    assert check_arguments(HOG(), np.arange(3)) == [0, 1, 2]


@pytest.mark.parametrize("seeds", [range(10**9), range(10**12)])
def test_more_results_than_memory_holds_are_refused_at_once(seeds: range) -> None:
    photo = np.random.default_rng(0).random((32, 32))
    layer = Layer(nn.Sequential(nn.Conv2d(1, 2, 5)), "0", GRAY)
    message = rf"{len(seeds)} results of .* GB of memory, but the machine has .* GB: ask for fewer"
    with pytest.raises(ValueError, match=message):
        invert(HOG(), photo, seeds=seeds)
    with pytest.raises(ValueError, match=message):
        caricature(layer, photo, seeds=seeds)
    with pytest.raises(ValueError, match=message):
        maximize(layer, [0], seeds=seeds, maxima=[1])


@pytest.mark.parametrize("size", [0, -7, (0, 5), 1.5, True, (100_000, 100_000)])
def test_sizes_without_pixels_or_with_too_many_are_refused(size: Any) -> None:
    photo = np.random.default_rng(0).random((32, 32))
    layer = Layer(nn.Sequential(nn.Conv2d(1, 2, 5)), "0", GRAY)
    for visualize in (
        lambda: invert(HOG(), photo, size=size),
        lambda: invert(HOG(), codes=np.ones((27, 4, 4)), size=size),
        lambda: caricature(layer, photo, size=size),
        lambda: maximize(layer, [0], size=size, maxima=[1]),
    ):
        with pytest.raises(ValueError, match=r"size (must be a side|of 100000 x 100000 is more)"):
            visualize()


def _bands(channels: int) -> tuple[Layer, np.ndarray]:
    """A layer of a small network for satellite images of this many channels, and one of these."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(channels, 8, 5, padding=2), nn.ReLU())
    prescribed = Preprocessing(
        mean=(1400.0,) * channels, std=(800.0,) * channels, size=(24, 24), range=(0, 10000)
    )
    y, x = np.mgrid[:24, :24] / 4
    photo = [3000 + 1500 * np.sin(x * (1 + n / 4)) + 1000 * np.cos(y + n) for n in range(channels)]
    return Layer(network, "1", prescribed), np.stack(photo).clip(0).astype(np.uint16)


@pytest.mark.parametrize("channels", [2, 4, 12])
def test_networks_of_any_number_of_channels_are_visualized(channels: int, tmp_path: Path) -> None:
    layer, photo = _bands(channels)
    path = tmp_path / "photo.npy"
    np.save(path, np.moveaxis(photo, 0, 2))
    inverted = invert(layer, photo, quality="fast")
    assert inverted.images.shape == (1, channels, 24, 24)
    assert float(known(inverted.error)) < 0.2
    from_file = invert(layer, path, quality="fast")
    assert torch.equal(from_file.images, inverted.images)
    maximized = maximize(layer, [0, 1], reference=[path], settings=MODERN.with_steps(30))
    maxima = layer.encode(layer.preprocessing.load(photo)[None]).amax((0, 2, 3))[:2]
    assert known(maximized.maxima) == pytest.approx(maxima.tolist(), rel=1e-5)
    assert bool((known(maximized.response) > maxima).all())
    exaggerated = caricature(layer, photo, settings=NNPREIMAGE.with_steps(30))
    assert float(known(exaggerated.response)) > 1.5
    for result in (inverted, maximized, exaggerated):
        assert result.to_pil().mode == "RGB"
        result.save(tmp_path / "result.png")
        result.save(tmp_path / "result.npz")
        assert PreImage.load(tmp_path / "result.npz").preprocessing == layer.preprocessing


def test_a_ct_network_with_a_declared_range_is_visualized() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 8, 5, padding=2), nn.ReLU())
    prescribed = Preprocessing(mean=(-300.0,), std=(500.0,), size=(24, 24), range=(-1000, 400))
    layer, (y, x) = Layer(network, "1", prescribed), np.mgrid[:24, :24] / 4
    hounsfield = (-300 + 400 * np.sin(x) + 250 * np.cos(y)).astype(np.int16)
    given = torch.from_numpy((hounsfield + 300) / 500).float()[None, None]
    with torch.no_grad():
        torch.testing.assert_close(
            layer.encode(prescribed.load(hounsfield)[None]), network(given), atol=1e-4, rtol=1e-4
        )
    assert float(known(invert(layer, hounsfield, quality="fast").error)) < 0.2
    assert float(known(caricature(layer, hounsfield).response)) > 1.1
    assert float(known(maximize(layer, [0], settings=MODERN.with_steps(30)).response)) > 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"settings": {}}, TypeError, "^settings must be a preimage.Settings, .* not {}$"),
        ({"execution": {}}, TypeError, "^execution must be a preimage.Execution, .* not {}$"),
        ({"execution": None}, TypeError, "^execution must be .* not None$"),
        ({"device": None}, TypeError, "^device must be a name such as 'cpu' or 'cuda', not None$"),
        ({"device": 3}, TypeError, "^device must be a name such as 'cpu' or 'cuda', not 3$"),
        ({"device": "mps"}, ValueError, "^device 'mps': .*[^.]$"),
        ({"device": "abc"}, ValueError, "^device 'abc': Expected one of cpu"),
    ],
)
def test_wrong_options_have_one_line_in_every_visualization(
    options: Any, error: type[Exception], message: str
) -> None:
    layer, photo = Layer(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", GRAY), np.eye(12)
    for call in (
        lambda: invert(layer, photo, **options),
        lambda: maximize(layer, [0], **options),
        lambda: caricature(layer, photo, **options),
    ):
        with pytest.raises(error, match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_jitter_that_is_larger_than_the_images_is_refused() -> None:
    layer, photo = Layer(nn.Sequential(nn.Conv2d(1, 2, 3)), "0", GRAY), np.eye(12)
    quick = NNPREIMAGE.with_steps(1)
    message = "^a jitter of 4000 shifts is too large for images of 12 x 12$"
    with pytest.raises(ValueError, match=message):
        invert(layer, photo, settings=quick.replace(jitter=4000))
    with pytest.raises(ValueError, match=r"^a jitter of 24 shifts is too large"):
        caricature(layer, photo, settings=quick.replace(jitter=24))
    found = caricature(layer, photo, settings=quick.replace(jitter=23))
    assert found.images.shape == (1, 1, 12, 12)


def _energy(x: torch.Tensor) -> torch.Tensor:
    """The mean square of each image, (N,)."""
    return x.square().mean((1, 2, 3)) / 80**2


def test_every_visualization_takes_a_prior_by_name_or_as_a_function() -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(3, 4, 5)), "0", COLOR)
    photo = np.random.default_rng(0).random((12, 14, 3))
    few = SHORT.replace(iterations=2)

    def results(**options: Any) -> list[PreImage]:
        options |= {"seeds": [0, 1], "settings": few, "execution": Execution(threads=1)}
        return [
            invert(layer, photo, **options),
            maximize(layer, [0], maxima=[1], **options),
            caricature(layer, photo, **options),
        ]

    for plain, opponent, own in zip(
        results(), results(prior="opponent-tv"), results(prior=_energy), strict=True
    ):
        names = [result.settings.prior for result in (plain, opponent, own)]
        assert names == ["tv", "opponent-tv", "_energy()"]
        assert own.describe()["settings"]["prior"] == "_energy()"
        assert not torch.equal(plain.images, opponent.images)
        start = own.trace.total_variation[0]
        assert (start != plain.trace.total_variation[0]).all()
        assert torch.equal(plain.trace.alpha_norm[0], own.trace.alpha_norm[0])


def test_a_saved_result_keeps_the_name_of_a_function_which_another_run_needs(
    tmp_path: Path,
) -> None:
    photo, few = np.random.default_rng(0).random((16, 16)), NNPREIMAGE.with_steps(1)
    found = invert(HOG(4), photo, settings=few, prior=_energy)
    found.save(tmp_path / "a.npz")
    settings = PreImage.load(tmp_path / "a.npz").settings
    assert settings == found.settings
    with pytest.raises(ValueError, match=r"_energy\(\) is a prior of your own"):
        invert(HOG(4), photo, settings=settings)
    again = invert(HOG(4), photo, settings=settings, prior=_energy)
    assert torch.equal(again.images, found.images)
    with pytest.raises(TypeError, match="prior must be tv or opponent-tv or a function, not 3"):
        invert(HOG(4), photo, prior=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("prior", ["opponent-tv", _energy])
@pytest.mark.parametrize("settings", [SHORT, NETWORK_QUALITIES["draft"]])
def test_the_rest_of_a_batch_does_not_change_a_result_by_a_bit(prior: Any, settings: Any) -> None:
    layer = Layer(nn.Sequential(nn.Conv2d(3, 4, 5)), "0", COLOR)
    photo = np.random.default_rng(0).random((12, 14, 3))
    few = settings.with_steps(6)
    options: Any = {"settings": few, "prior": prior, "execution": Execution(threads=1)}
    both = invert(layer, photo, seeds=[0, 1], **options)
    alone = invert(layer, photo, seeds=[1], **options)
    assert torch.equal(both.images[1], alone.images[0])
