"""A network whose process does not survive it."""

from __future__ import annotations

import os


def network() -> None:
    """Ends the process at once, as the system does when memory runs out."""
    os._exit(3)
