"""The page of a network: the table of its layers, and a photo's walk through them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import gradio as gr

from preimage.app.choices import Choices, NetworkFacts
from preimage.app.depth import MOST_LAYERS, Walk, as_values
from preimage.app.drawing import layers_table
from preimage.app.runs import Runs
from preimage.app.task import Photo
from preimage.presets import QUALITIES

NO_NETWORK = 'No network has its weights on this machine: pip install "preimage[demo]"'
"""The advice if there is nothing to choose from."""

_COUNTS = (4, 8, MOST_LAYERS)
"""The numbers of layers to choose from."""

_NONE = "none"
_QUESTION = "What is found of a photo if only the code of one layer is known?"


class NetworkPage:
    """The page, built inside the open tab `tab` of `gradio.Blocks`.

    Attributes:
        network: the network that is chosen.
        table: its layers; the event `select` brings the name of a layer.
    """

    def __init__(self, choices: Choices, runs: Runs, tab: gr.Tab) -> None:
        self._choices, self._runs = choices, runs
        self._walks: dict[str, Walk] = {}
        networks, photos = list(choices.networks), list(choices.photos)
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                first = networks[0] if networks else None
                self.network = gr.Dropdown(networks, value=first, label="Network")
                photo = gr.Radio(photos, value="chelsea", label="Photo")
                beside = gr.Dropdown([_NONE, *photos], value=_NONE, label="Second photo")
                count = gr.Radio(list(_COUNTS), value=8, label="Number of layers")
                method = gr.Radio(list(QUALITIES), value=QUALITIES[0], label="Quality")
                with gr.Row():
                    start = gr.Button("Go through the layers", variant="primary", min_width=200)
                    stop = gr.Button("Stop", min_width=80)
            with gr.Column(scale=2, min_width=320):
                status = gr.Markdown(_QUESTION if networks else NO_NETWORK)
                depth = gr.HTML(
                    value=[], html_template=static("depth.html"), js_on_load=static("depth.js"),
                    css_template=static("depth.css"), apply_default_css=False,
                )  # fmt: skip
        self.table = gr.HTML(
            js_on_load=static("layers.js"), css_template=static("layers.css"),
            apply_default_css=False,
        )  # fmt: skip
        gr.on(
            [tab.select, self.network.change], self._show_table, self.network, self.table,
            api_visibility="private",
        )  # fmt: skip
        start.click(
            self._start, [self.network, photo, beside, count, method], [status, depth],
            show_progress="hidden", concurrency_id="runs", concurrency_limit=runs.workers,
            api_visibility="private",
        )  # fmt: skip
        stop.click(self._stop, queue=False, api_visibility="private")

    def _facts(self, network: str | None) -> NetworkFacts:
        """Return the facts of a network; show a visitor why there are none."""
        if network is None:
            raise gr.Error(NO_NETWORK)
        try:
            return self._choices.facts(network)
        except ValueError as error:
            raise gr.Error(str(error)) from None

    def _show_table(self, network: str | None) -> str:
        return "" if network is None else layers_table(self._facts(network))

    def _start(
        self, network: str, photo: str, beside: str, count: int, method: str, request: gr.Request
    ) -> Iterator[tuple[Any, Any]]:
        yield f"Loading {network}", []
        names = [photo] if beside == _NONE else [photo, beside]
        photos = [self._photo(name) for name in names]
        walk = Walk(self._facts(network), photos, count, method)
        self._walks[str(request.session_hash)] = walk
        done = 0
        for words in walk.go(self._runs):
            is_longer, done = len(walk.places) > done, len(walk.places)
            yield words, as_values(walk.places) if is_longer else gr.skip()
        yield walk.summary, as_values(walk.places)

    def _photo(self, name: str) -> Photo:
        path = self._choices.photo(name)
        return Photo(path.name, path.read_bytes())

    def _stop(self, request: gr.Request) -> None:
        walk = self._walks.get(str(request.session_hash))
        if walk is not None:
            walk.stop()


def static(name: str) -> str:
    """Return a file of the pages as text."""
    return (files("preimage.app") / "static" / name).read_text()
