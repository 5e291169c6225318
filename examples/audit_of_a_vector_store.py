"""A leak audit: what do the vectors in a store give away of the photos that they were made from?

The store holds pooled codes of a network, divided by their norm, as many search engines keep
them. The audit finds out what was done to the codes and inverts some. Then it attacks codes of
photos of which it is known what they show, so that it can say what an attacker learns, with
intervals and beside chance. `audit/audit.html` is the page to read and to hand on. Here are few
photos and few steps, so the verdict is provisional: leave out `--limit` and `--quality`, and give
photos like those in your store with `--reference`.
"""

import subprocess

import numpy as np

import preimage
from preimage.photo_files import shipped_photos

# A store such as yours: a row for each photo.
layer = preimage.network("efficientnet-lite0").layer("pool")
load = layer.preprocessing.load
codes = [layer.encode(load(photo)[None]).flatten().numpy() for photo in shipped_photos().values()]
np.save("store.npy", [code / np.linalg.norm(code) for code in codes])

subprocess.run(
    ["preimage", "audit", "codes", "store.npy", "--rep", "efficientnet-lite0/pool",
     "--sample", "3", "--limit", "6", "--quality", "draft", "--judge", "efficientnet-lite1"],
    check=True,
)  # fmt: skip
