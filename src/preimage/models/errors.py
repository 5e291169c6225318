"""The error of networks and their weights."""

from __future__ import annotations


class ModelError(ValueError):
    """The error for a network or a weight file that cannot be used; its message is one line."""
