from __future__ import annotations

import re

from preimage.app import drawing


def test_a_figure_holds_its_picture_and_escapes_its_words() -> None:
    made = drawing.figure(b"abc", "webp", 'a "cat"', "<b>")
    assert 'src="data:image/webp;base64,YWJj"' in made
    assert 'alt="a &quot;cat&quot;"' in made
    assert "<figcaption>&lt;b&gt;</figcaption>" in made


def test_a_curve_has_a_line_for_each_result_that_falls() -> None:
    made = drawing.curve([[100.0, 10.0], [10.0, 1.0]], steps=3)
    lines = re.findall(r'points="(.*?)"', made)
    assert len(lines) == 2
    (x1, y1), (x2, y2) = [tuple(map(float, p.split(","))) for p in lines[0].split()]
    assert x2 > x1
    assert y2 > y1
    assert "energy after 2 of 3 steps: 10 to 100 fell to 1 to 10" in made


def test_energies_that_are_negative_or_not_finite_can_be_drawn() -> None:
    made = drawing.curve([[5.0], [float("nan")], [-5.0]], steps=3)
    assert len(re.findall(r'points="(.*?)"', made)[0].split()) == 2
