"""The 1000 classes of ILSVRC 2012.

`imagenet_classes.txt` holds WordNet ids and synonyms as timm 1.0.31 lists them (Apache
license 2.0; the words are WordNet's), in the order in which networks score the classes.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def imagenet_classes() -> dict[str, str]:
    """Return the names of the classes by WordNet id, in order, synonyms separated by ", ".

    Two classes share the name "crane": the bird, n02012849, and the machine, n03126707.

    >>> list(imagenet_classes().items())[31]
    ('n01644373', 'tree frog, tree-frog')
    """
    text = files("preimage.models").joinpath("imagenet_classes.txt").read_text(encoding="utf-8")
    return dict(line.split("\t") for line in text.splitlines())
