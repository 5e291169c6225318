"""Figures 1-3 and 5-15 of the paper as studies, for any network, and their layouts.

A figure is rows of panels. A panel shows the result of a trial, the photo of a trial, or the
differences between the results of several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from preimage.models.zoo import NETWORKS
from preimage.names import LayerName

if TYPE_CHECKING:
    from preimage.networks import Network
    from preimage.presets import Visualization
    from preimage.studies.loader import Loader
    from preimage.studies.trial import Trial

Layers: TypeAlias = tuple[str, ...]

SCORES: Layers = ()
"""Stands for the layer of the class scores."""

_ALEXNET, _CAFFENET, _VGG_M, _VGG_VD = (
    NETWORKS[name] for name in ("alexnet", "caffenet", "vgg-m", "vgg-vd-16")
)


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a figure.

    Attributes:
        label: the text above it.
        trials: the trial whose result is shown; several for a map of their differences.
        is_photo: whether it shows the photo of the trial instead.
    """

    label: str
    trials: tuple[Trial, ...]
    is_photo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """The trials of a figure of the paper, and its layout.

    Attributes:
        shows: a short title.
        visualization: "invert", "maximize" or "caricature".
        networks: the networks of the paper, each with the layers that are shown.
        depths: the layers of other networks, as fractions of the depth; None for all layers.
        variants: keys of a study, one set for each part of the figure.
        row: a key; trials of a part with equal keys share a row.
        label: the label of the panel of a trial.
        photo: "first" or "last": whether each row begins or ends with its photo.
        differences: whether each row ends with the differences between its results.
        images: names of the shipped photos to use if no others are given.
    """

    shows: str
    visualization: Visualization = "invert"
    networks: Mapping[str, Layers]
    depths: tuple[float, ...] | None = None
    variants: tuple[dict[str, Any], ...] = ({},)
    row: Callable[[Trial], object]
    label: Callable[[Trial], str]
    photo: Literal["first", "last"] = "first"
    differences: bool = False
    images: tuple[str, ...] = ("chelsea",)

    def layers_of(self, network: Network) -> list[str]:
        """Return the layers of a network that the figure shows."""
        layers = self.networks.get(network.name, ())
        if layers:
            return list(layers)
        if SCORES in self.networks.values():
            return [network.score_layer]
        fitting = [name for name in network.main_layers if self._fits(network, name)]
        return fitting if self.depths is None else at_depths(fitting, self.depths)

    def parts(self, name: str, loader: Loader, **keys: Any) -> list[list[Trial]]:
        """Return the trials of each part, with the authors' solver and constants.

        The parts are studies of this name; `keys` replace those of the figure. Dead
        components, whose response is the same for all photos, are left out.

        Raises:
            ValueError: if a key does not apply to the figure or is out of range, or if all
                components are dead.
        """
        from preimage.studies.expansion import expand
        from preimage.studies.study import make_study

        given = {"name": name, "visualization": self.visualization, "preset": "nnpreimage"} | keys
        studies = [make_study({**variant, **given}) for variant in self.variants]
        parts = [[t for t in expand(study, loader) if t.maximum != 0] for study in studies]
        if not any(parts):
            raise ValueError("these components respond alike to all photos: choose others")
        return parts

    def rows(self, part: Sequence[Trial]) -> list[list[Panel]]:
        """Return the panels of a part, row by row."""
        groups: dict[object, list[Trial]] = {}
        for trial in part:
            groups.setdefault(self.row(trial), []).append(trial)
        rows = []
        for trials in groups.values():
            panels = [Panel(self.label(trial), (trial,)) for trial in trials]
            if photo := trials[0].photo:
                place = len(panels) if self.photo == "last" else 0
                panels.insert(place, Panel(Path(photo).stem, (trials[0],), is_photo=True))
            if self.differences:
                panels.append(Panel("standard deviation", tuple(trials)))
            rows.append(panels)
        return rows

    def _fits(self, network: Network, layer: str) -> bool:
        """Return whether the masks of the figure fit the codes of a layer."""
        from preimage.masks import Mask

        masks = [variant["mask"] for variant in self.variants if "mask" in variant]
        if not masks:
            return True
        phi = network.layer(layer)
        grid = phi.code_grid(*phi.default_size)
        try:
            for keys in masks:
                Mask(**keys).to_tensor(grid)
        except ValueError:
            return False
        return len(grid.code_shape) == 3


def at_depths(layers: Sequence[str], depths: Sequence[float]) -> list[str]:
    """Return the layers at these fractions of the depth, 1 for the last.

    >>> at_depths(["a", "b", "c", "d"], [0.5, 1])
    ['b', 'd']
    """
    return [layers[math.ceil(depth * len(layers)) - 1] for depth in depths if layers]


_representation = attrgetter("representation")
_photo = attrgetter("photo")


def _network(trial: Trial) -> str:
    return LayerName.parse(trial.representation).network


