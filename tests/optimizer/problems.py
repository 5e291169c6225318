"""A small energy that NumPy can follow, and settings for it."""

from __future__ import annotations

import torch
from tests.support import Projections, random_image
from torch import Tensor

from preimage.losses import SquaredDistance
from preimage.objective import Objective
from preimage.presets import NNPREIMAGE, PAPER
from preimage.settings import Settings

SIZE = (4, 5)
C = (20.0, 300.0)
SEEDS = (3, 4)
STRONG = NNPREIMAGE.replace(iterations=12, final_iterations=7)
JITTERED = STRONG.replace(jitter=3)
WEAK = PAPER.replace(iterations=12, learning_rate=0.5)


def problem(
    channels: int, shifts: int, settings: Settings
) -> tuple[Objective, Tensor, Tensor, Projections]:
    phi = Projections(8, channels, *SIZE)
    target = phi(random_image(2, channels, *SIZE, seed=7))
    weights = torch.tensor(C, dtype=torch.float64)
    objective = Objective(phi, SquaredDistance(target), settings, weights, SIZE)
    margin = shifts - 1
    start = random_image(2, channels, SIZE[0] + margin, SIZE[1] + margin, scale=300.0)
    return objective, target, start, phi
