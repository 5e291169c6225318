"""Trials carried out: what every engine calls, wherever it runs."""

from __future__ import annotations

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from preimage.networks import Network
from preimage.optimizer import Progress
from preimage.representations.base import Representation
from preimage.studies.loading import Loader
from preimage.studies.naturalness import gradient_intersection
from preimage.studies.outcome import Failure, Measures, Outcome
from preimage.studies.trial import Trial
from preimage.studies.visualize import visualize
from preimage.versions import versions
from preimage.visualizations import PreImage


def carry_out(
    trials: Sequence[Trial],
    photos: Mapping[str, bytes],
    loader: Loader,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
) -> list[Outcome | Failure]:
    """Carries out trials of the same `kin`, in one batch where it can be.

    Whatever goes wrong with one is its own failure.

    Args:
        trials: what to do.
        photos: the image files by checksum.
        loader: where representations come from.
        device: where to compute.
        progress: called after each step.

    Raises:
        KeyboardInterrupt: after an interrupted visualization, which is not kept.
    """
    try:
        return _together(trials, photos, loader, device, progress)
    except Exception as error:  # a study goes on, whatever a representation raises
        if len(trials) == 1:
            return [Failure(trials[0].key, _in_one_line(error))]
    return [
        result
        for trial in trials
        for result in carry_out([trial], photos, loader, device, progress)
    ]


def _together(
    trials: Sequence[Trial],
    photos: Mapping[str, bytes],
    loader: Loader,
    device: str,
    progress: Callable[[Progress], None] | None,
) -> list[Outcome | Failure]:
    first = trials[0]
    phi = loader.representation(first.representation, first.weights)
    files = [photos[trial.photo_sha256] for trial in trials if trial.photo]
    begin = time.perf_counter()
    opened = [io.BytesIO(file) for file in files]
    result = visualize(trials, opened, phi, device=device, progress=progress)
    seconds = (time.perf_counter() - begin) / len(trials)
    if first.visualization == "invert":
        network = loader.network_of(first.representation, first.weights)
        likenesses = _likenesses(first, files, result, phi, network, device)
    else:
        none = {"error": None, "psnr": None, "ssim": None, "naturalness": None}
        likenesses = [{**none, "class_agrees": None}] * len(trials)
    total = result.trace.total
    return [
        Outcome(
            trial.key,
            Measures(
                **likenesses[index],
                response=_number(result.response, index),
                energy=float(total[-1, index]) if len(total) else None,
                steps=len(total),
                seconds=seconds,
            ),
            result.images[index].cpu().numpy(),
            phi.preprocessing.to_display(result.shown[index]),
            versions(device) | {"batch": str(len(trials))},
        )
        for index, trial in enumerate(trials)
    ]


def _likenesses(
    trial: Trial,
    files: Sequence[bytes],
    result: PreImage,
    phi: Representation,
    network: Network | None,
    device: str,
) -> list[dict[str, Any]]:
    """How near the results of inversions are to their photos: the fields of `Measures`."""
    originals = [phi.preprocessing.load(io.BytesIO(file), trial.size) for file in files]
    agreement = _class_agreement(network, torch.stack(originals), result.images, device)
    to_255 = phi.preprocessing.to_255
    return [
        {
            "error": _number(result.error, index),
            "psnr": _number(result.psnr, index),
            "ssim": _number(result.ssim, index),
            "naturalness": gradient_intersection(
                to_255(result.shown[index].cpu()), to_255(original)
            ),
            "class_agrees": agreement[index],
        }
        for index, original in enumerate(originals)
    ]


def _class_agreement(
    network: Network | None, originals: Tensor, images: Tensor, device: str
) -> list[bool | None]:
    """Whether photo and result are in one class, where the network scores classes."""
    if network is None or not network.classes:
        return [None] * len(images)
    module = network.module.to(device)
    classes = []
    with torch.inference_mode():
        for x in (originals.to(device), images):
            scores = module(network.preprocessing.to_network(x)).flatten(1)
            if scores.shape[1] != len(network.classes):  # larger images: a map of scores
                return [None] * len(images)
            classes.append(scores.argmax(1))
    return [bool(same) for same in classes[0] == classes[1]]


def _number(values: Tensor | None, index: int) -> float | None:
    number = math.nan if values is None else float(values[index])
    return number if math.isfinite(number) else None


def _in_one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    expected = isinstance(error, ValueError | ArithmeticError | OSError)
    return text if expected else f"{type(error).__name__}: {text}"
