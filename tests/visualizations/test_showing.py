"""Results that show themselves: grids, labels, and sliders over snapshots."""

from __future__ import annotations

import dataclasses
import html
import io
import json
import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from tests.visualizations.networks import color_network

from preimage.extras import install_command
from preimage.grid import Cell, draw_grid
from preimage.masks import Mask
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.visualizations import PreImage, caricature, invert, maximize
from preimage.visualizations.showing import label, spread

PHOTOS = list(shipped_photos().values())[:2]
SHORT = NNPREIMAGE.replace(iterations=3, final_iterations=1)
FEATURES = color_network().layer("features")


@pytest.fixture(scope="module")
def inverted() -> PreImage:
    return invert(
        HOG(), PHOTOS, size=(32, 32), seeds=(4, 7), loss_weight=[20, 200], settings=SHORT,
        snapshot_every=1,
    )  # fmt: skip


def _photo(result: PreImage, index: int) -> Image.Image:
    assert result.originals is not None
    return result.preprocessing.to_pil(result.originals[index])


def _frames(result: PreImage) -> list[tuple[str, str]]:
    """The name and the address of each picture of a slider."""
    page = html.unescape(str(result._repr_html_()).split('srcdoc="')[1].split('"')[0])
    found: list[tuple[str, str]] = json.loads(page.split("const frames = ")[1].split(";\n")[0])
    return found


def test_a_grid_shows_every_result_beside_its_photo(inverted: PreImage) -> None:
    cells = [Cell(inverted.to_pil(n), label(inverted, n)) for n in range(8)]
    expected = draw_grid([
        [Cell(_photo(inverted, 0), "photo 0"), *cells[:4]],
        [Cell(_photo(inverted, 4), "photo 1"), *cells[4:]],
    ])  # fmt: skip
    assert np.array_equal(np.asarray(inverted.grid()), np.asarray(expected))
    assert inverted.grid(columns=2).width < inverted.grid().width
    with pytest.raises(ValueError, match="columns must be at least 1"):
        inverted.grid(0)


def test_a_label_says_what_differs_and_the_success(inverted: PreImage) -> None:
    assert inverted.error is not None
    error = round(100 * float(inverted.error[1]))
    assert label(inverted, 1) == f"hog, seed 7, C 20: error {error} %"
    assert label(inverted[1], 0) == f"hog: error {error} %"
    codes = dataclasses.replace(inverted, originals=None)
    assert label(codes, 5) == label(inverted, 5).replace("hog,", "hog, code 1,")


def test_small_errors_have_a_digit_more(inverted: PreImage) -> None:
    result = dataclasses.replace(inverted[0], error=torch.tensor([0.0123]))
    assert label(result, 0) == "hog: error 1.2 %"


def test_maximizations_and_caricatures_are_labelled_by_their_response() -> None:
    found = maximize(FEATURES, [0, 3], settings=SHORT)
    assert found.response is not None
    assert found.maxima is not None
    ratio = float(found.response[1]) / found.maxima[1]
    assert label(found, 1) == f"3: response {ratio:.1f} x M"
    assert label(found, 1, probability=0.987) == "3: probability 0.99"
    without = label(dataclasses.replace(found, maxima=(0.0, -1.0)), 1)
    assert without == f"3: response {float(found.response[1]):.3g} (M <= 0)"
    drawn = caricature(FEATURES, PHOTOS[0], settings=SHORT)
    assert drawn.response is not None
    assert label(drawn, 0) == f"features: response x {float(drawn.response[0]):.2f}"


def test_the_box_of_a_mask_is_drawn() -> None:
    result = invert(FEATURES, PHOTOS[0], mask=Mask(window=3), settings=SHORT)
    without = dataclasses.replace(result, box=None)
    assert not np.array_equal(np.asarray(result.grid()), np.asarray(without.grid()))


def test_a_notebook_shows_the_grid(inverted: PreImage) -> None:
    plain = dataclasses.replace(inverted, snapshots=())
    assert plain._repr_html_() is None
    shown = Image.open(io.BytesIO(plain._repr_png_()))
    assert np.array_equal(np.asarray(shown), np.asarray(plain.grid()))


def test_of_many_results_a_notebook_shows_the_first_and_says_so(inverted: PreImage) -> None:
    plain = dataclasses.replace(inverted.select([0] * 41), snapshots=())
    first = plain[:40]
    shown = Image.open(io.BytesIO(plain._repr_png_()))
    assert shown.width == first.grid().width
    below = np.asarray(shown)[30:]
    assert np.array_equal(below, np.asarray(first.grid())[-len(below) :])
    assert (np.asarray(shown)[:30] < 128).any(), "no heading"


def test_a_slider_has_a_picture_for_each_snapshot_and_the_end(inverted: PreImage) -> None:
    frames = _frames(inverted)
    names = [name.split(";")[0] for name, _ in frames]
    assert names == ["step 1 of 3", "step 2 of 3", "step 3 of 3", "end"]
    assert len({source for _, source in frames[:2]}) == 2
    assert all(source.startswith("data:image/webp;base64,") for _, source in frames)


def test_of_many_snapshots_some_are_shown_evenly_spread(inverted: PreImage) -> None:
    _, images = inverted.snapshots[0]
    many = dataclasses.replace(inverted, snapshots=tuple((n, images) for n in range(100)))[0]
    names = [name for name, _ in _frames(many)]
    assert len(names) == 30
    assert names[0].startswith("step 0 ")
    assert names[-2].startswith("step 99 ")
    assert spread("abc", 1) == ("a",)
    assert spread("abc", 5) == tuple("abc")


def test_show_opens_a_window_or_fills_a_cell(
    inverted: PreImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(Image.Image, "show", lambda image: shown.append(np.asarray(image)))
    inverted.show()
    assert np.array_equal(np.asarray(shown.pop()), np.asarray(inverted.grid()))
    marimo = SimpleNamespace(
        running_in_notebook=lambda: True, output=SimpleNamespace(append=shown.append)
    )
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    inverted.show()
    assert shown == [inverted]


def test_a_plot_holds_the_energies_and_the_errors_by_c(inverted: PreImage) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing")
    pictures, energy, error = inverted.plot().axes
    assert pictures.images[0].get_size() == inverted.grid().size[::-1]
    energies = np.stack([line.get_xydata() for line in energy.lines])
    np.testing.assert_allclose(energies[:, :, 0], [[1, 2, 3]] * 8)
    np.testing.assert_allclose(energies[:, :, 1].T, inverted.trace.total)
    assert inverted.error is not None
    means = 100 * inverted.error.reshape(2, 2, 2).mean(2)
    assert [line.get_label() for line in error.lines] == ["photo 0", "photo 1"]
    errors = np.stack([line.get_xydata() for line in error.lines])
    np.testing.assert_allclose(errors[:, :, 0], [[20, 200]] * 2)
    np.testing.assert_allclose(errors[:, :, 1], means, rtol=1e-5)


def test_a_plot_of_a_single_c_has_no_errors_by_c(inverted: PreImage) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is missing")
    assert len(inverted[0].plot().axes) == 2


def test_a_plot_without_matplotlib_says_what_to_install(
    inverted: PreImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "preimage.plotting", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match=re.escape(f"matplotlib: {install_command('notebook')}")):
        inverted.plot()
