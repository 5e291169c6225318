"""A small network from codes to pictures, and the file that it is kept in.

It follows Dosovitskiy and Brox, Inverting Visual Representations with Convolutional Networks
(2016): layers that double the size of a map, up to 64 pixels or more. A vector first becomes a map
of 4 x 4 by a linear layer; a map is doubled as it is. Codes are divided by their norm, so that one
decoder serves the plain codes of a layer, unit norm, any scale, and 8 bits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, normalize

from preimage.files import check_is_file, write_whole
from preimage.models.errors import ModelError
from preimage.models.state_dicts import check_checkpoint, fixed_seed
from preimage.names import STEP
from preimage.representations.base import Representation
from preimage.representations.transformations import Projection, Quantized, Unit
from preimage.representations.transformed import Transformed

_FIRST = 4
"""Side of the map that a vector becomes."""

_LEAST_SIDE = 64
"""Maps are doubled until their shorter side has at least this many pixels."""

_WIDTHS = ((4, 192), (8, 128), (16, 96), (32, 64), (64, 40))
"""Channels of maps by the largest length of their shorter side; `_LEAST_WIDTH` beyond."""
_LEAST_WIDTH = 24
_GROUPS = 8
_MOST_VALUES = 2**14
"""The most values of a vector."""

_DROPOUT = 0.3
_LEAST_DEVIATION = 0.3
"""The least deviation of a channel that is taken into account, relative to the mean deviation."""


class Decoder(nn.Module):
    """A network from standardized codes (N, ...) to pictures (N, 3, H, W), 0..255.

    Raises:
        ValueError: if codes of this shape cannot be decoded.
    """

    def __init__(self, code_shape: tuple[int, ...]) -> None:
        super().__init__()
        is_map = len(code_shape) == 3
        length = code_shape[0] if is_map else torch.Size(code_shape).numel()
        if not is_map and length > _MOST_VALUES:
            raise ValueError(
                f"codes of shape {code_shape} are too long for a decoder: it takes maps, and "
                f"vectors of up to {_MOST_VALUES} values"
            )
        height, width = code_shape[1:] if is_map else (_FIRST, _FIRST)
        channels = _width(height, width)
        self._map = (channels, height, width)
        outputs = channels if is_map else channels * height * width
        first: nn.Module = nn.Conv2d(length, outputs, 1) if is_map else nn.Linear(length, outputs)
        self.first = nn.Sequential(nn.Dropout(_DROPOUT), first)
        layers: list[nn.Module] = [*_normed(channels)]
        while min(2 * height, 2 * width) < _LEAST_SIDE:
            height, width = 2 * height, 2 * width
            wider, channels = channels, _width(height, width)
            layers += [nn.Upsample(scale_factor=2), _conv(wider, channels), *_normed(channels)]
        if min(height, width) < _LEAST_SIDE:
            layers += [_conv(channels, 12), nn.PixelShuffle(2)]
            height, width = 2 * height, 2 * width
        else:
            layers += [_conv(channels, 3)]
        self.layers = nn.Sequential(*layers)
        self.size = (height, width)

    def forward(self, codes: Tensor) -> Tensor:
        """Return the pictures of standardized codes."""
        flat = codes if codes.ndim == 4 else codes.flatten(1)
        maps = self.first(flat).reshape(-1, *self._map)
        pictures: Tensor = 255 * torch.sigmoid(self.layers(maps))
        return pictures


def _width(height: int, width: int) -> int:
    side = min(height, width)
    return next((channels for most, channels in _WIDTHS if side <= most), _LEAST_WIDTH)


def _conv(channels: int, outputs: int) -> nn.Module:
    return nn.Conv2d(channels, outputs, 3, padding=1, padding_mode="replicate")


def _normed(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.GroupNorm(_GROUPS, channels), nn.LeakyReLU(0.1)


@dataclass(frozen=True, slots=True)
class Trained:
    """A decoder with all that it was trained for.

    Attributes:
        decoder: the network.
        mean: mean of the directions of codes, for each channel.
        deviation: their standard deviation, likewise.
        representation: the name of the representation whose codes it decodes, without the steps
            that keep the direction of a code.
        checksum: `checksum_of` that representation.
        code_shape: the shape of a code.
        photos: SHA-256 of the photos that trained it.
        codes: directions of their codes in half precision, (M, ...), by which others are compared
            with them; empty if they are long.
        steps: the number of steps that it was trained for.
        done: the number of steps that are done.
        seed: the seed of the training.
        state: what another run needs to go on with the training; empty at its end.
    """

    decoder: Decoder
    mean: Tensor
    deviation: Tensor
    representation: str
    checksum: str
    code_shape: tuple[int, ...]
    photos: tuple[str, ...]
    codes: Tensor
    steps: int
    done: int
    seed: int
    state: Mapping[str, Any] = field(default_factory=dict)

    def check(self, representation: Representation) -> None:
        """Raise ValueError if the codes of a representation are not those that it decodes."""
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

    def decoder_checksum(self) -> str:
        """Return a SHA-256 of the weights of the decoder."""
        return _checksum(self.decoder.state_dict())

    def standardized(self, codes: Tensor) -> Tensor:
        """Return codes (N, ...) as the decoder takes them."""
        return (directions(codes) - self.mean) / self.deviation

    def decode(self, codes: Tensor, size: tuple[int, int] | None = None) -> Tensor:
        """Return pictures (N, 3, H, W), 0..255, of codes (N, ...), resized to `size`.

        A picture has the same bits whatever other codes are in the batch.
        """
        self.decoder.eval()
        with torch.no_grad():
            found = torch.cat([self.decoder(self.standardized(code[None])) for code in codes])
        return found if size is None else enlarge(found, size)


def enlarge(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Return pictures (N, 3, H, W) of another size."""
    return interpolate(pictures, size=size, mode="bilinear", align_corners=False)


