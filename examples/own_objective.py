"""An objective of my own: any function of codes that torch can differentiate.

The function gets a dict of the codes of several layers and returns a response for each image.
This one asks for a goose whose early layer is smooth.
"""

import preimage

network = preimage.network("efficientnet-lite0")
goose = network.classes.index("goose")


def smooth_goose(codes):
    """The score of the class, less the roughness of an early layer."""
    roughness = codes["blocks.2"].diff(dim=3).abs().mean((1, 2, 3))
    return codes["classifier"][:, goose] - roughness


layers = network.several(["blocks.2", "classifier"])
result = preimage.maximize(layers, smooth_goose)
print(result)
result.grid().save("smooth_goose.png")

# Objectives that need no function: sums, also across layers.
both = preimage.class_score("goose") + preimage.mean_channel("blocks.8", 40)
preimage.maximize(network, both).grid().save("sum.png")
