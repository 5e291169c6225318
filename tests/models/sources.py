"""Scores of a loaded network, and empty caches of other libraries."""

from __future__ import annotations

import torch

from preimage.models.loaded import Loaded


def scores(model: Loaded) -> torch.Tensor:
    assert model.preprocessing.size is not None
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 3, *model.preprocessing.size, generator=generator)
    result: torch.Tensor = model.module(x)
    return result
