"""A small judge for tests, by name."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

JUDGE = "import:tests.judges.small"
CLASSES = ["tree frog, tree-frog", "cat", "barracouta, snoek"]


def small() -> tuple[nn.Module, dict[str, Any]]:
    """A network of 8 features and three classes, the same at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = [nn.Conv2d(3, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        network = nn.Sequential(*parts, nn.Linear(8, len(CLASSES)))
    return network, {"classes": CLASSES, "size": (20, 20)}
