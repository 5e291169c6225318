"""The worker, which carries out trials; engines run it in one process or in many."""

from __future__ import annotations

import dataclasses
import io
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from preimage import hoggle
from preimage.decoding import ImageLike
from preimage.names import one_line
from preimage.optimizer import Progress
from preimage.representations.base import Representation
from preimage.representations.execution import Execution
from preimage.settings import Settings
from preimage.studies.loader import Loader
from preimage.studies.measures import measure, measure_reconstruction
from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.versions import versions
from preimage.visualizations import DeadTargetError, PreImage, caricature, invert, maximize
from preimage.visualizations.filming import encode_film, frame_interval


def carry_out(
    trials: Sequence[Trial],
    photos: Mapping[str, bytes],
    loader: Loader,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
    *,
    film: bool = False,
) -> list[Outcome | Failure]:
    """Carry out trials of the same `batch_key`, in one batch if possible.

    An error in one trial does not affect the others. `photos` are image files by checksum;
    `progress` is called after each step. If `film`, outcomes have a film of the run.

    Raises:
        KeyboardInterrupt: after an interrupted visualization, which is not kept.
    """
    try:
        if trials[0].dictionaries_sha256 is not None:
            return [_carry_out_hoggle(trial, photos, loader) for trial in trials]
        return _carry_out_together(trials, photos, loader, device, progress, film)
    except Exception as error:  # a representation can raise anything
        if len(trials) == 1:
            return [Failure(trials[0].key, _in_one_line(error))]
    options: dict[str, Any] = {"device": device, "progress": progress, "film": film}
    return [r for trial in trials for r in carry_out([trial], photos, loader, **options)]


def visualize(
    trials: Sequence[Trial],
    photos: Sequence[ImageLike],
    phi: Representation,
    *,
    settings: Settings | None = None,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
    film: bool = False,
) -> PreImage:
    """Return the results of trials of the same `batch_key`, computed in one batch.

    Each trial needs its photo, unless it is a maximization. `settings` overrides the trials'. If
    `film`, the results have snapshots for a film.

    Raises:
        ValueError: if a trial cannot be carried out.
        DeadTargetError: if all photos give a component the same response.
        KeyboardInterrupt: as `carry_out`.
    """
    first = trials[0]
    options: dict[str, Any] = {"size": first.size, "seeds": [first.seed]}
    options |= {"settings": settings or first.settings, "device": device, "progress": progress}
    options["execution"] = Execution(threads=torch.get_num_threads())  # an engine's number
    if film:
        options["snapshot_every"] = frame_interval(settings or first.settings or Settings(), phi)
    match first.visualization:
        case "invert":
            result = invert(phi, list(photos), mask=first.mask, **options)
        case "maximize":
            dead = [trial.component for trial in trials if not trial.maximum]
            if dead:
                raise DeadTargetError(
                    f"dead unit, same response to all photos: {phi.name} {dead[0]}"
                )
            targets, maxima = [t.target for t in trials], [t.maximum or 0 for t in trials]
            if first.diversity:  # images of one component over all its seeds
                options |= {"seeds": first.seeds, "diversity": first.diversity}
                every = maximize(phi, targets[0], maxima=maxima[:1], **options)
                result = every.select([first.seeds.index(trial.seed) for trial in trials])
            else:
                result = maximize(phi, targets, maxima=maxima, **options)
        case "caricature":
            result = caricature(phi, list(photos), **options)
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def _carry_out_together(
    trials: Sequence[Trial],
    photos: Mapping[str, bytes],
    loader: Loader,
    device: str,
    progress: Callable[[Progress], None] | None,
    film: bool,
) -> list[Outcome | Failure]:
    """Return the outcomes of trials in one batch; raise if the visualization raises."""
    first = trials[0]
    phi = loader.representation(first.representation, first.weights)
    opened = [io.BytesIO(photos[trial.photo_sha256]) for trial in trials if trial.photo_sha256]
    begun = time.process_time()
    result = visualize(trials, opened, phi, device=device, progress=progress, film=film)
    each = (time.process_time() - begun) / len(trials)
    network = loader.network_of(first.representation, first.weights)
    judge = loader.judge(first.judge)
    return [
        Outcome(
            trial.key,
            dataclasses.replace(
                measure(found, network, judge, trial.class_name), processor_seconds=each
            ),
            found.images[0].cpu().numpy(),
            np.asarray(found.to_pil()),
            found.versions | {"batch": str(len(trials))},
            _film(found) if film else None,
        )
        for trial, found in zip(trials, result, strict=True)
    ]


def _film(result: PreImage) -> bytes:
    """Return the film of a single result from its snapshots."""
    pictures = [picture for _, (picture,) in result.frames()]
    return encode_film([*pictures, result.to_pil()])


def _carry_out_hoggle(trial: Trial, photos: Mapping[str, bytes], loader: Loader) -> Outcome:
    """Return the outcome of HOGgle, by a pair of dictionaries that never saw the photo."""
    if not (trial.dictionaries and trial.dictionaries_sha256 and trial.photo_sha256):
        raise ValueError("a trial of HOGgle names a photo and a file of dictionaries")
    dictionaries = loader.dictionaries(trial.dictionaries, trial.dictionaries_sha256)
    phi = loader.representation(trial.representation)
    begin, begun = time.perf_counter(), time.process_time()
    original = phi.preprocessing.load(io.BytesIO(photos[trial.photo_sha256]), trial.size)[None]
    code = phi.encode(original)
    pair = dictionaries.pair_without(trial.photo_sha256)
    image = hoggle.invert(code[0], dictionaries, pair, (original.shape[2], original.shape[3]))
    worked, seconds = time.process_time() - begun, time.perf_counter() - begin
    measures = measure_reconstruction(phi, image, original, code, seconds)
    return Outcome(
        trial.key,
        dataclasses.replace(measures, processor_seconds=worked),
        image[0].numpy(),
        phi.preprocessing.to_display(image[0]),
        versions("cpu") | {"batch": "1"},
    )


def _in_one_line(error: Exception) -> str:
    """Return the message of an error; an unexpected one begins with its kind."""
    text = one_line(str(error)) or type(error).__name__
    expected = isinstance(error, ValueError | ArithmeticError | OSError)
    return text if expected else f"{type(error).__name__}: {text}"
