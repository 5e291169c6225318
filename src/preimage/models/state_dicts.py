"""State dicts: read from files without running code, and loaded into networks.

A PyTorch checkpoint is a pickle, which can run any code. Files are therefore read with
`weights_only=True`, or as safetensors, and in no other way.
"""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from preimage.files import check_archive
from preimage.models.errors import ModelError

_Rename = Callable[[str], str]
_OF_PARALLEL = "module."
"""The beginning of all names of weights that were saved from torch's DataParallel."""

RANDOM = "random"
"""The weights of an untrained network: its own initialization, from a fixed seed."""


@contextmanager
def fixed_seed() -> Iterator[None]:
    """Draw the CPU's random numbers from a fixed seed; the generator is restored afterwards."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(0)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def read_state_dict(path: str | Path) -> Mapping[str, Tensor]:
    """Read the tensors of a weight file by name.

    Args:
        path: a `.safetensors` file, or what `torch.save(model.state_dict(), path)` writes,
            alone or under the key "state_dict" or "model" of a larger checkpoint.

    Raises:
        ModelError: if the file is missing, damaged, not a weight file, or holds Python
            objects other than tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"{path}: no such file")
    data = _read_safetensors(path) if path.suffix == ".safetensors" else _read_checkpoint(path)
    for key in ("state_dict", "model"):
        if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
            data = data[key]
    if not isinstance(data, Mapping) or not data:
        raise ModelError(f"{path}: holds no named tensors; save a model's state_dict() instead")
    for name, value in data.items():
        if not (isinstance(name, str) and isinstance(value, Tensor)):
            raise ModelError(f"{path}: {name!r} is not a tensor; save a model's state_dict() alone")
    return data


def _read_safetensors(path: Path) -> Any:
    try:
        safetensors = importlib.import_module("safetensors")
        load_file = importlib.import_module("safetensors.torch").load_file
    except ImportError:
        raise ModelError(f"{path}: to read it, run: pip install safetensors") from None
    try:
        return load_file(path, device="cpu")
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(f"{path}: damaged, or not a safetensors file ({error})") from None


def _read_checkpoint(path: Path) -> Any:
    check_checkpoint(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged pickle may raise anything
        raise ModelError(
            f"{path}: damaged, not a weight file, or one that holds other Python objects than "
            "tensors; these could run code and are never read: save model.state_dict() alone"
        ) from None


def check_checkpoint(path: Path) -> None:
    """Raise a `ModelError` if a checkpoint would fill the memory when it is decompressed."""
    try:
        check_archive(path)
    except zipfile.BadZipFile as error:
        raise ModelError(f"{path}: damaged, not a weight file ({error})") from None
    except ValueError as error:
        raise ModelError(str(error)) from None


def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], source: str, rename: _Rename = str
) -> None:
    """Put `weights` into `network`; their names must be exactly those of its state dict.

    Before all of them, `module.` may stand, as torch's DataParallel saves them.

    Args:
        network: the network to fill.
        weights: tensors by name.
        source: the origin of the weights, for the error.
        rename: a function from a name in `weights` to the name in `network.state_dict()`.

    Raises:
        ModelError: if names or shapes differ (the network may then be partly overwritten), or if
            weights are complex where the network has real ones.
    """
    named = {rename(name): value for name, value in weights.items()}
    own = network.state_dict()
    if all(name.startswith(_OF_PARALLEL) and name not in own for name in named):
        named = {name.removeprefix(_OF_PARALLEL): value for name, value in named.items()}
    for name, value in named.items():
        if value.is_complex() and name in own and not own[name].is_complex():
            raise ModelError(f"{source}: {name} is complex, but the network needs real numbers")
    try:
        result = network.load_state_dict(named, strict=False)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[:2][-1].strip()  # the first line is a heading
        raise ModelError(f"{source}: weights of another network: {reason}") from None
    check_names(source, result.missing_keys, result.unexpected_keys)


def check_names(source: str, missing: Sequence[str], unexpected: Sequence[str]) -> None:
    """Raise a `ModelError` that counts a file's missing and unexpected weights, if any."""
    problems = _count("missing", missing) + _count("unexpected", unexpected)
    if problems:
        raise ModelError(f"{source}: weights of another network: {' and '.join(problems)}")


def _count(kind: str, names: Sequence[str]) -> list[str]:
    """Return a text with the number of names and the first three; no text without names."""
    first = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return [f"{len(names)} {kind} ({first})"] if names else []


def choose_file(spec: str, weights: str | Path | None, own: Path | None) -> Path | None:
    """Return the weight file to read; None for random weights.

    Args:
        spec: the network, for the error.
        weights: a file, `RANDOM`, or None for the network's own.
        own: the file of the network's own weights; None if there is none.

    Raises:
        ModelError: if the network's own file is wanted and is not there.
    """
    if weights == RANDOM:
        return None
    if weights is not None:
        return Path(weights)
    if own is None or not own.is_file():
        raise ModelError(
            f"{spec}: its weights are not on this machine; run 'preimage fetch {spec}', or give "
            f"--weights FILE, or --weights {RANDOM} for an untrained network"
        )
    return own
