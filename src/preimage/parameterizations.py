r"""Parameters of an image: its pixels, or a spectrum with decorrelated colors.

Both describe the same images and have the same energy, but descent takes other steps.
Gradient descent with a rate for each component changes every pixel by about the same amount,
which looks like noise. In natural images, amplitudes fall as 1 / frequency and the three
colors vary together. `Fourier` makes the step of each frequency and color proportional to
its share in natural images (Olah, Mordvintsev and Schubert, "Feature Visualization",
Distill 2017). With A the matrix of colors, s(k) = 1 / |k| and F the Fourier transform,

    x = A F^-1 (s z),   dE/dz = s F (A^T dE/dx).

`NaturalContrast` gives the images of either the contrast and the colors of photos, so that descent
can only change what they show.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from preimage.contrast import natural_deviations
from preimage.opponent import from_colors, to_colors
from preimage.priors import project_

NATURAL_COLORS = (
    (0.9801, 0.3988, 0.0431),
    (0.9348, -0.0733, -0.1189),
    (0.9265, -0.3480, 0.0744),
)
"""A: the principal components (columns) of red, green and blue times their standard deviations:
A A^T is the mean covariance of the colors in the shipped photos over its mean diagonal."""

LUMINANCE, CHROMA = 0.8, 1.5
"""Standard deviations of the pictures of `NaturalContrast` relative to those of photos. Colors are
spread evenly over a picture, in photos they are concentrated: with these factors, the mean
saturation and the contrast of pictures are about those of photos (docs/pictures.md)."""

_LEAST = 1e-3
"""A standard deviation, in gray levels, below which an image counts as flat."""


class Pixels:
    """The pixels of images (N, D, H, W) themselves, as in the paper."""

    def encode(self, images: Tensor) -> Tensor:
        """Return the parameters of images."""
        return images

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the images of parameters."""
        return parameters

    def pull_back(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to the parameters, from the gradient of the images."""
        return gradient

    def project_(self, parameters: Tensor, max_pixel_norm: float) -> Tensor:
        """Bring parameters within the hard bound of Eq. 6, in place, and return their images."""
        return project_(parameters, max_pixel_norm)


class Fourier:
    """Spectra z of images like `like`, as real and imaginary parts, (N, D, H, W // 2 + 1, 2).

    >>> x = torch.rand(2, 3, 6, 5)
    >>> bool(torch.allclose(Fourier(x).decode(Fourier(x).encode(x)), x, atol=1e-5))
    True
    """

    def __init__(self, like: Tensor) -> None:
        channels, height, width = like.shape[-3:]
        self._size = (height, width)
        rows = torch.fft.fftfreq(height, dtype=torch.float64, device="cpu")[:, None]
        columns = torch.fft.rfftfreq(width, dtype=torch.float64, device="cpu")[None, :]
        scale = 1 / (rows**2 + columns**2).sqrt().clamp(min=1 / max(height, width))
        twice = torch.full((columns.shape[1],), 2.0, dtype=torch.float64, device="cpu")
        twice[0] = 1  # columns that have no mirror image
        if width % 2 == 0:
            twice[-1] = 1
        scale /= ((scale**2 * twice).sum() / (height * width)).sqrt()
        self._decoding = (scale / twice.sqrt())[..., None].to(like)
        self._pulling = (scale * twice.sqrt())[..., None].to(like)
        colors = torch.tensor(NATURAL_COLORS, dtype=torch.float64, device="cpu")
        mixing = (
            colors
            if channels == len(colors)
            else torch.eye(channels, dtype=torch.float64, device="cpu")
        )
        self._mixing, self._unmixing = mixing.to(like), mixing.inverse().to(like)

    def encode(self, images: Tensor) -> Tensor:
        """Return the spectra of images."""
        return self._spectrum(_mix(self._unmixing, images)) / self._decoding

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the images of spectra."""
        spectra = torch.view_as_complex(parameters * self._decoding)
        images = [torch.fft.irfft2(each, s=self._size, norm="ortho") for each in spectra]
        return _mix(self._mixing, torch.stack(images))

    def pull_back(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to the spectra."""
        return self._spectrum(_mix(self._mixing.T, gradient)) * self._pulling

    def project_(self, parameters: Tensor, max_pixel_norm: float) -> Tensor:
        """See `Pixels.project_`; spectra of images within the bound do not change."""
        images = self.decode(parameters)
        beyond = (images * images).sum(1).amax((1, 2)) > max_pixel_norm**2
        if bool(beyond.any()):
            images[beyond] = project_(images[beyond], max_pixel_norm)
            parameters[beyond] = self.encode(images[beyond])
        return images

    def _spectrum(self, images: Tensor) -> Tensor:
        """Return spectra, each computed alone, because those of a batch may round differently."""
        spectra = [torch.fft.rfft2(image.clone(), norm="ortho") for image in images]
        return torch.view_as_real(torch.stack(spectra))


class NaturalContrast:
    """Parameters of `kind`, whose images get the contrast of photos.

    In each opponent color, the deviations from the mean of an image are scaled to a fixed standard
    deviation. Images are gray or have red, green and blue.
    """

    def __init__(self, kind: Pixels | Fourier, channels: int) -> None:
        self._kind = kind
        natural = natural_deviations(channels)
        self._wanted = [LUMINANCE * natural[0], *(CHROMA * chroma for chroma in natural[1:])]
        self._units, self._scales = torch.empty(0), torch.empty(0)

    def gains(self, images: Tensor) -> Tensor:
        """Return the factor by which the contrast of each image grows, at least 1, (N,)."""
        wanted = math.sqrt(sum(deviation**2 for deviation in self._wanted))
        own = [
            (image - image.mean((1, 2), keepdim=True)).square().sum(0).mean() for image in images
        ]
        return (wanted / torch.stack(own).sqrt().clamp(min=_LEAST)).clamp(min=1)

    def encode(self, images: Tensor) -> Tensor:
        """Return the parameters of images."""
        return self._kind.encode(images)

    def decode(self, parameters: Tensor) -> Tensor:
        """Return the images of parameters, with natural contrast."""
        colors = to_colors(self._kind.decode(parameters))
        wanted = torch.tensor(self._wanted, dtype=colors.dtype, device=colors.device)
        units, scales, means = [], [], []
        for image in colors:  # one by one: sums of a batch round differently
            mean = image.mean((1, 2), keepdim=True)
            own = (image - mean).square().mean((1, 2), keepdim=True).sqrt().clamp(min=_LEAST)
            units.append((image - mean) / own)
            scales.append(wanted[:, None, None] / own)
            means.append(mean)
        self._units, self._scales = torch.stack(units), torch.stack(scales)
        return from_colors(self._units * wanted[:, None, None] + torch.stack(means))

    def pull_back(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to the parameters that were decoded last."""
        pulled = []
        for of_image, unit, scale in zip(
            to_colors(gradient), self._units, self._scales, strict=True
        ):
            mean = of_image.mean((1, 2), keepdim=True)
            along = (of_image * unit).mean((1, 2), keepdim=True)
            pulled.append(scale * (of_image - mean - unit * along) + mean)
        return self._kind.pull_back(from_colors(torch.stack(pulled)))

    def project_(self, parameters: Tensor, max_pixel_norm: float) -> Tensor:
        """Return the images of parameters, brought within the hard bound of Eq. 6."""
        return project_(self.decode(parameters), max_pixel_norm)


def _mix(matrix: Tensor, images: Tensor) -> Tensor:
    """Multiply each pixel by a matrix (D, D), in the same order of additions in any batch."""
    return (matrix[:, :, None, None] * images[:, None]).sum(2)


def parameterization(name: str, like: Tensor) -> Pixels | Fourier:
    """Return the parameterization `name` for images of the shape of `like`, (N, D, H, W)."""
    return Fourier(like) if name == "fourier" else Pixels()
