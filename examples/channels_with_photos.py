"""Channels beside the photos that excite them: a picture alone does not say what a channel is for.

`channels.png` shows what excites each channel most, `photos.png` the parts of photos to which each
responds most strongly; the page of a channel in an atlas has both. M is the largest response to
these photos, so a response above 1 M is more than any of them gives.
"""

import preimage
from preimage.grid import Cell, draw_grid
from preimage.statistics import measure

CHANNELS = range(4)

layer = preimage.network("efficientnet-lite0").layer("blocks.5")
print(measure(layer)["blocks.5"].table().first(8))

result = preimage.maximize(layer, CHANNELS)
cells = []
for index, (response, maximum) in enumerate(zip(result.response, result.maxima, strict=True)):
    cells.append(Cell(result.to_pil(index), f"channel {index}: {response / maximum:.1f} M"))
draw_grid([cells]).save("channels.png")

preimage.top(layer, CHANNELS).save("photos.png")
