"""Pictures, curves and tables as HTML, without files: pictures are in the page itself."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from preimage.app.choices import LayerFacts, NetworkFacts

_WIDTH, _HEIGHT = 600, 150
"""Size of the drawing of a curve."""
_MARGIN = 8
_HEADER = ("layer", "kind", "channels", "positions of the code", "receptive field")


def figure(picture: bytes, kind: str, alt: str, caption: str) -> str:
    """Return a picture with its caption; `kind` is the kind of the file, such as "webp"."""
    source = f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    return (
        f'<figure><img src="{source}" alt="{html.escape(alt)}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def pictures(figures: Sequence[str]) -> str:
    """Return figures side by side."""
    return f'<div class="pictures">{"".join(figures)}</div>'


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
    values = [value for row in energies for value in row if math.isfinite(value)]
    scale = _scale(values)
    scaled = [scale(value) for value in values] or [0.0]
    low, high = min(scaled), max(scaled)
    paths = []
    for number in range(len(energies[0])):
        points = [
            (_place(step, steps), _height(scale(row[number]), low, high))
            for step, row in enumerate(energies)
            if math.isfinite(row[number])
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        paths.append(f'<polyline points="{path}"/>')
    first, last = energies[0], energies[-1]
    words = f"energy after {len(energies)} of {steps} steps: {_span(first)} fell to {_span(last)}"
    return (
        f'<figure class="curve"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="{words}">{"".join(paths)}</svg><figcaption>{words}</figcaption></figure>'
    )


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    """Return the logarithm if all values are positive; otherwise the number itself."""
    if values and min(values) > 0:
        return math.log10
    return float


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
