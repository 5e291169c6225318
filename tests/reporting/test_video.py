"""Films: frames, sizes, and what cannot be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.support import full_disk

from preimage.reporting.video import check_video, write_video

COLORS = ("red", "green", "blue")


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
