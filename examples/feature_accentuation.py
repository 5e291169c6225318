"""Feature accentuation: begin with a photo, and let it show more of what a channel responds to.

A maximization that starts from a photo keeps its layout for some steps. Nothing holds the picture
near the photo, so the number of steps says how much of it remains. A result is a start, too.
"""

import preimage
from preimage.grid import Cell, draw_grid
from preimage.photo_files import shipped_photos

photo = shipped_photos()["chelsea"]
layer = preimage.network("efficientnet-lite0").layer("blocks.5")
target = preimage.mean_channel(None, 3)  # everywhere in the picture
few = preimage.MODERN.with_steps(20)

start, cells = photo, []
for steps in (20, 40, 60):
    start = preimage.maximize(layer, target, start=start, size=224, settings=few)
    cells.append(Cell(start.to_pil(), f"{steps} steps: response {float(start.response[0]):.1f}"))
draw_grid([cells]).save("accentuated.png")
