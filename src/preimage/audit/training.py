"""Training of a decoder on an attacker's own photos.

Few photos give many pairs of code and picture: each photo whole and in crops, both also mirrored.
Their codes are computed once. The loss is that of pixels and of their differences between
neighbors; and, for some pictures of each step, that of the code of the decoded picture, so that the
network which is attacked sees in it what it saw in the photo. Codes have much in common: without
their mean taken away, one picture for all of them would please the network.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from preimage.audit.attacks import to_pictures
from preimage.audit.decoder import (
    Decoder,
    Trained,
    checksum_of,
    direction_name,
    directions,
    enlarge,
    new_decoder,
    standardization,
)
from preimage.audit.reference import crop_photos
from preimage.files import sha256
from preimage.models.state_dicts import fixed_seed
from preimage.preprocessing import DEFAULT_SIZE
from preimage.representations.base import Representation

STEPS = 1200
"""The number of steps by default."""

FEWEST_PHOTOS = 8
"""The smallest number of photos. Fewer say nothing about others."""

_PAIRS = 16
"""Pairs of code and picture of each photo; two of them are of the whole photo."""
_MOST_VALUES = 2**28
"""The most values of all codes together; fewer crops are taken if there would be more."""

_MOST_KNOWN = 2**23
"""The most values of the codes of whole photos that are kept."""

_BATCH, _CODED = 16, 4
"""Pairs of each step, and how many of them have their code compared, too."""

_RATE, _LAST_RATE, _WARM_UP, _DECAY = 1e-3, 1e-5, 50, 0.02
_GRAY_LEVELS, _EDGES, _CODE = 50.0, 0.5, 0.05
"""Gray levels of a loss of 1, and the weights of the losses of differences and of codes."""

_KEPT = 50
"""Steps after which the state of the training is kept; Ctrl-C goes back to the last such state."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Codes (N, ...) and their pictures (N, 3, H, W) of 8 bits."""

    codes: Tensor
    pictures: Tensor


def train_decoder(
    representation: Representation,
    photos: Sequence[Path],
    *,
    steps: int = STEPS,
    seed: int = 0,
    before: Trained | None = None,
    keep: Callable[[Trained], None] = lambda _: None,
    progress: Callable[[str, int, int, str], None] = lambda *_: None,
) -> Trained:
    """Train a decoder of a representation's codes, or go on with a training.

    On the same machine with the same number of threads, an interrupted training that goes on has
    the same result as one that was not interrupted.

    Args:
        representation: the layer, perhaps with steps.
        photos: the attacker's photos.
        steps: the number of steps.
        seed: the seed of crops, weights and batches.
        before: what an interrupted training has kept; see `begin`.
        keep: called with the state of the training now and then, and after Ctrl-C.
        progress: called with what is being done, how much is done, how much there is, and words.

    Raises:
        KeyboardInterrupt: after Ctrl-C; the last state was kept.
        ImageError, ValueError: if the photos or the representation cannot be used.
    """
    trained = before or begin(representation, photos, steps, seed)
    size = representation.default_size or DEFAULT_SIZE
    with representation.session(torch.device("cpu")):
        pairs = make_pairs(
            representation, photos, trained.decoder.size, seed,
            lambda done, total: progress("codes of crops", done, total, ""),
        )  # fmt: skip
        if not trained.done:
            mean, deviation = standardization(pairs.codes)
            whole = directions(pairs.codes[: 2 * len(photos) : 2]).half()
            known = whole if whole.numel() <= _MOST_KNOWN else trained.codes
            trained = replace(trained, mean=mean, deviation=deviation, codes=known)
        decoder = trained.decoder.train()
        optimizer = torch.optim.AdamW(decoder.parameters(), _RATE, weight_decay=_DECAY)
        if trained.state:
            optimizer.load_state_dict(dict(trained.state))
        kept = trained
        try:
            for step in range(trained.done, steps):
                if step % _KEPT == 0:
                    kept = _snapshot(trained, optimizer, step)
                    keep(kept)
                with fixed_seed():
                    torch.default_generator.manual_seed(seed + (step + 1) * 2**20)
                    _set_rate(optimizer, step, steps)
                    words = _train_step(representation, trained, optimizer, pairs, size)
                progress("training", step + 1, steps, words)
        except KeyboardInterrupt:
            keep(kept)
            raise
    trained = replace(trained, done=steps, state={})
    keep(trained)
    return trained


