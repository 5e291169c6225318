"""A torchvision from PyPI beside a torch that was built for the CPU alone."""

from __future__ import annotations

import importlib
import sys

import torch

_KEPT_ALIVE: list[torch.library.Library] = []


def declare_missing_operators() -> None:
    """Let torchvision be imported where it fails for lack of operators that only detection needs.

    Where it can be imported as it is, or is not installed, nothing is done.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError:
        return
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "FRAGMENT")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT_ALIVE.append(library)
