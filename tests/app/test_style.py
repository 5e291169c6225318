from __future__ import annotations

from tests.app.gradio_process import answer


def test_the_theme_fetches_no_font() -> None:
    sheet, files = answer(
        "from preimage.app.style import CSS, make_theme\n"
        "theme = make_theme()\n"
        "found = [CSS + theme._get_theme_css(), list(map(str, theme._stylesheets))]"
    )
    assert "http" not in sheet.replace("http://www.w3.org/2000/svg", "")
    assert not any("http" in file for file in files)
