"""Weight files: reading one without running code from it, and putting it into a network.

A PyTorch checkpoint is a pickle, and a pickle can run any code. Files are therefore read
with `weights_only=True`, or as safetensors, and in no other way.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from preimage.models.errors import ModelError

RANDOM = "random"
"""Given as weights: the network's own initialization, from a fixed seed."""

_SEED = 0


@contextmanager
def fixed_seed() -> Iterator[None]:
    """Random numbers of the CPU from a fixed seed; the generator is restored afterwards.

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
    """The tensors of a weight file by name.

    Args:
        path: a `.safetensors` file, or what `torch.save(model.state_dict(), path)` writes,
            bare or as "state_dict" or "model" of a larger checkpoint.

    Raises:
        ModelError: if the file is missing, damaged, not a weight file, or holds other
            Python objects than tensors.
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


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Put `weights` into `network`; every parameter must be there, and nothing else.

    Args:
        network: the network to fill.
        weights: tensors by the names of `network.state_dict()`.
        source: where they come from, for the error.

    Raises:
        ModelError: if names or shapes differ; the network is then of no use.
    """
    try:
        result = network.load_state_dict(weights, strict=False)
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


def choose_weights(
    spec: str, weights: str | Path | None, cached: Path | None
) -> Mapping[str, Tensor] | None:
    """The weights that the user asked for; None for random ones.

    Args:
        spec: the model, for the errors.
        weights: a file, `RANDOM`, or None for the source's own.
        cached: where the source's own weights lie, or None where they are not here.

    Raises:
        ModelError: if there are none, or their file cannot be used.
    """
    if weights == RANDOM:
        return None
    path = cached if weights is None else weights
    if path is None:
        raise ModelError(
            f"{spec}: its weights are not on this machine; run 'preimage fetch {spec}', or give "
            f"--weights FILE, or --weights {RANDOM} for an untrained network"
        )
    return read_state_dict(path)


def checkpoint_path(url: str) -> Path:
    """Where torch.hub keeps the file of this address, in the user's cache."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def download_checkpoint(url: str, progress: bool) -> Path:
    """Download a file into torch.hub's cache, where it is not there already.

    It is written under a temporary name, checked against the SHA-256 prefix that its name
    carries (as in resnet50-11ad3fa6.pth), and only then renamed.

    Raises:
        ModelError: if it cannot be downloaded, or its checksum differs.
    """
    path = checkpoint_path(url)
    if not path.exists():
        checksum = re.search(r"-([0-9a-f]{8,})\.", path.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(
                url, str(path), checksum.group(1) if checksum else None, progress
            )
        except (OSError, RuntimeError) as error:
            raise ModelError(f"{url}: not downloaded: {error}") from None
    return path
