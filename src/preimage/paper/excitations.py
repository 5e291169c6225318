"""Figures 3 and 11-15 (sections 6 and 7) for any network: which pictures stand where.

Each function yields the rows of a figure, one after another, so that long work shows how
far it is and can be stopped between rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from PIL import Image

    from preimage.networks import Network
    from preimage.optimizer import Progress
    from preimage.settings import Settings
    from preimage.visualizations import PreImage

CONV_LAYERS = {
    "vgg-m": ("conv1", "conv2", "conv3", "conv4", "conv5"),
    "vgg-vd-16": (
        "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1",
        "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3",
    ),
}  # fmt: skip
"""The layers of Figures 11 and 12."""

FIGURES = (
    ("fig3", "a class without jitter and with it", ("alexnet",)),
    ("fig11", "the first filters of each convolution", ("vgg-m",)),
    ("fig12", "the same of a deeper network", ("vgg-vd-16",)),
    ("fig13", "classes as networks see them", ("alexnet", "vgg-m", "vgg-vd-16")),
    ("fig14", "caricatures of a photo by layer", ("vgg-m",)),
    ("fig15", "caricatures of several photos", ("vgg-m", "vgg-vd-16")),
)
"""What each figure shows, and its networks."""

CLASSES = ("tree frog", "black swan", "goose", "cheeseburger")
"""The classes of section 6 and Figure 13; the caption of the figure has the vending machine
for the cheeseburger."""

Report: TypeAlias = "Callable[[Progress], None]"
Begin: TypeAlias = Callable[[str], Report]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a figure.

    Attributes:
        picture: what is shown.
        label: what is written below it.
        result: what a visualization returned; None for a photo.
        index: which of its images.
    """

    picture: Image.Image
    label: str
    result: PreImage | None = None
    index: int = 0

    @classmethod
    def of(cls, result: PreImage, index: int, label: str) -> Panel:
        """One image of a result."""
        return cls(result.to_pil(index), label, result, index)


def jitter_effect(
    network: Network, class_name: str, settings: Settings, seeds: Sequence[int], begin: Begin
) -> Iterator[list[Panel]]:
    """Figure 3: a class without jitter, with that of section 5.2, and with a whole stride."""
    from preimage.targets import class_score
    from preimage.visualizations import maximize

    own = network.layer(network.score_layer).default_jitter
    for shifts in dict.fromkeys((1, own, 4 * own)):
        words = "no jitter" if shifts == 1 else f"jitter {shifts}"
        result = maximize(
            network,
            class_score(class_name),
            seeds=seeds,
            settings=settings.replace(jitter=shifts),
            progress=begin(words),
        )
        yield [Panel.of(result, n, words) for n in range(len(result))]


def first_filters(
    network: Network, layers: Sequence[str], count: int, settings: Settings, begin: Begin
) -> Iterator[list[Panel]]:
    """Figures 11 and 12: the first filters of each layer, a row for each.

    Dead ones are left out; layers whose receptive field fits twice into an image share one.
    """
    from preimage.targets import channel, channel_count
    from preimage.visualizations import DeadTargetError, maximize

    for name in layers:
        layer = network.layer(name)
        channels = channel_count(layer.code_shape(*layer.default_size))
        field = layer.receptive_field
        shares = field is not None and 2 * field.size <= min(layer.default_size)
        try:
            result = maximize(
                layer,
                [channel(None, index) for index in range(min(count, channels))],
                mosaic=shares,
                settings=settings,
                progress=begin(layer.name),
            )
        except DeadTargetError:
            continue
        yield [
            Panel.of(result, n, f"{name}: {result.describe(n)['target']}")
            for n in range(len(result))
        ]


def classes(
    network: Network, names: Sequence[str], settings: Settings, begin: Begin
) -> list[Panel]:
    """A row of Figure 13: classes as one network sees them."""
    from preimage.targets import class_score
    from preimage.visualizations import maximize

    targets = [class_score(name) for name in names]
    result = maximize(network, targets, settings=settings, progress=begin(network.name))
    return [
        Panel.of(result, n, f"{network.name}: {result.describe(n)['target']}")
        for n in range(len(result))
    ]


def photo_panel(network: Network, photo: Path) -> Panel:
    """A photo as a network is given it."""
    preprocessing = network.preprocessing
    return Panel(preprocessing.to_pil(preprocessing.load(photo)), photo.stem)


def caricatures(
    network: Network,
    layers: Sequence[str],
    photo: Path,
    strength: float,
    settings: Settings,
    begin: Begin,
) -> Iterator[Panel]:
    """Figure 14, and a row of Figure 15: a photo's caricatures by layer."""
    from preimage.visualizations import caricature

    for name in layers:
        layer = network.layer(name)
        report = begin(f"{photo.stem} {layer.name}")
        result = caricature(layer, photo, strength=strength, settings=settings, progress=report)
        yield Panel.of(result, 0, f"{name}: x {result.describe()['response']:.2f}")
