"""Regions that a code proves to be flat: which they are, and that they stay flat."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.support import random_image

from preimage.catalog import representation
from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.representations.flat_regions import FlatRegions
from preimage.visualizations import invert

NAMES = ("hog", "hogb", "dsift")


def _half_flat(height: int, width: int) -> torch.Tensor:
    x = random_image(1, 1, height, width, seed=4)
    x[..., width // 2 :] = 20
    return x


def test_each_region_gets_its_mean_and_the_rest_is_left() -> None:
    labels = np.array([[1, 1, 0], [2, 0, 2]])
    image = torch.tensor([[[1.0, 3.0, 5.0], [10.0, 7.0, 20.0]]])
    FlatRegions(labels, image.device).flatten_(image)
    assert image.tolist() == [[[2.0, 2.0, 5.0], [15.0, 7.0, 15.0]]]


@pytest.mark.parametrize("name", NAMES)
def test_leveling_changes_no_image_that_has_the_code(name: str) -> None:
    phi, x = representation(name), _half_flat(80, 120)
    (regions,) = phi.flat_regions(phi(x), (80, 120))
    assert regions is not None
    leveled = regions.flatten_(x[0].clone())
    torch.testing.assert_close(leveled, x[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_leveling_empties_the_cells_that_are_empty(name: str) -> None:
    phi, x = representation(name), _half_flat(80, 120)
    code = phi(x)
    (regions,) = phi.flat_regions(code, (80, 120))
    assert regions is not None
    other = regions.flatten_(random_image(1, 80, 120, seed=5))
    assert (phi(other[None])[code == 0].abs() < 1e-9).sum() >= (code == 0).all(1).sum()
    empty = (code == 0).all(1, keepdim=True).expand_as(code)
    assert (phi(other[None])[empty] == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_two_flat_areas_apart_are_two_regions(name: str) -> None:
    phi, x = representation(name), random_image(1, 1, 80, 200, seed=6)
    x[..., :70], x[..., 130:] = 20, -30
    (regions,) = phi.flat_regions(phi(x), (80, 200))
    assert regions is not None
    leveled = regions.flatten_(x[0].clone())
    assert torch.equal(leveled[..., :60], x[0, ..., :60])
    assert torch.equal(leveled[..., 140:], x[0, ..., 140:])


@pytest.mark.parametrize("name", NAMES)
def test_a_photo_without_empty_cells_is_free(name: str) -> None:
    phi, x = representation(name), random_image(2, 1, 80, 120)
    assert phi.flat_regions(phi(x), (80, 120)) == [None, None]


@pytest.mark.parametrize(
    "settings", [NNPREIMAGE, CLASSICAL_QUALITIES["draft"]], ids=lambda s: s.solver.name
)
@pytest.mark.parametrize("name", NAMES)
def test_both_solvers_keep_flat_areas_flat(name: str, settings: object) -> None:
    phi, photo = representation(name), (_half_flat(80, 120)[0, 0].numpy() + 127.5) / 255
    result = invert(phi, photo, settings=settings.with_steps(5))  # type: ignore[attr-defined]
    assert result.images[..., 90:100].unique().numel() == 1
    assert result.images[..., :40].unique().numel() > 100


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["algorithm-1", "sobolev-lbfgs"])
def test_a_constant_image_gets_a_clear_error(name: str, solver: str) -> None:
    settings = NNPREIMAGE if solver == "algorithm-1" else CLASSICAL_QUALITIES["fast"]
    with pytest.raises(ValueError, match="constant image"):
        invert(representation(name), np.full((64, 64), 0.5), settings=settings)
