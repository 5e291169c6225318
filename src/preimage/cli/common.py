"""What the commands share: inputs, errors, progress."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich.console import Console

from preimage.files import sha256
from preimage.names import LayerName, unknown
from preimage.presets import PRESETS
from preimage.representations.execution import Execution
from preimage.settings import Settings

if TYPE_CHECKING:
    import numpy as np

    from preimage.networks import Network
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation

console = Console(stderr=True, soft_wrap=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Source:
    """An input, read: a photo, or a saved code (.npy).

    Attributes:
        name: as the user gave it.
        stem: what the names of its results begin with.
        data: the bytes of the file.
    """

    name: str
    stem: str
    data: bytes

    @property
    def is_code(self) -> bool:
        """Whether this is a saved code."""
        return self.name.endswith(".npy")

    @property
    def sha256(self) -> str:
        """Checksum of the file."""
        return sha256(self.data)

    def code(self) -> np.ndarray:
        """The code."""
        import numpy as np

        try:
            array = np.load(io.BytesIO(self.data), allow_pickle=False)
        except (ValueError, EOFError, TypeError):
            raise ValueError("not an array of numbers saved by numpy.save, or damaged") from None
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise ValueError("not an array of real numbers")
        return array.astype(np.float32)


def read_inputs(inputs: Sequence[str]) -> tuple[list[Source], list[str]]:
    """Files, folders and standard input, read; and a line for each that cannot be."""
    from preimage.images import ImageError
    from preimage.photo_files import photo_paths

    sources, failures = [], []
    for name in inputs:
        try:
            if name == "-":
                sources.append(Source("-", "stdin", sys.stdin.buffer.read()))
                continue
            paths = photo_paths(name)
            sources += [Source(str(p), p.stem, p.read_bytes()) for p in paths]
        except OSError as error:
            failures.append(f"{name}: {error.strerror}")
        except ImageError as error:
            failures.append(str(error))
    return sources, failures


def parse_size(size: str) -> int | tuple[int, int]:
    """A longer side, as in "320", or height and width, as in "240x320"."""
    parts = size.lower().split("x")
    if not all(part.isdecimal() and int(part) > 0 for part in parts) or len(parts) > 2:
        raise ValueError(f"size must be like 320 or 240x320 (height x width), not {size!r}")
    return int(parts[0]) if len(parts) == 1 else (int(parts[0]), int(parts[1]))


def parse_memory(text: str | None) -> int | None:
    """Bytes, as in "4GB" or "512MB", in powers of 1024.

    >>> parse_memory("1.5KB")
    1536
    """
    if text is None:
        return None
    units = {"KB": 2**10, "MB": 2**20, "GB": 2**30}
    number, unit = text[:-2].strip(), text[-2:].upper()
    if unit not in units or not number.replace(".", "", 1).isdecimal():
        raise ValueError(f"memory must be like 4GB or 512MB, not {text!r}")
    return int(float(number) * units[unit])


def representations(rep: str, layers: str | None, weights: str | None) -> list[Representation]:
    """What `--rep` and `--layers` stand for.

    Raises:
        ValueError: if there is none of that name.
    """
    from preimage import catalog

    if layers is None:
        return [catalog.representation(rep, weights)]
    if rep.lower() in catalog.CLASSICAL:
        raise ValueError(f"{rep} has no layers: leave out --layers")
    network = catalog.network(rep, weights)
    names = network.main_layers if layers == "all" else [n.strip() for n in layers.split(",")]
    return [network.layer(name) for name in names]


def choose_layers(
    network: Network, layers: str | None, default: Callable[[Network], Sequence[str]]
) -> list[str]:
    """Return the names of the representations that `--layers` stands for.

    Args:
        network: whose layers they are.
        layers: as the user gave it: names, "all" for the main layers, or None.
        default: returns the layers for None.

    Raises:
        ValueError: if there are none.
    """
    if layers == "all":
        chosen = list(network.main_layers)
    else:
        chosen = (
            list(default(network))
            if layers is None
            else [name.strip() for name in layers.split(",")]
        )
    if not chosen:
        raise ValueError(f"{network.name} has no layers that fit: name some by --layers")
    return [str(LayerName(network.name, layer)) for layer in chosen]


def photo_names(images: Sequence[Path] | None) -> list[str] | None:
    """Return the files and folders that `--images` names, for a study; None if none are named.

    Raises:
        OSError: if one of them does not exist.
    """
    if images is None:
        return None
    for path in images:
        path.stat()
    return [str(path) for path in images]


def find_preset(
    name: str,
    steps: int | None,
    strength: float | None = None,
    known: Collection[str] = PRESETS,
) -> Settings:
    """A preset of maximization or caricature, with the iterations and the strength that are given.

    Raises:
        ValueError: if there is none of that name among the known ones.
    """
    if name not in known:
        raise ValueError(unknown("preset", name, known))
    settings = PRESETS[name]
    if steps is not None:
        settings = settings.with_steps(steps)
    return settings if strength is None else settings.replace(strength=strength)


def check_device(device: str) -> None:
    """Raise ValueError if torch does not have the device."""
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"device {device!r}: {str(error).splitlines()[0]}") from None


def use_one_thread(device: str) -> None:
    """Set torch to a single thread on a CPU: more slow down the classical representations."""
    import torch

    if device == "cpu":
        torch.set_num_threads(1)


def parse_execution(accelerate: str, memory: str | None, device: str) -> Execution:
    """Return what --accelerate and --memory say, checked for the device.

    Raises:
        ValueError: if one of them has no such value.
    """
    execution = Execution(accelerate, parse_memory(memory))
    execution.check(device)
    return execution


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """Turns an error that a user can cause into one line and exit status 2."""
    try:
        yield
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, ArithmeticError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        console.print("interrupted; what was finished is kept, and another run goes on from there")
        raise typer.Exit(130) from None


def fail(message: str) -> NoReturn:
    """Prints one line and ends with exit status 2."""
    console.print(f"error: {message}", markup=False)
    raise typer.Exit(2)


def conclude(failures: Sequence[str], interrupted: bool) -> None:
    """Prints what failed, and ends with exit status 130 or 2 where something did."""
    for failure in failures:
        console.print(f"error: {failure}", markup=False)
    if interrupted:
        console.print("interrupted: the pictures are as far as they came")
        raise typer.Exit(130)
    if failures:
        raise typer.Exit(2)


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[str], Callable[[Progress], None]]]:
    """A bar on standard error: give it a name, get a callback for the steps."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("energy {task.fields[energy]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, energy="")

        def begin(name: str) -> Callable[[Progress], None]:
            bar.reset(task, description=name, total=None, energy="")

            def report(progress: Progress) -> None:
                if progress.step % 5 == 0 or progress.step == progress.steps:
                    energy = f"{float(progress.energy.total.mean()):.3g}"
                    bar.update(task, completed=progress.step, total=progress.steps, energy=energy)

            return report

        yield begin


def percent(value: Any) -> str:
    """A fraction as text, in percent."""
    return f"{100 * float(value):.1f} %"
