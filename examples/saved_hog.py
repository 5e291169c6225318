"""A saved HOG array: what did the photo look like that is gone?

HOG encodes neither brightness nor contrast, and no color: the picture has typical ones. Several
seeds show what the code leaves open.
"""

import numpy as np

import preimage
from preimage.photo_files import shipped_photos

# Somebody saved a code, 27 x 30 x 40, ...
hog = preimage.HOG()
photo = hog.preprocessing.load(shipped_photos()["china"], (240, 320))
np.save("hog.npy", hog.encode(photo[None])[0].numpy())

# ... and this is all that is left.
code = np.load("hog.npy")
result = preimage.invert(hog, codes=code, seeds=[0, 1, 2], quality="best")
print(result)
result.grid().save("reconstructions.png")
