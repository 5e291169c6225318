"""Codes in another scale: named as what they are, and undone by one option."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from tests.support import known
from torch import Tensor, nn

from preimage.photo_files import shipped_photos
from preimage.preprocessing import GRAY, Preprocessing
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.visualizations import invert
from preimage.visualizations.code_scale import in_own_scale


class _Times(nn.Module):
    """A multiplication by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * x


CHELSEA = shipped_photos()["chelsea"]
SIZE = (73, 97)


@pytest.fixture(scope="module")
def pooled() -> Layer:
    """An embedding of a small network."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 32, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    prescribed = Preprocessing(mean=(120.0,) * 3, std=(60.0,), size=SIZE)
    return Layer(network, "3", prescribed)


def _code(phi: DSIFT | HOG | Layer) -> Tensor:
    return phi.encode(phi.preprocessing.load(CHELSEA, SIZE)[None])


def test_dense_sift_times_512_is_named_and_undone_without_a_trace() -> None:
    phi = DSIFT()
    code = _code(phi)
    with pytest.warns(UserWarning, match=r"up to 512, not 1 at most: .*code_scale=512$"):
        as_it_is = invert(phi, codes=code * 512, size=SIZE, quality="draft")
    assert float(known(as_it_is.error)) > 0.9
    undone = invert(phi, codes=code * 512, size=SIZE, quality="draft", code_scale=512)
    expected = invert(phi, codes=code, size=SIZE, quality="draft")
    assert torch.equal(undone.images, expected.images)
    auto = invert(phi, codes=code * 512, size=SIZE, quality="draft", code_scale="auto")
    assert float(known(auto.error)) == pytest.approx(float(known(expected.error)), abs=0.03)


def test_embeddings_of_unit_norm_are_named_and_get_the_norm_of_photos(pooled: Layer) -> None:
    code = _code(pooled)
    unit = code / code.norm()
    with pytest.warns(UserWarning, match=r"has a norm of 1, .* divided by its norm; .*'auto'"):
        in_own_scale(pooled, unit, SIZE, None)
    found = in_own_scale(pooled, unit, SIZE, "auto")
    torch.testing.assert_close(found / found.norm(), unit)
    assert 0.5 < float(found.norm() / code.norm()) < 2
    error = known(invert(pooled, codes=unit, quality="draft", code_scale="auto").error)
    assert float(error) < 0.2


def test_quantized_embeddings_are_named(pooled: Layer) -> None:
    code = _code(pooled)
    quantized = (code * (127 / code.max())).round()
    with pytest.warns(UserWarning, match=r"times that of photos, and holds whole numbers: it seem"):
        in_own_scale(pooled, quantized, SIZE, None)
    found = in_own_scale(pooled, quantized, SIZE, "auto")
    assert 0.5 < float(found.norm() / code.norm()) < 2


@pytest.mark.parametrize("times", [2.5, 4, 6])
def test_whole_numbers_are_named_also_if_their_norm_is_likely(pooled: Layer, times: float) -> None:
    """As of a classifier, whose largest score is about 20 and becomes 127."""
    scale = 127 / float(_code(pooled).max())
    scores = Layer(nn.Sequential(pooled.model, _Times(scale / times)), "1", pooled.preprocessing)
    code = _code(scores)
    quantized = (code / code.max() * 127).round().to(torch.int8)
    with pytest.warns(UserWarning, match="^a code of 1 .* whole numbers: it seems quantized; give"):
        as_it_is = invert(scores, codes=quantized, quality="draft")
    own = invert(scores, codes=quantized, quality="draft", code_scale="auto")
    assert float(known(own.error)) < float(known(as_it_is.error))


def test_whole_numbers_of_the_scale_of_photos_and_choices_are_not_doubted(pooled: Layer) -> None:
    scores = Layer(nn.Sequential(pooled.model, _Times(9.0)), "1", pooled.preprocessing)
    code, choice = _code(scores).round(), torch.zeros(1, 32)
    choice[0, 3] = float(code.norm() * 2).__round__()
    assert in_own_scale(scores, code, SIZE, None) is code
    assert in_own_scale(scores, choice, SIZE, None) is choice


def test_only_descriptors_of_about_512_are_taken_for_those_of_vl_dsift() -> None:
    phi = DSIFT()
    for scale in (30, 1e4, 1e6):
        with pytest.warns(UserWarning, match="times that of photos, and seems scaled") as caught:
            in_own_scale(phi, _code(phi) * scale, SIZE, None)
        assert "512" not in str(caught[0].message)
    rounded = (_code(phi) * 512).floor().clamp(max=255)
    with pytest.warns(UserWarning, match="code_scale=512$"):
        in_own_scale(phi, rounded, SIZE, None)


def test_another_scale_is_named_by_its_factor() -> None:
    phi = HOG()
    with pytest.warns(UserWarning, match=r"a norm \d\d+ times that of photos, and seems scaled"):
        in_own_scale(phi, _code(phi) * 100, SIZE, None)


@pytest.mark.parametrize("phi", [HOG(), HOG(bilinear=True), DSIFT()])
def test_codes_of_photos_are_not_doubted(phi: HOG | DSIFT) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("coffee", "astronaut"):
            code = phi.encode(GRAY.load(shipped_photos()[name], SIZE)[None])
            assert in_own_scale(phi, code, SIZE, None) is code


@pytest.mark.parametrize(("scale", "message"), [(0, "positive"), (np.inf, "finite"),
                                                ("sideways", "unknown code scale 'sideways'"),
                                                (True, "positive")])  # fmt: skip
def test_a_scale_is_a_positive_number_or_auto(scale: float | str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        invert(HOG(), codes=_code(HOG()), size=SIZE, code_scale=scale)


def test_a_photo_has_no_code_scale() -> None:
    with pytest.raises(ValueError, match="code_scale is for codes: leave it out for photos"):
        invert(HOG(), CHELSEA, size=64, code_scale=2)


def test_networks_of_other_channels_have_no_photos_to_compare_with() -> None:
    network = nn.Sequential(nn.Conv2d(5, 2, 3))
    layer = Layer(network, "0", Preprocessing(mean=(9.0,) * 5, size=(9, 9)))
    code = torch.full((1, 2, 7, 7), 1e6)
    assert in_own_scale(layer, code, (9, 9), None) is code
    with pytest.raises(ValueError, match="no codes of 0: give code_scale a number"):
        in_own_scale(layer, code, (9, 9), "auto")
