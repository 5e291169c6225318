"""The packages that we are compared with, and what they are asked to do. Plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """What a step is measured of.

    Attributes:
        eased: weights frozen beforehand, and one view of each image in its own size, where the
            package has a setting for this; otherwise everything as the package has it.
        images: images in a batch.
    """

    eased: bool
    images: int

    def __str__(self) -> str:
        setting = "eased" if self.eased else "defaults"
        return setting if self.images == 1 else f"{setting}, {self.images} images"


DEFAULTS, EASED, BATCH = Work(False, 1), Work(True, 1), Work(True, 4)


@dataclass(frozen=True)
class Peer:
    """A package on PyPI.

    Attributes:
        name: on PyPI.
        version: which one is installed.
        works: what is measured.
        task: "channel" for activation maximization, "inversion".
        undeclared: what it imports without declaring it.
    """

    name: str
    version: str
    works: tuple[Work, ...]
    task: str = "channel"
    undeclared: tuple[str, ...] = ()


PEERS = (
    Peer("torch-lucent", "0.1.8", (DEFAULTS, EASED, BATCH)),
    Peer("torch-dreams", "4.0.0", (DEFAULTS, EASED, BATCH)),
    Peer("dreamlens", "0.1.1", (DEFAULTS, EASED, BATCH)),
    Peer(
        "faccent",
        "1.0.3",
        (DEFAULTS, EASED, BATCH),
        undeclared=("tqdm", "decorator", "matplotlib"),
    ),
    Peer("horama", "0.3.0", (DEFAULTS, EASED), undeclared=("einops", "tqdm")),
    Peer("plenoptic", "2.1.1", (DEFAULTS, Work(False, 4)), task="inversion"),
)
