"""Photos of known contents: which are chosen, and their codes as a store would hold them."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from tests.cli.runner import save_photo

from preimage.audit.recognition import Recognition
from preimage.audit.truth import choose_photos, encode_photos, size_of_images
from preimage.representations.hog import HOG
from preimage.representations.transformed import Transformed


def test_copies_count_once_and_too_many_are_drawn_with_the_seed(tmp_path: Path) -> None:
    for seed in range(6):
        save_photo(tmp_path / f"{seed}.png", seed)
    shutil.copy(tmp_path / "0.png", tmp_path / "9.png")
    names = [path.name for path in choose_photos([tmp_path], 24)]
    assert names == [f"{n}.png" for n in range(6)]
    drawn = [[path.name for path in choose_photos([tmp_path], 3, seed)] for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] == sorted(drawn[0])
    assert drawn[0] != drawn[2]


def test_codes_go_through_the_steps_and_the_number_type_of_the_store(tmp_path: Path) -> None:
    photo = save_photo(tmp_path / "a.png")
    phi = Transformed.parse(HOG(), "int8:0.01")
    found = Recognition(phi, "int8", phi.transformations, "", 1.0, True, ())
    truth = encode_photos([photo], found, (32, 32))
    code = truth.cases[0].code / 0.01
    assert torch.allclose(code, code.round(), atol=1e-3)
    assert (truth.cases[0].name, truth.cases[0].source) == ("photo-1", "a.png")
    assert truth.pictures[0].size == (32, 32)
    assert truth.pictures[0].mode == "RGB"


def test_half_precision_rounds_codes_in_the_units_of_the_store(tmp_path: Path) -> None:
    found = Recognition(HOG(), "float16", (), "", 512.0, True, ())
    plain = Recognition(HOG(), "float32", (), "", 512.0, True, ())
    photo = save_photo(tmp_path / "a.png")
    (half,), (full,) = (encode_photos([photo], one, (32, 32)).cases for one in (found, plain))
    assert torch.equal(half.code, (full.code * 512).half().float() / 512)
    assert not torch.equal(half.code, full.code)


def test_photos_have_the_size_that_stored_codes_tell() -> None:
    assert size_of_images(HOG(), (27, 4, 5)) == HOG().image_size((27, 4, 5))
