"""A saved HOG array: what did the photo look like that is gone?

HOG encodes neither brightness nor contrast, and no color: the picture has typical ones. Several
seeds show what the code leaves open. Beside them, the code as glyphs: lines along edges.
"""

import numpy as np

import preimage
from preimage.photo_files import shipped_photos

hog = preimage.HOG()
photo = hog.preprocessing.load(shipped_photos()["china"], (240, 320))
np.save("hog.npy", hog.encode(photo[None])[0].numpy())  # 27 x 30 x 40, all that is left

hog.glyphs(np.load("hog.npy")).save("glyphs.png")
result = preimage.invert(hog, codes=np.load("hog.npy"), seeds=[0, 1, 2], quality="best")
print(result)
result.grid().save("reconstructions.png")
