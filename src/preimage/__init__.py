"""preimage: what an image representation keeps and what it throws away.

One regularized energy, Eq. 1 of Mahendran & Vedaldi, "Visualizing Deep Convolutional
Neural Networks Using Natural Pre-Images" (IJCV 2016), and what its minimizers show.

    >>> import numpy, preimage
    >>> photo = numpy.random.default_rng(0).random((32, 48))
    >>> result = preimage.invert(preimage.HOG(bilinear=True), photo)
    >>> result.to_pil().size
    (48, 32)
"""

from preimage.catalog import network, representation
from preimage.images import ImageError
from preimage.optimizer import NonFiniteEnergyError, Progress
from preimage.preprocessing import Preprocessing
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.hog import HOG
from preimage.representations.layer import Layer
from preimage.representations.layers import Layers
from preimage.settings import EXCITATION_PRESETS, MODERN, NNPREIMAGE, PAPER, QUALITIES, Settings
from preimage.targets import Target, channel, class_score, direction, mean_channel, neuron
from preimage.visualizations import DeadTargetError, PreImage, caricature, invert, maximize

__version__ = "0.1.0"

__all__ = [
    "DSIFT",
    "EXCITATION_PRESETS",
    "HOG",
    "MODERN",
    "NNPREIMAGE",
    "PAPER",
    "QUALITIES",
    "DeadTargetError",
    "ImageError",
    "Layer",
    "Layers",
    "NonFiniteEnergyError",
    "PreImage",
    "Preprocessing",
    "Progress",
    "Representation",
    "Settings",
    "Target",
    "caricature",
    "channel",
    "class_score",
    "direction",
    "invert",
    "maximize",
    "mean_channel",
    "network",
    "neuron",
    "representation",
]
