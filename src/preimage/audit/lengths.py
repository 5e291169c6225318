"""The length of stored vectors beside that of a layer's codes, checked before any long work."""

from __future__ import annotations

import math

from preimage.networks import Network
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation
from preimage.representations.transformations import Projection
from preimage.representations.transformed import Transformed


def code_shape(layer: Representation) -> tuple[int, ...]:
    """Return the shape of a code; raise ValueError if it depends on the size of the image."""
    if layer.default_size is None:
        raise ValueError(
            f"{layer.name} has codes of any length: name a layer of a network of fixed image size"
        )
    return layer.code_shape(*layer.default_size)


def check_length(
    length: int,
    layer: Representation,
    matrix: Projection | None = None,
    *,
    may_be_first: bool = False,
) -> None:
    """Check that vectors can be codes of a layer, or of the steps that its name has.

    Args:
        length: the number of values of a vector.
        layer: the layer, perhaps with steps.
        matrix: what its codes were multiplied by.
        may_be_first: whether they may be the first values of codes, although no step says so.

    Raises:
        ValueError: if they cannot; the message says what to do.

    >>> from preimage.representations.layer import Layer
    >>> from torch import nn
    >>> from preimage.preprocessing import Preprocessing
    >>> pool = Layer(nn.Sequential(nn.Flatten()), "0", Preprocessing((0.0,), size=(2, 3)))
    >>> check_length(6, pool)
    """
    shape = code_shape(layer)
    if matrix is not None:
        (made,) = matrix.shape(shape)
        if length != made:
            raise ValueError(f"{matrix.name} makes vectors of {made} values, not of {length}")
        return
    wanted = math.prod(shape)
    if length == wanted or (length < wanted and may_be_first):
        return
    words = f"the vectors have {length} values, but codes of {layer.name} have {wanted}"
    if isinstance(layer, Transformed):
        raise ValueError(f"{words}: name other steps, or another layer")
    if length > wanted:
        raise ValueError(f"{words}: they are of another layer or network")
    raise ValueError(
        f"{words}: if they were multiplied by a matrix, as by PCA, give it with --projection FILE; "
        f"if they are the first {length} values, name that step: --rep '{layer.name}|first:"
        f"{length}'; otherwise name another network or layer"
    )


def layers_of_length(network: Network, length: int) -> tuple[str, ...]:
    """Return the main layers of a network whose codes have so many values."""
    layers = network.several(network.main_layers)
    size = network.preprocessing.size or DEFAULT_SIZE
    shapes = layers.code_shapes(*size)
    return tuple(str(name) for name, shape in shapes.items() if math.prod(shape) == length)
