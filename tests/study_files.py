"""Cheap trials: HOG, HOGb and dense SIFT of noise, a few milliseconds each."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from preimage.studies.expansion import expand
from preimage.studies.loader import Loader
from preimage.studies.measures import Measures
from preimage.studies.outcome import Outcome
from preimage.studies.study import make_study
from preimage.studies.trial import Trial
from preimage.sweeps.engines import Engine
from preimage.sweeps.run import Stop, run
from preimage.sweeps.store import Store
from tests.cli.runner import save_photo

MEASURES = Measures(
    seconds=0.1,
    steps=3,
    energy=1.5,
    error=0.25,
    psnr=20.0,
    ssim=0.5,
    naturalness=0.75,
    processor_seconds=0.05,
)


def save_photos(folder: Path, count: int) -> Path:
    """A folder of so many small photos, 01.png and so on."""
    folder.mkdir()
    for seed in range(count):
        save_photo(folder / f"{seed:02}.png", seed, (25, 25))
    return folder


def make_trials(photos: Path, **changes: object) -> list[Trial]:
    """Trials of the photos of a folder, HOG in three steps if not changed."""
    keys = {"representations": ["hog"], "steps": 3, **changes}
    keys["reference" if keys.get("visualization") == "maximize" else "images"] = [str(photos)]
    return expand(make_study(keys), Loader())


def images_of(store: Path) -> dict[str, bytes]:
    """The image files of a store by name."""
    return {path.name: path.read_bytes() for path in (store / "results").glob("*/[!.]*.npy")}


def make_outcome(trial: Trial, value: float = 0.5) -> Outcome:
    """An outcome of that trial, an image of one value."""
    import numpy as np

    image = np.full((1, 4, 5), value, np.float32)
    return Outcome(trial.key, MEASURES, image, image[0].astype(np.uint8), {"device": "cpu"})


def run_trials(folder: Path, trials: list[Trial], engine: Engine, batch: int = 1) -> list[str]:
    """The states of trials after a run of an engine with a store in that folder."""
    with Store(folder, create=True) as store:
        store.plan("a", trials)
        run(store, trials, engine, batch=batch, report=lambda _: None, stop=Stop())
        return [record.status for record in store.records("a")]


def count_results(store: Path) -> int:
    """How many results a store holds that a process may be writing."""
    if not (store / "index.sqlite").exists():
        return 0
    database = sqlite3.connect(store / "index.sqlite", timeout=60)
    try:
        return int(database.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:  # killed before it had tables
        return 0
    finally:
        database.close()
