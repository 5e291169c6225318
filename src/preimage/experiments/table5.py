"""Table 5: how accurately the layers of a network are inverted (section 5.2.1)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from preimage.experiments.study import Study
from preimage.settings import Settings

MODEL = "alexnet"
"""The network of the paper."""

LOSS_WEIGHTS = (1.0, 20.0, 100.0, 300.0)
"""C of the paper."""

NO_VARIATION_PRIOR = 1e9
"""V that makes the total-variation prior vanish, for the ablation."""


def published() -> dict[tuple[str, float], tuple[float, float]]:
    """Mean and standard deviation in percent of AlexNet's layers, by layer and C, as printed.

    >>> published()["conv1", 1.0]
    (69.5, 10.3)
    """
    text = (files("preimage") / "experiments/published/table5.csv").read_text()
    return {
        (row["layer"], float(row["loss_weight"])): (
            float(row["error_mean"]),
            float(row["error_std"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def study(
    representations: Sequence[str],
    photos: Sequence[str] | None,
    *,
    loss_weights: Sequence[float] = LOSS_WEIGHTS,
    ablation: bool = False,
    **fields: Any,
) -> Study:
    """The trials of the table.

    Args:
        representations: layers, as "alexnet/conv1".
        photos: image files and folders; None for those that the package ships.
        loss_weights: values of C.
        ablation: whether to try everything without the total-variation prior too.
        fields: others of the study.

    >>> study(["hog"], None, seeds=[1]).name
    'table5'
    """
    settings = {}
    if ablation:
        settings["gradient_norm"] = [Settings().gradient_norm, NO_VARIATION_PRIOR]
    return Study(
        name="table5",
        representations=list(representations),
        photos=None if photos is None else list(photos),
        loss_weights=list(loss_weights),
        preset="nnpreimage",
        settings=settings,
        **fields,
    )
