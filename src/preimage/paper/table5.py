"""Table 5: the accuracy of inversions of the layers of a network (section 5.2.1)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from preimage.loss_weight import LossWeight
from preimage.settings import Settings
from preimage.solver_settings import Algorithm1
from preimage.studies.study import Study, make_study
from preimage.studies.summary import Mean

MODEL = "alexnet"
"""The network of the paper."""
LOSS_WEIGHTS = (1.0, 20.0, 100.0, 300.0)
"""The values of C in the paper."""
NO_VARIATION_PRIOR = 1e9
"""V that removes the total-variation prior, for the ablation."""
_FACTOR = 1e3
NO_RANGE_PRIOR = {
    "pixel_norm": Settings().pixel_norm * _FACTOR,
    "start_amplitude": Settings().start_amplitude / _FACTOR,
    "learning_rate": Algorithm1().learning_rate / _FACTOR**2,
}
"""B that removes the prior on the range (Eq. 5), and the constants that then leave noise and steps
unchanged. The bound of Eq. 6 stays."""


def published() -> dict[tuple[str, float], tuple[float, float]]:
    """Return the published mean error and its deviation in %, by layer of AlexNet and C.

    >>> published()["conv1", 1.0]
    (69.5, 10.3)
    """
    text = (files("preimage") / "paper/published/table5.csv").read_text(encoding="utf-8")
    return {
        (r["layer"], float(r["loss_weight"])): (float(r["error_mean"]), float(r["error_std"]))
        for r in csv.DictReader(text.splitlines())
    }


def studies(
    representations: Sequence[str],
    images: Sequence[str] | None,
    *,
    loss_weight: Sequence[LossWeight] = LOSS_WEIGHTS,
    ablation: bool = False,
    **keys: Any,
) -> list[Study]:
    """Return the studies of the table, all of one name; `keys` are more keys of `Study`.

    If `ablation`, add studies without the first prior, without the second, and without both.
    Without both, only the last C is tried: there is no prior to weigh the loss against.

    >>> [study.name for study in studies(["hog"], None, seeds=[1])]
    ['table5']
    """
    without = {"gradient_norm": NO_VARIATION_PRIOR}
    variants: list[tuple[dict[str, Any], Sequence[LossWeight]]] = [({}, loss_weight)]
    if ablation:
        variants += [
            (without, loss_weight),
            (NO_RANGE_PRIOR, loss_weight),
            (without | NO_RANGE_PRIOR, loss_weight[-1:]),
        ]
    return [
        make_study({
            "name": "table5", "preset": "nnpreimage", "representations": list(representations),
            "images": None if images is None else list(images), "loss_weight": list(weights),
            "settings": settings, **keys,
        })
        for settings, weights in variants
    ]  # fmt: skip


def is_without(mean: Mean) -> tuple[bool, bool]:
    """Return whether results lack the total-variation prior, and whether the range prior."""
    varied = dict(mean.varied)
    return (
        varied.get("gradient_norm") == NO_VARIATION_PRIOR,
        varied.get("pixel_norm") == NO_RANGE_PRIOR["pixel_norm"],
    )
