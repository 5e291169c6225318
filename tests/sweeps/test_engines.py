"""Engines: the same images on each, bit for bit, and no result lost to a fault."""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Generator
from pathlib import Path

import pytest
import torch
from tests.study_files import images_of, make_trials, run_trials, save_photos

from preimage.studies.outcome import Failure, Outcome
from preimage.sweeps import engines
from preimage.sweeps.engines import BatchProgress, Results, in_process, process_pool
from preimage.sweeps.run import Stop, run
from preimage.sweeps.store import Store
from preimage.workers import process

HERE = functools.partial(in_process, threads=1, device="cpu")
POOL = functools.partial(process_pool, workers=2, threads=1, device="cpu")


def test_a_pool_gives_the_images_of_one_process_bit_for_bit(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    names = ["hog", "dsift", "efficientnet-lite0/blocks.1"]
    trials = make_trials(
        photos, representations=names, seeds=[0, 1], weights="random", size=(32, 40)
    )
    for name, engine in (("here", HERE), ("pool", POOL)):
        assert run_trials(tmp_path / name, trials, engine) == ["done"] * 12
    images = images_of(tmp_path / "here")
    assert len(images) == 12
    assert images_of(tmp_path / "pool") == images


def test_both_engines_film_each_run(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 2))
    found = []
    for name, engine in (("here", HERE), ("pool", POOL)):
        run_trials(tmp_path / name, trials, functools.partial(engine, film=True))
        with Store(tmp_path / name) as store:
            films = [record.film for record in store.lookup(trials)]
        found.append([film.read_bytes() for film in films if film is not None])
    assert len(found[0]) == 2
    assert found[0] == found[1]


def test_batches_of_hog_and_dsift_give_the_images_of_single_trials_bit_for_bit(
    tmp_path: Path,
) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    trials = make_trials(photos, representations=["hog", "dsift"])
    for name, batch in (("single", 1), ("batches", 2)):
        assert run_trials(tmp_path / name, trials, HERE, batch) == ["done"] * 6
    assert images_of(tmp_path / "batches") == images_of(tmp_path / "single")


def test_maximizations_and_caricatures_are_the_same_on_every_engine_and_in_batches(
    tmp_path: Path,
) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    layers = {"representations": ["efficientnet-lite0/stem.conv"], "weights": "random", "steps": 2}
    trials = make_trials(photos, visualization="maximize", channels="0-3", **layers)
    trials += make_trials(photos, visualization="caricature", size=(32, 40), **layers)
    for name, engine, batch in (("here", HERE, 1), ("pool", POOL, 1), ("batches", HERE, 3)):
        assert run_trials(tmp_path / name, trials, engine, batch) == ["done"] * 6
    images = images_of(tmp_path / "here")
    assert len(set(images.values())) == len(images) == 6
    assert images_of(tmp_path / "pool") == images
    assert images_of(tmp_path / "batches") == images


def test_the_number_of_threads_is_afterwards_what_it_was(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    trials = make_trials(save_photos(tmp_path / "photos", 1))
    run_trials(tmp_path / "store", trials, functools.partial(in_process, threads=2, device="cpu"))
    assert torch.get_num_threads() == before


def test_a_killed_worker_is_replaced_and_no_trial_lost(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 8))
    killed: list[int | None] = []

    def kill_one(_: Outcome | Failure) -> None:
        if len(killed) < 2:
            worker = multiprocessing.active_children()[0]
            worker.kill()
            worker.join()
            killed.append(worker.pid)

    with Store(tmp_path / "pool", create=True) as store:
        store.plan("a", trials)
        run(store, trials, POOL, report=kill_one, stop=Stop())
        assert [record.status for record in store.records("a")] == ["done"] * 8
    assert len(set(killed)) == 2
    assert multiprocessing.active_children() == []
    assert run_trials(tmp_path / "here", trials, HERE) == ["done"] * 8
    assert images_of(tmp_path / "pool") == images_of(tmp_path / "here")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a copied process cannot compute beside one")
@pytest.mark.parametrize("engine", [HERE, POOL], ids=["here", "pool"])
def test_the_progress_of_long_trials_is_reported(
    engine: functools.partial[Generator[Results, None, None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_SECONDS_BETWEEN_REPORTS", 0)
    monkeypatch.setattr(engines, "start_method", lambda threads: "fork")  # with the same module
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos, preset="nnpreimage", steps=20)
    reports: list[BatchProgress] = []
    watched = functools.partial(engine, report_progress=reports.append)
    assert run_trials(tmp_path / "store", trials, watched) == ["done", "done"]
    assert {report.key for report in reports} == {trial.key for trial in trials}
    steps = [report.step for report in reports if report.key == trials[0].key]
    assert steps == list(range(1, 21))
    assert all(report.steps == 20 and report.energy > 0 for report in reports)