def begin(representation: Representation, photos: Sequence[Path], steps: int, seed: int) -> Trained:
    """Return the untrained decoder of a representation."""
    if len(photos) < FEWEST_PHOTOS:
        raise ValueError(
            f"training needs at least {FEWEST_PHOTOS} photos, not {len(photos)}: fewer say nothing "
            "about others"
        )
    if representation.preprocessing.channels not in (1, 3):
        raise ValueError(
            "a decoder makes pictures of red, green and blue, but "
            f"{representation.name} takes {representation.preprocessing.channels} channels"
        )
    shape = representation.code_shape(*(representation.default_size or DEFAULT_SIZE))
    none = torch.zeros(0)
    return Trained(
        new_decoder(shape, seed), none, none, direction_name(representation),
        checksum_of(representation), shape, tuple(map(sha256, photos)), none, steps, 0, seed,
    )  # fmt: skip


def make_pairs(
    representation: Representation,
    photos: Sequence[Path],
    size: tuple[int, int],
    seed: int,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Pairs:
    """Return the codes of photos and of crops of them, with pictures of height and width `size`."""
    prescribed = representation.preprocessing
    shape = representation.default_size or DEFAULT_SIZE
    values = len(photos) * math.prod(representation.code_shape(*shape))
    each = max(2, min(_PAIRS, _MOST_VALUES // values))

    def images() -> Iterator[Tensor]:
        for path in photos:
            whole = prescribed.load(path, None if prescribed.size else shape)[None]
            yield whole
            yield whole.flip(-1)
        if each > 2:
            count = (each - 2) * len(photos)
            yield from (image for _, image in crop_photos(representation, photos, count, seed))

    codes, pictures = [], []
    for n, image in enumerate(images()):
        codes.append(representation.encode(image))
        whole = to_pictures(image, prescribed)
        small = interpolate(whole, size=size, mode="bilinear", antialias=True, align_corners=False)
        pictures.append(small.round().clamp(0, 255).to(torch.uint8))
        progress(n + 1, each * len(photos))
    return Pairs(torch.cat(codes), torch.cat(pictures))


def _train_step(
    representation: Representation,
    trained: Trained,
    optimizer: torch.optim.Optimizer,
    pairs: Pairs,
    size: tuple[int, int],
) -> str:
    """Make a step, and return its losses in words."""
    chosen = torch.randint(len(pairs.codes), (_BATCH,))
    codes, wanted = pairs.codes[chosen], pairs.pictures[chosen].float()
    pictures = trained.decoder(trained.standardized(codes))
    loss = picture_loss(pictures, wanted)
    core = representation.preprocessing.to_core
    images = torch.stack([core(picture) for picture in enlarge(pictures[:_CODED], size)])
    of_codes, gradient = code_loss(representation, trained, images.detach(), codes[:_CODED])
    optimizer.zero_grad()
    torch.autograd.backward([loss, images], [None, _CODE * gradient])
    optimizer.step()
    return f"pixels {float(loss.detach()):.2f}, codes {of_codes:.2f}"


def picture_loss(pictures: Tensor, wanted: Tensor) -> Tensor:
    """Return the loss of pictures (N, 3, H, W) and of their differences between neighbors."""
    loss = (pictures - wanted).abs().mean()
    for axis in (-2, -1):
        loss = loss + _EDGES * (pictures.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
    return loss / _GRAY_LEVELS


def code_loss(
    representation: Representation, trained: Trained, images: Tensor, codes: Tensor
) -> tuple[float, Tensor]:
    """Return the mean squared difference of the standardized codes of images and wanted codes.

    A picture that has the mean of all codes, whatever it should show, has a loss of about 1.

    Returns:
        The loss, and its gradient with respect to the images (N, D, H, W).
    """
    found, to_image = representation.linearized(images)
    leaf = found.requires_grad_()
    with torch.enable_grad():
        loss = (trained.standardized(leaf) - trained.standardized(codes)).square().mean()
        (gradient,) = torch.autograd.grad(loss, leaf)
    return float(loss.detach()), to_image(gradient)


def _set_rate(optimizer: torch.optim.Optimizer, step: int, steps: int) -> None:
    """Set the rate of a step: it rises at first, and falls to `_LAST_RATE` as a cosine."""
    share = (1 + math.cos(math.pi * step / steps)) / 2
    rate = _LAST_RATE + (_RATE - _LAST_RATE) * share
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / _WARM_UP)


def _snapshot(trained: Trained, optimizer: torch.optim.Optimizer, done: int) -> Trained:
    """Return a copy of the training that later steps do not change."""
    decoder = Decoder(trained.code_shape)
    decoder.load_state_dict(trained.decoder.state_dict())
    state: dict[str, Any] = optimizer.state_dict()
    copied = {
        n: {name: value.clone() for name, value in values.items()}
        for n, values in state["state"].items()
    }
    return replace(trained, decoder=decoder, done=done, state=state | {"state": copied})
