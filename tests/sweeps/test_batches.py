"""Batches: which trials go together, and photos that cannot be read."""

from __future__ import annotations

from pathlib import Path

from tests.cli.runner import save_photo
from tests.study_files import make_trials, save_photos

from preimage.sweeps.batches import group, read_photos


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
