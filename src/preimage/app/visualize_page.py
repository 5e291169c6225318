"""The page on which visitors choose what to see, and watch the picture grow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from preimage.app import drawing
from preimage.app.choices import CLASSICAL, Choices
from preimage.app.frames import Frame
from preimage.app.runs import Run, Runs, Stage
from preimage.app.task import Photo, Task
from preimage.notebooks import encode
from preimage.visualizations.showing import label


def visualize_page(choices: Choices, runs: Runs) -> None:
    """Build the page inside the open `gradio.Blocks`."""
    _Page(choices, runs)


class _Page:
    def __init__(self, choices: Choices, runs: Runs) -> None:
        self._choices, self._runs = choices, runs
        self._running: dict[str, Run] = {}
        with gr.Row():
            with gr.Column(scale=1):
                self._model = gr.Dropdown(
                    choices.representations(), value="hog", label="Representation"
                )
                self._layer = gr.Dropdown([], label="Layer", visible=False)
                self._photo = gr.Radio(list(choices.photos), value="chelsea", label="Photo")
                with gr.Row():
                    start = gr.Button("Start", variant="primary")
                    stop = gr.Button("Stop")
            with gr.Column(scale=2):
                self._status = gr.Markdown("Press Start.")
                self._pictures = gr.HTML()
                self._curve = gr.HTML()
        self._model.change(self._choose_model, self._model, self._layer, api_visibility="private")
        start.click(
            self._start,
            [self._model, self._layer, self._photo],
            [self._status, self._pictures, self._curve],
            show_progress="minimal",
            concurrency_id="runs",
            concurrency_limit=runs.workers,
            api_visibility="private",
        )
        stop.click(self._stop, queue=False, api_visibility="private")

    def _choose_model(self, model: str) -> Any:
        if model in CLASSICAL:
            return gr.Dropdown([], visible=False)
        facts = self._choices.facts(model)
        layers = [(layer.words, layer.name) for layer in facts.layers]
        return gr.Dropdown(layers, value=facts.middle, visible=True)

    def _start(
        self, model: str, layer: str | None, photo: str, request: gr.Request
    ) -> Iterator[tuple[Any, ...]]:
        path = self._choices.photo(photo)
        task = Task(
            visualization="invert",
            representation=self._choices.representation(model, layer),
            photo=Photo(path.name, path.read_bytes()),
            size=320 if model in CLASSICAL else None,
        )
        task.check(self._choices.limits)
        session = str(request.session_hash)
        run = self._running[session] = self._runs.begin(task)
        for event in run.events():
            match event:
                case Stage(words):
                    yield words, gr.skip(), gr.skip()
                case Frame() as frame:
                    yield f"Step {frame.step} of {frame.steps}", *_draw(frame)
                case None:
                    yield gr.skip(), gr.skip(), gr.skip()
        if run.result is None:
            raise gr.Error(run.error or "no result")
        result = run.result
        figures = [
            drawing.figure(encode(result.to_pil(n)), "png", label(result, n), label(result, n))
            for n in range(len(result))
        ]
        words = "Stopped" if result.interrupted else "Done"
        yield words, drawing.pictures(figures), gr.skip()

    def _stop(self, request: gr.Request) -> None:
        run = self._running.get(str(request.session_hash))
        if run is not None:
            run.stop()


def _draw(frame: Frame) -> tuple[str, str]:
    words = f"step {frame.step} of {frame.steps}"
    figures = [drawing.figure(picture, "webp", words, words) for picture in frame.pictures]
    return drawing.pictures(figures), drawing.curve(frame.energies, frame.steps)
