"""How long trials will take, before they are carried out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

from preimage.experiments.loading import Loader
from preimage.experiments.outcome import Record
from preimage.experiments.trial import Trial
from preimage.experiments.visualize import visualize

_SAMPLE = 3


def seconds_each(records: Sequence[Record], loader: Loader) -> dict[str, float]:
    """Seconds that a trial of each representation takes.

    Measured where some are done; otherwise a few steps of the first are timed. A
    representation of which no trial can be carried out is left out.

    Args:
        records: the trials of a study.
        loader: where representations come from.
    """
    estimates = {}
    for name in dict.fromkeys(record.trial.representation for record in records):
        alike = [record for record in records if record.trial.representation == name]
        known = [record.measures.seconds for record in alike if record.measures is not None]
        seconds = median(known) if known else _first_timed(alike, loader)
        if seconds is not None:
            estimates[name] = seconds
    return estimates


def _first_timed(records: Sequence[Record], loader: Loader) -> float | None:
    """Seconds of the first trial that can be carried out."""
    for record in records:
        try:
            return _timed(record.trial, loader)
        except (ValueError, ArithmeticError):
            continue
    return None


def _timed(trial: Trial, loader: Loader) -> float:
    """Seconds of a step, the first two left out, times the number of steps."""
    phi = loader.representation(trial.representation, trial.weights)
    sample = trial.settings.with_steps(_SAMPLE + 2).replace(final_iterations=0)
    times: list[float] = []
    photos = [trial.photo] if trial.photo else []
    visualize(
        [trial], photos, phi, settings=sample,
        progress=lambda _: times.append(time.perf_counter()),
    )  # fmt: skip
    final = trial.settings.final_iterations if phi.is_network else 0
    return (times[-1] - times[1]) / (len(times) - 2) * (trial.settings.steps + final)
