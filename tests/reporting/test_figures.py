"""Figures as files: every panel with its picture, and the map of the differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from tests.study_files import make_outcome, make_trials
from tests.support import pixels_of

from preimage.paper.figures import Panel
from preimage.photo_files import shipped_photos
from preimage.reporting.figures import spread, write_figure
from preimage.studies.loader import Loader
from preimage.studies.outcome import Failure
from preimage.sweeps.store import Store

CHELSEA = shipped_photos()["chelsea"]


def test_a_figure_holds_photo_results_differences_and_failures(tmp_path: Path) -> None:
    trials = make_trials(CHELSEA, seeds=[0, 1, 2])
    with Store(tmp_path, create=True) as store:
        store.plan("a", trials)
        store.put(make_outcome(trials[0], 200))
        store.put(make_outcome(trials[1], 100))
        store.put(Failure(trials[2].key, "why"))
        records = {record.trial.key: record for record in store.records("a")}
    rows = [
        [Panel("photo", (trials[0],), is_photo=True), Panel("first", (trials[0],))],
        [Panel("both", tuple(trials[:2])), Panel("none", (trials[2],))],
    ]
    paths = write_figure(tmp_path / "figure", rows, records, Loader())
    assert [path.name for path in paths] == ["figure.pdf", "figure.png"]
    assert b"%PDF" in paths[0].read_bytes()[:8]
    pixels = pixels_of(paths[1])[..., :3]
    half, middle = pixels.shape[0] // 2, pixels.shape[1] // 2
    assert (pixels[:half, middle:] == 200).all(-1).mean() > 0.2
    photo, failed = pixels[:half, :middle], pixels[half:, middle:]
    assert len(np.unique(photo.reshape(-1, 3), axis=0)) > 100
    assert (failed == 255).all(-1).mean() > 0.9
    alone = [tmp_path / f"figure.1.{column}.png" for column in (1, 2)]
    assert sorted(tmp_path.glob("figure.*.*.png")) == alone
    picture = records[trials[0].key].picture
    assert picture is not None
    np.testing.assert_array_equal(pixels_of(alone[1]), pixels_of(picture))


def test_an_inversion_has_its_error_and_the_c_that_its_label_lacks_below_the_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = list[str]()
    set_title = Axes.set_title

    def keep(axes: Axes, label: str, **options: Any) -> Any:
        titles.append(label)
        return set_title(axes, label, **options)

    monkeypatch.setattr(Axes, "set_title", keep)
    (trial,) = make_trials(CHELSEA)
    with Store(tmp_path, create=True) as store:
        store.plan("a", [trial])
        store.put(make_outcome(trial, 200))
        records = {record.trial.key: record for record in store.records("a")}
    measures = records[trial.key].measures
    assert measures is not None
    assert measures.error is not None
    panels = [
        Panel("photo", (trial,), is_photo=True),
        Panel("conv1", (trial,)),
        Panel("C = 1, beta = 2", (trial,)),
    ]
    write_figure(tmp_path / "figure", [panels], records, Loader())
    error = f"{100 * measures.error:.1f} %"
    weight = trial.constants["loss_weight"]
    assert titles == ["photo", f"conv1\n{error}, C = {weight:g}", f"C = 1, beta = 2\n{error}"]


@pytest.mark.parametrize(("panels", "lines"), [(7, 1), (8, 2), (15, 3)])
def test_a_long_row_goes_on_in_the_next_line(panels: int, lines: int, tmp_path: Path) -> None:
    trials = make_trials(CHELSEA)
    photo = Panel("photo", (trials[0],), is_photo=True)
    with Store(tmp_path, create=True) as store:
        store.plan("a", trials)
        records = {record.trial.key: record for record in store.records("a")}
    path = write_figure(tmp_path / "figure", [[photo] * panels], records, Loader())[1]
    height, width = pixels_of(path).shape[:2]
    columns = -(-panels // lines)
    assert height / width == pytest.approx(1.95 * lines / (1.6 * columns), rel=0.02)


def test_the_spread_is_the_sample_deviation_of_each_pixel() -> None:
    images = [np.random.default_rng(seed).normal(size=(3, 4, 5)) for seed in range(4)]
    mean = sum(images) / 4
    expected = np.sqrt(sum((image - mean) ** 2 for image in images) / 3).mean(0)
    assert spread(images) == pytest.approx(expected)
