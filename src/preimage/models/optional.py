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
        torch = version("torch")
        is_built_elsewhere = extra == "torchvision" and "+" in torch
        command = f"pip install {_torchvision(torch)}" if is_built_elsewhere else None
        hint = f"run: {command or install_command(extra)}"
        raise ModelError(f"{module} cannot be imported ({error}); {hint}") from None
    except RuntimeError as error:
        hint = (
            "install torchvision from the index that torch is from, as with pip install --no-deps "
            f"--force-reinstall {_torchvision(version('torch'))}"
        )
        raise ModelError(f"{module} does not fit the installed torch ({error}); {hint}") from None


def _torchvision(torch: str) -> str:
    """Return what to ask pip for: the torchvision that was released with a version of torch.

    >>> _torchvision("2.13.0+cu128")
    "'torchvision==0.28.*' --index-url https://download.pytorch.org/whl/cu128"
    >>> _torchvision("3.0.1")
    'torchvision --index-url https://download.pytorch.org/whl/cpu'
    """
    release, _, build = torch.partition("+")
    major, minor, *_rest = release.split(".")
    wanted = f"'torchvision==0.{int(minor) + 15}.*'" if major == "2" else "torchvision"
    return f"{wanted} --index-url https://download.pytorch.org/whl/{build or 'cpu'}"
