"""A leak audit: what do the vectors in a store give away of the photos that they were made from?

The store holds pooled codes of a network with unit norm, as many search engines keep them. The
audit finds out what was done to them, inverts some, and inverts codes of photos of which it is
known what they show. `audit/audit.html` is the page to read and to hand on.
"""

import subprocess

import numpy as np

import preimage
from preimage.audit import read_vectors, recognize
from preimage.photo_files import shipped_photos

layer = preimage.network("efficientnet-lite0").layer("pool")

# A store such as yours: a row for each photo.
load = layer.preprocessing.load
codes = [
    layer.encode(load(photo)[None])[0].flatten().numpy() for photo in shipped_photos().values()
]
np.save("store.npy", [code / np.linalg.norm(code) for code in codes])

# What was done to the codes before they were stored?
vectors = read_vectors("store.npy", sample=4)
found = recognize(vectors, layer)
print(found)

# Pictures that have these vectors.
result = preimage.invert(found.representation, codes=found.codes(vectors.values))
result.grid().save("from_vectors.png")

# The whole audit, with a verdict, intervals and a page.
subprocess.run(
    ["preimage", "audit", "codes", "store.npy", "--rep", "efficientnet-lite0/pool", "--sample", "2",
     "--limit", "6", "--quality", "draft", "--judge", "efficientnet-lite1"],
    check=True,
)  # fmt: skip
