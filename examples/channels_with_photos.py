"""Channels beside the photos that excite them: a picture alone does not say what a channel is for.

The first row shows what excites each channel most, the second the parts of photos to which it
responds most strongly. M is the largest response to these photos, so a response above 1 M is more
than any of them gives.
"""

import preimage
from preimage.grid import Cell, draw_grid
from preimage.photo_files import shipped_photos
from preimage.reporting.top_responses import draw_top_responses
from preimage.statistics import measure

CHANNELS = range(4)

network = preimage.network("efficientnet-lite0")
layer = network.layer("blocks.5")
statistics = measure(network.several(["blocks.5"]), list(shipped_photos().values()))["blocks.5"]
print(statistics.table().first(8))

result = preimage.maximize(layer, CHANNELS)
cells = []
for index, (response, maximum) in enumerate(zip(result.response, result.maxima, strict=True)):
    cells.append(Cell(result.to_pil(index), f"channel {index}: {response / maximum:.1f} M"))
draw_grid([cells]).save("channels.png")

photos, _ = draw_top_responses(layer, statistics, CHANNELS)
photos.save("photos.png")
