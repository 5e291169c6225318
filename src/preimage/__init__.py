"""preimage: what an image representation keeps and what it throws away.

One regularized energy, Equation 1 of Mahendran & Vedaldi, "Visualizing Deep Convolutional
Neural Networks Using Natural Pre-Images" (IJCV 2016), and what its minimizers show.

    >>> import numpy, preimage
    >>> photo = numpy.random.default_rng(0).random((32, 48))
    >>> result = preimage.invert(preimage.HOG(bilinear=True), photo)
    >>> result.to_pil().size
    (48, 32)

`import preimage` imports nothing else. Each public name below is imported from its module when
it is first used, so that the command line answers `--help` without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from preimage.catalog import network, representation
    from preimage.checking import check
    from preimage.decoding import ImageError
    from preimage.masks import Mask
    from preimage.networks import Network
    from preimage.optimizer import NonFiniteEnergyError, Progress
    from preimage.preprocessing import Preprocessing
    from preimage.presets import ANCHORED, MODERN, NNPREIMAGE, PAPER, settings_for
    from preimage.reporting.top_responses import top
    from preimage.representations.base import Representation
    from preimage.representations.dsift import DSIFT
    from preimage.representations.execution import Execution
    from preimage.representations.hog import HOG
    from preimage.representations.layer import Layer
    from preimage.representations.layers import Layers
    from preimage.settings import Settings
    from preimage.solver_settings import Algorithm1, JitteredLBFGS, SobolevLBFGS
    from preimage.studies.judge import Judge
    from preimage.targets import Target, channel, class_score, direction, mean_channel, neuron
    from preimage.visualizations import (
        DeadTargetError,
        DeadTargetWarning,
        PreImage,
        caricature,
        invert,
        maximize,
    )
    from preimage.workers import WorkerError

__version__ = "0.1.0"

__all__ = [
    "ANCHORED",
    "DSIFT",
    "HOG",
    "MODERN",
    "NNPREIMAGE",
    "PAPER",
    "Algorithm1",
    "DeadTargetError",
    "DeadTargetWarning",
    "Execution",
    "ImageError",
    "JitteredLBFGS",
    "Judge",
    "Layer",
    "Layers",
    "Mask",
    "Network",
    "NonFiniteEnergyError",
    "PreImage",
    "Preprocessing",
    "Progress",
    "Representation",
    "Settings",
    "SobolevLBFGS",
    "Target",
    "WorkerError",
    "caricature",
    "channel",
    "check",
    "class_score",
    "direction",
    "invert",
    "maximize",
    "mean_channel",
    "network",
    "neuron",
    "representation",
    "settings_for",
    "top",
]

_NAMES = {
    "catalog": ("network", "representation"),
    "checking": ("check",),
    "decoding": ("ImageError",),
    "masks": ("Mask",),
    "networks": ("Network",),
    "optimizer": ("NonFiniteEnergyError", "Progress"),
    "preprocessing": ("Preprocessing",),
    "presets": ("ANCHORED", "MODERN", "NNPREIMAGE", "PAPER", "settings_for"),
    "reporting.top_responses": ("top",),
    "representations.base": ("Representation",),
    "representations.dsift": ("DSIFT",),
    "representations.execution": ("Execution",),
    "representations.hog": ("HOG",),
    "representations.layer": ("Layer",),
    "representations.layers": ("Layers",),
    "settings": ("Settings",),
    "solver_settings": ("Algorithm1", "JitteredLBFGS", "SobolevLBFGS"),
    "studies.judge": ("Judge",),
    "targets": ("Target", "channel", "class_score", "direction", "mean_channel", "neuron"),
    "visualizations": (
        "DeadTargetError",
        "DeadTargetWarning",
        "PreImage",
        "caricature",
        "invert",
        "maximize",
    ),
    "workers": ("WorkerError",),
}
"""The public names by module, as the imports above have them."""

_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
