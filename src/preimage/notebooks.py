"""Jupyter, Colab and marimo: whether Python runs in one, and what it shows there as HTML.

All HTML is self-contained: pictures are data URIs, and nothing is fetched.
"""

from __future__ import annotations

import base64
import html
import io
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

_SLIDER = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{alt}</title>
<style>body {{ margin: 0; background: white; color: black; font: 14px sans-serif }}
img {{ display: block; max-width: 100% }} input {{ width: min(20rem, 60%) }}</style>
<label><input type="range" min="0" max="{last}" value="{last}" aria-label="step">
<output>{name}</output></label><img alt="{alt}" src="{source}">
<script>
const frames = {frames};
const [input, output, picture] = ["input", "output", "img"].map(n => document.querySelector(n));
input.oninput = () => {{
  [output.value, picture.src] = frames[input.value];
  input.setAttribute("aria-valuetext", output.value);
}};
</script></html>"""
_LINE = 40
"""Height of the slider, in pixels."""


def find_marimo() -> Any:
    """Return the module of marimo if one of its notebooks runs; None otherwise."""
    marimo = sys.modules.get("marimo")
    return marimo if marimo is not None and marimo.running_in_notebook() else None


def is_notebook() -> bool:
    """Tell whether Python runs in a notebook, which shows pictures and HTML."""
    return find_marimo() is not None or _has_kernel()


def display(shown: object) -> None:
    """Show an object below the cell of a notebook that runs."""
    if (marimo := find_marimo()) is not None:
        marimo.output.append(shown)
    else:
        from IPython.display import display as show

        show(shown)


def _has_kernel() -> bool:
    """Tell whether Python runs in a kernel of Jupyter, as in Colab and editors."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def encode(picture: Image.Image, kind: str = "PNG") -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def slider_html(frames: Sequence[tuple[str, Image.Image]], alt: str) -> str:
    """Return pictures with a slider that chooses one of them; it stands at the last.

    It is a page of its own inside the page of the notebook, so that its script runs in every kind
    of notebook, and its style touches nothing else.

    Args:
        frames: the name of each picture, and the picture.
        alt: what all of them show.
    """
    sources = [(name, data_uri(picture)) for name, picture in frames]
    (name, source), (_, picture) = sources[-1], frames[-1]
    page = _SLIDER.format(
        alt=html.escape(alt), last=len(frames) - 1, name=html.escape(name), source=source,
        frames=json.dumps(sources).replace("<", "\\u003c"),
    )  # fmt: skip
    return (
        f'<iframe title="{html.escape(alt)}" srcdoc="{html.escape(page)}" '
        f'style="border: 0; width: {picture.width}px; max-width: 100%; '
        f'height: {picture.height + _LINE}px"></iframe>'
    )


def data_uri(picture: Image.Image) -> str:
    """Return a picture as WebP in an address, which takes a tenth of a PNG."""
    return f"data:image/webp;base64,{base64.b64encode(encode(picture, 'WEBP')).decode()}"
