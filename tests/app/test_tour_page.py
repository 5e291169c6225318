from __future__ import annotations

from tests.app.gradio_process import answer

_PAGE = """
import gradio as gr
from preimage.app.tour import MISSING
from preimage.app.tour_page import TourPage
choices = Choices(AppOptions())
def buttons(names):
    choices.networks = names
    with gr.Blocks() as app:
        TourPage(choices, Runs(1))
    shown = [one for one in app.blocks.values() if isinstance(one, gr.Button)]
    told = [one.value for one in app.blocks.values() if isinstance(one, gr.Markdown)]
    active = [one.value for one in shown if one.interactive and one.value.startswith("Show")]
    return active, MISSING in told
found = [buttons(()), buttons(("efficientnet-lite0",))]
"""


def test_without_its_network_the_tour_has_one_step_and_says_what_to_install() -> None:
    (alone, is_told), (all_steps, is_told_with_it) = answer(_PAGE)
    assert alone == ["Show step 1"]
    assert is_told
    assert all_steps == [f"Show step {number}" for number in range(1, 6)]
    assert not is_told_with_it
