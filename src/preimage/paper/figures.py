"""Figures 1, 2 and 5-10 (section 5.2) as studies, for any network, and their layouts.

A figure is rows of panels: trials, the photo that they invert, or how far several
reconstructions of it differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preimage.names import LayerName

if TYPE_CHECKING:
    from preimage.networks import Network
    from preimage.studies.loading import Loader
    from preimage.studies.trial import Trial

_LINEAR_VGG_M = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
_LINEAR_VGG_VD = (
    "conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv3_3", "conv4_1",
    "conv4_2", "conv4_3", "conv5_1", "conv5_2", "conv5_3", "fc6", "fc7", "fc8",
)  # fmt: skip
_ALEXNET = (
    "conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2", "conv3", "relu3",
    "conv4", "relu4", "conv5", "relu5", "pool5", "fc6", "relu6", "fc7", "relu7", "fc8",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a figure.

    Attributes:
        label: what is written above it.
        trials: the trial it shows; several for the map of how their images differ.
        is_photo: whether it shows the photo of the trial instead.
    """

    label: str
    trials: tuple[Trial, ...]
    is_photo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a figure of the paper tries, and how it is laid out.

    Attributes:
        shows: in a few words.
        model: the network of the paper.
        layers: its layers.
        depths: where the layers of another network stand for them, as fractions of those
            that fit; None for all of them.
        variants: fields of the study, one set for each part of the figure.
        label: of a panel.
        row: trials of a part for which this is the same share a row.
        photo_last: whether the photo ends a row instead of beginning it.
        spread: whether a row ends with the differences between its images.
        photos: names of the shipped photos that are used if none are given.
    """

    shows: str
    model: str
    layers: tuple[str, ...]
    depths: tuple[float, ...] | None = None
    variants: tuple[dict[str, Any], ...] = ({},)
    label: Callable[[Trial], str]
    row: Callable[[Trial], object]
    photo_last: bool = False
    spread: bool = False
    photos: tuple[str, ...] = ("chelsea",)

    def layers_of(self, network: Network) -> list[str]:
        """The layers of a network that the figure shows."""
        if network.name == self.model:
            return list(self.layers)
        fitting = [name for name in network.main_layers if self._fits(network, name)]
        return fitting if self.depths is None else at_depths(fitting, self.depths)

    def parts(
        self, names: Sequence[str], photos: Sequence[str], loader: Loader, **changes: Any
    ) -> list[list[Trial]]:
        """The trials of each part, by the authors' solver and constants.

        Args:
            names: representations.
            photos: image files and folders.
            loader: where representations come from.
            changes: fields of the study, such as `weights` and `steps`.

        Raises:
            ValueError: if a representation or a photo cannot be used.
        """
        from preimage.studies.study import Study

        fields = {"representations": list(names), "photos": list(photos), **changes}
        fields["preset"] = "nnpreimage"
        studies = [Study.model_validate({**fields, **variant}) for variant in self.variants]
        return [study.trials(loader) for study in studies]

    def rows(self, part: Sequence[Trial]) -> list[list[Panel]]:
        """The panels of a part, row by row."""
        groups: dict[object, list[Trial]] = {}
        for trial in part:
            groups.setdefault(self.row(trial), []).append(trial)
        return [self._row(group) for group in groups.values()]

    def _row(self, trials: list[Trial]) -> list[Panel]:
        panels = [Panel(self.label(trial), (trial,)) for trial in trials]
        photo = Panel(Path(trials[0].photo).stem, (trials[0],), is_photo=True)
        panels = [*panels, photo] if self.photo_last else [photo, *panels]
        if self.spread:
            panels.append(Panel("standard deviation", tuple(trials)))
        return panels

    def _fits(self, network: Network, layer: str) -> bool:
        """Whether the masks of the figure fit the codes of a layer."""
        from preimage.masks import Mask

        fields = [variant["mask"] for variant in self.variants if "mask" in variant]
        if not fields:
            return True
        phi = network.layer(layer)
        shape = phi.code_shape(*phi.default_size)
        try:
            for values in fields:
                Mask(**values).to_tensor(shape)
        except ValueError:
            return False
        return len(shape) == 3


def at_depths(layers: Sequence[str], depths: Sequence[float]) -> list[str]:
    """The layers at these fractions of the depth, 1 for the last.

    >>> at_depths(["a", "b", "c", "d"], [0.5, 1])
    ['b', 'd']
    """
    return [layers[math.ceil(depth * len(layers)) - 1] for depth in depths if layers]


def _layer(trial: Trial) -> str:
    return LayerName.parse(trial.representation).layer


def _constants(trial: Trial) -> str:
    return f"C = {trial.settings.loss_weight:g}, beta = {trial.settings.beta:g}"


def _seed(trial: Trial) -> str:
    return f"{_layer(trial)}, seed {trial.seed}"


def _photo(trial: Trial) -> str:
    return trial.photo


_SEEDS: dict[str, Any] = {"seeds": [0, 1, 2, 3]}

FIGURES: dict[str, Figure] = {
    "fig1": Figure(
        shows="four reconstructions from the class scores", model="vgg-m", layers=("fc8",),
        depths=(1,), variants=(_SEEDS,), label=_seed, row=_photo, photo_last=True,
    ),
    "fig2": Figure(
        shows="the effect of C and of beta", model="alexnet", layers=("relu3",), depths=(0.5,),
        variants=({"loss_weights": [1, 20, 100, 300]}, {"settings": {"beta": [1, 1.5, 2]}}),
        label=_constants, row=_photo,
    ),
    "fig5": Figure(
        shows="inversions of all layers", model="alexnet", layers=_ALEXNET,
        label=_layer, row=_photo,
    ),
    "fig6": Figure(
        shows="inversions of the linear layers", model="vgg-m", layers=_LINEAR_VGG_M,
        label=_layer, row=_photo,
    ),
    "fig7": Figure(
        shows="inversions of the linear layers", model="vgg-vd-16", layers=_LINEAR_VGG_VD,
        label=_layer, row=_photo,
    ),
    "fig8": Figure(
        shows="four reconstructions from each of three layers, and how they differ",
        model="vgg-vd-16", layers=("conv4_1", "conv5_2", "fc7"), depths=(0.5, 0.75, 1),
        variants=(_SEEDS,), label=_seed, row=lambda trial: (trial.photo, trial.representation),
        spread=True, photos=("chelsea", "coffee", "china"),
    ),
    "fig9": Figure(
        shows="reconstructions from the central 5 x 5 responses", model="caffenet",
        layers=_LINEAR_VGG_M[:5], depths=(0.2, 0.4, 0.6, 0.8, 1),
        variants=({"mask": {"window": 5}},), label=_layer, row=_photo,
    ),
    "fig10": Figure(
        shows="reconstructions from each half of the channels", model="caffenet",
        layers=("conv1", "norm1", "conv2", "norm2"), depths=(0.1, 0.2, 0.3, 0.4),
        variants=({"mask": {"stream": 1}}, {"mask": {"stream": 2}}),
        label=lambda trial: f"{_layer(trial)}, stream {trial.mask.stream}", row=_photo,
    ),
}  # fmt: skip
"""The figures by name."""
