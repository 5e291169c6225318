from __future__ import annotations

from tests.app.gradio_process import answer

_PAGE = """
import gradio as gr
from preimage.app.network_page import NO_NETWORK, NetworkPage
choices = Choices(AppOptions())
"""


def test_without_a_network_the_page_says_what_to_install() -> None:
    found = answer(
        _PAGE + "choices.networks = ()\n"
        "with gr.Blocks() as app, gr.Tab('Layers') as tab:\n"
        "    page = NetworkPage(choices, Runs(1), tab)\n"
        "texts = [getattr(one, 'value', None) for one in app.blocks.values()]\n"
        "try:\n    next(page._start(None, 'chelsea', 'none', 4, 'draft', None))\n"
        "    said = list(page._start(None, 'chelsea', 'none', 4, 'draft', None))\n"
        "except gr.Error as error:\n    said = error.message\n"
        "found = [NO_NETWORK in texts, said, NO_NETWORK]"
    )
    assert found[0]
    assert found[1] == found[2]
    assert "preimage[demo]" in found[1]
