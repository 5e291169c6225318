"""State dicts: read from a file without running code from it, and loaded into a network.

A PyTorch checkpoint is a pickle, and a pickle can run any code. Files are therefore read
with `weights_only=True`, or as safetensors, and in no other way.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from preimage.models.errors import ModelError

RANDOM = "random"
"""The weights of an untrained network: its own initialization, from a fixed seed."""

_SEED = 0


@contextmanager
def fixed_seed() -> Iterator[None]:
    """Draw the CPU's random numbers from a fixed seed; the generator is restored afterwards.

    >>> with fixed_seed():
    ...     a = torch.rand(1)
    >>> with fixed_seed():
    ...     b = torch.rand(1)
    >>> torch.equal(a, b)
    True
    """
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(_SEED)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def read_state_dict(path: str | Path) -> Mapping[str, Tensor]:
    """Read the tensors of a weight file by name.

    Args:
        path: a `.safetensors` file, or what `torch.save(model.state_dict(), path)` writes,
            bare or as "state_dict" or "model" of a larger checkpoint.

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
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # a damaged pickle may raise anything
        raise ModelError(
            f"{path}: damaged, not a weight file, or one that holds other Python objects than "
            "tensors; these could run code and are never read: save model.state_dict() alone"
        ) from None


def load_weights(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    source: str,
    rename: Callable[[str], str] = str,
) -> None:
    """Put `weights` into `network`; every parameter must be there, and nothing else.

    Args:
        network: the network to fill.
        weights: tensors by name.
        source: where they come from, for the error.
        rename: gives each name as `network.state_dict()` has it.

    Raises:
        ModelError: if names or shapes differ; the network is then of no use.
    """
    named = {rename(name): value for name, value in weights.items()}
    try:
        result = network.load_state_dict(named, strict=False)
    except (RuntimeError, ValueError) as error:
        reasons = [line.strip() for line in str(error).splitlines()]
        raise ModelError(
            f"{source}: weights of another network: {reasons[min(1, len(reasons) - 1)]}"
        ) from None
    problems = [
        f"{len(names)} {kind} ({_first(names)})"
        for kind, names in (
            ("missing", result.missing_keys),
            ("unexpected", result.unexpected_keys),
        )
        if names
    ]
    if problems:
        raise ModelError(f"{source}: weights of another network: {' and '.join(problems)}")


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


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
