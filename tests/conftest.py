"""One thread, because the kernels here are small; the same examples in every run."""

from __future__ import annotations

import torch
from hypothesis import settings

torch.set_num_threads(1)
settings.register_profile("preimage", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("preimage")
