r"""Parameters of an image: its pixels, or a spectrum with decorrelated colors.

Both describe the same images and have the same energy, but descent takes other steps.
Gradient descent with a rate for each component changes every pixel by about the same amount,
which looks like noise. In natural images, amplitudes fall as 1 / frequency and the three
colors vary together. `Fourier` makes the step of each frequency and color proportional to
its share in natural images (Olah, Mordvintsev and Schubert, "Feature Visualization",
Distill 2017). With A the matrix of colors, s(k) = 1 / |k| and F the Fourier transform,

    x = A F^-1 (s z),   dE/dz = s F (A^T dE/dx).
"""

from __future__ import annotations

import torch
from torch import Tensor

from preimage.priors import project_

NATURAL_COLORS = (
    (0.9801, 0.3988, 0.0431),
    (0.9348, -0.0733, -0.1189),
    (0.9265, -0.3480, 0.0744),
)
"""A: the principal components (columns) of red, green and blue times their standard deviations:
A A^T is the mean covariance of the colors in the shipped photos over its mean diagonal."""


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
        spectrum = torch.view_as_complex(parameters * self._decoding)
        return _mix(self._mixing, torch.fft.irfft2(spectrum, s=self._size, norm="ortho"))

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
        return torch.view_as_real(torch.fft.rfft2(images, norm="ortho"))


def _mix(matrix: Tensor, images: Tensor) -> Tensor:
    """Multiply each pixel by a matrix (D, D), in the same order of additions in any batch."""
    return (matrix[:, :, None, None] * images[:, None]).sum(2)


def parameterization(name: str, like: Tensor) -> Pixels | Fourier:
    """Return the parameterization `name` for images of the shape of `like`, (N, D, H, W)."""
    return Fourier(like) if name == "fourier" else Pixels()
