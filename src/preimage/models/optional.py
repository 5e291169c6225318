"""Imports of libraries that may not be installed."""

from __future__ import annotations

import importlib
from types import ModuleType

from preimage.models.errors import ModelError


def import_optional(module: str, extra: str) -> ModuleType:
    """Import a module that an extra of this package installs.

    Args:
        module: its dotted name.
        extra: the name of the extra.

    Raises:
        ModelError: if it is not installed, or does not fit the installed torch.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ModelError(
            f'{module} cannot be imported ({error}); run: pip install "preimage[{extra}]"'
        ) from None
    except RuntimeError as error:
        raise ModelError(
            f"{module} does not fit the installed torch ({error}); "
            "install torch and torchvision from one index"
        ) from None
