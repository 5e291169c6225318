"""Small sheets of a small network, which the tests share."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import numpy as np
from PIL import Image
from tests.atlas.sites import TINY
from tests.study_files import make_outcome

from preimage.names import LayerName
from preimage.reporting.sheet.content import Panel, Section, Sheet, gather
from preimage.reporting.sheet.plan import plan_sheet
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure, Outcome, Record
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store
from preimage.visualizations.filming import encode_film

LAYERS = (f"{TINY}/conv1", f"{TINY}/score")


def save_color(path: Path, size: tuple[int, int] = (64, 48)) -> Path:
    """A photo in color, of this width and height."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@functools.cache
def film() -> bytes:
    """A film of three colors."""
    return encode_film([Image.new("RGB", (24, 18), color) for color in ("red", "lime", "blue")])


def make_outcomes(trials: list[Trial], steps: int) -> list[Outcome | Failure]:
    """Outcomes with films, of this number of steps; the last but one has failed."""
    found: list[Outcome | Failure] = []
    for n, trial in enumerate(trials):
        outcome = make_outcome(trial)
        picture = np.full((18, 24, 3), 40 * n, np.uint8)
        measures = dataclasses.replace(outcome.measures, steps=steps)
        found.append(Outcome(trial.key, measures, outcome.image, picture, {}, film()))
    found[-2] = Failure(trials[-2].key, "no <luck>")
    return found


def records(folder: Path, photo: Path, steps: int) -> list[Record]:
    """The records of a small sheet."""
    trials = plan_sheet(photo, LAYERS, Loader(), steps=steps, seed=4)
    with Store(folder, create=True) as store:
        for outcome in make_outcomes(trials, steps):
            store.put(outcome)
        return store.lookup(trials)


def sheet(folder: Path, name: str = "<b>&$x$.png", steps: int = 200) -> Sheet:
    """The content of a small sheet; the name of its photo is neither HTML nor mathematics."""
    photo = save_color(folder / name)
    loader = Loader()
    network = loader.network(LayerName.parse(LAYERS[0]).network)
    return gather(records(folder / "store", photo, steps), loader, network)


def long_sheet(layers: int) -> Sheet:
    """A sheet with a section of that many layers."""
    picture = Image.new("RGB", (24, 24), "teal")
    photo = Panel("The photo", "", ("24 x 24 pixels.",), "the photo", picture, is_photo=True)
    words = ("A sentence about the code. " * 3,)
    panels = [Panel(f"layer {n}", "What is left", words, "what", picture) for n in range(layers)]
    return Sheet("a.png", (Section("Learned", "Some layers.", (photo, *panels)),), "by preimage")
