"""The options that say how a network runs, and the record of how it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from preimage.checks import MOST_THREADS, whole
from preimage.names import unknown

if TYPE_CHECKING:
    import torch

MODES: Mapping[str, str] = {
    "auto": "as a faster copy: batch normalization folded into convolutions, and on a CPU "
    "channels last in memory",
    "plain": "as it is",
    "compile": "as the faster copy, compiled: the first call takes from seconds to minutes",
    "graph": "as the faster copy, recorded as CUDA graphs: needs cuda",
    "bf16": "as the faster copy, in bfloat16: rounds more, is fast only on processors made for it",
}
"""The values of `Execution.accelerate`, each with what it does to a network."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Options of a run that change its speed and memory, but change its result by rounding at most.

    Attributes:
        accelerate: how a network runs, one of `MODES`.
        memory: limit in bytes for all tensors of the run together with the network's weights;
            None is no limit. To keep the limit, fewer images are computed at a time. If even one
            image does not fit, its activations are recomputed, not kept, which is slower.
        threads: number of torch's threads during the run, on a CPU. If None, it is one or
            torch's present number, whichever is measured to be faster before the run. The number
            is in `versions` of the result; another one can change rounding.

    Raises:
        ValueError: if there is no such mode, a number is not positive, or there are more threads
            than four for each core (and more than 16).
    """

    accelerate: str = "auto"
    memory: int | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.accelerate not in MODES:
            raise ValueError(unknown("acceleration", self.accelerate, MODES))
        if self.memory is not None and self.memory <= 0:
            raise ValueError(f"memory must be a positive number of bytes, not {self.memory}")
        if self.threads is not None:
            threads = whole("threads", self.threads, least=1, most=MOST_THREADS)
            object.__setattr__(self, "threads", threads)

    def check(self, device: object) -> None:
        """Raise a ValueError if a device, or its name, does not support this mode or any mode."""
        if str(device).startswith("meta"):
            raise ValueError("tensors on the device meta have no values: compute on cpu or cuda")
        if self.accelerate == "graph" and not str(device).startswith("cuda"):
            raise ValueError(f"accelerate='graph' records CUDA graphs: it needs cuda, not {device}")


def find_device(device: str | torch.device) -> torch.device:
    """Return a device by its name.

    Raises:
        TypeError: if it is neither a name nor a device.
        ValueError: if torch does not have it here.

    >>> find_device("cpu")
    device(type='cpu')
    """
    import torch

    if not isinstance(device, str | torch.device):
        raise TypeError(f"device must be a name such as 'cpu' or 'cuda', not {device!r}")
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0].split(". ")[0]
        raise ValueError(f"device {str(device)!r}: {reason}") from None
    return found


AUTO = Execution()
"""The default: a faster copy of the network, and no memory limit."""


@dataclass(frozen=True, slots=True)
class Ran:
    """The record of how a representation really ran.

    Attributes:
        network: "folded" for the faster copy, "plain" for the network as it is; None if the
            representation is no network.
        mode: "eager" for one operation after another, or "compile" or "graph".
        precision: number type of the network's convolutions and products, such as "float32".
        recomputed: whether activations were recomputed instead of kept.
        at_once: the number of images computed together; None before the first image.
        fallback: why a copy that was asked for did not run; None if nothing failed.
    """

    network: Literal["folded", "plain"] | None = None
    mode: str = "eager"
    precision: str = "float32"
    recomputed: bool = False
    at_once: int | None = None
    fallback: str | None = None
