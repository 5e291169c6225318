"""`preimage audit train`: a decoder of vectors, trained on an attacker's photos."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from preimage.cli.errors import clear_errors
from preimage.cli.options import (
    LimitOfTraining,
    OneRep,
    OutDecoder,
    OwnPhotos,
    Seed,
    Threads,
    Weights,
)
from preimage.cli.progress import ProgressBar, announce, progress_bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from preimage.audit.decoder import Decoder

_TIMED = 5
"""Images after which the time that is left is estimated."""


def train(
    images: OwnPhotos,
    rep: OneRep,
    weights: Weights = None,
    limit: LimitOfTraining = None,
    seed: Seed = 0,
    out: OutDecoder = Path("decoder.pt"),
    threads: Threads = None,
) -> None:
    """Train a decoder of vectors on photos that are not in the store.

    It is an attack by those who have photos of their own: `preimage audit codes --attacker FILE`
    shows its pictures. After Ctrl-C, the same command goes on.
    """
    from preimage import catalog
    from preimage.audit.decoder import save_decoder
    from preimage.audit.training import begin, train_decoder
    from preimage.files import check_replaceable
    from preimage.photo_files import photo_paths
    from preimage.representations.threads import use_threads

    with clear_errors(), progress_bar() as bar, use_threads(threads or 1):
        check_replaceable(out)
        phi = catalog.representation(rep, weights)
        photos = photo_paths(images)[:limit]
        before = _before(out, begin(phi, photos, seed))
        if before.prediction is not None:
            typer.echo(f"{out} is trained already")
            return
        if len(before.measured):
            typer.echo(f"{out}: goes on after {len(before.measured)} images")
        train_decoder(
            phi, photos, seed=seed, before=before,
            keep=lambda decoder: save_decoder(out, decoder),
            progress=_report(bar, len(before.measured)),
        )  # fmt: skip
    count = len(before.layers)
    typer.echo(
        f"wrote {out}: {phi.name}, {len(photos)} photos, "
        f"statistics of {count} inner layer{'s' if count > 1 else ''}"
    )


def _before(out: Path, begun: Decoder) -> Decoder:
    """Return what an earlier run kept, or else the training that begins.

    Raises:
        ValueError: if the file holds another decoder.
    """
    from preimage.audit.decoder import load_decoder

    if not out.exists():
        return begun
    found = load_decoder(out)
    for what in ("representation", "checksum", "photos", "seed"):
        if getattr(found, what) != getattr(begun, what):
            words = {"checksum": "weights"}.get(what, what)
            raise ValueError(
                f"{out} holds a decoder of another training ({words}): name another file with --out"
            )
    return found


def _report(bar: ProgressBar, first: int) -> Callable[[int, int], None]:
    """Return a function to call as images are measured; it shows the bar and an estimate."""
    began = list[float]()

    def report(done: int, total: int) -> None:
        if not began:
            bar.start("images of the attacker's photos")
            began.append(time.monotonic())
        bar.update(done, total, "")
        if done == first + 1 + _TIMED:
            each = (time.monotonic() - began[0]) / _TIMED
            announce(each * (total - done), f"{total - done} images", "--limit")

    return report
