"""The visualizations of the paper: each chooses loss, target and start of Eq. 1.

| visualization | loss | target Phi_0 | start |
|---|---|---|---|
| `invert` (section 5) | squared distance | Phi(x_0) | noise |
| `maximize` (section 6) | inner product | one-hot on a component | noise |
| `caricature` (section 7) | inner product | max(0, Phi(x_0)) | x_0 |
"""

from preimage.visualizations.caricaturization import caricature
from preimage.visualizations.inversion import invert
from preimage.visualizations.maximization import (
    DeadTargetError,
    DeadTargetWarning,
    maximize,
)
from preimage.visualizations.pre_image import PreImage

__all__ = ["DeadTargetError", "DeadTargetWarning", "PreImage", "caricature", "invert", "maximize"]
