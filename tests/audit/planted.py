"""Photos and a judge of which it is known what they share."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from preimage.audit.photos import Photo
from preimage.networks import Network
from preimage.preprocessing import Preprocessing

SIDE = 64
CLASSES = ("fine", "medium", "coarse", "flat")
_GRAINS = (1, 2, 4, 8)


def textures(count: int, seed: int = 0, classes: np.ndarray | None = None) -> list[Image.Image]:
    """Colored blobs below gray noise, whose grain is the class."""
    random = np.random.default_rng(seed)
    if classes is None:
        classes = np.arange(count) % len(CLASSES)
    pictures = []
    for kind in classes:
        grain = _GRAINS[kind]
        noise = random.normal(size=(SIDE // grain, SIDE // grain)).repeat(grain, 0)
        blobs = _enlarge(random.normal(size=(4, 4, 3)))
        values = 128 + 30 * blobs + 40 * noise.repeat(grain, 1)[:, :, None]
        pictures.append(to_picture(values))
    return pictures


def names(count: int) -> tuple[Photo, ...]:
    """So many photos by name."""
    return tuple(Photo(f"{n}.png", f"{n:064x}", f"photos/{n}.png") for n in range(count))


def to_picture(values: np.ndarray) -> Image.Image:
    """An array (H, W, 3), 0..255, as a picture."""
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def thumbnails(pictures: list[Image.Image], side: int) -> list[Image.Image]:
    """Pictures of so few pixels, enlarged again."""
    small = [picture.resize((side, side), Image.Resampling.BOX) for picture in pictures]
    return [picture.resize((SIDE, SIDE), Image.Resampling.BICUBIC) for picture in small]


def judge() -> Network:
    """A network that sees the grain of a picture's noise and nothing else."""
    return Network(
        _Grain(), Preprocessing(mean=(127.5,), size=(SIDE, SIDE)), "grain", CLASSES, scores="fc"
    )


class _Grain(nn.Module):
    """Shares of the energy in differences over 1, 2, 4 and 8 pixels; the largest is the class."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 4)
        self.fc.weight.data = 9 * torch.eye(4)
        self.fc.bias.data.zero_()

    def forward(self, x: Tensor) -> Tensor:
        pooled = [x, *(nn.functional.avg_pool2d(x, side) for side in (2, 4, 8))]
        energies = [(a - nn.functional.interpolate(b, a.shape[-2:])).square().mean((1, 2, 3))
                    for a, b in itertools.pairwise(pooled)]  # fmt: skip
        rest = pooled[-1].var((1, 2, 3)).clamp(max=1e9)
        shares = torch.stack([*energies, rest], 1)
        return self.fc(shares / shares.sum(1, keepdim=True).clamp(min=1e-9))


def _enlarge(values: np.ndarray) -> np.ndarray:
    """Smooth values (4, 4, 3) at the size of pictures."""
    x = torch.from_numpy(values).permute(2, 0, 1)[None]
    large = nn.functional.interpolate(x, (SIDE, SIDE), mode="bicubic", align_corners=True)
    return large[0].permute(1, 2, 0).numpy()
