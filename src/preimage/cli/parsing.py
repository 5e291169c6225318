"""Readers of the texts of options: each returns the value of a text.

For a text that it cannot read, every function raises ValueError with a message of one line.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.checks import check_size
from preimage.loss_weight import AUTO, LossWeight
from preimage.names import LayerName, unknown
from preimage.presets import PRESETS
from preimage.representations.execution import Execution

if TYPE_CHECKING:
    from preimage.networks import Network
    from preimage.representations.base import Representation
    from preimage.settings import Settings
    from preimage.studies.judge import Judge

_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]+)?", re.ASCII)
_SIDE = re.compile(r"[0-9]{0,8}[1-9][0-9]{0,8}", re.ASCII)
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
_UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """Return the longer side, or height and width, that a text gives.

    >>> parse_size("320"), parse_size("240x320"), parse_size(None)
    (320, (240, 320), None)
    """
    if text is None:
        return None
    parts = text.lower().split("x")
    if not all(_SIDE.fullmatch(part) for part in parts) or len(parts) > 2:
        raise ValueError(f"size must be like 320 or 240x320 (height x width), not {text!r}")
    return check_size(int(parts[0]) if len(parts) == 1 else [int(part) for part in parts])


def parse_loss_weights(texts: Sequence[str] | None) -> list[LossWeight] | None:
    """Return values of C, each a number or "auto".

    >>> parse_loss_weights(["20", "auto"])
    [20.0, 'auto']
    """
    if texts is None:
        return None
    try:
        return [AUTO if text == AUTO else float(text) for text in texts]
    except ValueError:
        given = ", ".join(map(repr, texts))
        raise ValueError(f"loss weights must be numbers or {AUTO!r}, not {given}") from None


def parse_memory(text: str | None) -> int | None:
    """Return a number of bytes; units are powers of 1024.

    >>> parse_memory("1.5KB")
    1536
    """
    if text is None:
        return None
    number, unit = text[:-2].strip(), text[-2:].upper()
    if unit not in _UNITS or not _NUMBER.fullmatch(number) or float(number) * _UNITS[unit] < 1:
        raise ValueError(f"memory must be like 4GB or 512MB, not {text!r}")
    return int(float(number) * _UNITS[unit])


def parse_neuron(text: str) -> tuple[int, int, int] | tuple[int, str]:
    """Return channel, row and column of a single response, or channel and token.

    >>> parse_neuron("5,3,3"), parse_neuron("5,register 1")
    ((5, 3, 3), (5, 'register 1'))
    """
    parts = [part.strip() for part in text.split(",")]
    numbers = [int(part) for part in parts if _INDEX.fullmatch(part)]
    if len(parts) == len(numbers) == 3:
        return numbers[0], numbers[1], numbers[2]
    if len(parts) == 2 and len(numbers) == 1 and parts[1] and not parts[1].isdecimal():
        return numbers[0], parts[1]
    raise ValueError(f"a neuron is CHANNEL,ROW,COLUMN or CHANNEL,TOKEN (5,cls), not {text!r}")


def parse_names(text: str) -> list[str]:
    """Return the names of a list that is separated by commas.

    >>> parse_names("conv1, relu2")
    ['conv1', 'relu2']
    """
    return [name.strip() for name in text.split(",")]


def parse_execution(
    accelerate: str, memory: str | None, device: str, threads: int | None
) -> Execution:
    """Return --accelerate, --memory and --threads as an `Execution` that the device supports."""
    check_device(device)
    execution = Execution(accelerate, parse_memory(memory), threads)
    execution.check(device)
    return execution


def check_device(device: str) -> None:
    """Raise ValueError if torch does not have the device."""
    from preimage.representations.execution import find_device

    find_device(device)


def find_preset(
    name: str | None,
    steps: int | None,
    strength: float | None = None,
    prior: str | None = None,
    known: Mapping[str, Settings] = PRESETS,
) -> Settings:
    """Return a preset (by default "nnpreimage") with the given steps, strength and prior."""
    name = name or "nnpreimage"
    if name not in known:
        raise ValueError(unknown("preset", name, known))
    settings = with_changes(known[name], steps, prior)
    return settings if strength is None else settings.replace(strength=strength)


def with_changes(settings: Settings, steps: int | None, prior: str | None) -> Settings:
    """Return settings with the values of --steps and --prior, if they are given."""
    if steps is not None:
        settings = settings.with_steps(steps)
    return settings if prior is None else settings.replace(prior=prior)


def find_judge(networks: Sequence[str] | None) -> Judge | None:
    """Return the judge that --judge names; None without the option."""
    if not networks:
        return None
    from preimage.studies.judge import Judge

    return Judge(networks)


def find_representations(
    reps: Sequence[str], layers: str | None, weights: str | None
) -> list[Representation]:
    """Return the representations that --rep names; with --layers, those layers of each network."""
    from preimage import catalog

    found: list[Representation] = []
    for rep in dict.fromkeys(reps):
        if layers is None:
            found.append(catalog.representation(rep, weights))
        elif catalog.is_classical(rep):
            raise ValueError(f"{rep} has no layers: leave out --layers")
        else:
            network = catalog.network(rep, weights=weights)
            names = network.main_layers if layers == "all" else parse_names(layers)
            found += [catalog.layer_of(network, name) for name in names]
    return found


def name_of_grid(reps: Sequence[str], layers: str | None, found: Sequence[Representation]) -> str:
    """Return the part of a grid's file name that names its representations."""
    if len(reps) > 1:
        return ""
    return reps[0] if layers else found[0].name


