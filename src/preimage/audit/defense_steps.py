"""Steps of defenses: changes of vectors before they are stored.

A step says what becomes of the vectors that are stored, of those that the owner's searches look
for, and of Phi as an attacker knows it. What is public, an attacker inverts together with Phi.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, final

import torch
from torch import Tensor

from preimage.checks import finite, whole
from preimage.representations.base import Representation
from preimage.representations.transformations import Transformation
from preimage.representations.transformed import Transformed

_ROUNDS = 3
"""Changes of signs and Hartley transforms of a rotation; with fewer, single values show through."""


class Step(Protocol):
    """A change of vectors before they are stored.

    Attributes:
        name: the name that `preimage.audit.defenses.plan_defense` reads.
        sentence: what it does, and what an attacker knows of it.
    """

    @property
    def name(self) -> str:
        """See `Step`."""

    @property
    def sentence(self) -> str:
        """See `Step`."""

    def store(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as they are stored, one for each."""

    def query(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as the owner looks for them in the store."""

    def known(self, phi: Representation) -> Representation:
        """Return Phi through which an attacker takes stored vectors to have gone."""


@final
@dataclass(frozen=True, slots=True)
class Public:
    """A transformation that an attacker knows.

    >>> from preimage.representations.transformations import Unit
    >>> Public(Unit(), "Divided by the norm.").store(torch.tensor([[0.0, 4.0]])).tolist()
    [[0.0, 1.0]]
    """

    transformation: Transformation
    sentence: str

    @property
    def name(self) -> str:
        """See `Step.name`."""
        return self.transformation.name

    def store(self, codes: Tensor) -> Tensor:
        """See `Step.store`."""
        return self.transformation(codes)

    def query(self, codes: Tensor) -> Tensor:
        """See `Step.query`."""
        return self.transformation(codes)

    def known(self, phi: Representation) -> Representation:
        """See `Step.known`."""
        if isinstance(phi, Transformed):
            return Transformed(phi.base, (*phi.transformations, self.transformation), phi.prepared)
        return Transformed(phi, (self.transformation,))


@final
@dataclass(frozen=True, slots=True)
class Secret:
    """A rotation whose key the owner keeps."""

    rotation: Rotation

    @property
    def name(self) -> str:
        """See `Step.name`."""
        return "rotation"

    @property
    def sentence(self) -> str:
        """See `Step.sentence`."""
        return (
            "Each vector is rotated by a secret key; the attacker has no key and takes the vector "
            "for one that was not rotated. Angles between vectors stay, and whoever has as many "
            "pairs of photo and vector as a vector has values can compute the rotation."
        )

    def store(self, codes: Tensor) -> Tensor:
        """See `Step.store`."""
        return self.rotation(codes).reshape(codes.shape)

    def query(self, codes: Tensor) -> Tensor:
        """See `Step.query`."""
        return self.store(codes)

    def known(self, phi: Representation) -> Representation:
        """See `Step.known`."""
        return phi


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """Normal noise, whose norm is a multiple of the vector's; the sum is scaled to the same norm.

    >>> stored = Noise(0.5).store(torch.ones(1, 10000))
    >>> round(float(stored.norm() / 100), 1), round(float(stored.std()), 2)
    (1.0, 0.45)
    """

    size: float
    seed: int = 0

    def __post_init__(self) -> None:
        finite("the size of noise", self.size, is_positive=True)

    @property
    def name(self) -> str:
        """See `Step.name`."""
        return f"noise:{self.size:g}"

    @property
    def sentence(self) -> str:
        """See `Step.sentence`."""
        return (
            f"Noise of {self.size:g} times the norm of a vector is added to it once, and the sum "
            "is scaled to the usual norm; the attacker inverts what is stored."
        )

    def store(self, codes: Tensor) -> Tensor:
        """See `Step.store`; the noise of a vector depends on its place and the seed alone."""
        generator = torch.Generator().manual_seed(self.seed)
        found = []
        for code in codes:
            noise = torch.randn(code.shape, generator=generator).to(code)
            noise *= self.size * code.norm() / math.sqrt(code.numel())
            found.append((code + noise) / math.sqrt(1 + self.size**2))
        return torch.stack(found)

    def query(self, codes: Tensor) -> Tensor:
        """See `Step.query`."""
        return codes

    def known(self, phi: Representation) -> Representation:
        """See `Step.known`."""
        return phi


@final
@dataclass(frozen=True, slots=True)
class Average:
    """The mean of the vectors of several photos in place of each of them.

    >>> Average(2).store(torch.tensor([[0.0], [2.0], [5.0]])).flatten().round().tolist()
    [2.0, 2.0, 2.0]
    """

    photos: int

    def __post_init__(self) -> None:
        whole("the number of photos of an average", self.photos, least=2)

    @property
    def name(self) -> str:
        """See `Step.name`."""
        return f"average:{self.photos}"

    @property
    def sentence(self) -> str:
        """See `Step.sentence`."""
        return (
            f"Only the mean of the vectors of {self.photos} photos is stored; the attacker inverts "
            "it, and the picture counts for each of these photos."
        )

    def store(self, codes: Tensor) -> Tensor:
        """See `Step.store`; photos that are left over join the last group."""
        last = max(len(codes) // self.photos - 1, 0)
        groups = torch.tensor([min(n // self.photos, last) for n in range(len(codes))])
        means = [codes[groups == group].mean(0) for group in range(last + 1)]
        return torch.stack(means)[groups]

    def query(self, codes: Tensor) -> Tensor:
        """See `Step.query`."""
        return codes

    def known(self, phi: Representation) -> Representation:
        """See `Step.known`."""
        return phi


@final
@dataclass(frozen=True, slots=True)
class Rotation(Transformation):
    """A random rotation of the values of a code, without a matrix.

    Signs that are drawn with the key and the Hartley transform take turns; both keep lengths and
    angles (Ailon and Chazelle, *The fast Johnson-Lindenstrauss transform*, 2009).

    >>> round(float(Rotation(7)(torch.tensor([[3.0, 4.0]])).norm()), 4)
    5.0
    """

    key: int
    flattens: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """See `Transformation.name`."""
        return "rotation:known"

    def __call__(self, codes: Tensor) -> Tensor:
        """See `Transformation`."""
        flat = codes.flatten(1)
        generator = torch.Generator().manual_seed(self.key)
        signs = torch.randint(2, (_ROUNDS, flat.shape[1]), generator=generator).to(flat) * 2 - 1
        return torch.stack([_rotate(code, signs) for code in flat])  # the same bits in any batch

    def shape(self, code_shape: tuple[int, ...]) -> tuple[int, ...]:
        """See `Transformation.shape`."""
        return (math.prod(code_shape),)


def _rotate(code: Tensor, signs: Tensor) -> Tensor:
    for sign in signs:
        spectrum = torch.fft.fft(code * sign, norm="ortho")
        code = spectrum.real - spectrum.imag
    return code
