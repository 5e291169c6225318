"""The effect of C: what the weight of the code against the priors does to a picture.

With a small C the priors win: a smooth blur, and a large error. With a large C the picture has the
code more exactly, and noise that photos do not have. This is Algorithm 1 of the paper: the
default solver hides the noise. All values and seeds are computed in one call; `result.plot()`
shows the energies and the errors by C, too. `NNPREIMAGE.with_steps(40)` is faster.
"""

import preimage
from preimage.photo_files import shipped_photos

layer = preimage.network("efficientnet-lite0").layer("blocks.5")
photo = shipped_photos()["coffee"]

result = preimage.invert(
    layer, photo, loss_weight=[1, 20, 300], seeds=[0, 1], settings=preimage.NNPREIMAGE
)
for weight, seed, error in zip(result.loss_weights, result.seeds, result.error, strict=True):
    print(f"C = {weight:g}, seed {seed}: error {float(error):.1%}")
result.grid().save("by_c.png")
result.plot().savefig("energies.png")
