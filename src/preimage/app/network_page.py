"""The page of a network: the table of its layers, and a photo's walk through them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import gradio as gr

from preimage.app import drawing, words
from preimage.app.choices import Choices, NetworkFacts
from preimage.app.depth import MOST_LAYERS, Walk, as_values
from preimage.app.photo_choice import PhotoChoice
from preimage.app.runs import Runs
from preimage.presets import QUALITIES

_COUNTS = (4, 8, MOST_LAYERS)
"""The numbers of layers to choose from."""

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
        networks = list(choices.networks)
        with gr.Row():
            with gr.Column(scale=1, min_width=260):
                first = networks[0] if networks else None
                self.network = gr.Dropdown(networks, value=first, label="Network")
                self._photo = PhotoChoice(choices)
                with gr.Accordion("A second photo beside it", open=False):
                    self._second = PhotoChoice(choices, "Second photo", optional=True)
                count = gr.Radio(list(_COUNTS), value=8, label="Number of layers")
                method = gr.Radio(list(QUALITIES), value=QUALITIES[0], label="Quality")
            with gr.Column(scale=2, min_width=320):
                with gr.Row():
                    start = gr.Button("Go through the layers", variant="primary", min_width=240)
                    stop = gr.Button("Stop", min_width=100)
                status = gr.HTML(drawing.message(_QUESTION if networks else words.NO_NETWORK))
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
            self._start,
            [self.network, count, method, *self._photo.inputs, *self._second.inputs],
            [status, depth],
            show_progress="hidden", concurrency_id="runs", concurrency_limit=runs.workers,
            api_visibility="private",
        )  # fmt: skip
        stop.click(self.stop, queue=False, api_visibility="private")

    def _facts(self, network: str | None) -> NetworkFacts:
        """Return the facts of a network; show a visitor why there are none."""
        if network is None:
            raise gr.Error(words.NO_NETWORK)
        try:
            return self._choices.facts(network)
        except ValueError as error:
            raise gr.Error(str(error)) from None

    def _show_table(self, network: str | None) -> str:
        return "" if network is None else drawing.layers_table(self._facts(network))

    def _start(
        self, network: str | None, count: int, method: str, shipped: str | None, own: str | None,
        second_shipped: str | None, second_own: str | None, request: gr.Request,
    ) -> Iterator[tuple[Any, Any]]:  # fmt: skip
        """Go through the layers, and send the places of the slider as they are done."""
        facts = self._facts(network)
        try:
            photos = self._photo.open(shipped, own) + self._second.open(second_shipped, second_own)
        except ValueError as error:
            raise gr.Error(str(error)) from None
        visitor, walk, done = str(request.session_hash), Walk(facts, photos, count, method), -1
        self._walks[visitor] = walk
        try:
            for moment in walk.go(self._runs):
                is_longer, done = len(walk.places) > done, len(walk.places)
                places = as_values(walk.places) if is_longer else gr.skip()
                yield drawing.progress(*moment), places
        finally:
            self._walks.pop(visitor, None)
        yield drawing.message(walk.summary), as_values(walk.places)

    def stop(self, request: gr.Request) -> None:
        """Stop the walk of a visitor, who wants no more of it or has closed the page."""
        walk = self._walks.get(str(request.session_hash))
        if walk is not None:
            walk.stop()


def static(name: str) -> str:
    """Return a file of the pages as text."""
    return (files("preimage.app") / "static" / name).read_text(encoding="utf-8")
