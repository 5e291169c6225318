"""My own network: invert, maximize and caricature a layer of any torch module.

All that preimage needs to know is how photos become the network's input. `preimage.check` then
says whether everything fits together: run it first. The network here is untrained, so its
pictures show what its architecture alone keeps.
"""

import torch
from torch import nn

import preimage
from preimage.photo_files import shipped_photos

torch.manual_seed(0)
module = nn.Sequential(
    nn.Conv2d(3, 16, 5, stride=2, padding=2), nn.ReLU(),
    nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10),
)  # fmt: skip

preprocessing = preimage.Preprocessing(mean=(124, 116, 104), std=(58, 57, 57), size=(128, 128))
network = preimage.network(module, preprocessing, name="mine")
layer = network.layer("3")
print(preimage.check(layer))

photo = shipped_photos()["chelsea"]
preimage.invert(layer, photo).grid().save("inversion.png")
preimage.maximize(layer, range(8)).grid(columns=4).save("channels.png")
preimage.caricature(layer, photo).grid().save("caricature.png")
