"""An estimate of how long trials will take, before they are carried out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median

import torch

from preimage.settings import Algorithm1
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record
from preimage.studies.trial import Trial
from preimage.studies.worker import visualize

_SAMPLE = 3


def seconds_each(
    records: Sequence[Record], loader: Loader, device: str = "cpu"
) -> dict[str, float]:
    """Return the seconds that a trial of each representation takes.

    If some trials of a representation are done, their median time counts. Otherwise, a few steps
    of the first trial are timed (with one CPU thread, in processor time, which other programs do
    not change). Representations without any trial that can be carried out are left out.
    """
    estimates = {}
    for name in dict.fromkeys(record.trial.representation for record in records):
        alike = [record for record in records if record.trial.representation == name]
        known = [record.measures.seconds for record in alike if record.measures is not None]
        seconds = median(known) if known else _first_timed(alike, loader, device)
        if seconds is not None:
            estimates[name] = seconds
    return estimates


def _first_timed(records: Sequence[Record], loader: Loader, device: str) -> float | None:
    """Return the seconds of the first trial that can be carried out; None without one."""
    for record in records:
        try:
            return _timed(record.trial, loader, device)
        except (ValueError, ArithmeticError):
            continue
    return None


def _timed(trial: Trial, loader: Loader, device: str) -> float:
    """Return the mean seconds of a step after the first two, times the number of steps."""
    if trial.settings is None:
        raise ValueError("HOGgle takes no steps that could be timed")
    phi = loader.representation(trial.representation, trial.weights)
    sample = trial.settings.with_steps(_SAMPLE + 2)
    if isinstance(sample.solver, Algorithm1):
        sample = sample.replace(final_iterations=0)
    single = device == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if single else time.perf_counter
    times: list[float] = []
    photos = [trial.photo] if trial.photo else []
    visualize(
        [trial], photos, phi, settings=sample, device=device,
        progress=lambda _: times.append(clock()),
    )  # fmt: skip
    return (times[-1] - times[1]) / (len(times) - 2) * trial.settings.evaluations(phi)
