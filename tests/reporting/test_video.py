"""Films: frames, sizes, and what cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.support import full_disk
from tests.visualizations.networks import color_network

from preimage import grid
from preimage.photo_files import shipped_photos
from preimage.presets import NNPREIMAGE
from preimage.reporting import video
from preimage.reporting.video import check_video, draw_frames, write_video
from preimage.visualizations import PreImage, caricature, invert, maximize

COLORS = ("red", "green", "blue")
PHOTO = shipped_photos()["chelsea"]
FEATURES = color_network().layer("features")
SHORT: dict[str, Any] = {
    "size": (32, 32), "snapshot_every": 1,
    "settings": NNPREIMAGE.replace(iterations=3, final_iterations=1),
}  # fmt: skip


@pytest.mark.parametrize(
    ("visualize", "names", "success"),
    [
        (lambda: invert(FEATURES, PHOTO, seeds=(4, 7), **SHORT),
         ["features, seed 4", "features, seed 7"], "error"),
        (lambda: maximize(FEATURES, [3, 1], **SHORT), ["3", "1"], "response"),
        (lambda: caricature(FEATURES, PHOTO, strength=[1, 30], **SHORT),
         ["features, strength 1", "features, strength 30"], "response x"),
    ],
)  # fmt: skip
def test_only_the_end_of_a_film_has_the_numbers_of_the_end(
    visualize: Callable[[], PreImage],
    names: list[str],
    success: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels: list[list[str]] = []

    def draw_grid(rows: Sequence[Sequence[grid.Cell]]) -> Image.Image:
        labels.append([cell.label for row in rows for cell in row])
        return grid.draw_grid(rows)

    monkeypatch.setattr(video, "draw_grid", draw_grid)
    result = visualize()
    frames = draw_frames([result], columns=2)
    assert labels[:-1] == [[f"{name}, step {n}" for name in names] for n, _ in result.snapshots]
    assert len(labels) > 2
    for name, words in zip(names, labels[-1], strict=True):
        assert words.startswith(f"{name}: {success} ")
    assert len({frame.size for frame in frames}) == 1


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_film_holds_its_frames_in_order(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"film{suffix}"
    write_video(path, [Image.new("RGB", (65, 33), color) for color in COLORS])
    if suffix == ".gif":
        with Image.open(path) as film:
            frames = []
            for index in range(getattr(film, "n_frames", 0)):
                film.seek(index)
                frames.append(film.convert("RGB"))
    else:
        av = pytest.importorskip("av")
        with av.open(str(path)) as container:
            frames = [frame.to_image() for frame in container.decode(video=0)]
        assert frames[0].size == (64, 32)
    strongest = [int(np.asarray(frame)[20, 20].argmax()) for frame in frames]
    assert strongest[:3] == [0, 1, 2]
    assert set(strongest[3:]) <= {2}
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".gif", ".mp4"])
def test_a_full_disk_leaves_no_film_and_is_named(suffix: str, tmp_path: Path) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    path = tmp_path / f"film{suffix}"
    frames = [Image.effect_noise((99, 99), 99).convert("RGB") for _ in range(3)]
    with full_disk(), pytest.raises(OSError, match="File too large") as caught:
        write_video(path, frames)
    assert caught.value.filename == str(path)
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.gif or \.mp4, not film\.avi"):
        check_video(tmp_path / "film.avi")
