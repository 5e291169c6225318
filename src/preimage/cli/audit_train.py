"""`preimage audit train`: a decoder from codes to pictures, trained on an attacker's photos."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    Limit,
    OneRep,
    OutDecoder,
    OwnPhotos,
    Seed,
    Threads,
    TrainingSteps,
    Weights,
)
from preimage.cli.progress import ProgressBar, announce, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.audit.decoder import Trained

_STEPS = 1200  # preimage.audit.training.STEPS, which would import torch
_TIMED = 5
"""Steps after which the time that is left is estimated."""


def train(
    images: OwnPhotos,
    rep: OneRep,
    weights: Weights = None,
    limit: Limit = None,
    steps: TrainingSteps = _STEPS,
    seed: Seed = 0,
    out: OutDecoder = Path("decoder.pt"),
    threads: Threads = None,
) -> None:
    """Train a decoder from codes to pictures on photos that are not in the store.

    It is an attack by those who have photos of their own: `preimage audit codes --attacker FILE`
    shows its pictures. After Ctrl-C, the same command goes on.
    """
    from preimage import catalog
    from preimage.audit.decoder import save_trained
    from preimage.audit.training import begin, train_decoder
    from preimage.files import check_replaceable
    from preimage.photo_files import photo_paths
    from preimage.representations.threads import use_threads

    with clear_errors(), progress_bar() as bar, use_threads(threads or 1):
        check_replaceable(out)
        phi = catalog.representation(rep, weights)
        photos = photo_paths(images)[:limit]
        before = _before(out, begin(phi, photos, steps, seed))
        if before.done == steps:
            typer.echo(f"{out} is trained already")
            return
        if before.done:
            typer.echo(f"{out}: goes on after {before.done} of {steps} steps")
        train_decoder(
            phi, photos, steps=steps, seed=seed, before=before,
            keep=lambda trained: save_trained(out, trained), progress=_report(bar, before.done),
        )  # fmt: skip
    height, width = before.decoder.size
    typer.echo(f"wrote {out}: {phi.name}, {len(photos)} photos, pictures of {height} x {width}")


def _before(out: Path, begun: Trained) -> Trained:
    """Return what an earlier run kept, or else the training that begins.

    Raises:
        ValueError: if the file holds another decoder.
    """
    from preimage.audit.decoder import load_trained

    if not out.exists():
        return begun
    found = load_trained(out)
    for what in ("representation", "checksum", "photos", "steps", "seed"):
        if getattr(found, what) != getattr(begun, what):
            words = {"checksum": "weights"}.get(what, what)
            raise ValueError(
                f"{out} holds a decoder of another training ({words}): name another file with --out"
            )
    return found


def _report(bar: ProgressBar, first: int) -> Callable[[str, int, int, str], None]:
    """Return a function to call as training progresses; it shows the bar and an estimate."""
    began = dict[str, float]()

    def report(what: str, done: int, total: int, words: str) -> None:
        if what not in began:
            bar.start(what)
        start = began.setdefault(what, time.monotonic())
        bar.update(done, total, words)
        if what == "training" and done == first + 1 + _TIMED:
            each = (time.monotonic() - start) / _TIMED
            announce(each * (total - done), f"{total - done} steps", "--steps")

    return report
