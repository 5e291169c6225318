"""A prior of my own: what is known of images before any code is seen.

A prior is a function of images (N, D, H, W), in gray levels, that returns a value for each; small
means likely. Here it is the mean square of the Laplacian, beside the total variation of the
paper.
"""

import preimage
from preimage.grid import Cell, draw_grid
from preimage.photo_files import shipped_photos


def smooth(x):
    """The mean square of the Laplacian, in units of 10 gray levels."""
    inner = x[..., 1:-1, 1:-1]
    around = x[..., :-2, 1:-1] + x[..., 2:, 1:-1] + x[..., 1:-1, :-2] + x[..., 1:-1, 2:]
    return (around / 4 - inner).div(10).square().mean((1, 2, 3))


layer = preimage.network("efficientnet-lite0").layer("blocks.5")
photo = shipped_photos()["flower"]

cells = []
for prior in ["tv", "opponent-tv", smooth]:
    result = preimage.invert(layer, photo, prior=prior)
    cells.append(
        Cell(result.to_pil(), f"{result.settings.prior}: error {float(result.error[0]):.1%}")
    )
draw_grid([cells]).save("priors.png")
