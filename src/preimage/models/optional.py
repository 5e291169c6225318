"""Libraries that are imported only where they are used, and names they may not know."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from difflib import get_close_matches
from types import ModuleType

from preimage.models.errors import ModelError


def import_optional(module: str, extra: str) -> ModuleType:
    """Import `module`, which the extra `extra` of this package installs.

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


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ModelError:
    """The error for a name that is not among `known`, with the nearest ones.

    >>> unknown_name("model", "resnet5", ["resnet50", "vgg16"])
    ModelError("no model 'resnet5'; did you mean 'resnet50'?")
    """
    near = get_close_matches(name, known, n=3)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return ModelError(f"no {kind} {name!r}{hint}")
