"""Table 4: what is measured, what is kept, and that a stopped run goes on."""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

import pytest
from PIL import Image
from tests.support import known, pixels_of

from preimage.catalog import representation
from preimage.images import ImageError
from preimage.optimizer import Progress
from preimage.paper import table4
from preimage.paper.table4 import Measurement, measure, published, summarize
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.visualizations import invert

SHORT = NNPREIMAGE.replace(iterations=4)
CHELSEA = shipped_photos()["chelsea"]


@pytest.fixture(autouse=True)
def _few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": SHORT})


def _records(store: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in store.glob("*.json")}


def test_the_published_figures_are_those_of_the_paper() -> None:
    figures = {(s.representation, s.method): (s.error_mean, s.error_std) for s in published()}
    assert figures == {
        ("hog", "HOGgle"): (60.1, 11.6),
        ("hog", "paper"): (36.6, 17.3),
        ("hogb", "paper"): (11.5, 4.8),
        ("dsift", "paper"): (9.4, 8.6),
    }


def test_a_measurement_is_what_invert_returns(tmp_path: Path) -> None:
    measurements = measure(CHELSEA, tmp_path, size=40, seed=3)
    assert [m.representation for m in measurements] == ["hog", "hogb", "dsift"]
    for m in measurements:
        result = invert(
            representation(m.representation), CHELSEA, size=40, seeds=[3], settings=SHORT
        )
        assert result.psnr is not None
        assert result.ssim is not None
        assert (m.photo, m.method) == ("chelsea.jpg", "algorithm-1")
        assert m.error == float(known(result.error))
        assert m.psnr == float(result.psnr)
        assert m.ssim == float(result.ssim)
        assert m.seconds > 0
        assert pixels_of(tmp_path / m.picture).shape == (30, 40)


def test_what_the_store_holds_is_not_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure(CHELSEA, tmp_path, size=40)
    records = _records(tmp_path)
    assert len(records) == 3
    monkeypatch.setattr(table4, "invert", None)
    assert measure(CHELSEA, tmp_path, size=40) == first
    assert _records(tmp_path) == records


@pytest.mark.parametrize("suffix", [".json", ".png"])
def test_only_what_was_deleted_is_computed_again(tmp_path: Path, suffix: str) -> None:
    first = measure(CHELSEA, tmp_path, size=40)
    records = _records(tmp_path)
    lost = Path(first[1].picture).with_suffix(suffix).name
    (tmp_path / lost).unlink()
    second = measure(CHELSEA, tmp_path, size=40)
    assert [m.error for m in second] == [m.error for m in first]
    assert (tmp_path / lost).exists()
    changed = {name for name, time in _records(tmp_path).items() if records.get(name) != time}
    assert changed == {Path(lost).with_suffix(".json").name}


def test_another_size_seed_or_method_is_another_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(CHELSEA, tmp_path, size=40)
    measure(CHELSEA, tmp_path, size=48)
    measure(CHELSEA, tmp_path, size=40, seed=1)
    monkeypatch.setattr(table4, "METHODS", {"algorithm-1": SHORT.replace(beta=1.5)})
    measure(CHELSEA, tmp_path, size=40)
    assert len(_records(tmp_path)) == 12


def test_a_copy_of_a_photo_is_not_computed_again_but_goes_by_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy.jpg"
    shutil.copy(CHELSEA, copy)
    first = measure(CHELSEA, tmp_path, size=40)
    monkeypatch.setattr(table4, "invert", None)
    second = measure(copy, tmp_path, size=40)
    assert {m.photo for m in second} == {"copy.jpg"}
    assert [m.error for m in second] == [m.error for m in first]


def test_an_interrupted_inversion_is_not_kept(tmp_path: Path) -> None:
    def report(progress: Progress) -> None:
        calls.append(progress.step)
        if len(calls) == 6:
            raise KeyboardInterrupt

    calls: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        measure(CHELSEA, tmp_path, size=40, progress=report)
    assert len(_records(tmp_path)) == 1
    assert not list(tmp_path.glob(".partial*"))


def test_a_photo_that_cannot_be_measured_is_refused_by_name(tmp_path: Path) -> None:
    Image.linear_gradient("L").resize((20, 20)).save(tmp_path / "small.png")
    Image.new("L", (40, 40), 9).save(tmp_path / "flat.png")
    (tmp_path / "text.png").write_text("no image")
    for name, message in (
        ("gone.png", "No such file"),
        ("text.png", "not an image"),
        ("flat.png", "target code is zero"),
        ("small.png", "dsift .* needs an image of at least"),
    ):
        with pytest.raises(ImageError, match=f"{name}: .*{message}"):
            measure(tmp_path / name, tmp_path)


def test_a_summary_is_mean_and_sample_deviation_in_percent() -> None:
    errors, numbers = [0.1, 0.2, 0.6], [1.0, 2.0, 6.0]
    measurements = [
        Measurement("p", "hog", "m", error, number, 10 * number, number / 10, "x.png")
        for error, number in zip(errors, numbers, strict=True)
    ]
    other = Measurement("p", "dsift", "m", 0.5, 1, 20, 0.3, "y.png")
    hog, dsift = summarize([*measurements, other])
    assert (hog.representation, hog.method, hog.photos) == ("hog", "m", 3)
    assert hog.error_mean == pytest.approx(30)
    assert hog.error_std == pytest.approx(statistics.stdev([10, 20, 60]))
    assert (hog.seconds, hog.psnr, hog.ssim) == pytest.approx((3, 30, 0.3))
    assert (dsift.error_mean, dsift.error_std, dsift.photos) == (50, 0, 1)
