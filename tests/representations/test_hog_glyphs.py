from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from preimage.representations.hog import HOG


@pytest.mark.parametrize("orientation", range(9))
def test_the_glyph_of_an_edge_lies_along_the_edge(orientation: int) -> None:
    angle = math.radians(20 * orientation)
    gradient = np.array([math.cos(angle), math.sin(angle)])
    places = torch.arange(56.0) - 27.5
    y, x = torch.meshgrid(places, places, indexing="ij")
    photo = 200 * torch.sigmoid((x * gradient[0] + y * gradient[1]) / 2)
    hog = HOG()
    cell = np.asarray(hog.glyphs(hog(photo[None, None])[0]), dtype=float)[63:84, 63:84]
    rows, columns = np.nonzero(cell > 0.6 * cell.max())
    line = np.linalg.svd(np.stack([columns - columns.mean(), rows - rows.mean()], axis=1))[2][0]
    assert abs(line @ gradient) < math.sin(math.radians(3))
    assert math.hypot(np.ptp(rows), np.ptp(columns)) > 15


def test_glyphs_of_an_empty_code_are_black_and_other_shapes_are_refused() -> None:
    hog = HOG()
    assert not np.asarray(hog.glyphs(torch.zeros(27, 2, 3))).any()
    with pytest.raises(ValueError, match=r"has the shape \(27, H, W\), not \(31, 2, 3\)"):
        hog.glyphs(torch.zeros(31, 2, 3))
