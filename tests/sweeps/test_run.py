"""Engines: the same images on each, bit for bit, and no result lost to a fault."""

from __future__ import annotations

import functools
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.cli.runner import save_photo
from tests.study_files import images_of, make_trials, save_photos

from preimage.studies.outcome import Failure, Outcome
from preimage.studies.trial import Trial
from preimage.sweeps.batches import Batch, group, read_photos
from preimage.sweeps.engines import Engine, News, Results, in_process, process_pool
from preimage.sweeps.retries import DEATHS
from preimage.sweeps.run import Stop, choose_engine, graceful_stop, run
from preimage.sweeps.store import Store

HERE = functools.partial(in_process, threads=1, device="cpu")
POOL = functools.partial(process_pool, workers=2, threads=1, device="cpu")


def _run(folder: Path, trials: list[Trial], engine: Engine, batch: int = 1) -> list[str]:
    with Store(folder, create=True) as store:
        store.plan("a", trials)
        run(store, trials, engine, batch=batch, report=lambda _: None, stop=Stop())
        return [record.status for record in store.records("a")]


def test_a_pool_gives_the_images_of_one_process_bit_for_bit(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    names = ["hog", "dsift", "efficientnet-lite0/blocks.1"]
    trials = make_trials(
        photos, representations=names, seeds=[0, 1], weights="random", size=(32, 40)
    )
    for name, engine in (("here", HERE), ("pool", POOL)):
        assert _run(tmp_path / name, trials, engine) == ["done"] * 12
    images = images_of(tmp_path / "here")
    assert len(images) == 12
    assert images_of(tmp_path / "pool") == images


def test_batches_of_hog_and_dsift_give_the_images_of_single_trials_bit_for_bit(
    tmp_path: Path,
) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    trials = make_trials(photos, representations=["hog", "dsift"])
    for name, batch in (("single", 1), ("batches", 2)):
        assert _run(tmp_path / name, trials, HERE, batch) == ["done"] * 6
    assert images_of(tmp_path / "batches") == images_of(tmp_path / "single")


def test_maximizations_and_caricatures_are_the_same_on_every_engine_and_in_batches(
    tmp_path: Path,
) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    layers = {"representations": ["efficientnet-lite0/stem.conv"], "weights": "random", "steps": 2}
    trials = make_trials(photos, visualization="maximize", channels="0-3", **layers)
    trials += make_trials(photos, visualization="caricature", size=(32, 40), **layers)
    for name, engine, batch in (("here", HERE, 1), ("pool", POOL, 1), ("batches", HERE, 3)):
        assert _run(tmp_path / name, trials, engine, batch) == ["done"] * 6
    images = images_of(tmp_path / "here")
    assert len(set(images.values())) == len(images) == 6
    assert images_of(tmp_path / "pool") == images
    assert images_of(tmp_path / "batches") == images


def test_a_trial_that_cannot_be_carried_out_fails_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    (photos / "00a.png").write_text("no image")
    save_photo(photos / "00b.png", 9, (3, 3))
    trials = make_trials(photos)
    for batch in (1, 4):
        folder = tmp_path / f"store{batch}"
        assert _run(folder, trials, HERE, batch) == ["done", "failed", "failed", "done"]
        with Store(folder) as store:
            reasons = [record.reason or "" for record in store.records("a")]
        assert reasons[1] == "not an image that Pillow can open"
        assert reasons[2].startswith("hog")
        assert "at least" in reasons[2]


def test_a_photo_that_is_gone_or_changed_fails_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    trials = make_trials(photos)
    (photos / "00.png").unlink()
    save_photo(photos / "01.png", 7)
    batch, failures = read_photos(trials)
    assert batch is not None
    assert batch.trials == (trials[2],)
    assert [failure.key for failure in failures] == [trials[0].key, trials[1].key]
    assert "No such file" in failures[0].reason
    assert "changed since the study began" in failures[1].reason


def test_trials_are_grouped_where_they_differ_in_the_photo_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 3)
    groups = list(group(make_trials(photos, seeds=[0, 1]), 2))
    assert [(len(alike), {t.seed for t in alike}) for alike in groups] == [
        (2, {0}), (1, {0}), (2, {1}), (1, {1}),
    ]  # fmt: skip


