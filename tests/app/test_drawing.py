from __future__ import annotations

import re

from tests.app.test_task import photo

from preimage.app import drawing
from preimage.app.choices import LayerFacts, NetworkFacts
from preimage.app.frames import Frame
from preimage.app.task import Task
from preimage.representations.code_grid import CodeGrid


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
    assert "Energy: 10 to 100 at first, 1 to 10 after step 2" in made


def test_energies_that_are_negative_or_not_finite_can_be_drawn() -> None:
    made = drawing.curve([[5.0], [float("nan")], [-5.0]], steps=3)
    assert len(re.findall(r'points="(.*?)"', made)[0].split()) == 2


def test_a_table_of_layers_has_a_button_for_each_and_escapes_names() -> None:
    code = CodeGrid((96, 54, 54), channels=96, grid=(54, 54))
    vector = CodeGrid((1000,), channels=1000, grid=(1, 1))
    layers = (
        LayerFacts("conv<1>", "Conv2d", 11, 4.0, code),
        LayerFacts("fc", "Linear", None, None, vector),
    )
    made = drawing.layers_table(NetworkFacts("a&b", layers, (), (224, 224)))
    cells = re.findall(r"<td>(.*?)</td>", made)
    assert cells == [
        "Conv2d", "96", "54 x 54", "11 x 11 pixels", "Linear", "1,000", "1", "the whole image",
    ]  # fmt: skip
    assert "Layers of a&amp;b" in made
    assert 'data-layer="conv&lt;1&gt;"' in made
    assert made.count("<button") == 2


def test_figures_of_a_run_name_what_they_show() -> None:
    task = Task(visualization="invert", representation="hog", photo=photo(), steps=2, seeds=(0, 1))
    result = task.carry_out(task.model(), lambda progress: None)
    shown = drawing.result_figures(task, result)
    assert len(shown) == 2
    assert "seed 1: error" in shown[1]
    assert 'alt="invert noise by hog, hog, seed 1: error' in shown[1]
    frame = Frame(1, 2, [[1.0, 2.0]], [b"a", b"b"])
    assert "<figcaption>seed 1</figcaption>" in drawing.frame_figures(task, frame)[1]
    assert "invert noise by hog" in drawing.kept_figures(task, result)[0]
    assert 'alt="photo noise"' in drawing.photo_figure(photo())


def test_messages_are_spoken_and_escaped() -> None:
    assert 'role="alert"' in drawing.message("<x>", is_error=True)
    assert "&lt;x&gt;" in drawing.message("<x>", is_error=True)
    assert 'role="status"' in drawing.message("done")
    assert '<progress value="2" max="5"' in drawing.progress("step", 2, 5)
