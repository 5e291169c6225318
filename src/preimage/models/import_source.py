"""The user's own networks, as `import:PACKAGE.MODULE.FACTORY`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from preimage.checks import is_signal
from preimage.models.description import described
from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.models.state_dicts import RANDOM, fixed_seed, load_weights, read_state_dict
from preimage.names import unknown


def load(path: str, weights: str | Path | None = None) -> Loaded:
    """Load what the factory at a dotted path returns: a module, or a module and a dict.

    The factory's module is looked for in the current folder first. For the dict see
    `preimage.models.description`.

    Args:
        path: PACKAGE.MODULE.FACTORY.
        weights: a file; None or "random" for the weights that the factory gives.

    Raises:
        ModelError: if the factory cannot be imported, fails, or returns something else.
    """
    spec = f"import:{path}"
    with _current_folder_importable():
        factory = _factory(path)
        try:
            with fixed_seed():
                made = factory()
        except (Exception, SystemExit) as error:  # the user's own code
            if is_signal(error):
                raise
            reason = f"{type(error).__name__}: {error}"
            raise ModelError(f"{spec}: the factory failed: {reason}") from error
    network, given = made if isinstance(made, tuple) and len(made) == 2 else (made, {})
    if not (isinstance(network, nn.Module) and isinstance(given, dict)):
        raise ModelError(
            f"{spec}: must return a torch.nn.Module, or a pair of a Module and a dict, "
            f"not {type(made).__name__}"
        )
    if weights is not None and weights != RANDOM:
        load_weights(network, read_state_dict(weights), f"{weights} for {spec}")
    return described(spec, network, given)


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    """Let modules be imported from the current folder, as `python -m` does."""
    if "" in sys.path:
        yield
        return
    sys.path.insert(0, "")
    try:
        yield
    finally:
        sys.path.remove("")


def _factory(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    if not module_name:
        raise ModelError(f"import:{path}: expected import:MODULE.FACTORY")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # the user's own code
        if is_signal(error):
            raise
        reason = f"{type(error).__name__}: {error}"
        raise ModelError(f"import:{path}: {module_name} cannot be imported: {reason}") from error
    if not hasattr(module, name):
        raise ModelError(unknown(f"factory in {module_name}", name, vars(module)))
    return getattr(module, name)
