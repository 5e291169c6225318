"""The audit: which layers of a network give the photo back, and what stored vectors give away."""

from preimage.audit.recognition import Recognition, recognize
from preimage.audit.vectors import Vectors, read_vectors

__all__ = ["Recognition", "Vectors", "read_vectors", "recognize"]
