"""Statistics of pictures that all photos share: contrast, spectrum, and gradients.

Two measures compare gradients. `gradient_intersection` is that of the paper's authors: a result
against its own photo. `natural_gradients` needs no photo of its own: it compares a picture with
the photos that the package ships, and counts the lengths of gradients in bins that double, so
that flat areas and fine noise differ as much as edges do.

Pictures are tensors (D, H, W), 0..255; spectrum and gradients are those of the gray levels, the
mean of the channels.
"""

from __future__ import annotations

import functools

import torch
from PIL import Image
from torch import Tensor

from preimage.images import load_image
from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing

SIDE = 224
"""Height and width of pictures whose statistics are compared: they depend on the size."""

_BINS = 51
_RINGS = 16


def naturalness(shown: Tensor, original: Tensor, preprocessing: Preprocessing) -> float:
    """Return the `gradient_intersection` of an image and its photo.

    Both are (D, H, W) in the core's units.
    """
    to_255 = preprocessing.to_255
    return gradient_intersection(to_255(shown.cpu()), to_255(original.cpu()))


def gradient_intersection(image: Tensor, photo: Tensor) -> float:
    """Return the intersection of two images' histograms of gradients; 1 if they are equal.

    As in the authors' code, a histogram counts the differences of neighboring gray levels along
    both axes in bins of 10 from -255 to 255, and is divided by its sum. The images' sizes may
    differ.

    >>> flat, edge = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    >>> edge[:, :, 2:] = 255
    >>> gradient_intersection(flat, flat), round(gradient_intersection(flat, edge), 2)
    (1.0, 0.83)
    """
    return float(torch.minimum(_histogram(image), _histogram(photo)).sum())


def _histogram(image: Tensor) -> Tensor:
    """Return the share of each bin in the differences of neighboring gray levels."""
    gray = image.clamp(0, 255).mean(0).double()
    differences = torch.cat([gray.diff(dim=0).flatten(), gray.diff(dim=1).flatten()])
    counts = torch.histc(differences, _BINS, -255, 255)
    return counts / counts.sum()


def natural_gradients(picture: Tensor) -> float:
    """Return the intersection of a picture's histogram of gradients with that of photos, 0 to 1.

    A histogram counts the lengths of gradients: one bin below 1/2, then 39 bins whose edges are
    powers of 2 up to 256. That of photos is the mean over the shipped ones.

    >>> natural_gradients(torch.zeros(3, 224, 224)) < 0.3
    True
    """
    return float(torch.minimum(_lengths(picture), _lengths_in_photos()).sum())


@functools.cache
def _lengths_in_photos() -> Tensor:
    """Return the mean histogram of the lengths of gradients in the shipped photos."""
    found = []
    for path in shipped_photos().values():
        with Image.open(path) as photo:
            found.append(_lengths(resized(photo)))
    return torch.stack(found).mean(0)


def _lengths(picture: Tensor) -> Tensor:
    """Return the share of each bin in the lengths of the gradients."""
    gray = picture.mean(0).double().cpu()
    down, right = gray.diff(dim=0)[:, :-1], gray.diff(dim=1)[:-1]
    edges = torch.cat([torch.zeros(1), 2 ** torch.linspace(-1, 8, 40)]).double()
    counts, _ = torch.histogram((down**2 + right**2).sqrt(), edges)
    return counts / counts.sum()


def spectrum_slope(picture: Tensor) -> float:
    """Return the slope of the logarithm of a picture's amplitude over that of the frequency.

    The amplitude is the mean over each of 16 rings from 0.02 to 0.4 cycles per pixel, after a Hann
    window. Photos have about -1.3; noise of one pixel has 0. The picture is `SIDE` pixels high and
    wide, or large enough that no ring is empty.
    """
    gray = picture.mean(0).double().cpu()
    height, width = gray.shape
    windows = (torch.hann_window(n, False, dtype=gray.dtype) for n in (height, width))
    amplitude = torch.fft.fft2(gray * torch.outer(*windows)).abs()
    axes = torch.meshgrid(torch.fft.fftfreq(height), torch.fft.fftfreq(width), indexing="ij")
    frequency = torch.hypot(*axes)
    rings = 0.02 * 20 ** torch.linspace(0, 1, _RINGS, dtype=gray.dtype)
    inside = [(frequency >= ring) & (frequency < 1.2 * ring) for ring in rings]
    means = torch.stack([amplitude[ring].mean() for ring in inside]).clamp(min=1e-12)
    x, y = rings.log(), means.log()
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


def contrast(picture: Tensor) -> float:
    """Return the standard deviation of all values of a picture, of all its channels together."""
    return float(picture.double().std(correction=0))


def resized(picture: Image.Image, height: int = SIDE, width: int = SIDE) -> Tensor:
    """Return a picture of another size, (3, height, width), as Pillow's bicubic filter makes it."""
    fitting = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    return load_image(fitting, channels=3)
