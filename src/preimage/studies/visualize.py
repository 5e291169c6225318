"""Trials as calls of the visualizations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from preimage.images import ImageLike
from preimage.optimizer import Progress
from preimage.representations.base import Representation
from preimage.settings import Settings
from preimage.studies.trial import Trial
from preimage.visualizations import DeadTargetError, PreImage, caricature, invert, maximize


def visualize(
    trials: Sequence[Trial],
    photos: Sequence[ImageLike],
    phi: Representation,
    *,
    settings: Settings | None = None,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
) -> PreImage:
    """Carries out trials of the same `kin` in one batch.

    Args:
        trials: what to do.
        photos: the photo of each; none for maximizations.
        phi: their representation.
        settings: others than theirs.
        device: where to compute.
        progress: called after each step.

    Raises:
        ValueError: if a trial cannot be carried out, or no photo moves one's component.
        KeyboardInterrupt: after an interrupted visualization, which is not kept.
    """
    first = trials[0]
    options: dict[str, Any] = {
        "size": first.size,
        "seeds": [first.seed],
        "settings": first.settings if settings is None else settings,
        "device": device,
        "progress": progress,
    }
    match first.visualization:
        case "invert":
            result = invert(phi, list(photos), mask=first.mask, **options)
        case "maximize":
            result = _maximize(trials, phi, options)
        case "caricature":
            result = caricature(phi, list(photos), **options)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _maximize(trials: Sequence[Trial], phi: Representation, options: dict[str, Any]) -> PreImage:
    targets, maxima = [], []
    for trial in trials:
        if trial.component is None or not trial.maximum:
            raise DeadTargetError(f"dead: no photo moves {phi.name} {trial.subject}")
        targets.append(trial.component.target())
        maxima.append(trial.maximum)
    return maximize(phi, targets, maxima=maxima, **options)
