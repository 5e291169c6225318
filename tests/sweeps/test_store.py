"""The store: what counts as a result, who may work on what, and what it refuses."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.study_files import MEASURES, make_outcome, make_trials, save_photos
from tests.support import full_disk

from preimage.files import explain
from preimage.studies.outcome import Failure
from preimage.studies.trial import Trial
from preimage.sweeps.index import StoreError
from preimage.sweeps.store import Store


@pytest.fixture
def trials(tmp_path: Path) -> list[Trial]:
    return make_trials(save_photos(tmp_path / "photos", 3))


def test_a_store_knows_what_is_done_what_failed_and_what_is_missing(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[2]))
        store.put(Failure(trials[0].key, "too small"))
    with Store(tmp_path / "store") as store:
        assert store.studies() == ["a"]
        failed, missing, done = store.records("a")
    assert [record.trial for record in (failed, missing, done)] == trials
    assert (failed.status, failed.reason) == ("failed", "too small")
    assert (missing.status, missing.measures) == ("missing", None)
    assert (done.status, done.measures) == ("done", MEASURES)
    assert done.image is not None
    assert done.picture is not None
    assert np.array_equal(np.load(done.image), make_outcome(trials[2]).image)
    with Image.open(done.picture) as picture:
        assert picture.size == (5, 4)


def test_a_film_is_kept_beside_the_picture(tmp_path: Path, trials: list[Trial]) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.put(dataclasses.replace(make_outcome(trials[0]), film=b"film"))
        store.put(make_outcome(trials[1]))
        filmed, plain = store.lookup(trials[:2])
    assert filmed.film is not None
    assert filmed.film.read_bytes() == b"film"
    assert plain.film is None


def test_a_changed_study_forgets_no_result(tmp_path: Path, trials: list[Trial]) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
        store.plan("a", trials[1:])
        store.plan("b", trials[:1])
        assert [r.status for r in store.records("a")] == ["missing", "missing"]
        assert [r.status for r in store.records("b")] == ["done"]


def test_what_is_done_or_claimed_is_claimed_by_nobody_else(
    tmp_path: Path, trials: list[Trial]
) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as one, Store(folder, create=True) as other:
        one.put(make_outcome(trials[0]))
        assert one.claim(trials[:2]) == [trials[1]]
        assert other.claim(trials) == [trials[2]]
        one.put(make_outcome(trials[1]))
        other.put(Failure(trials[2].key, "why"))
        assert one.claim(trials) == []
        assert one.claim(trials, retry=True) == [trials[2]]


def test_the_claims_of_a_closed_store_are_free(tmp_path: Path, trials: list[Trial]) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as one:
        one.claim(trials)
    with Store(folder, create=True) as other:
        assert other.claim(trials) == trials
    assert list((folder / "runs").iterdir()) == []


def test_the_claims_of_a_killed_process_are_free(tmp_path: Path, trials: list[Trial]) -> None:
    folder = tmp_path / "store"
    code = (
        "import os, sys; from pathlib import Path; from preimage.sweeps.store import Store; "
        "from preimage.studies.trial import Trial; "
        "store = Store(Path(sys.argv[1]), create=True); "
        "claimed = store.claim([Trial.model_validate_json(t) for t in sys.argv[2:]]); "
        "print(len(claimed), flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(folder), *(t.model_dump_json() for t in trials)]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (killed.returncode, killed.stdout) == (-9, "3\n")
    with Store(folder, create=True) as store:
        assert store.claim(trials) == trials


@pytest.mark.parametrize("is_alone", [True, False])
def test_a_run_removes_what_killed_runs_left_but_no_file_that_another_run_may_be_writing(
    is_alone: bool, tmp_path: Path, trials: list[Trial]
) -> None:
    folder = tmp_path / "store"
    with Store(folder, create=True) as other, Store(folder, create=True) as store:
        if not is_alone:
            other.claim(trials[:1])
        old, young = (folder / "results/ab" / f".partial-{n}.png" for n in (1, 2))
        old.parent.mkdir()
        lock = folder / "runs/dead.lock"
        for path in (old, young, lock):
            path.touch()
        os.utime(old, (0, 0))
        assert store.claim(trials[1:2]) == [trials[1]]
        assert [path.exists() for path in (old, young, lock)] == [False, not is_alone, False]
        assert len(list((folder / "runs").iterdir())) == (1 if is_alone else 2)


def test_a_full_disk_leaves_neither_file_nor_row(
    tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        with monkeypatch.context() as patched:
            patched.setattr(np, "save", fail)
            with pytest.raises(OSError, match="No space left"):
                store.put(make_outcome(trials[0]))
        assert store.records("a")[0].status == "missing"
        assert not list((tmp_path / "store").rglob(".partial*"))
        store.put(make_outcome(trials[0]))
        assert store.records("a")[0].status == "done"


def test_a_result_that_was_committed_when_the_run_was_interrupted_is_kept(
    tmp_path: Path, trials: list[Trial], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        transaction = store._index.transaction

        @contextlib.contextmanager
        def interrupted() -> Iterator[None]:
            with transaction():
                yield
            raise KeyboardInterrupt  # the signal arrived while the disk was waited for

        with monkeypatch.context() as patched:
            patched.setattr(store._index, "transaction", interrupted)
            with pytest.raises(KeyboardInterrupt):
                store.put(make_outcome(trials[0]))
        assert store.records("a")[0].status == "done"


def test_a_disk_that_fills_up_leaves_neither_file_nor_row_and_names_the_file(
    tmp_path: Path, trials: list[Trial]
) -> None:
    image = np.zeros((1, 99, 99), np.float32)
    large = dataclasses.replace(make_outcome(trials[0]), image=image)
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        with full_disk(), pytest.raises(OSError, match="File too large") as caught:
            store.put(large)
        assert explain(caught.value).endswith(f"{trials[0].key}.npy: File too large")
        assert not [path for path in (tmp_path / "store/results").rglob("*") if path.is_file()]
        assert store.records("a")[0].status == "missing"
        store.put(large)
        assert store.records("a")[0].status == "done"


def test_a_disk_that_is_full_for_the_index_costs_no_result(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
        pages = store._index.select("PRAGMA page_count")[0][0]
        store._index.select(f"PRAGMA max_page_count = {pages}")
        many = [t.model_copy(update={"seed": seed}) for t in trials for seed in range(99)]
        large = dataclasses.replace(make_outcome(trials[1]), versions={"cpu": "x" * 10**5})
        with pytest.raises(StoreError, match="database or disk is full"):
            store.put(large)
        assert not list((tmp_path / "store" / "results").rglob(f"{trials[1].key}*"))
        with pytest.raises(StoreError, match=r"index.sqlite: database or disk is full \(\d+ bytes"):
            store.plan("a", many)
    with Store(tmp_path / "store", create=True) as store:
        assert [record.trial for record in store.records("a")] == trials
        assert store.claim(trials) == trials[1:]


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_a_result_whose_file_is_gone_is_missing_and_made_again(
    suffix: str, tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        for trial in trials:
            store.put(make_outcome(trial))
        gone, empty = (next((tmp_path / "store").rglob(t.key + suffix)) for t in trials[:2])
        gone.unlink()
        empty.write_bytes(b"")
        records = store.records("a")
        assert [record.status for record in records] == ["missing", "missing", "done"]
        assert (records[0].measures, records[0].picture) == (None, None)
        assert store.claim(trials) == trials[:2]
        store.put(make_outcome(trials[0]))
        assert gone.exists()
        assert [record.status for record in store.records("a")] == ["done", "missing", "done"]


def test_a_trial_that_cannot_be_read_is_left_out_and_named(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.plan("b", trials[:1])
        text = trials[1].model_dump_json().replace('"alpha":6.0', '"alpha":null')
        store._index.change("UPDATE trials SET trial = ? WHERE key = ?", [(text, trials[1].key)])
        store._index.change("DELETE FROM trials WHERE key = ?", [(trials[2].key,)])
        message = rf"2 of 3 trials of the study a .* \({trials[1].key}: settings.alpha must be "
        with pytest.warns(UserWarning, match=message + r"a number, not None\); run the study"):
            assert [record.trial for record in store.records("a")] == trials[:1]
        assert [record.trial for record in store.records("b")] == trials[:1]
        store.plan("a", trials)
        assert [record.trial for record in store.records("a")] == trials


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("max_pixel_norm", float("inf"), "settings.max_pixel_norm must be a number, not None"),
    ("loss_weight", float("nan"), "settings.loss_weight must be a number, not None"),
    ("jitter", 1.5, "settings.jitter must be an integer, not 1.5"),
])  # fmt: skip
def test_a_trial_that_could_not_be_read_again_is_not_planned(
    name: str, value: float, expected: str, tmp_path: Path, trials: list[Trial]
) -> None:
    settings = trials[0].settings
    assert settings is not None
    bad = copy.copy(settings)
    object.__setattr__(bad, name, value)
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        with pytest.raises(ValueError, match=rf"a: hog, 00.png, .*: {expected}"):
            store.plan("a", [*trials, trials[0].model_copy(update={"settings": bad})])
        assert [record.trial for record in store.records("a")] == trials


def test_a_result_with_numbers_that_cannot_be_read_is_missing(
    tmp_path: Path, trials: list[Trial]
) -> None:
    with Store(tmp_path / "store", create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
        for numbers in ("{", "[]", '{"minutes": 3}'):
            store._index.change("UPDATE results SET measures = ?", [(numbers,)])
            assert [record.status for record in store.records("a")] == ["missing"] * 3
            assert store.claim(trials[:1]) == trials[:1]
            store._index.change("DELETE FROM claims", [()])


def test_a_store_can_be_moved_and_have_any_name(tmp_path: Path, trials: list[Trial]) -> None:
    first, second = tmp_path / "a store?", tmp_path / "Lager #1 %20, größer"
    with Store(first, create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0]))
    first.rename(second)
    with Store(second, create=True) as store:
        records = store.records("a")
        assert [record.status for record in records] == ["done", "missing", "missing"]
        assert records[0].picture is not None
        assert records[0].picture.is_relative_to(second)
        assert records[0].picture.exists()
    assert not first.exists()
