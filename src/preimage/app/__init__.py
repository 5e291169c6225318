"""The live app: pages of Gradio on which visitors run visualizations and watch them.

Only `build` and `serve` import Gradio (the extra `app`); all other parts work without it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import closing
from types import ModuleType
from typing import TYPE_CHECKING

from preimage.app.options import AppOptions
from preimage.extras import install_command

if TYPE_CHECKING:
    import gradio

    from preimage.app.runs import Runs

__all__ = ["AppOptions", "build", "serve"]


def build(options: AppOptions, runs: Runs) -> gradio.Blocks:
    """Return the app with all of its pages, which carry out runs in the workers of `runs`.

    Raises:
        ValueError: if Gradio is missing.
    """
    gr = _gradio()
    from preimage.app.choices import Choices
    from preimage.app.network_page import NetworkPage
    from preimage.app.sessions import keep_no_statistics
    from preimage.app.tour_page import TourPage
    from preimage.app.visualize_page import VisualizePage

    keep_no_statistics()
    choices = Choices(options)
    app: gradio.Blocks = gr.Blocks(title="preimage", analytics_enabled=False)
    with app:
        with gr.Tabs() as tabs:
            with gr.Tab("Visualize", id="visualize"):
                page = VisualizePage(choices, runs)
            with gr.Tab("Layers") as layers:
                network = NetworkPage(choices, runs, layers)
            with gr.Tab("Tour"):
                tour = TourPage(choices, runs)
        names = ("model", "layer", "excite", "classes", "channels")
        chosen = [page.fields[name] for name in names]
        network.table.select(
            page.show_layer, network.network, chosen, api_visibility="private"
        ).then(lambda: gr.Tabs(selected="visualize"), None, tabs, api_visibility="private")
        for leave in (page.leave, network.stop, tour.stop):
            app.unload(leave)
    app.queue(max_size=options.limits.waiting, default_concurrency_limit=10, api_open=False)
    return app


def serve(options: AppOptions, announce: Callable[[str], object]) -> None:
    """Serve the app until Ctrl-C, then end its workers.

    Args:
        options: the options of the app.
        announce: called with the address when the app answers.

    Raises:
        OSError: if the address or the port cannot be used.
        ValueError: if Gradio is missing.
    """
    _gradio()
    from preimage.app import server
    from preimage.app.folder import own_folder
    from preimage.app.runs import Runs
    from preimage.app.style import CSS, make_theme

    with own_folder() as folder, closing(Runs(options.workers)) as runs:
        runs.warm()
        app = build(options, runs)
        server.serve(app, options, folder, announce, theme=make_theme(), css=CSS)


def _gradio() -> ModuleType:
    """Import Gradio, which then reports nothing to its makers.

    Raises:
        ValueError: if it is missing.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # Gradio reads it when it is imported
    try:
        return importlib.import_module("gradio")
    except ImportError as error:
        raise ValueError(f"the app needs Gradio ({error}): {install_command('app')}") from None