@contextlib.contextmanager
def offer_networks(is_given: bool) -> Iterator[None]:
    """Add the option for another network to the error for missing weights of the paper's."""
    from preimage.models.errors import ModelError

    try:
        yield
    except ModelError as error:
        hint = "" if is_given else "; or choose another: --network efficientnet-lite0"
        raise ModelError(f"{error}{hint}") from error


def choose_layers(
    network: Network, layers: str | None, default: Callable[[Network], Sequence[str]]
) -> list[str]:
    """Return the names of the representations that --layers stands for.

    Args:
        network: the network whose layers are chosen.
        layers: as the user gave it: names, "all" for the main layers, or None.
        default: returns the names of the layers if `layers` is None.
    """
    if layers == "all":
        chosen = list(network.main_layers)
    else:
        chosen = list(default(network)) if layers is None else parse_names(layers)
    if not chosen:
        raise ValueError(f"{network.name} has no layers that fit: name some by --layers")
    return [str(LayerName(network.name, layer)) for layer in chosen]


def photo_names(images: Sequence[Path] | None) -> list[str] | None:
    """Return the files and folders that --images names, for a study; None without --images.

    Raises:
        OSError: if one of them does not exist.
    """
    if images is None:
        return None
    for path in images:
        path.stat()
    return [str(path) for path in images]


def check_has_classes(name: str) -> None:
    """Raise ValueError if a name is that of a layer, which --classes does not take."""
    from preimage.models.sources import may_have_slashes

    if "/" in name.rpartition(":")[2] and not may_have_slashes(name):
        raise ValueError(f"--classes takes a network without a layer, not {name}")


def choose_threads(representation: Representation, threads: int | None) -> None:
    """Set torch to a number of threads; if None, to the faster one for codes on this machine."""
    import torch

    from preimage.preprocessing import DEFAULT_SIZE
    from preimage.representations.threads import faster_number

    size = representation.default_size or DEFAULT_SIZE
    image = torch.zeros(1, representation.preprocessing.channels, *size)
    torch.set_num_threads(threads or faster_number(lambda: representation.encode(image)))


def use_one_thread(device: str) -> None:
    """Set torch to a single thread on a CPU: more threads slow down HOG and DSIFT."""
    import torch

    if device == "cpu":
        torch.set_num_threads(1)
