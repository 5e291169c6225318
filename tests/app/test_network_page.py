from __future__ import annotations

from tests.app.gradio_process import answer

_PAGE = """
import gradio as gr
from preimage.app.network_page import NetworkPage
from preimage.app.words import NO_NETWORK
choices = Choices(AppOptions())
"""


def test_without_a_network_the_page_says_what_to_install() -> None:
    is_told, said, advice = answer(
        _PAGE + "choices.networks = ()\n"
        "with gr.Blocks() as app, gr.Tab('Layers') as tab:\n"
        "    page = NetworkPage(choices, Runs(1), tab)\n"
        "shown = [str(one.value) for one in app.blocks.values() if isinstance(one, gr.HTML)]\n"
        "try:\n    next(page._start(None, 4, 'draft', 'chelsea', None, 'none', None, None))\n"
        "except gr.Error as error:\n    said = error.message\n"
        "found = [any('extra demo' in text for text in shown), said, NO_NETWORK]"
    )
    assert is_told
    assert said == advice
    assert "extra demo" in advice
