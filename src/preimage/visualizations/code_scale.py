"""The scale of given codes, compared with that of the codes of photos.

Codes from other programs are often scaled: MATLAB's `vl_dsift` multiplies by 512, embeddings are
divided by their norm or rounded to whole numbers. If such codes are inverted without a change, the
error stays near 100 %.
"""

from __future__ import annotations

import warnings
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from preimage.checks import finite
from preimage.decoding import ImageError
from preimage.names import unknown
from preimage.photo_files import shipped_photos
from preimage.representations.base import Representation
from preimage.representations.dsift import DSIFT
from preimage.representations.transformed import Transformed

AUTO = "auto"
"""The scale that gives each code the mean norm of the codes of photos."""

_PHOTOS = ("astronaut", "chelsea", "coffee")
_UNLIKELY = 8.0
"""The norm of a code is rarely this many times larger or smaller than those of photos."""
_OF_VL_DSIFT = 512
_LIKE_VL_DSIFT = (256, 1024)
"""Between these lies the largest norm of a descriptor that was multiplied by 512 and rounded."""
_SIMILAR = (0.7, 1.4)
"""The norm of a code of another photo is about this many times that of photos."""

_norms: WeakKeyDictionary[Representation, dict[tuple[int, int], list[float]]] = WeakKeyDictionary()


def in_own_scale(
    representation: Representation,
    codes: Tensor,
    size: tuple[int, int],
    scale: float | str | None,
) -> Tensor:
    """Return codes (N, ...) in the scale of the representation.

    Args:
        representation: Phi.
        codes: the given codes, on the device of the session.
        size: height and width of the images.
        scale: what the codes were multiplied by; `AUTO` for the mean norm of the codes of photos.
            If None, codes stay as they are, and a warning names those that seem scaled.

    Raises:
        ValueError: if the scale is not a positive number or `AUTO`, or if it is `AUTO` and the
            network takes no photos to compare with.
    """
    if scale is not None and scale != AUTO:
        if isinstance(scale, str):
            raise ValueError(unknown("code scale", scale, [AUTO]) + ", or a positive number")
        return codes / float(finite("code_scale", scale, is_positive=True))
    of_photos = _norms_of_photos(representation, size, codes.device)
    norms = codes.flatten(1).norm(dim=1)
    if scale is None:
        reason = of_photos and _reason(representation, codes, norms, of_photos)
        if reason:
            warnings.warn(f"a code of {representation.name} {reason}", stacklevel=4)
        return codes
    if not of_photos:
        raise ValueError(
            f"the shipped photos have no codes of {representation.name}: give code_scale a number"
        )
    mean = sum(of_photos) / len(of_photos)
    factors = torch.where(norms > 0, mean / norms, 1)
    return codes * factors.view(-1, *[1] * (codes.ndim - 1))


def _norms_of_photos(
    representation: Representation, size: tuple[int, int], device: torch.device
) -> list[float]:
    """Return the norms of the codes of some photos; none if the network takes no such photos."""
    known = _norms.setdefault(representation, {})
    if size not in known:
        photos = shipped_photos()
        try:
            images = [representation.preprocessing.load(photos[name], size) for name in _PHOTOS]
        except ImageError:  # other channels than those of the photos
            return known.setdefault(size, [])
        codes = [representation.encode(image[None].to(device)) for image in images]
        known[size] = [float(code.norm()) for code in codes]
    return known[size]


def _reason(
    representation: Representation, codes: Tensor, norms: Tensor, of_photos: list[float]
) -> str:
    """Return why the codes seem to be scaled; an empty text if they do not."""
    norms = norms[norms > 0]
    if not len(norms) or not min(of_photos) > 0:
        return ""
    times = float(norms.mean()) / (sum(of_photos) / len(of_photos))
    if isinstance(representation, DSIFT):
        longest = float(codes.unflatten(1, (-1, 128)).norm(dim=2).max()) if _is_dsift(codes) else 0
        if _LIKE_VL_DSIFT[0] < longest < _LIKE_VL_DSIFT[1]:
            return (
                f"has descriptors with norms up to {longest:.3g}, not 1 at most: if they come "
                f"from MATLAB's vl_dsift, give code_scale={_OF_VL_DSIFT}"
            )
    is_similar = _SIMILAR[0] < times < _SIMILAR[1]
    has_unit_norm = bool(((norms - 1).abs() < 1e-3).all())
    if has_unit_norm and not is_similar:
        return (
            f"has a norm of 1, but those of photos have about {of_photos[0]:.3g}: it seems to be "
            "divided by its norm; give code_scale='auto' for the norm of photos"
        )
    is_quantized = _is_quantized(codes) and not is_similar
    if 1 / _UNLIKELY < times < _UNLIKELY and not is_quantized:
        return ""
    kind = "and holds whole numbers: it seems quantized" if is_quantized else "and seems scaled"
    found = f"has a norm {times:.3g} times that of photos, {kind}; "
    if isinstance(representation, Transformed):
        return found + "check the steps in this name, or give code_scale='auto'"
    return found + "give code_scale='auto', or the number that it was multiplied by"


def _is_quantized(codes: Tensor) -> bool:
    """Return whether codes hold whole numbers, and more than two of them, unlike a choice."""
    return bool((codes == codes.round()).all()) and len(codes.unique()) > 2


def _is_dsift(codes: Tensor) -> bool:
    """Return whether the channels are whole descriptors."""
    return codes.shape[1] % 128 == 0
