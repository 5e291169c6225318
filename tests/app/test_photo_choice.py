from __future__ import annotations

from pathlib import Path

from tests.app.gradio_process import answer
from tests.app.test_task import photo

_PAGE = """
import gradio as gr
from preimage.app.photo_choice import PhotoChoice
choices = Choices(AppOptions())
with gr.Blocks():
    one, second = PhotoChoice(choices), PhotoChoice(choices, "Second photo", optional=True)
"""


def test_a_visitors_photo_goes_before_a_shipped_one_and_no_file_is_shown_as_a_photo(
    tmp_path: Path,
) -> None:
    own, wrong = tmp_path / "my photo.png", tmp_path / "wrong.png"
    own.write_bytes(photo().data)
    wrong.write_bytes(b"MZ")
    names, chosen, refused = answer(
        _PAGE + f"own, wrong = {str(own)!r}, {str(wrong)!r}\n"
        "names = [[p.name for p in found] for found in (one.open('coffee', None), "
        "one.open('coffee', own), second.open('none', None), second.open('none', own))]\n"
        "found = [names, one._choose_own(own, 'coffee')[2], one._choose_own(wrong, 'coffee')[2]]"
    )
    assert names[0] == ["coffee.jpg"]
    assert names[2] == []
    assert names[1] == names[3] != names[0]
    assert "data:image/webp" in chosen
    assert "wrong.png: not a photo" in refused
    assert "photo coffee" in refused
