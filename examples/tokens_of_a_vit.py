"""A vision transformer of timm: tokens on their grid, the class token, and one head of attention.

A code of tokens has a grid, as a map has. A channel is that of the grid alone; the tokens before
the grid, such as "cls", are addressed by name. The input of the last projection of an attention
holds its heads side by side. Weights are random; after `preimage fetch
timm:vit_tiny_patch16_224`, leave `weights="random"` out.
"""

import preimage
from preimage.photo_files import shipped_photos

network = preimage.network("timm:vit_tiny_patch16_224", weights="random")
layer = network.layer("blocks.3")
print(layer.code_grid(224, 224))

photo = shipped_photos()["astronaut"]
result = preimage.invert(layer, photo)
print(result)
result.grid().save("inversion.png")

targets = [
    preimage.channel(None, 5),
    preimage.neuron(None, 5, 3, 7),
    preimage.neuron(None, 5, "cls"),
]
preimage.maximize(layer, targets).grid().save("tokens.png")

heads = network.layer("blocks.3.attn.proj.input")  # 3 heads of 64 channels each
second = preimage.Mask(channels="64-127")
preimage.invert(heads, photo, mask=second).grid().save("second_head.png")
