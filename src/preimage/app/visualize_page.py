"""The page on which visitors choose what to see, and watch the picture grow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from preimage.app import drawing, recipes, words
from preimage.app.choices import CLASSICAL, Choices
from preimage.app.form import Form
from preimage.app.frames import Frame
from preimage.app.photo_choice import PhotoChoice
from preimage.app.runs import Run, Runs, Stage
from preimage.app.task import DEFAULT_METHODS, METHODS
from preimage.app.visits import Visits
from preimage.presets import Visualization

_KEPT = 12
"""The most pictures that are kept for comparison."""

Values = dict[Any, Any]
"""The values of components, as Gradio sends them to a function and takes them from it."""


class VisualizePage:
    """The page, built inside the open `gradio.Blocks`.

    Attributes:
        fields: the components of the form, by their names in `Form`.
    """

    def __init__(self, choices: Choices, runs: Runs) -> None:
        self._choices, self._visits = choices, Visits(runs)
        self.fields: dict[str, Any] = {}
        gr.Markdown(words.INTRODUCTION)
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                self._build_choice()
                self._build_photo()
                self._build_targets()
                self._build_more()
            with gr.Column(scale=3, min_width=320):
                self._build_results()
        self._react_to_choices()
        self._react_to_buttons(runs.workers)

    # What stands on the page

    def _field(self, kind: Callable[..., Any], name: str, label: str, **options: Any) -> Any:
        """Add a field of the form, with its sentence of help."""
        help_text, place = words.HELP.get(name), f"field-{name}"
        self.fields[name] = kind(label=label, info=help_text, elem_id=place, **options)
        return self.fields[name]

    def _build_choice(self) -> None:
        self._field(
            gr.Dropdown, "model", "Representation", choices=self._choices.representations(),
            value="hog",
        )  # fmt: skip
        if not self._choices.networks:
            gr.Markdown(words.NO_NETWORK)
        self._field(gr.Dropdown, "layer", "Layer", choices=[], visible=False)
        kinds = [(text, name) for name, text in words.VISUALIZATIONS.items()]
        self._field(gr.Radio, "visualization", "What to do", choices=kinds, value="invert")

    def _build_photo(self) -> None:
        with gr.Group() as self._of_photo:
            self._photo = PhotoChoice(self._choices)

    def _build_targets(self) -> None:
        with gr.Group(visible=False) as self._of_targets:
            self._field(
                gr.Radio, "excite", "Excite", value="channels",
                choices=["channels"],
            )  # fmt: skip
            self._field(gr.Textbox, "channels", "Channels", value="0", max_lines=1)
            self._field(
                gr.Dropdown, "classes", "Classes", choices=[], multiselect=True, visible=False
            )

    def _build_more(self) -> None:
        small: dict[str, Any] = {"max_lines": 1, "min_width": 120}
        count = {"minimum": 0, "precision": 0, "min_width": 120}
        with gr.Accordion("More settings", open=False):
            self._field(gr.Dropdown, "method", "Method", **_methods("invert"))
            self._field(gr.Textbox, "loss_weights", "C", **small)
            self._field(gr.Textbox, "strength", "Strength", visible=False, **small)
            with gr.Row():
                self._field(gr.Number, "seeds", "Seeds", value=1, **count)
                self._field(gr.Number, "seed", "First seed", value=0, **count)
            with gr.Row():
                self._field(gr.Textbox, "steps", "Steps", **small)
                self._field(gr.Textbox, "size", "Size", **small)

    def _build_results(self) -> None:
        with gr.Row():
            self._start = gr.Button("Start", variant="primary", min_width=100)
            self._stop = gr.Button("Stop", interactive=False, min_width=100)
            self._go_on = gr.Button("Go on", interactive=False, min_width=100)
        self._status = gr.HTML(drawing.message("Nothing is running."))
        self._pictures, self._curve = gr.HTML(elem_classes="results"), gr.HTML()
        with gr.Accordion("Files to take along", open=False, visible=False) as self._of_files:
            self._files = gr.File(
                label="Pictures, each with its facts", file_count="multiple", interactive=False
            )
        code: dict[str, Any] = {
            "wrap_lines": True, "show_line_numbers": False, "buttons": ["copy"]
        }  # fmt: skip
        with gr.Accordion("Make the same picture elsewhere", visible=False) as self._of_recipes:
            self._command = gr.Code(language="shell", label="Command line", lines=2, **code)
            self._python = gr.Code(language="python", label="Python", **code)
        self._keep = gr.Button("Keep for comparison", visible=False)
        self._kept = gr.State([])
        self._comparison = gr.HTML(elem_classes="kept")
        self._forget = gr.Button("Forget what was kept", visible=False)

    # What the fields do

    def _react_to_choices(self) -> None:
        fields, private = self.fields, {"api_visibility": "private", "show_progress": "hidden"}
        model = fields["model"]
        model.input(
            self._choose_model, model,
            [fields[name] for name in ("layer", "excite", "classes", "channels")],
            **private | {"show_progress": "minimal", "show_progress_on": model},
        )  # fmt: skip
        fields["visualization"].change(
            _choose_visualization,
            fields["visualization"],
            [
                self._of_photo, self._of_targets, fields["method"], fields["loss_weights"],
                fields["strength"], fields["seeds"],
            ],
            **private,
        )  # fmt: skip
        fields["excite"].change(
            lambda excite: [gr.update(visible=excite == name) for name in ("channels", "classes")],
            fields["excite"], [fields["channels"], fields["classes"]], **private,
        )  # fmt: skip

    def show_layer(self, network: str, event: gr.EventData) -> list[Any]:
        """Choose a layer that was clicked elsewhere: the values of the model and its fields."""
        return [network, *self._choose_model(network, str(event.layer))]

    def _choose_model(self, model: str, layer: str | None = None) -> list[Any]:
        """Return the layers of a network, of which one is chosen, and whether it has classes."""
        layers: list[Any] = []
        chosen, classes = None, []
        if model not in CLASSICAL:
            try:
                facts = self._choices.facts(model)
            except ValueError as error:
                raise gr.Error(str(error)) from None
            layers = [(layer.words, layer.name) for layer in facts.layers]
            is_there = layer in [one.name for one in facts.layers]
            chosen, classes = layer if is_there else facts.middle, facts.class_choices
        kinds = [("channels", "channels"), ("classes", "classes")][: 2 if classes else 1]
        return [
            gr.update(choices=layers, value=chosen, visible=bool(layers)),
            gr.update(choices=kinds, value="channels"),
            gr.update(choices=classes, value=[], visible=False),
            gr.update(visible=True),
        ]

    # What the buttons do

    def _react_to_buttons(self, workers: int) -> None:
        private: dict[str, Any] = {"api_visibility": "private"}
        buttons = [self._start, self._stop, self._go_on, self._status]
        shown = [
            *buttons, self._pictures, self._curve, self._of_files, self._files, self._of_recipes,
            self._command, self._python, self._keep,
        ]  # fmt: skip
        running = private | {
            "show_progress": "minimal", "show_progress_on": self._status,
            "concurrency_id": "runs", "concurrency_limit": workers,
        }  # fmt: skip
        quick = private | {"queue": False, "show_progress": "hidden"}
        inputs = {*self.fields.values(), *self._photo.inputs}
        began = [
            self._start.click(self._wait, None, buttons, **quick).then(
                self._begin, inputs, shown, **running
            ),
            self._go_on.click(self._wait, None, buttons, **quick).then(
                self._continue, None, shown, **running
            ),
        ]
        self._stop.click(self._end, None, shown, cancels=began, **private)
        kept = [self._kept, self._comparison, self._forget]
        self._keep.click(self._add_to_kept, self._kept, kept, **quick)
        self._forget.click(lambda: ([], "", gr.update(visible=False)), None, kept, **quick)

    def leave(self, request: gr.Request) -> None:
        """Stop the run of a visitor who has closed the page."""
        self._visits.leave(str(request.session_hash))

    def _wait(self, request: gr.Request) -> list[Any]:
        """Show that a run was asked for, which begins when a worker is free."""
        self._visits.wait(str(request.session_hash))
        return [
            *self._buttons(start=False, stop=True).values(),
            drawing.message("Waiting for a free worker."),
        ]

    def _begin(self, values: Values, request: gr.Request) -> Iterator[Values]:
        """Carry out the task of the form."""
        given = {name: values[field] for name, field in self.fields.items()}
        try:
            (photo,) = self._photo.open(*(values[field] for field in self._photo.inputs))
            task = Form(**given, photo=photo).task(self._choices)
        except ValueError as error:
            yield self._failed(str(error))
            return
        yield from self._watch(self._visits.begin(str(request.session_hash), task), request)

    def _continue(self, request: gr.Request) -> Iterator[Values]:
        """Carry out the last task once more, from the images that it has found."""
        try:
            task = self._visits.to_go_on(str(request.session_hash))
        except ValueError as error:
            yield self._failed(str(error))
            return
        yield from self._watch(self._visits.begin(str(request.session_hash), task), request)

    def _end(self, request: gr.Request) -> Values:
        """Stop the visitor's run, and show what it has found."""
        run = self._visits.stop(str(request.session_hash))
        if run is None:
            return self._failed("Stopped before it began.")
        return self._ended(run, request)

    def _watch(self, run: Run, request: gr.Request) -> Iterator[Values]:
        """Show the frames of a run as they come, and its result."""
        task, before = run.task, []
        if task.photo is not None:
            before = [drawing.photo_figure(task.photo)]
        for event in run.events():
            match event:
                case Stage(stage):
                    yield {self._status: drawing.progress(stage)}
                case Frame(step, steps):
                    figures = before + drawing.frame_figures(task, event)
                    yield {
                        self._status: drawing.progress(f"Step {step} of {steps}", step, steps),
                        self._pictures: drawing.side_by_side(figures),
                        self._curve: drawing.curve(event.energies, steps),
                    }
                case None:
                    yield {self._status: gr.skip()}
        yield self._ended(run, request)

    def _ended(self, run: Run, request: gr.Request) -> Values:
        """Return what is shown when a run has ended."""
        task, result = run.task, run.result
        if result is None:
            return self._failed(run.error or "The run has no result.")
        figures = drawing.result_figures(task, result)
        if task.photo is not None:
            figures.insert(0, drawing.photo_figure(task.photo))
        files = self._visits.write(str(request.session_hash), run)
        remark, start = "", recipes.START
        if result.interrupted:
            start = f"{recipes.stem(task)}.npz"
            remark = words.stopped_recipe(task, start)
            task = dataclasses.replace(task, start=result)
        return {
            **self._buttons(start=True, go_on=task.visualization != "caricature"),
            self._status: drawing.message(words.ended(task, result)),
            self._pictures: drawing.side_by_side(figures),
            self._curve: drawing.curve(result.trace.total.tolist(), len(result.trace.loss)),
            self._of_files: gr.update(visible=True),
            self._files: [str(path) for path in files],
            self._of_recipes: gr.update(visible=True),
            self._command: remark + recipes.command(task, start),
            self._python: remark + recipes.python(task, start),
            self._keep: gr.update(visible=True),
        }

    def _failed(self, reason: str) -> Values:
        return {**self._buttons(start=True), self._status: drawing.message(reason, is_error=True)}

    def _buttons(self, *, start: bool = False, stop: bool = False, go_on: bool = False) -> Values:
        """Return which buttons can be pressed."""
        states = {self._start: start, self._stop: stop, self._go_on: go_on}
        return {button: gr.update(interactive=state) for button, state in states.items()}

    def _add_to_kept(self, kept: list[str], request: gr.Request) -> tuple[Any, ...]:
        """Put the pictures of the last run beside those that were kept before."""
        run = self._visits.last(str(request.session_hash))
        if run is not None and run.result is not None:
            kept = [*kept, *drawing.kept_figures(run.task, run.result)][-_KEPT:]
        heading = "<h3>Kept for comparison</h3>"
        return kept, heading + drawing.side_by_side(kept), gr.update(visible=bool(kept))


def _methods(visualization: Visualization) -> dict[str, Any]:
    """Return the methods of a visualization, and the default one."""
    names = METHODS[visualization]
    return {
        "choices": [(words.METHODS[name], name) for name in names],
        "value": DEFAULT_METHODS[visualization],
    }


def _choose_visualization(visualization: Visualization) -> list[Any]:
    """Return which fields a visualization has."""
    is_inversion, has_photo = visualization == "invert", visualization != "maximize"
    return [
        gr.update(visible=has_photo),
        gr.update(visible=not has_photo),
        gr.update(**_methods(visualization)),
        gr.update(visible=is_inversion),
        gr.update(visible=not is_inversion),
        gr.update(visible=visualization != "caricature"),
    ]
