"""argmin of Eq. 1: the paper's Algorithm 1, and a faster solver for the same energy."""

from preimage.optimizer.minimize import Minimum, minimize
from preimage.optimizer.trace import NonFiniteEnergyError, Progress

__all__ = ["Minimum", "NonFiniteEnergyError", "Progress", "minimize"]
