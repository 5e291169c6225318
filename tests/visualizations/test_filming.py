"""Films of a run: the number of their frames, and a limit of their bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from preimage.presets import CLASSICAL_QUALITIES, NNPREIMAGE
from preimage.representations.hog import HOG
from preimage.visualizations.filming import HOLD, encode_film, frame_interval


def test_a_film_has_about_fifty_frames() -> None:
    assert frame_interval(NNPREIMAGE.replace(jitter=3), HOG()) == 7
    assert frame_interval(NNPREIMAGE, HOG()) == 6
    assert frame_interval(CLASSICAL_QUALITIES["best"], HOG()) == 4
    assert frame_interval(CLASSICAL_QUALITIES["draft"], HOG()) == 1


def test_an_encoded_film_shows_its_frames_in_order_and_holds_the_last() -> None:
    colors = ("red", "lime", "blue")
    film = encode_film([Image.new("RGB", (40, 30), color) for color in colors])
    with Image.open(io.BytesIO(film)) as opened:
        assert (opened.format, opened.size) == ("WEBP", (40, 30))
        frames, durations = [], []
        for n in range(getattr(opened, "n_frames", 0)):
            opened.seek(n)
            frames.append(np.asarray(opened.convert("RGB"))[15, 20].argmax())
            durations.append(opened.info["duration"])
    assert frames == [0, 1, 2]
    assert durations == [83, 83, 83 * (1 + HOLD)]


def test_large_pictures_are_reduced() -> None:
    film = encode_film([Image.new("L", (640, 480), gray) for gray in (0, 255)])
    with Image.open(io.BytesIO(film)) as opened:
        assert opened.size == (320, 240)


@pytest.mark.parametrize("most", [30_000, 3_000])
def test_a_film_of_noise_stays_below_the_limit(most: int) -> None:
    noise = np.random.default_rng(0)
    frames = [Image.fromarray(noise.integers(0, 256, (96, 96, 3), np.uint8)) for _ in range(6)]
    assert len(encode_film(frames)) > most
    assert 0 < len(encode_film(frames, most)) <= most
