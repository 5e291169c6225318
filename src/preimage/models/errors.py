"""The error of everything that has to do with networks and their weights."""

from __future__ import annotations


class ModelError(ValueError):
    """A network or a weight file that cannot be used; the message, one line, says why."""
