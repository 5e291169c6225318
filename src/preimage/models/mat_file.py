"""MATLAB files of any version since 5, as plain Python values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from preimage.extras import install_command
from preimage.models import mat5, mat73
from preimage.models.errors import ModelError
from preimage.models.mat5 import Value


def load(path: str | os.PathLike[str], names: Sequence[str]) -> dict[str, Value]:
    """Read the variables `names`, without any that the file lacks.

    Raises:
        ModelError: if the file is missing, damaged or no MATLAB file, or h5py is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    try:
        variables = mat73.load(path, names) if mat73.is_hdf5(path) else mat5.load(path)
    except ImportError:
        reason = f"a MATLAB 7.3 file needs h5py: {install_command('matconvnet')}"
        raise ModelError(f"{path}: {reason}") from None
    except Exception as error:  # h5py raises anything on a damaged file
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        problem = f"not a MATLAB file, or a damaged or truncated one ({reason})"
        raise ModelError(f"{path}: {problem}") from error
    return {name: variables[name] for name in names if name in variables}