def directions(codes: Tensor) -> Tensor:
    """Return codes (N, ...), each divided by its norm and multiplied by the root of its length."""
    flat = codes.flatten(1)
    return (normalize(flat, dim=1) * flat.shape[1] ** 0.5).reshape(codes.shape)


def standardization(codes: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of the directions of codes (N, ...), for each channel of maps."""
    axes = (0, 2, 3) if codes.ndim == 4 else (0,)
    found = directions(codes)
    mean, deviation = found.mean(axes), found.std(axes, correction=0)
    deviation = deviation.clamp_min(max(_LEAST_DEVIATION * float(deviation.mean()), 1e-6))
    shape = (-1, 1, 1) if codes.ndim == 4 else codes.shape[1:]
    return mean.reshape(shape), deviation.reshape(shape)


def direction_name(representation: Representation) -> str:
    """Return the name of a representation without the steps that keep the direction of a code."""
    if not isinstance(representation, Transformed):
        return representation.name
    kept = [s.name for s in representation.transformations if not isinstance(s, Unit | Quantized)]
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


def new_decoder(code_shape: tuple[int, ...], seed: int) -> Decoder:
    """Return an untrained decoder whose weights are drawn with a seed."""
    with fixed_seed():
        torch.default_generator.manual_seed(seed)
        return Decoder(code_shape)


_PLAIN = ("representation", "checksum", "code_shape", "photos", "steps", "done", "seed")
_TENSORS = ("mean", "deviation", "codes")
_FORMAT = 1


def save_trained(path: Path, trained: Trained) -> None:
    """Write a file of weights, which `torch.load(weights_only=True)` reads."""
    data = {name: getattr(trained, name) for name in _PLAIN}
    tensors = {name: getattr(trained, name) for name in _TENSORS}
    weights = {"decoder": trained.decoder.state_dict(), "state": dict(trained.state)}
    with write_whole(path) as partial:
        torch.save({"format": _FORMAT, **data, **tensors, **weights}, partial)


def load_trained(path: str | Path) -> Trained:
    """Read what `save_trained` wrote.

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
    if not isinstance(data, dict) or data.get("format") != _FORMAT or "decoder" not in data:
        raise ValueError(f"{path}: no decoder that preimage audit train wrote")
    decoder = Decoder(tuple(data["code_shape"]))
    decoder.load_state_dict(data["decoder"])
    plain: dict[str, Any] = {name: data[name] for name in _PLAIN}
    plain |= {name: tuple(plain[name]) for name in ("code_shape", "photos")}
    tensors = {name: data[name] for name in _TENSORS}
    return Trained(decoder, **tensors, **plain, state=data["state"])
