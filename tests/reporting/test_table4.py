"""Table 4 as CSV, Markdown and picture."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image
from tests.support import pixels_of

from preimage.paper.table4 import Measurement, Summary
from preimage.photo_files import shipped_photos
from preimage.reporting.table4 import HEADER, format_rows, write_table4

PHOTOS = list(shipped_photos().values())
PUBLISHED = Summary("hog", "paper", 36.6, 17.3)
OURS = Summary("hog", "algorithm-1", 42.71, 7.94, seconds=1.234, psnr=15.55, ssim=0.349, photos=9)


def _measurements(folder: Path, photos: list[Path]) -> list[Measurement]:
    made = []
    for photo in photos:
        picture = f"{photo.stem}.png"
        Image.new("L", (40, 30), 99).save(folder / picture)
        made.append(Measurement(photo.name, "hog", "algorithm-1", 0.427, 1, 15, 0.3, picture))
    return made


def test_the_rows_are_rounded_and_the_published_ones_marked() -> None:
    assert len(HEADER) == 6
    assert format_rows([PUBLISHED, OURS]) == [
        ("hog", "paper (published)", "36.6 ± 17.3", "", "", ""),
        ("hog", "algorithm-1", "42.7 ± 7.9", "1.23", "15.6", "0.35"),
    ]


def test_the_csv_holds_the_summaries_unrounded(tmp_path: Path) -> None:
    measurements = _measurements(tmp_path, PHOTOS[:1])
    paths = write_table4(tmp_path, [PUBLISHED, OURS], measurements, PHOTOS[:1])
    assert [path.name for path in paths] == ["table4.csv", "table4.md", "table4.png"]
    with paths[0].open(newline="") as file:
        published, ours = csv.DictReader(file)
    assert published == {
        "representation": "hog", "method": "paper", "error_mean": "36.6", "error_std": "17.3",
        "seconds": "", "psnr": "", "ssim": "", "photos": "",
    }  # fmt: skip
    assert (ours["error_mean"], ours["seconds"], ours["photos"]) == ("42.71", "1.234", "9")


def test_the_markdown_is_a_table(tmp_path: Path) -> None:
    measurements = _measurements(tmp_path, PHOTOS[:1])
    text = write_table4(tmp_path, [OURS], measurements, PHOTOS[:1])[1].read_text()
    assert text.splitlines() == [
        "| representation | method | error % | seconds | PSNR dB | SSIM |",
        "| --- | --- | --- | --- | --- | --- |",
        "| hog | algorithm-1 | 42.7 ± 7.9 | 1.23 | 15.6 | 0.35 |",
    ]


def test_the_picture_shows_at_most_four_photos(tmp_path: Path) -> None:
    heights = []
    for count in (1, 4, 6):
        photos = PHOTOS[:count]
        paths = write_table4(tmp_path, [OURS], _measurements(tmp_path, photos), photos)
        heights.append(len(pixels_of(paths[2])))
    assert heights[0] < heights[1] == heights[2]


def test_photos_that_were_not_measured_are_left_out_of_the_picture(tmp_path: Path) -> None:
    measurements = _measurements(tmp_path, PHOTOS[2:3])
    write_table4(tmp_path, [OURS], measurements, PHOTOS[2:3])
    expected = (tmp_path / "table4.png").read_bytes()
    write_table4(tmp_path, [OURS], measurements, [tmp_path / "gone.jpg", *PHOTOS[:3]])
    assert (tmp_path / "table4.png").read_bytes() == expected
