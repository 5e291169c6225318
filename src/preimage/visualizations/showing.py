"""Results as grids of labelled pictures, as a slider over their snapshots, and as plots."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

from preimage.extras import install_command
from preimage.grid import Cell, draw_box, draw_grid, in_rows
from preimage.names import LayerName
from preimage.notebooks import slider_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

    from preimage.visualizations.pre_image import PreImage

T = TypeVar("T")

_MOST = 40
"""The most results that a notebook shows."""
_MOST_FRAMES = 30
_MOST_PICTURES = 240
"""The most pictures in all frames of a slider."""


def label(result: PreImage, index: int, probability: float | None = None) -> str:
    """Return the words below a result in a grid: what tells it from others, and its success.

    The success of a class is its probability, where it is known.
    """
    success = _success(result, index) if probability is None else f"probability {probability:.2f}"
    return f"{title(result, index)}: {success}"


def title(result: PreImage, index: int) -> str:
    """Return what tells a result from others in words, without a number of its success."""
    targets, is_inversion = result.targets, result.visualization == "invert"
    words = [LayerName.parse(result.representation).layer if targets is None else targets[index]]
    if is_inversion and result.originals is None and _differ(result.sources):
        words.append(f"code {result.sources[index]}")
    if _differ(result.seeds):
        words.append(f"seed {result.seeds[index]}")
    if is_inversion and _differ(result.loss_weights):
        words.append(f"C {result.loss_weights[index]:g}")
    if result.strengths is not None and _differ(result.strengths):
        words.append(f"strength {result.strengths[index]:g}")
    return ", ".join(words)


def _success(result: PreImage, index: int) -> str:
    """Return the error of an inversion, or the response in units of M or of the photo's."""
    if result.error is not None:
        error = 100 * float(result.error[index])
        return f"error {error:.{1 if error < 10 else 0}f} %"
    response = math.nan if result.response is None else float(result.response[index])
    if result.maxima is None:
        return f"response x {response:.2f}"
    relative = in_maxima(response, result.maxima[index])
    return f"response {relative if result.maxima[index] > 0 else f'{response:.3g} ({relative})'}"


def in_maxima(response: float, maximum: float) -> str:
    """Return a response in units of M, the largest response to photos.

    >>> in_maxima(3.0, 2.0), in_maxima(3.0, 0.0)
    ('1.5 x M', 'M <= 0')
    """
    return f"{response / maximum:.1f} x M" if maximum > 0 else "M <= 0"


def draw_results(result: PreImage, columns: int | None = None, heading: str = "") -> Image.Image:
    """Draw all results side by side, each photo before its own results."""
    pictures = [result.to_pil(index) for index in range(len(result))]
    return _draw(result, pictures, columns, heading)


def draw_sample(result: PreImage) -> Image.Image:
    """Draw the first results side by side; if some are left out, the heading says so."""
    return draw_results(_first(result), heading=_heading(result))


def draw_slider(result: PreImage) -> str:
    """Return a slider over snapshots of the first results, and their end, as HTML."""
    frames = max(2, min(_MOST_FRAMES, _MOST_PICTURES // min(len(result), _MOST)))
    chosen = dataclasses.replace(result, snapshots=spread(result.snapshots, frames - 1))
    shown, heading, steps = _first(chosen), _heading(result), len(result.trace.total)
    moments = [
        (f"step {step} of {steps}; the numbers are those of the end", pictures)
        for step, pictures in shown.frames()
    ]
    moments.append(("end", [shown.to_pil(index) for index in range(len(shown))]))
    return slider_html(
        [(name, _draw(shown, pictures, None, heading)) for name, pictures in moments],
        f"{result.visualization} {result.representation}",
    )


def plot_results(result: PreImage) -> Figure:
    """Plot the first results, their energies, and for several C the errors of each source.

    Raises:
        ValueError: if matplotlib is missing.
    """
    try:
        from preimage.plotting import draw_figure
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        raise ValueError(f"plots need matplotlib: {install_command('notebook')}") from None
    shown = _first(result)
    steps = [float(step) for step in range(1, len(shown.trace.total) + 1)]
    energies = {
        f"{n}: {label(shown, n)}": (steps, shown.trace.total[:, n].tolist())
        for n in range(len(shown))
    }
    return draw_figure(draw_sample(result), energies, _errors(result))


def _errors(result: PreImage) -> dict[str, tuple[list[float], list[float]]]:
    """Return C and the mean error in percent over seeds, of each source; nothing for a single C."""
    if result.error is None or not _differ(result.loss_weights):
        return {}
    found: dict[str, tuple[list[float], list[float]]] = {}
    for source in sorted(set(result.sources)):
        errors: dict[float, list[float]] = {}
        for n, weight in enumerate(result.loss_weights):
            if result.sources[n] == source:
                errors.setdefault(weight, []).append(100 * float(result.error[n]))
        weights = sorted(errors)
        kind = "code" if result.originals is None else "photo"
        found[f"{kind} {source}"] = (weights, [fmean(errors[weight]) for weight in weights])
    return found


def spread(items: Sequence[T], count: int) -> tuple[T, ...]:
    """Return at most so many items, evenly spread, with the first and the last.

    >>> spread(range(10), 4)
    (0, 3, 6, 9)
    """
    if len(items) <= count:
        return tuple(items)
    return tuple(items[round(n * (len(items) - 1) / max(1, count - 1))] for n in range(count))


def _first(result: PreImage) -> PreImage:
    """Return the results that a notebook shows."""
    return result if len(result) <= _MOST else result[:_MOST]


def _heading(result: PreImage) -> str:
    """Return the line above the results that a notebook shows, if some are left out."""
    return "" if len(result) <= _MOST else f"the first {_MOST} of {len(result)} results"


def _draw(
    result: PreImage, pictures: Sequence[Image.Image], columns: int | None, heading: str
) -> Image.Image:
    """Draw a picture of each result side by side, each photo before its own results."""
    box = None if result.visualization == "maximize" else result.box
    cells = [
        Cell(draw_box(picture, box), label(result, index)) for index, picture in enumerate(pictures)
    ]
    if result.originals is None:
        return draw_grid(in_rows(cells, columns), heading=heading)
    rows = []
    for source, group in itertools.groupby(range(len(cells)), key=lambda n: result.sources[n]):
        indices = list(group)
        photo = draw_box(result.preprocessing.to_pil(result.originals[indices[0]]), result.box)
        name = f"photo {source}" if _differ(result.sources) else "photo"
        rows += in_rows([Cell(photo, name), *(cells[n] for n in indices)], columns)
    return draw_grid(rows, heading=heading)


def _differ(values: Sequence[object]) -> bool:
    return len(set(values)) > 1
