"""M of section 6: how strongly photos excite a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from preimage.photo_files import shipped_photos
from preimage.representations.base import Representation
from preimage.targets import Target


@dataclass(frozen=True, slots=True)
class Response:
    """The extremes of a target's response to photos."""

    largest: float
    smallest: float

    @property
    def is_dead(self) -> bool:
        """Whether no photo moves it."""
        return self.largest - self.smallest <= 1e-6 * abs(self.largest)

    @property
    def scale(self) -> float:
        """M, or where all responses are negative the size of the strongest."""
        return self.largest if self.largest > 0 else max(-self.smallest, 1e-6)


def measure_responses(
    representation: Representation, targets: Sequence[Target], device: torch.device
) -> list[Response]:
    """The response of each target to the shipped photos, at all positions.

    Of a sum, the extremes of its terms add up.
    """
    extremes = []
    for photo in shipped_photos().values():
        image = representation.preprocessing.load(photo)[None].to(device)
        with torch.no_grad():
            codes = representation(image)
        of_photo = []
        for target in targets:
            terms = [term.responses(codes) for term in target.terms]
            largest = sum(float(values.max()) for values in terms)
            of_photo.append((largest, sum(float(values.min()) for values in terms)))
        extremes.append(of_photo)
    return [
        Response(max(high for high, _ in photos), min(low for _, low in photos))
        for photos in zip(*extremes, strict=True)
    ]
