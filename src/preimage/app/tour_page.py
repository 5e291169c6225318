"""The page of the tour: five steps, each with a button, pictures and a question."""

from __future__ import annotations

import html
from collections.abc import Generator, Iterator

import gradio as gr

from preimage.app import drawing, tour
from preimage.app.choices import Choices
from preimage.app.frames import Frame
from preimage.app.photo_choice import PhotoChoice
from preimage.app.runs import Runs, Stage
from preimage.app.task import Task
from preimage.app.visits import Visits
from preimage.app.words import describe_error
from preimage.notebooks import encode
from preimage.visualizations import PreImage


class TourPage:
    """The page, built inside the open `gradio.Blocks`."""

    def __init__(self, choices: Choices, runs: Runs) -> None:
        self._choices, self._visits = choices, Visits(runs)
        has_network = tour.NETWORK in choices.networks
        gr.Markdown(tour.INTRODUCTION)
        if not has_network:
            gr.Markdown(tour.MISSING)
        self._photo = PhotoChoice(choices)
        for number, step in enumerate(tour.STEPS):
            self._build(number, step, has_network or not step.needs_network, runs.workers)

    def _build(self, number: int, step: tour.Step, can_run: bool, workers: int) -> None:
        """Build a step."""
        gr.Markdown(f"## {number + 1}. {step.title}\n\n{step.text}")
        with gr.Row():
            show = gr.Button(
                f"Show step {number + 1}", variant="primary", interactive=can_run, min_width=160,
                scale=0,
            )  # fmt: skip
            stop = gr.Button(f"Stop step {number + 1}", interactive=can_run, min_width=160, scale=0)
        shown = gr.HTML()
        gr.Markdown(f"**To think about:** {step.question}")
        with gr.Accordion("One answer", open=False):
            gr.Markdown(step.answer)

        def run(shipped: str | None, own: str | None, request: gr.Request) -> Iterator[str]:
            yield from self._show(step, shipped, own, str(request.session_hash))

        show.click(
            run, self._photo.inputs, shown, show_progress="hidden",
            concurrency_id="runs", concurrency_limit=workers, api_visibility="private",
        )  # fmt: skip
        stop.click(self.stop, queue=False, api_visibility="private")

    def stop(self, request: gr.Request) -> None:
        """Stop the run of a visitor who wants no more of it, or has closed the page."""
        self._visits.leave(str(request.session_hash))

    def _show(
        self, step: tour.Step, shipped: str | None, own: str | None, visitor: str
    ) -> Iterator[str]:
        """Carry out a step, and show its pictures as they grow."""
        try:
            (photo,) = self._photo.open(shipped, own)
            original = drawing.photo_figure(photo)
        except ValueError as error:
            yield drawing.message(str(error), is_error=True)
            return
        result = yield from self._carry_out(visitor, step.task(photo), "", [original])
        if result is None:
            return
        words = _words(result)
        figures = [_photo_figure(result), _figure(result, describe_error(result))]
        yield words + drawing.side_by_side(figures)
        if step.shows_class and not result.interrupted:
            chosen = tour.likeliest(result, self._choices.facts(tour.NETWORK))
            words += f"<p>{html.escape(chosen.words)}</p>"
            task = tour.class_task(chosen.number)
            result = yield from self._carry_out(visitor, task, words, figures)
            if result is not None:
                figures = [*figures, _figure(result, f"What excites the class {chosen.name} most.")]
                yield words + drawing.side_by_side(figures)

    def _carry_out(
        self, visitor: str, task: Task, words: str, figures: list[str]
    ) -> Generator[str, None, PreImage | None]:
        """Carry out a task, show its frames after what is there already, and return its result."""
        run = self._visits.begin(visitor, task)
        for event in run.events():
            match event:
                case Stage(stage):
                    yield drawing.progress(stage) + words + drawing.side_by_side(figures)
                case Frame(step, steps):
                    line = drawing.progress(f"Step {step} of {steps}", step, steps)
                    grown = [*figures, *drawing.frame_figures(task, event)]
                    yield line + words + drawing.side_by_side(grown)
        if run.result is None:
            yield drawing.message(run.error or "There is no picture.", is_error=True)
        return run.result


def _photo_figure(result: PreImage) -> str:
    """Return the figure of the photo as the representation gets it; nothing without a photo."""
    if result.originals is None:
        return ""
    picture, caption = (
        result.preprocessing.to_pil(result.originals[0]),
        "The photo as it is encoded",
    )
    return drawing.figure(encode(picture, "PNG"), "png", caption, caption)


def _figure(result: PreImage, caption: str) -> str:
    """Return the figure of a result."""
    return drawing.figure(encode(result.to_pil(), "PNG"), "png", caption, caption)


def _words(result: PreImage) -> str:
    """Return what is said above the pictures of an inversion."""
    title, code = tour.words_about(result)
    stopped = f" Stopped after {len(result.trace.loss)} steps." if result.interrupted else ""
    return f"<h3>{html.escape(title)}</h3><p>{html.escape(code + stopped)}</p>"
