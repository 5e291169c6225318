"""Pictures of the page: which are chosen, and that they stay small."""

from __future__ import annotations

import base64
import dataclasses
import io
from pathlib import Path

from PIL import Image
from tests.reporting.audit_page.audits import audit, picture, store_audit

from preimage.audit.photos import keep_photos
from preimage.reporting.audit_page import strips
from preimage.reporting.audit_page.strips import choose_strips, list_rows, list_strips


def test_photos_that_stand_for_all_are_neither_the_best_nor_the_worst(tmp_path: Path) -> None:
    chosen = choose_strips(tmp_path, audit(tmp_path))
    assert [strip.title for strip in chosen] == [f"photo {n}.png" for n in (3, 9, 15, 21)]
    photo, made = chosen[0].shots
    assert (photo.label, photo.note, made.label, made.note) == (
        "photo", "", "inversion", "error 8.3 %",
    )  # fmt: skip


def test_many_photos_are_an_even_sample_of_small_pictures(tmp_path: Path) -> None:
    found = audit(tmp_path, count=4)
    layer = found.layers[0]
    pictures = [picture(0, 300)] * 4
    large = keep_photos(tmp_path, pictures, [(p.name, p.sha256) for p in layer.photos])
    repeat = 100
    attack = dataclasses.replace(
        layer.attacks[0], files=layer.attacks[0].files * repeat, errors=(0.1,) * 4 * repeat
    )
    many = dataclasses.replace(layer, photos=large * repeat, attacks=(attack,))
    shown = list_strips(tmp_path, dataclasses.replace(found, layers=(many,)))
    assert len(shown) == strips.MOST // 2
    data = base64.b64decode(shown[0].shots[0].address.partition(",")[2])
    assert Image.open(io.BytesIO(data)).size == shown[0].shots[0].size == (128, 128)
    assert len(shown[0].shots[0].address) * strips.MOST < 6e6  # noise is the worst case


def test_only_photos_of_all_layers_are_side_by_side(tmp_path: Path) -> None:
    found = audit(tmp_path, ("net/a", "net/b"), count=6)
    first, second = found.layers
    attack = dataclasses.replace(
        second.attacks[0],
        files=second.attacks[0].files[2:],
        errors=second.attacks[0].errors[2:],
    )
    second = dataclasses.replace(second, photos=second.photos[2:], attacks=(attack,))
    shown = list_strips(tmp_path, dataclasses.replace(found, layers=(first, second)))
    assert [strip.title for strip in shown] == [f"photo {n}.png" for n in range(2, 6)]
    assert [shot.label for shot in shown[0].shots] == ["photo", "a", "b"]
    assert [shot.note for shot in shown[0].shots] == ["", "error 7.2 %", "error 7.2 %"]


def test_rows_of_the_store_are_shown_with_their_numbers(tmp_path: Path) -> None:
    rows = list_rows(tmp_path, store_audit(tmp_path, count=4))
    assert [strip.title for strip in rows] == ["row 17, holidays/cat.jpg", "row 41"]
    assert rows[0].shots[0].note == "error 9.3 %"
    assert list_rows(tmp_path, audit(tmp_path, count=4)) == []
