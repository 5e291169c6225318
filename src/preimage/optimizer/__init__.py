"""The minimization of Equation 1: Algorithm 1, and a faster solver of the same energy."""

from preimage.optimizer.minimize import Minimum, minimize
from preimage.optimizer.recorder import NonFiniteEnergyError, Progress

__all__ = ["Minimum", "NonFiniteEnergyError", "Progress", "minimize"]
