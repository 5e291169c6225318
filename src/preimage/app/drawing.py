"""Pictures, curves and tables as HTML, without files: pictures are in the page itself."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from preimage.notebooks import encode

if TYPE_CHECKING:
    from preimage.app.choices import LayerFacts, NetworkFacts
    from preimage.app.frames import Frame
    from preimage.app.task import Photo, Task
    from preimage.visualizations import PreImage

_WIDTH, _HEIGHT = 600, 150
"""Size of the drawing of a curve."""
_MARGIN = 8
_HEADER = ("layer", "kind", "channels", "positions of the code", "receptive field")
_PREVIEW = 320
"""The longer side of the photo beside its results, in pixels."""
_DASHES = ("", "6 3", "2 3", "9 3 2 3")
"""Dashes that tell the curves of results apart, in turn."""


def figure(picture: bytes, kind: str, alt: str, caption: str) -> str:
    """Return a picture with its caption; `kind` is the kind of the file, such as "webp"."""
    source = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    return (
        f'<figure><img src="{source}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def photo_figure(photo: Photo) -> str:
    """Return the figure of a photo; raise ImageError if it is none."""
    from PIL import ImageOps

    picture = ImageOps.exif_transpose(photo.open()).convert("RGB")
    picture.thumbnail((_PREVIEW, _PREVIEW))
    return figure(encode(picture, "WEBP"), "webp", f"photo {photo.stem}", f"photo: {photo.stem}")


def frame_figures(task: Task, frame: Frame) -> list[str]:
    """Return the figures of a frame, labelled as the results will be."""
    labels = task.labels if len(task.labels) == len(frame.pictures) else [""] * task.count
    return [
        figure(picture, "webp", f"{task.title}, {label or 'picture'} so far", label)
        for picture, label in zip(frame.pictures, labels, strict=False)
    ]


def result_figures(task: Task, result: PreImage) -> list[str]:
    """Return the figures of all results, with their success in words."""
    from preimage.visualizations.showing import label

    words = [label(result, index) for index in range(len(result))]
    return [
        figure(encode(result.to_pil(index), "PNG"), "png", f"{task.title}, {text}", text)
        for index, text in enumerate(words)
    ]


def kept_figures(task: Task, result: PreImage) -> list[str]:
    """Return the figures of all results with what they were made by, for comparison with others."""
    from preimage.visualizations.showing import label

    words = [f"{task.title}, {label(result, index)}" for index in range(len(result))]
    return [
        figure(encode(result.to_pil(index), "WEBP"), "webp", text, text)
        for index, text in enumerate(words)
    ]


def side_by_side(figures: Sequence[str]) -> str:
    """Return figures side by side."""
    return f'<div class="pictures">{"".join(figures)}</div>'


def progress(words: str, step: int = 0, steps: int = 0) -> str:
    """Return a line about a run, above a bar if its number of steps is known."""
    bar = f'<progress value="{step}" max="{steps}" aria-label="steps"></progress>' if steps else ""
    return f'<p class="status">{html.escape(words)}</p>{bar}'


def message(words: str, *, is_error: bool = False) -> str:
    """Return a sentence that a screen reader speaks."""
    role, kind = ("alert", "error") if is_error else ("status", "status")
    return f'<p class="{kind}" role="{role}">{html.escape(words)}</p>'


def curve(energies: Sequence[Sequence[float]], steps: int) -> str:
    """Return the energy of each result by step as a drawing in SVG.

    Args:
        energies: for each step, the energy of each result.
        steps: the number of steps in all.

    >>> curve([], 10)
    ''
    """
    if not energies:
        return ""
    scale = _scale([value for row in energies for value in row if math.isfinite(value)])
    heights = [
        [scale(value) if math.isfinite(value) else None for value in row] for row in energies
    ]
    there = [value for row in heights for value in row if value is not None] or [0.0]
    low, high = min(there), max(there)
    lines = []
    for number in range(len(energies[0])):
        points = [
            f"{_place(step, steps):.1f},{_height(value, low, high):.1f}"
            for step, row in enumerate(heights)
            if (value := row[number]) is not None
        ]
        dashes = _DASHES[number % len(_DASHES)]
        lines.append(f'<polyline points="{" ".join(points)}" stroke-dasharray="{dashes}"/>')
    words = (
        f"Energy: {_span(energies[0])} at first, {_span(energies[-1])} after step {len(energies)}"
    )
    return (
        f'<figure class="curve"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{words}">{"".join(lines)}</svg><figcaption>{words}</figcaption></figure>'
    )


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    """Return the logarithm if all values are positive; otherwise the number itself."""
    return math.log10 if values and min(values) > 0 else float


def _place(step: int, steps: int) -> float:
    return _MARGIN + (_WIDTH - 2 * _MARGIN) * step / max(1, steps - 1)


def _height(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return _HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * share


def _span(values: Sequence[float]) -> str:
    """Return the smallest and the largest of some values in words.

    >>> _span([2.0]), _span([2.0, 1.0])
    ('2', '1 to 2')
    """
    low, high = f"{min(values):.3g}", f"{max(values):.3g}"
    return low if low == high else f"{low} to {high}"


def layers_table(facts: NetworkFacts) -> str:
    """Return the table of a network's layers as HTML, each with a button that chooses it."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADER)
    body = "".join(f"<tr>{_row(layer)}</tr>" for layer in facts.layers)
    return (
        f"<h3>Layers of {html.escape(facts.name)}</h3>"
        '<div class="strip" role="region" aria-label="Layers" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(layer: LayerFacts) -> str:
    """Return the cells of a layer."""
    rows, columns = layer.code.grid
    positions = f"{rows} x {columns}" if layer.code.positions > 1 else "1"
    field = "the whole image" if layer.field is None else f"{layer.field} x {layer.field} pixels"
    cells = (layer.kind, f"{layer.channels:,}", positions, field)
    name = html.escape(layer.name)
    return (
        f'<th scope="row"><button type="button" data-layer="{name}">{name}</button></th>'
        f"{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}"
    )
