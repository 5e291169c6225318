"""Phi of Eq. 1: what maps an image to a code."""
