"""Table 5: how accurately the layers of a network are inverted (section 5.2.1)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from preimage.settings import Algorithm1, Settings
from preimage.studies.study import Study
from preimage.studies.summary import Mean

MODEL = "alexnet"
"""The network of the paper."""

LOSS_WEIGHTS = (1.0, 20.0, 100.0, 300.0)
"""C of the paper."""

NO_VARIATION_PRIOR = 1e9
"""V that makes the total-variation prior vanish, for the ablation."""

_FACTOR = 1e3
NO_RANGE_PRIOR = {
    "pixel_norm": Settings().pixel_norm * _FACTOR,
    "start_amplitude": Settings().start_amplitude / _FACTOR,
    "learning_rate": Algorithm1().learning_rate / _FACTOR**2,
}
"""B that makes the prior on the range (Eq. 5) vanish, and what keeps noise and steps as they
are. The bound of Eq. 6 stays."""


def published() -> dict[tuple[str, float], tuple[float, float]]:
    """Mean and standard deviation in percent of AlexNet's layers, by layer and C, as printed.

    >>> published()["conv1", 1.0]
    (69.5, 10.3)
    """
    text = (files("preimage") / "paper/published/table5.csv").read_text()
    return {
        (row["layer"], float(row["loss_weight"])): (
            float(row["error_mean"]),
            float(row["error_std"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def studies(
    representations: Sequence[str],
    photos: Sequence[str] | None,
    *,
    loss_weights: Sequence[float] = LOSS_WEIGHTS,
    ablation: bool = False,
    **fields: Any,
) -> list[Study]:
    """The trials of the table, all of one name.

    Args:
        representations: layers, as "alexnet/conv1".
        photos: image files and folders; None for those that the package ships.
        loss_weights: values of C.
        ablation: whether to try everything without each of the priors too, and without both,
            where C has nothing to be weighed against: there with the last value alone.
        fields: others of the study.

    >>> [study.name for study in studies(["hog"], None, seeds=[1])]
    ['table5']
    """
    without = {"gradient_norm": NO_VARIATION_PRIOR}
    variants: list[tuple[dict[str, Any], Sequence[float]]] = [({}, loss_weights)]
    if ablation:
        variants += [
            (without, loss_weights),
            (NO_RANGE_PRIOR, loss_weights),
            (without | NO_RANGE_PRIOR, loss_weights[-1:]),
        ]
    return [
        Study(
            name="table5",
            representations=list(representations),
            photos=None if photos is None else list(photos),
            loss_weights=list(weights),
            preset="nnpreimage",
            settings=settings,
            **fields,
        )
        for settings, weights in variants
    ]


def is_without(mean: Mean) -> tuple[bool, bool]:
    """Whether results are without the prior of the total variation, and of the range."""
    varied = dict(mean.varied)
    return (
        varied.get("gradient_norm") == NO_VARIATION_PRIOR,
        varied.get("pixel_norm") == NO_RANGE_PRIOR["pixel_norm"],
    )
