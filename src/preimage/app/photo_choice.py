"""The choice of a photo: one that the package ships, or a visitor's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from preimage.app import drawing, words
from preimage.app.choices import Choices
from preimage.app.task import Photo
from preimage.app.uploads import check_upload
from preimage.decoding import ImageError
from preimage.files import file_name

FIRST_PHOTO = "chelsea"
NONE = "none"


class PhotoChoice:
    """Components by which a visitor chooses a photo, built inside the open `gradio.Blocks`.

    Args:
        choices: the photos that are shipped.
        label: the words above the photos.
        optional: whether no photo can be chosen, which is the choice at first.

    Attributes:
        inputs: the components whose values `open` takes.
    """

    def __init__(self, choices: Choices, label: str = "Photo", *, optional: bool = False) -> None:
        self._choices = choices
        self._first = NONE if optional else FIRST_PHOTO
        names = [*([NONE] if optional else []), *choices.photos]
        with gr.Row():
            with gr.Column(scale=2, min_width=260):
                shipped = gr.Radio(names, value=self._first, label=label, info=words.HELP["photo"])
                own = gr.File(label="Your own photo", file_types=["image"], height=120)
            with gr.Column(scale=1, min_width=260):
                preview = gr.HTML(self._draw(self._first, None), elem_classes="preview")
        self.inputs = [shipped, own]
        outputs = [shipped, own, preview]
        private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        shipped.input(self._choose_shipped, shipped, outputs, **private)
        own.upload(  # two at a time, because a large photo takes much memory
            self._choose_own, [own, shipped], outputs, concurrency_limit=2, **private
        )
        own.clear(lambda: self._choose_shipped(self._first), None, outputs, **private)

    def open(self, shipped: str | None, own: str | None) -> list[Photo]:
        """Return the photo that is chosen; an empty list if none is.

        Raises:
            ImageError: if the visitor's file is no photo, or too large.
        """
        if own is not None:
            check_upload(Path(own), self._choices.limits)
            return [Photo(file_name(Path(own).name), Path(own).read_bytes())]
        if shipped == NONE:
            return []
        path = self._choices.photo(shipped or FIRST_PHOTO)
        return [Photo(path.name, path.read_bytes())]

    def _choose_shipped(self, name: str) -> tuple[Any, Any, Any]:
        return name, None, self._draw(name, None)

    def _choose_own(self, own: str, shipped: str | None) -> tuple[Any, Any, Any]:
        """Show an upload in place of the shipped photo, or a message if it is none."""
        try:
            return None, own, self._draw(None, own)
        except ImageError as error:
            before = self._draw(shipped, None)
            return gr.skip(), None, drawing.message(str(error), is_error=True) + before

    def _draw(self, shipped: str | None, own: str | None) -> str:
        figures = [drawing.photo_figure(photo) for photo in self.open(shipped, own)]
        return drawing.side_by_side(figures) if figures else ""
