"""The representations, Phi of Eq. 1, which map images to codes."""
