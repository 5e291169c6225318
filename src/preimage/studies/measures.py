"""The numbers of a result: error, likeness to the photo, naturalness, response."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from preimage.images import match_contrast, psnr, ssim
from preimage.losses import relative_error
from preimage.networks import Network
from preimage.representations.base import Representation
from preimage.studies.judge import Judge, Judgement
from preimage.studies.natural_statistics import naturalness
from preimage.visualizations import PreImage


@dataclass(frozen=True, slots=True)
class Measures:
    """The numbers of one result; those that do not apply are None.

    Attributes:
        seconds: how long the trial took by the clock, divided by the trials computed with it.
        steps: number of evaluations of Eq. 1.
        energy: the last value of Eq. 1.
        error: of an inversion, ||Phi(x*) - Phi_0|| / ||Phi_0||, as a fraction.
        psnr: of an inversion, decibels against the photo.
        ssim: of an inversion, structural similarity with the photo; None below 11 pixels.
        naturalness: of an inversion, the intersection of the histograms of gradients of result
            and photo, 0 to 1.
        class_agrees: of an inversion, whether the network puts photo and result in the same
            class.
        response: of a maximization, the response of the component; of a caricature, its
            response divided by the photo's.
        judged: what the judges say of the picture, if the trial names any.
        loss_weight: C of Eq. 1, also where it was chosen during the run.
        processor_seconds: the processor time of all threads, divided likewise. It does not
            count waiting for other programs; None if it was not measured.
    """

    seconds: float
    steps: int | None = None
    energy: float | None = None
    error: float | None = None
    psnr: float | None = None
    ssim: float | None = None
    naturalness: float | None = None
    class_agrees: bool | None = None
    response: float | None = None
    judged: Judgement | None = None
    loss_weight: float | None = None
    processor_seconds: float | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Measures:
        """Return the numbers that `dataclasses.asdict` made plain data of.

        Raises:
            ValueError, TypeError: if the data are others.
        """
        given = dict(values)
        if given.get("judged") is not None:
            given["judged"] = Judgement(**given["judged"])
        return cls(**given)


def measure(
    result: PreImage,
    network: Network | None,
    judge: Judge | None = None,
    class_name: str | None = None,
) -> Measures:
    """Return the numbers of a single result.

    The visualized layer belongs to `network`; `class_name` names the maximized class, if any.
    """
    total = result.trace.total
    natural, agrees = None, None
    if result.visualization == "invert" and result.originals is not None:
        natural = naturalness(result.shown[0], result.originals[0], result.preprocessing)
        if network is not None:
            (agrees,) = class_agreement(network, result.originals, result.images)
    return Measures(
        seconds=result.seconds,
        steps=len(total),
        energy=float(total[-1, 0]) if len(total) else None,
        error=_finite(result.error),
        psnr=_finite(result.psnr),
        ssim=_finite(result.ssim),
        naturalness=natural,
        class_agrees=agrees,
        response=_finite(result.response),
        judged=None if judge is None else judge(result, 0, class_name),
        loss_weight=result.loss_weights[0] if result.visualization == "invert" else None,
    )


def measure_reconstruction(
    representation: Representation, image: Tensor, original: Tensor, code: Tensor, seconds: float
) -> Measures:
    """Return the numbers of an image that was not found by minimizing Eq. 1.

    The shown image and the original photo are (1, D, H, W); `code` is the photo's code. As for
    other inversions, PSNR and SSIM are measured after brightness and contrast are matched.
    """
    preprocessing = representation.preprocessing
    compared, to_255 = match_contrast(image, original), preprocessing.to_255
    return Measures(
        seconds=seconds,
        error=float(relative_error(representation.encode(image), code)),
        psnr=_finite(psnr(compared, original)),
        ssim=_finite(ssim(to_255(compared), to_255(original))),
        naturalness=naturalness(image[0], original[0], preprocessing),
    )


def class_agreement(network: Network, originals: Tensor, images: Tensor) -> list[bool | None]:
    """Return whether each photo and its result are in the same class; None without classes.

    Photos and results are (N, D, H, W) in the core's units. The scores are computed on the device
    of the results.
    """
    if not network.classes:
        return [None] * len(images)
    module = network.module.to(images.device)
    classes = []
    with torch.inference_mode():
        for x in (originals.to(images.device), images):
            scores = module(network.preprocessing.to_network(x)).flatten(1)
            if scores.shape[1] != len(network.classes):  # larger images: a map of scores
                return [None] * len(images)
            classes.append(scores.argmax(1))
    return [bool(same) for same in classes[0] == classes[1]]


def _finite(value: Tensor | None) -> float | None:
    """Return the value of a tensor of one element; None without a tensor or a finite value."""
    number = math.nan if value is None else float(value)
    return number if math.isfinite(number) else None
