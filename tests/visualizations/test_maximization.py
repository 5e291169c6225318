"""Activation maximization: what is found, how large it is, and that a batch changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from tests.representations.networks import state
from tests.representations.transformers import encoder, windowed
from tests.support import known
from tests.visualizations.networks import color_network
from torch import Tensor, nn

from preimage.catalog import network as network_called
from preimage.images import stretch_contrast
from preimage.optimizer import Progress
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from preimage.presets import MODERN, NNPREIMAGE, PRESETS
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.settings import Settings
from preimage.targets import channel, class_score, direction, mean_channel, neuron
from preimage.visualizations import DeadTargetError, DeadTargetWarning, maximize
from preimage.visualizations.maximization import find_maxima

NETWORK = color_network()
FEATURES = NETWORK.layer("features")
QUICK = NNPREIMAGE.replace(iterations=40, final_iterations=10)
PHOTOS = list(shipped_photos().values())


def test_what_is_found_for_a_color_has_that_color() -> None:
    result = maximize(FEATURES, [0, 1, 2], settings=QUICK)
    assert result.targets == ("0", "1", "2")
    for color in range(3):
        assert result.shown[color].mean((1, 2)).argmax() == color


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_excites_its_target(preset: str) -> None:
    result = maximize(FEATURES, [0, 1, 2, 3], settings=PRESETS[preset].with_steps(60))
    start = maximize(FEATURES, [0, 1, 2, 3], settings=PRESETS[preset].with_steps(1))
    assert bool((known(result.response) > known(start.response)).all())


def test_the_response_is_that_of_the_network_to_the_image() -> None:
    result = maximize(FEATURES, [neuron(None, 2, 1, 3), channel(None, 0)], settings=QUICK)
    with torch.no_grad():
        codes = FEATURES(result.images)
    rows, columns = codes.shape[2:]
    expected = [codes[0, 2, 1, 3], codes[1, 0, rows // 2, columns // 2]]
    torch.testing.assert_close(known(result.response), torch.stack(expected))
    # Batches round otherwise than single images: sums of 27 products that come to 124 at most.
    torch.testing.assert_close(result.codes, codes, rtol=1e-6, atol=1e-4)


def test_channels_of_a_transformer_are_at_its_patches_and_its_tokens_by_name() -> None:
    size = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=(32, 64))
    phi = Layer(encoder(registers=1), "encoder.layers.0", size)
    targets = [channel(None, 3), neuron(None, 4, "cls"), neuron(None, 5, "register 1"),
               neuron(None, 6, 1, 7)]  # fmt: skip
    result = maximize(phi, targets, settings=QUICK.with_steps(2))
    tokens = (2 + 2 * 8 + 4, 0, 1, 2 + 1 * 8 + 7)
    expected = [result.codes[n, at, 3 + n] for n, at in enumerate(tokens)]
    torch.testing.assert_close(known(result.response), torch.stack(expected))
    photos = torch.stack([phi.preprocessing.load(photo) for photo in PHOTOS])
    codes = phi.encode(photos)
    largest = [
        codes[:, 2:, 3].max(),
        codes[:, 0, 4].max(),
        codes[:, 1, 5].max(),
        codes[:, 2:, 6].max(),
    ]
    assert known(result.maxima) == pytest.approx([float(value) for value in largest], rel=1e-4)


def test_channels_of_a_map_with_channels_last_are_its_channels() -> None:
    size = Preprocessing(mean=(127.5,) * 3, std=(64.0,), size=(32, 64))
    model = windowed()
    result = maximize(Layer(model, "mlp", size), [13], settings=QUICK.with_steps(2), size=(32, 64))
    with torch.no_grad():
        own = model(size.to_network(result.images))
    torch.testing.assert_close(known(result.response)[0], own[0, 4, 8, 13], rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="channel 24 is not among 0-23"):
        maximize(Layer(model, "mlp", size), [24], settings=QUICK)


def test_m_is_the_largest_response_over_the_shipped_photos() -> None:
    images = torch.stack([FEATURES.preprocessing.load(photo) for photo in PHOTOS])
    with torch.no_grad():
        largest = FEATURES(images).amax((0, 2, 3))
    result = maximize(FEATURES, [0, 3], settings=QUICK)
    assert known(result.maxima) == pytest.approx(largest[[0, 3]].tolist(), rel=1e-5)
    assert result.reference == "9 photos"
    assert result.loss_weights == pytest.approx([1e4 / (9 * m) for m in known(result.maxima)])


def test_calls_that_share_m_find_what_each_finds_alone() -> None:
    shared = find_maxima(FEATURES, [0, 1, 2], reference=PHOTOS[:3])
    one = maximize(FEATURES, 1, settings=QUICK, reference=PHOTOS[:3])
    other = maximize(FEATURES, 1, settings=QUICK, maxima=shared.select(slice(1, 2)))
    assert torch.equal(one.images, other.images)
    assert (one.maxima, one.reference) == (other.maxima, other.reference)
    with pytest.raises(ValueError, match="1 targets need as many maxima, not 3"):
        maximize(FEATURES, 1, settings=QUICK, maxima=shared)


def test_dead_targets_are_left_out_and_named() -> None:
    words = r"^no photo changes the response of 4 \(a dead unit\): left out; \.targets of"
    with pytest.warns(DeadTargetWarning, match=words) as caught:
        result = maximize(FEATURES, [3, 4], seeds=[0, 1], settings=QUICK)
    assert [warning.filename for warning in caught] == [__file__]
    assert (result.targets, result.dead, result.sources) == (("3", "3"), ("4",), (0, 0))
    with pytest.raises(
        DeadTargetError, match=r"no photo changes the response of 4 \(a dead unit\)"
    ):
        maximize(FEATURES, 4, settings=QUICK)


@pytest.mark.parametrize("settings", [QUICK, MODERN.with_steps(20)], ids=["pixels", "modern"])
def test_the_rest_of_a_batch_does_not_change_an_image_by_a_bit(settings: Any) -> None:
    batch = maximize(FEATURES, [0, 2, 3], seeds=[5, 6], settings=settings)
    for row, (target, seed) in enumerate([(0, 5), (0, 6), (2, 5), (2, 6), (3, 5), (3, 6)]):
        alone = maximize(FEATURES, target, seeds=[seed], settings=settings)
        assert torch.equal(alone.images[0], batch.images[row])


@pytest.mark.parametrize("threads", [1, 2])
def test_nor_does_it_of_a_real_network_at_any_number_of_threads(threads: int) -> None:
    """Class scores, whose matrix product rounds differently for several images at once."""
    network, settings = network_called("efficientnet-lite0"), MODERN.with_steps(3)
    options: dict[str, Any] = {"settings": settings, "size": (64, 64)}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        batch = maximize(network, ["1", "2"], seeds=[0, 1], maxima=[5.0, 6.0], **options)
        alone = maximize(network, "2", seeds=[1], maxima=[6.0], **options)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(alone.images[0], batch.images[3])


def test_rho_of_the_first_call_is_that_of_the_second() -> None:
    network = network_called("efficientnet-lite0")
    first, second = (
        maximize(network, "1", maxima=[5.0], settings=MODERN.with_steps(1), size=(64, 64))
        for _ in range(2)
    )
    assert first.loss_weights == second.loss_weights == pytest.approx((4e5 / 851**2 / 5,))


def test_the_picture_is_a_little_over_twice_the_receptive_field_and_shows_it() -> None:
    result = maximize(FEATURES, 0, settings=QUICK)
    assert result.images.shape == (1, 3, 8, 8)  # the next multiple of the stride above 2.1 x 3
    assert result.shown.shape == (1, 3, 3, 3)
    gradient = torch.zeros_like(result.images).requires_grad_()
    codes = FEATURES(gradient)
    (seen,) = torch.autograd.grad(codes[0, 3, codes.shape[2] // 2, codes.shape[3] // 2], gradient)
    rows, columns = seen[0].abs().sum(0).nonzero().T
    top, left = int(rows.min()), int(columns.min())
    cut = result.images[..., top : top + 3, left : left + 3]
    assert torch.equal(stretch_contrast(cut, 80), result.shown)


def test_a_layer_that_sees_all_has_the_size_of_the_network() -> None:
    result = maximize(NETWORK, "green", settings=QUICK)
    assert result.images.shape == result.shown.shape == (1, 3, 24, 24)
    assert maximize(NETWORK, "green", settings=QUICK, size=(30, 36)).images.shape[2:] == (30, 36)
    assert maximize(NETWORK, "green", settings=QUICK, size=30).images.shape[2:] == (30, 30)
    mean = maximize(FEATURES, mean_channel(None, 0), settings=QUICK)
    assert mean.images.shape == (1, 3, 24, 24)


def test_the_scores_reach_as_far_as_the_last_map() -> None:
    assert NETWORK.layer("score").reach == FEATURES.reach == 3


def test_a_mosaic_holds_each_target_in_its_own_cell() -> None:
    result = maximize(FEATURES, [0, 1, 2], seeds=[0, 1], settings=QUICK, mosaic=True)
    assert len(result) == 6
    assert result.targets == ("0", "0", "1", "1", "2", "2")
    assert result.seeds == (0, 1) * 3
    for row, color in enumerate((0, 0, 1, 1, 2, 2)):
        assert result.images[row].mean((1, 2)).argmax() == color
    assert result.trace.total.shape == (50, 6)


def test_a_mosaic_is_not_turned_and_has_no_size_of_its_own() -> None:
    result = maximize(FEATURES, [0, 1], settings=MODERN.with_steps(3), mosaic=True)
    assert (result.settings.rotation, result.settings.zoom) == (0, 1)
    with pytest.raises(ValueError, match="has its own size"):
        maximize(FEATURES, [0, 1], mosaic=True, size=(24, 24))
    with pytest.raises(ValueError, match="receptive field is smaller than the image"):
        maximize(NETWORK, ["red", "blue"], mosaic=True)
    with pytest.raises(ValueError, match="mosaic targets must be central responses, such"):
        maximize(FEATURES, [neuron(None, 0, 1, 1)], mosaic=True)


def test_targets_of_several_layers_are_maximized_together() -> None:
    target = channel("features", 0) + 16 * class_score("red") - 0.5 * channel("act", 2)
    result = maximize(NETWORK, target, settings=QUICK)
    outputs = NETWORK.several(["features", "score", "act"]).outputs(result.images)
    features, act = outputs["features"][0], outputs["act"][0]
    middle = (features.shape[1] // 2, features.shape[2] // 2)
    expected = features[0][middle] + 16 * outputs["score"][0, 0] - 0.5 * act[2][middle]
    torch.testing.assert_close(known(result.response)[0], expected)


def test_diverse_seeds_differ_more() -> None:
    texture = mean_channel("act", 3)

    def likeness(diversity: float) -> float:
        result = maximize(NETWORK, texture, seeds=[0, 1], settings=QUICK, diversity=diversity)
        features = result.codes.flatten(2)
        grams = (features @ features.transpose(1, 2)).flatten(1)
        return torch.nn.functional.cosine_similarity(grams[:1], grams[1:]).item()

    assert likeness(30.0) < likeness(0.0)


def test_hog_has_directions() -> None:
    """A template of HOG, as of a trained detector, at the size that its shape gives."""
    phi = HOG(8)
    code = phi(torch.randn(1, 1, 40, 48, generator=torch.Generator().manual_seed(0)))[0]
    result = maximize(phi, direction(None, code), settings=QUICK)
    assert result.images.shape == (1, 1, 40, 48)
    assert known(result.response).item() > 0


def test_the_network_is_as_it_was() -> None:
    network = color_network()
    network.module.train()
    before = state(network.module)
    maximize(network, [class_score("red"), class_score("blue")], settings=QUICK)
    assert state(network.module) == before


@pytest.mark.parametrize(
    ("targets", "options", "message"),
    [
        ([], {}, "no target was given"),
        ([5], {}, "channel 5 is not among 0-4"),
        (["red"], {}, "classes need a network"),
        ([channel("act", 0)], {}, "name no layer in the target"),
        ([0], {"seeds": []}, "at least one seed"),
        ([0], {"maxima": [1.0, 2.0]}, "1 targets need as many positive maxima"),
        ([0], {"maxima": [-1.0]}, "positive maxima"),
        ([0], {"diversity": 1}, "at least two seeds"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    targets: Sequence[Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        maximize(FEATURES, targets, settings=QUICK, **options)


def test_a_layer_of_one_size_says_so() -> None:
    gray = Layer(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()), "1", GRAY)
    with pytest.raises(ValueError, match="does not take gray images of 2 x 2"):
        maximize(gray, 0, settings=QUICK, size=(2, 2), maxima=[1.0])


@pytest.mark.parametrize("settings", [QUICK, MODERN.with_steps(20)])
def test_a_function_of_a_response_finds_the_image_of_this_response(settings: Settings) -> None:
    options: dict[str, Any] = {"seeds": [0, 1], "size": 24, "maxima": [5], "settings": settings}
    found = maximize(FEATURES, lambda code: code[:, 3, 5, 6], **options)
    expected = maximize(FEATURES, neuron(None, 3, 5, 6), **options)
    assert torch.equal(found.images, expected.images)
    assert torch.equal(known(found.response), known(expected.response))
    assert (found.targets, found.describe()["target"]) == (("lambda", "lambda"), "lambda")


def test_a_function_of_a_mean_has_the_m_and_the_image_of_the_mean() -> None:
    def redness(code: Tensor) -> Tensor:
        return code[:, 0].mean((1, 2))

    found = maximize(FEATURES, [redness], settings=QUICK)
    expected = maximize(FEATURES, mean_channel(None, 0), settings=QUICK)
    assert known(found.maxima) == pytest.approx(known(expected.maxima), rel=1e-6)
    torch.testing.assert_close(found.images, expected.images, rtol=1e-4, atol=0.05)


def test_a_function_of_several_layers_gets_their_codes_by_name() -> None:
    both = NETWORK.several(["features", "act"])
    options: dict[str, Any] = {"size": 24, "maxima": [5], "settings": QUICK}
    found = maximize(both, lambda code: code["features"][:, 0, 5, 5] - code["act"][:, 2, 1, 1],
                     **options)  # fmt: skip
    sum_ = neuron("features", 0, 5, 5) - neuron("act", 2, 1, 1)
    expected = maximize(both, sum_, **options)
    assert torch.equal(found.images, expected.images)
    measured = maximize(both, lambda code: code["act"].mean((1, 2, 3)), settings=QUICK)
    assert measured.reference == "9 photos"
    assert known(measured.response)[0] > known(measured.maxima)[0]


def test_what_is_not_linear_is_maximized_and_a_batch_changes_nothing() -> None:
    def near(code: Tensor) -> Tensor:
        return -(code[:, 0] - 10).square().mean((1, 2))

    batch = maximize(FEATURES, [near, lambda code: code[:, 1].mean((1, 2))], settings=QUICK)
    assert abs(float(batch.codes[0, 0].mean()) - 10) < 1
    assert float(batch.codes[1, 1].mean()) > 20
    alone = maximize(FEATURES, near, settings=QUICK)
    assert torch.equal(batch.images[0], alone.images[0])


def test_functions_can_be_diverse_but_have_no_place_in_a_mosaic() -> None:
    options: dict[str, Any] = {"seeds": [0, 1], "settings": QUICK, "size": 24, "maxima": [5]}
    found = maximize(FEATURES, lambda code: code[:, 0, 5, 5], diversity=5, **options)
    expected = maximize(FEATURES, neuron(None, 0, 5, 5), diversity=5, **options)
    torch.testing.assert_close(found.images, expected.images)
    with pytest.raises(ValueError, match="mosaic targets must be central responses"):
        maximize(FEATURES, lambda code: code[:, 0, 5, 5], mosaic=True)


def test_a_run_that_was_stopped_before_it_had_natural_contrast_is_shown_stretched() -> None:
    def stop(progress: Progress) -> None:
        if progress.step == 5:
            raise KeyboardInterrupt

    settings = MODERN.with_steps(9)
    stopped = maximize(FEATURES, 1, settings=settings, progress=stop)
    whole = maximize(FEATURES, 1, settings=settings)
    assert (stopped.interrupted, stopped.contrast, whole.contrast) == (True, "stretched", "kept")