def test_components_of_a_layer_are_grouped_where_their_images_are_of_one_size(
    tmp_path: Path,
) -> None:
    trials = make_trials(
        save_photos(tmp_path / "photos", 1), visualization="maximize", size=32,
        representations=["hog"], channels="0-2", neurons=[(5, 0, 1), (6, 2, 2)],
    )  # fmt: skip
    components = [[str(trial.component) for trial in alike] for alike in group(trials, 9)]
    assert components == [["0", "1", "2"], ["5:0,1", "6:2,2"]]


def test_a_second_run_does_nothing_and_failed_trials_are_tried_on_demand(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos)
    hidden = tmp_path / "hidden.png"
    (photos / "00.png").rename(hidden)
    reported: list[Outcome | Failure] = []
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        for retry, expected in ((False, 2), (False, 0), (True, 1)):
            reported.clear()
            run(store, trials, HERE, retry=retry, report=reported.append, stop=Stop())
            assert len(reported) == expected
            if not retry and hidden.exists():
                hidden.rename(photos / "00.png")
        assert [record.status for record in store.records("a")] == ["done", "done"]


def test_the_number_of_threads_is_afterwards_what_it_was(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    trials = make_trials(save_photos(tmp_path / "photos", 1))
    _run(tmp_path / "store", trials, functools.partial(in_process, threads=2, device="cpu"))
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
    assert _run(tmp_path / "here", trials, HERE) == ["done"] * 8
    assert images_of(tmp_path / "pool") == images_of(tmp_path / "here")


def test_a_trial_that_kills_its_workers_fails_and_the_others_are_done(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    deadly = "import:tests.sweeps.deadly.network/0"
    trials = make_trials(photos, representations=["hog"])
    trials.append(trials[0].model_copy(update={"representation": deadly}))
    assert _run(tmp_path / "store", trials, POOL, batch=1) == ["done", "done", "failed"]
    with Store(tmp_path / "store") as store:
        reason = store.records("a")[2].reason
    assert reason == f"its worker process died {DEATHS} times (exit status 3)"


def test_one_ctrl_c_finishes_what_was_begun_and_two_stop_at_once() -> None:
    announced = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
    try:
        with graceful_stop(lambda: announced.append(1)) as stop:
            signal.raise_signal(signal.SIGINT)
            assert (stop.asked, announced) == (True, [1])
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_after_a_stop_nothing_new_is_begun(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 6))
    for name, engine, most in (("here", HERE, 1), ("pool", POOL, 2)):
        stop = Stop()

        def ask(_: Outcome | Failure, stop: Stop = stop) -> None:
            stop.asked = True

        with Store(tmp_path / name, create=True) as store:
            store.plan("a", trials)
            run(store, trials, engine, report=ask, stop=stop)
            done = [record for record in store.records("a") if record.status == "done"]
            assert 1 <= len(done) <= most


def test_two_runs_at_once_on_one_store_share_the_trials(tmp_path: Path) -> None:
    trials = make_trials(save_photos(tmp_path / "photos", 12))
    counts: list[int] = []

    def work() -> None:
        done: list[Outcome | Failure] = []
        with Store(tmp_path / "store", create=True) as store:
            run(store, trials, _slowly, report=done.append, stop=Stop())
        counts.append(len(done))

    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(counts) == 12
    assert min(counts) > 0
    with Store(tmp_path / "store") as store:
        assert [record.status for record in store.records("a")] == ["done"] * 12


def _slowly(batches: Iterator[Batch]) -> Iterator[Results]:
    for results in in_process(batches, threads=1, device="cpu"):
        time.sleep(0.05)
        yield results


def test_one_worker_is_this_process_and_several_are_a_pool() -> None:
    for workers, function in ((1, in_process), (2, process_pool)):
        engine = choose_engine(workers, 1, "cpu", lambda _: None)
        assert engine.func is function  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", [HERE, POOL], ids=["here", "pool"])
def test_long_trials_tell_how_far_they_are(
    engine: functools.partial[Iterator[Results]], tmp_path: Path
) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    trials = make_trials(photos, preset="nnpreimage", steps=2000)
    news: list[News] = []
    assert _run(tmp_path / "store", trials, functools.partial(engine, watch=news.append)) == [
        "done", "done",
    ]  # fmt: skip
    assert {told.key for told in news} == {trial.key for trial in trials}
    steps = [told.step for told in news if told.key == trials[0].key]
    assert 0 < min(steps) <= max(steps) <= 2000
    assert steps == sorted(set(steps))
    assert all(told.steps == 2000 and told.energy > 0 for told in news)
