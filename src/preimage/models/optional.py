"""Imports of libraries that may not be installed."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from types import ModuleType

from preimage.extras import install_command
from preimage.models.errors import ModelError


def import_optional(module: str, extra: str) -> ModuleType:
    """Import a module that the extra `extra` of this package installs.

    Raises:
        ModelError: if the module is not installed, or does not fit the installed torch.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        hint = f"run: {install_command(extra)}"
        raise ModelError(f"{module} cannot be imported ({error}); {hint}") from None
    except RuntimeError as error:
        hint = (
            "install torchvision from the index that torch is from, as with pip install --no-deps "
            f"--force-reinstall '{_fitting_torchvision(version('torch'))}' "
            "--index-url https://download.pytorch.org/whl/cpu"
        )
        raise ModelError(f"{module} does not fit the installed torch ({error}); {hint}") from None


def _fitting_torchvision(torch: str) -> str:
    """Return what to ask pip for: the torchvision that was released with a version of torch.

    >>> _fitting_torchvision("2.13.0+cpu"), _fitting_torchvision("3.0.1")
    ('torchvision==0.28.*', 'torchvision')
    """
    major, minor, *_ = torch.split(".")
    return f"torchvision==0.{int(minor) + 15}.*" if major == "2" else "torchvision"
