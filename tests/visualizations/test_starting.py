"""Starts of a run: photos and results, in the right order, size and units."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.support import known
from tests.visualizations.networks import color_network
from torch import nn

from preimage.decoding import ImageError
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from preimage.presets import CLASSICAL_QUALITIES, MODERN, NNPREIMAGE, settings_for
from preimage.priors import alpha_norm
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.targets import mean_channel
from preimage.visualizations import DeadTargetWarning, PreImage, caricature, invert, maximize
from preimage.visualizations.solve import with_margin
from preimage.visualizations.starting import Rough, Start, find_start

PHOTOS = [shipped_photos()[name] for name in ("chelsea", "coffee")]
DRAFT = CLASSICAL_QUALITIES["draft"]
SHORT = NNPREIMAGE.replace(iterations=8, final_iterations=2)
FEATURES = color_network().layer("features")


def edges() -> Layer:
    torch.manual_seed(0)
    return Layer(nn.Sequential(nn.Conv2d(1, 4, 5), nn.Softplus(0.05)), "1", GRAY)


def test_an_inversion_that_goes_on_begins_where_it_stopped_and_gets_lower() -> None:
    ten = DRAFT.with_steps(10)
    first = invert(edges(), PHOTOS, size=(32, 32), seeds=[0, 1], settings=ten)
    second = invert(edges(), PHOTOS, size=(32, 32), seeds=[0, 1], settings=ten, start=first)
    torch.testing.assert_close(second.trace.total[0], first.trace.total[-1], rtol=1e-5, atol=0)
    assert bool((second.trace.total[-1] < 0.98 * first.trace.total[-1]).all())
    assert second.start == ("noise, 10 steps",) * 4
    third = invert(
        edges(), PHOTOS, size=(32, 32), seeds=[0, 1], settings=DRAFT.with_steps(5), start=second
    )
    assert third.start == ("noise, 10 steps, 10 steps",) * 4
    assert third.describe(3)["start"] == "noise, 10 steps, 10 steps"


def test_a_run_from_the_minimum_stays_there() -> None:
    photo = np.random.default_rng(0).random((24, 24))
    first = invert(edges(), photo, settings=DRAFT.with_steps(400))
    second = invert(edges(), photo, settings=DRAFT.with_steps(40), start=first)
    assert float((second.images - first.images).abs().max()) < 0.5
    assert float(first.images.abs().max()) > 50


@pytest.mark.parametrize("settings", [DRAFT, SHORT, SHORT.replace(parameterization="fourier")])
def test_a_photo_starts_an_inversion_of_itself_without_an_error(settings: Any) -> None:
    result = invert(FEATURES, PHOTOS[0], start=PHOTOS[0], settings=settings.with_steps(1))
    assert result.start == (str(PHOTOS[0]),)
    assert float(result.trace.loss[0, 0]) < 1e-9
    far = invert(FEATURES, PHOTOS[0], start=PHOTOS[1], settings=settings.with_steps(1))
    assert float(far.trace.loss[0, 0]) > 1e-3


def test_the_margin_of_the_jitter_mirrors_the_start() -> None:
    photo = np.random.default_rng(0).random((16, 20))
    result = invert(edges(), photo, start=photo, settings=SHORT.replace(jitter=5))
    image = with_margin(GRAY.load(photo)[None], 4)
    torch.testing.assert_close(
        result.trace.alpha_norm[0], alpha_norm(image, SHORT.alpha, SHORT.pixel_norm)
    )


def test_each_source_has_its_photo_for_every_weight_and_seed() -> None:
    found = find_start(GRAY, PHOTOS, None, (8, 9), [0, 0, 1, 1], 2)
    images, words = known(found.images), found.words
    assert words == (str(PHOTOS[0]),) * 2 + (str(PHOTOS[1]),) * 2
    assert torch.equal(images[1], GRAY.load(PHOTOS[0], (8, 9)))
    assert torch.equal(images[2], GRAY.load(PHOTOS[1], (8, 9)))
    assert find_start(GRAY, None, None, (8, 9), [0], 1) == Start()


def test_every_kind_of_photo_is_a_start() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 9), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    file.seek(0)
    for photo in (pixels, torch.from_numpy(pixels), Image.fromarray(pixels), file):
        found = find_start(GRAY, photo, None, (8, 9), [0, 0], 1)
        assert torch.equal(known(found.images)[1], GRAY.load(pixels))
        assert found.words == ("image", "image")


def test_a_start_is_cropped_as_the_network_prescribes_it_for_photos() -> None:
    cropped = Preprocessing(mean=(127.5,), size=(16, 16), resize=20)
    found = find_start(cropped, PHOTOS[0], None, (16, 16), [0], 1)
    assert torch.equal(known(found.images)[0], cropped.load(PHOTOS[0]))
    whole = find_start(cropped, PHOTOS[0], (16, 16), (16, 16), [0], 1)
    assert torch.equal(known(whole.images)[0], cropped.load(PHOTOS[0], (16, 16)))


def test_rough_pictures_are_not_cropped_and_leave_out_no_part_of_the_solver() -> None:
    cropped = Preprocessing(mean=(127.5,), std=(60.0,), size=(16, 16), resize=20)
    picture = np.random.default_rng(0).random((16, 16))
    found = find_start(cropped, Rough([picture]), None, (16, 16), [0, 0], 1)
    assert found.is_rough
    assert torch.equal(known(found.images)[1], cropped.load(picture, (16, 16)))
    torch.manual_seed(0)
    layer = Layer(nn.Sequential(nn.Conv2d(1, 4, 5, stride=4), nn.ReLU()), "1", cropped, name="a/1")
    settings = settings_for(layer).with_steps(10)
    rough, final, noise = (
        invert(layer, picture, size=16, settings=settings, start=start)
        for start in (Rough([picture]), picture, None)
    )
    assert len(rough.trace.loss) == len(noise.trace.loss)
    assert not torch.equal(rough.images, final.images)
    assert not torch.equal(rough.images, noise.images)


def test_a_result_starts_the_results_of_the_same_order_also_from_its_file(tmp_path: Path) -> None:
    photo = np.random.default_rng(0).random((16, 16))
    first = invert(HOG(), photo, seeds=[0, 1], loss_weight=[5, 20], settings=SHORT)
    first.save(tmp_path / "first.npz")
    for start in (first, tmp_path / "first.npz", str(tmp_path / "first.npz")):
        found = find_start(GRAY, start, None, (16, 16), [0] * 4, 1)
        assert torch.equal(known(found.images), first.images)
    for start in (first[2], [first[2]][0]):
        found = find_start(GRAY, start, None, (16, 16), [0] * 3, 1)
        assert torch.equal(known(found.images), first.images[[2, 2, 2]])
    second = invert(HOG(), photo, seeds=[0, 1], loss_weight=[5, 20], settings=SHORT, start=first)
    alone = invert(HOG(), photo, seeds=[1], loss_weight=5, settings=SHORT, start=first[1])
    torch.testing.assert_close(alone.images, second.images[[1]])
    second.save(tmp_path / "second.npz")
    assert PreImage.load(tmp_path / "second.npz").start == second.start


def test_a_result_of_another_network_is_converted_to_its_units() -> None:
    other = Preprocessing(mean=(100.0,), std=(50.0,))
    result = invert(HOG(), np.random.default_rng(0).random((16, 16)), settings=SHORT)
    found = find_start(other, result, None, (16, 16), [0], 1)
    torch.testing.assert_close(other.to_255(known(found.images)), GRAY.to_255(result.images))


def test_a_result_or_photos_that_do_not_fit_are_refused_in_one_line() -> None:
    photo = np.random.default_rng(0).random((16, 16))
    result = invert(HOG(), photo, seeds=[0, 1], settings=SHORT)
    with pytest.raises(ValueError, match=r"images of shape \(1, 16, 16\), but this run has .*24\)"):
        invert(HOG(), np.zeros((16, 24)), start=result)
    with pytest.raises(ValueError, match="one for each of the 3 of this run, in their order, not"):
        invert(HOG(), photo, seeds=range(3), start=result)
    with pytest.raises(ValueError, match="one photo, or one for each of the 1 sources, not 2"):
        invert(HOG(), photo, start=PHOTOS)
    with pytest.raises(ImageError, match=r"none\.png: No such file"):
        invert(HOG(), photo, start="none.png")
    with pytest.raises(ValueError, match="a mosaic starts from noise: leave start or mosaic out"):
        maximize(FEATURES, [0, 1], mosaic=True, start=photo)


def test_a_maximization_from_a_photo_keeps_the_photo_and_excites_more() -> None:
    options: dict[str, Any] = {"maxima": [1.0, 1.0], "settings": MODERN.with_steps(20)}
    targets = [mean_channel(None, 0), mean_channel(None, 1)]
    result = maximize(FEATURES, targets, start=PHOTOS, size=48, **options)
    photos = torch.stack([FEATURES.preprocessing.load(photo, (48, 48)) for photo in PHOTOS])
    before = FEATURES.encode(photos).mean((2, 3))[[0, 1], [0, 1]]
    assert bool((known(result.response) > before).all())
    alike = torch.stack(
        [
            torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
            for a, b in zip(result.images, photos, strict=True)
        ]
    )
    assert bool((alike > 0.5).all())
    assert result.start == tuple(map(str, PHOTOS))
    again = maximize(FEATURES, targets, start=result, size=48, **options)
    assert bool((known(again.response) > known(result.response)).all())


def test_targets_that_are_left_out_leave_the_photos_of_the_others() -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(3, 2, 5)
    with torch.no_grad():
        convolution.weight[0].zero_()
    color = Preprocessing(mean=(127.5,) * 3, size=(32, 32))
    layer = Layer(nn.Sequential(convolution), "0", color)
    with pytest.warns(DeadTargetWarning, match=r"the response of 0 \(a dead unit\)"):
        result = maximize(layer, [0, 1], seeds=[0, 1], start=PHOTOS, settings=SHORT)
    assert result.dead == ("0",)
    assert result.start == (str(PHOTOS[1]),) * 2


def test_a_caricature_says_that_later_runs_began_from_its_photo() -> None:
    photo = np.random.default_rng(0).random((16, 16))
    first = caricature(edges(), photo, settings=SHORT)
    assert first.start is None
    found = find_start(GRAY, first, None, (16, 16), [0], 1)
    assert found.words == ("photo, 10 steps",)
