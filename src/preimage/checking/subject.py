"""A representation under check, with the images that it is checked on and their codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor, nn

from preimage.photo_files import shipped_photos
from preimage.preprocessing import Preprocessing
from preimage.presets import MODERN
from preimage.representations.base import Representation
from preimage.visualizations.solve import noise

_COLORS = Preprocessing(mean=(0.0,) * 3, range=(0, 255))


@dataclass
class Subject:
    """A representation, with images of one size.

    Attributes:
        representation: Phi.
        size: height and width of the images.
        device: where to compute.
    """

    representation: Representation
    size: tuple[int, int]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @cached_property
    def photos(self) -> Tensor:
        """The shipped photos as images of the core, (N, D, H, W).

        For networks of other than 1 or 3 channels, each channel is a mixture of the colors.
        """
        preprocessing, paths = self.representation.preprocessing, shipped_photos().values()
        if preprocessing.channels in (1, 3):
            return torch.stack([preprocessing.load(path, self.size) for path in paths]).to(
                self.device
            )
        colors = torch.stack([_COLORS.load(path, self.size) for path in paths])
        generator = torch.Generator().manual_seed(0)
        shape = (preprocessing.channels, 3)
        shares = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
        mixed = torch.einsum("dc,nchw->ndhw", shares / shares.sum(1, keepdim=True), colors)
        return preprocessing.to_core(mixed).to(self.device)

    @cached_property
    def start(self) -> Tensor:
        """The noise that `maximize` starts from with seed 0, (1, D, H, W)."""
        shape = (self.representation.preprocessing.channels, *self.size)
        amplitude = MODERN.start_amplitude * MODERN.pixel_norm
        generator = torch.Generator().manual_seed(0)
        return noise(shape, amplitude, generator)[None].to(self.device)

    @cached_property
    def codes(self) -> Tensor:
        """The codes of the photos, one computed after the other, (N, ...)."""
        return torch.cat([self.code(photo) for photo in self.photos])

    def code(self, image: Tensor) -> Tensor:
        """Return the code (1, ...) of one image (D, H, W), without gradients."""
        with torch.no_grad():
            code: Tensor = self.representation(image[None].clone())
        return code

    @property
    def network(self) -> nn.Module | None:
        """The network that the representation is a layer of; None if it is no network."""
        return self.representation.network_module
