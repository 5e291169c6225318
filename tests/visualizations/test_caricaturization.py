"""Caricature: the start, the target, and that more is more."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.support import known
from tests.visualizations.networks import color_network
from torch import Tensor, nn

from preimage import catalog
from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY
from preimage.presets import ANCHORED, NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.studies.colors import saturation
from preimage.visualizations import PreImage, caricature
from preimage.visualizations.showing import label

NETWORK = color_network()
FEATURES = NETWORK.layer("features")
SETTINGS = NNPREIMAGE.replace(jitter=3, iterations=30, final_iterations=10)
CHELSEA = shipped_photos()["chelsea"]


def test_it_starts_from_the_photo() -> None:
    settings = SETTINGS.replace(iterations=1, final_iterations=0, learning_rate=1e-12)
    result = caricature(FEATURES, CHELSEA, settings=settings)
    photo = FEATURES.preprocessing.load(CHELSEA)
    torch.testing.assert_close(result.images[0], photo, atol=1e-3, rtol=0)
    assert known(result.response).item() == pytest.approx(1, abs=0.02)


def test_the_response_is_the_inner_product_with_what_was_positive() -> None:
    result = caricature(FEATURES, CHELSEA, settings=SETTINGS)
    with torch.no_grad():
        target = FEATURES(FEATURES.preprocessing.load(CHELSEA)[None]).clamp(min=0)
        reached = FEATURES(result.images)
    expected = (reached * target).sum() / (target * target).sum()
    torch.testing.assert_close(known(result.response)[0], expected)
    assert result.loss_weights == pytest.approx([10 / float((target * target).sum())])


def test_more_is_stronger() -> None:
    results = [
        caricature(FEATURES, CHELSEA, strength=strength, settings=SETTINGS)
        for strength in (1, 10, 100)
    ]
    responses = [known(result.response).item() for result in results]
    assert responses == sorted(responses)
    assert responses[-1] > 1.2
    assert [result.settings.strength for result in results] == [1, 10, 100]


def test_each_photo_and_seed_has_its_own_caricature() -> None:
    photos = [CHELSEA, shipped_photos()["coffee"]]
    both = caricature(FEATURES, photos, seeds=[0, 1], settings=SETTINGS)
    assert (both.sources, both.seeds) == ((0, 0, 1, 1), (0, 1, 0, 1))
    alone = caricature(FEATURES, photos[1], seeds=[1], settings=SETTINGS)
    assert torch.equal(alone.images[0], both.images[3])


def test_a_photo_without_response_and_a_strength_of_nothing_are_refused() -> None:
    nothing = Layer(nn.Sequential(nn.Conv2d(3, 2, 3)), "0", FEATURES.preprocessing)
    for parameter in nothing.model.parameters():
        nn.init.zeros_(parameter)
    with pytest.raises(ValueError, match="does not respond to the photo"):
        caricature(nothing, torch.rand(3, 24, 24), settings=SETTINGS)
    with pytest.raises(ValueError, match="strength must be positive"):
        caricature(FEATURES, CHELSEA, strength=0)


@pytest.mark.parametrize("layer", ["stem", "blocks.2", "blocks.5"])
def test_early_layers_keep_the_colors_of_the_photo(layer: str) -> None:
    phi = catalog.representation(f"efficientnet-lite0/{layer}")
    photos = [shipped_photos()[name] for name in ("chelsea", "coffee")]
    few = ANCHORED.with_steps(30)
    found = caricature(phi, photos, size=(64, 64), settings=few)
    assert (known(found.response) > 1.02).all()
    responses = found.trace.loss / found.trace.loss[0]
    assert (responses.cummax(0).values - responses).max() < 0.003
    pictures = phi.preprocessing.to_255(found.images)
    for picture, photo in zip(
        pictures, phi.preprocessing.to_255(known(found.originals)), strict=True
    ):
        assert 0.9 < saturation(picture) / saturation(photo) < 1.6
        assert 0.9 < picture.std() / photo.std() < 1.3
    assert float(pictures.min()) > -1e-3
    assert float(pictures.max()) < 255 + 1e-3


def test_the_response_grows_from_the_photos_with_steps_and_with_strength() -> None:
    reached = []
    for strength in (0.3, 1, 3):
        found = caricature(FEATURES, CHELSEA, strength=strength, settings=ANCHORED.with_steps(30))
        responses = found.trace.loss[:, 0] / found.trace.loss[0, 0]
        fallen = responses.cummax(0).values - responses
        assert fallen.max() < 0.02 * (responses[-1] - 1)
        assert (found.trace.total[:, 0].diff() <= 0).all()
        assert found.trace.alpha_norm[0] == found.trace.total_variation[0] == 0
        reached.append(known(found.response).item())
    assert reached == sorted(reached)
    assert reached[0] > 1


def test_a_weak_caricature_is_nearly_the_photo_which_fades_by_the_authors_priors() -> None:
    weak = {
        name: caricature(FEATURES, shipped_photos()["coffee"], strength=0.1, settings=settings)
        for name, settings in (("anchored", ANCHORED.with_steps(30)), ("authors'", SETTINGS))
    }
    deviations = {name: found.images.std() for name, found in weak.items()}
    original = known(weak["anchored"].originals).std()
    assert deviations["anchored"] == pytest.approx(float(original), rel=0.1)
    assert deviations["authors'"] < 0.7 * original


def test_a_descriptor_has_caricatures_too() -> None:
    found = caricature(HOG(), CHELSEA, size=48, settings=ANCHORED.with_steps(20))
    assert known(found.response).item() > 1.02


class Scaled(nn.Conv2d):
    """A convolution with an output of another scale."""

    scale = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.scale


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1e25])
def test_codes_whose_squares_leave_single_precision_have_the_same_caricature(scale: float) -> None:
    network = Scaled(1, 4, 5)
    phi = Layer(nn.Sequential(network), "0", GRAY)
    settings, photo = SETTINGS.with_steps(3), torch.eye(16)
    expected = caricature(phi, photo, settings=settings)
    network.scale = scale
    found = caricature(phi, photo, settings=settings)
    torch.testing.assert_close(found.images, expected.images, atol=1e-2, rtol=1e-4)
    torch.testing.assert_close(found.response, expected.response)


def test_several_strengths_give_the_caricatures_of_each(tmp_path: Path) -> None:
    photos = [CHELSEA, shipped_photos()["coffee"]]
    found = caricature(FEATURES, photos, strength=[1, 30], seeds=[0, 1], settings=SETTINGS)
    assert found.strengths == (1, 1, 30, 30) * 2
    assert (found.sources, found.seeds) == ((0,) * 4 + (1,) * 4, (0, 1) * 4)
    alone = caricature(FEATURES, photos[1], strength=30, seeds=[1], settings=SETTINGS)
    assert torch.equal(alone.images[0], found.images[7])
    assert (alone.strengths, alone.loss_weights) == ((30,), found.loss_weights[7:])
    told, of_one = found.describe(7), alone.describe()
    assert (told["strength"], told["settings"]) == (30, of_one["settings"])
    assert label(found, 7).startswith("features, seed 1, strength 30: response x ")
    assert label(alone, 0).startswith("features: response x ")
    found.save(tmp_path / "all.npz")
    assert PreImage.load(tmp_path / "all.npz")[2:4].strengths == (30, 30)


def test_each_of_several_strengths_is_checked() -> None:
    for strengths, message in (([3, 0], "strength must be positive"), ([], "no strength")):
        with pytest.raises(ValueError, match=message):
            caricature(FEATURES, CHELSEA, strength=strengths)
