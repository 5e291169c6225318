"""A learned decoder of vectors, and the file that it is kept in.

A linear map, learned from an attacker's photos, predicts from the code of a layer what the inner
layers before it saw: mean and deviation of each channel. The solver then finds an image with these
statistics. Codes are divided by their norm, so that one decoder serves the plain codes of a layer,
unit norm, any scale, and 8 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from preimage.audit.inner_statistics import InnerStatistics
from preimage.files import check_is_file, write_whole
from preimage.models.errors import ModelError
from preimage.models.state_dicts import check_checkpoint
from preimage.names import STEP
from preimage.representations.base import Representation
from preimage.representations.transformations import Plain, Projection, Quantized, Unit
from preimage.representations.transformed import Transformed

_WEIGHT = 5.0
"""C of statistics that are all wrong by the deviation of their prediction."""

_CODE_WEIGHT = 5.0
"""C of a code of unit norm, beside the statistics."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A linear map from directions of codes (N, L) to statistics (N, S).

    Attributes:
        mean: the mean of the directions, (L,).
        spread: their deviation, (L,).
        weights: the map of standardized directions, (L, S).
        offset: the mean of the statistics, (S,).
        deviation: that of the statistics of other photos from what is predicted, (S,).
        square: the mean square of statistics over `deviation`.
    """

    mean: Tensor
    spread: Tensor
    weights: Tensor
    offset: Tensor
    deviation: Tensor
    square: Tensor

    def __call__(self, codes: Tensor) -> Tensor:
        """Return the statistics of codes (N, ...): means, and deviations of at least 0."""
        standardized = (directions(codes) - self.mean) / self.spread
        rows = [standardized[[n]] @ self.weights for n in range(len(codes))]
        means, deviations = (torch.cat(rows) + self.offset).chunk(2, 1)
        return torch.cat([means, deviations.clamp_min(0)], 1)


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder with all that it was trained for, or the beginning of its training.

    Attributes:
        representation: the name of the representation whose codes it decodes, without the steps
            that keep the direction of a code.
        checksum: `checksum_of` that representation.
        layers: the inner layers whose statistics it predicts.
        photos: SHA-256 of the photos that train it.
        seed: the seed of the crops.
        measured: what was measured of the first images, (M, S + L): their statistics and the
            directions of their codes. At the end of the training, those of the whole photos alone.
        prediction: the map; None before the end of the training.
    """

    representation: str
    checksum: str
    layers: tuple[str, ...]
    photos: tuple[str, ...]
    seed: int
    measured: Tensor
    prediction: Prediction | None = None

    @property
    def codes(self) -> Tensor:
        """The directions of the codes of the whole photos, (M, L), once it is trained."""
        return self.measured[:, len(self._trained().offset) :]

    def check(self, representation: Representation) -> None:
        """Raise ValueError if it cannot decode codes of a representation."""
        name = direction_name(representation)
        if name != self.representation:
            raise ValueError(
                f"the decoder was trained for codes of {self.representation}, not of {name}: train "
                "one with preimage audit train"
            )
        if checksum_of(representation) != self.checksum:
            raise ValueError(
                f"the decoder was trained for other weights of {name}, or for another matrix: "
                "train one with preimage audit train"
            )
        self._trained()

    def statistics(self, representation: Representation, *, with_code: bool) -> InnerStatistics:
        """Return the statistics in units of their deviation as a representation, with its C.

        With the code, they are followed by the code of unit norm, weighted.
        """
        known = self._trained()
        count, square = len(known.offset), float(known.square)
        scale = (count * _CODE_WEIGHT / _WEIGHT) ** 0.5 if with_code else 0.0
        found = InnerStatistics(representation, self.layers, known.deviation, scale)
        found.loss_weight = _WEIGHT * square + (_CODE_WEIGHT if with_code else 0.0)
        return found

    def targets(self, codes: Tensor, statistics: InnerStatistics) -> Tensor:
        """Return the codes that images of codes (N, ...) are predicted to have in `statistics`."""
        known = self._trained()
        return statistics.join(known(codes) / known.deviation, codes)

    def sha256(self) -> str:
        """Return a SHA-256 of the map."""
        known = self._trained()
        return _checksum({"weights": known.weights, "deviation": known.deviation})

    def _trained(self) -> Prediction:
        if self.prediction is None:
            raise ValueError(
                "the training of the decoder is not finished: run preimage audit train again"
            )
        return self.prediction


def directions(codes: Tensor) -> Tensor:
    """Return codes (N, ...) as vectors of unit norm."""
    return normalize(codes.flatten(1))


def direction_name(representation: Representation) -> str:
    """Return the name of a representation without the steps that keep the direction of a code."""
    if not isinstance(representation, Transformed):
        return representation.name
    alike = (Plain, Unit, Quantized)
    kept = [s.name for s in representation.transformations if not isinstance(s, alike)]
    prepared = [representation.prepared] if representation.prepared else []
    return STEP.join([representation.base.name, *prepared, *kept])


def checksum_of(representation: Representation) -> str:
    """Return a SHA-256 of the weights of a representation's network and of its matrices."""
    module = representation.network_module
    tensors = {} if module is None else dict(module.state_dict())
    if isinstance(representation, Transformed):
        matrices = [s for s in representation.transformations if isinstance(s, Projection)]
        tensors |= {f"{STEP}{n}": step.matrix for n, step in enumerate(matrices)}
    return _checksum(tensors)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        found.update(name.encode())
        found.update(tensor.detach().cpu().numpy().tobytes())
    return found.hexdigest()


_PLAIN = ("representation", "checksum", "layers", "photos", "seed", "measured")
_MAP = ("mean", "spread", "weights", "offset", "deviation", "square")
_FORMAT = 2


def save_decoder(path: Path, decoder: Decoder) -> None:
    """Write a file, which `torch.load(weights_only=True)` reads."""
    data: dict[str, Any] = {name: getattr(decoder, name) for name in _PLAIN}
    known = decoder.prediction
    prediction = None if known is None else {name: getattr(known, name) for name in _MAP}
    with write_whole(path) as partial:
        torch.save({"format": _FORMAT, **data, "prediction": prediction}, partial)


def load_decoder(path: str | Path) -> Decoder:
    """Read what `save_decoder` wrote.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is damaged, or no decoder.
    """
    path = Path(path)
    check_is_file(path)
    try:
        check_checkpoint(path)
        data = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception:  # a damaged pickle may raise anything
        raise ValueError(
            f"{path}: damaged, or no decoder that preimage audit train wrote"
        ) from None
    if not isinstance(data, dict) or data.get("format") != _FORMAT or "prediction" not in data:
        raise ValueError(f"{path}: no decoder that preimage audit train wrote")
    known = data["prediction"]
    prediction = None if known is None else Prediction(**known)
    return Decoder(**{name: data[name] for name in _PLAIN}, prediction=prediction)