def _layer(trial: Trial) -> str:
    return LayerName.parse(trial.representation).layer


def _constants(trial: Trial) -> str:
    return "C = {loss_weight:g}, beta = {beta:g}".format_map(trial.constants)


def _seed(trial: Trial) -> str:
    return f"{_layer(trial)}, seed {trial.seed}"


def _stream(trial: Trial) -> str:
    return f"{_layer(trial)}, stream {trial.mask.stream}"


def _jitter(trial: Trial) -> str:
    if trial.constants["jitter"] == 1:
        return f"{trial.class_name}, no jitter"
    return f"{trial.class_name}, jitter of {trial.constants['jitter_scale'] / 4:g} stride"


def _filter(trial: Trial) -> str:
    return f"{_layer(trial)}: {trial.component}"


def _class(trial: Trial) -> str:
    return f"{_network(trial)}: {trial.class_name}"


_SEEDS: dict[str, Any] = {"seeds": [0, 1, 2, 3]}
FIGURES: dict[str, Figure] = {
    "fig1": Figure(
        shows="four inversions of the class scores",
        networks={"vgg-m": SCORES}, variants=(_SEEDS,), row=_photo, label=_seed, photo="last",
    ),
    "fig2": Figure(
        shows="the effect of C and of beta", networks={"alexnet": ("relu3",)}, depths=(0.5,),
        variants=({"loss_weight": [1, 20, 100, 300]}, {"settings": {"beta": [1, 1.5, 2]}}),
        row=_photo, label=_constants,
    ),
    "fig3": Figure(
        shows="a class without jitter and with it", visualization="maximize",
        networks={"alexnet": SCORES},
        variants=tuple(
            {"classes": ["tree frog"], "seeds": [0], "settings": jitter}
            for jitter in ({"jitter": 1}, {"jitter_scale": [1, 4]})
        ),
        row=_jitter, label=_jitter,
    ),
    "fig5": Figure(
        shows="inversions of all layers", networks={"alexnet": _ALEXNET.layer_names},
        row=_photo, label=_layer,
    ),
    "fig6": Figure(
        shows="inversions of the linear layers",
        networks={"vgg-m": _VGG_M.linear_layers}, row=_photo, label=_layer,
    ),
    "fig7": Figure(
        shows="inversions of the linear layers",
        networks={"vgg-vd-16": _VGG_VD.linear_layers}, row=_photo, label=_layer,
    ),
    "fig8": Figure(
        shows="four inversions of each of three layers",
        networks={"vgg-vd-16": ("conv4_1", "conv5_2", "fc7")}, depths=(0.5, 0.75, 1),
        variants=(_SEEDS,), row=attrgetter("photo", "representation"), label=_seed,
        differences=True, images=("chelsea", "coffee", "china"),
    ),
    "fig9": Figure(
        shows="inversions of the central 5 x 5 responses",
        networks={"caffenet": _CAFFENET.convolutions}, depths=(0.2, 0.4, 0.6, 0.8, 1),
        variants=({"mask": {"window": 5}},), row=_photo, label=_layer,
    ),
    "fig10": Figure(
        shows="inversions of each half of the channels",
        networks={"caffenet": ("conv1", "norm1", "conv2", "norm2")}, depths=(0.1, 0.2, 0.3, 0.4),
        variants=({"mask": {"stream": 1}}, {"mask": {"stream": 2}}), row=_photo, label=_stream,
    ),
    "fig11": Figure(
        shows="the first filters of each convolution", visualization="maximize",
        networks={"vgg-m": _VGG_M.convolutions}, variants=({"channels": "0-8"},),
        row=_representation, label=_filter,
    ),
    "fig12": Figure(
        shows="the first filters of each convolution", visualization="maximize",
        networks={"vgg-vd-16": _VGG_VD.convolutions}, variants=({"channels": "0-8"},),
        row=_representation, label=_filter,
    ),
    "fig13": Figure(
        shows="classes as networks see them", visualization="maximize",
        networks=dict.fromkeys(("alexnet", "vgg-m", "vgg-vd-16"), SCORES),
        variants=({"classes": ["tree frog", "black swan", "goose", "cheeseburger"]},),
        row=_network, label=_class,
    ),
    "fig14": Figure(
        shows="caricatures of a photo by layer", visualization="caricature",
        networks={"vgg-m": _VGG_M.layer_names}, row=_photo, label=_layer,
    ),
    "fig15": Figure(
        shows="caricatures of several photos", visualization="caricature",
        networks={
            "vgg-m": ("conv3", "conv4", "conv5", "fc6", "fc8"), "vgg-vd-16": ("conv5_3", "fc8"),
        },
        depths=(0.2, 0.4, 0.6, 0.8, 1), row=_photo, label=_representation,
        images=("chelsea", "coffee", "flower"),
    ),
}  # fmt: skip
"""The figures by name. Figure 13 has the classes of section 6; its caption names the vending
machine instead of the cheeseburger."""
