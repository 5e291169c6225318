"""A ResNet of torchvision: what is left of a photo at each depth.

Weights are random here, so that the script runs without a download; after `preimage fetch
torchvision:resnet18`, leave `weights="random"` out.
"""

import preimage
from preimage.grid import Cell, draw_grid
from preimage.photo_files import shipped_photos

network = preimage.network("torchvision:resnet18", weights="random")
photo = shipped_photos()["coffee"]

cells = []
for name in ["layer1", "layer2", "layer3"]:
    result = preimage.invert(network.layer(name), photo, size=112)
    if not cells:
        cells.append(Cell(result.preprocessing.to_pil(result.originals[0]), "photo"))
    error, ssim = float(result.error[0]), float(result.ssim[0])
    cells.append(Cell(result.to_pil(), f"{name}: error {error:.1%}, SSIM {ssim:.2f}"))

draw_grid([cells]).save("layers.png")
