"""The pages of an atlas, written from templates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import preimage
from preimage.atlas import curves
from preimage.atlas.addresses import relative, root_of
from preimage.atlas.classical import photo_panels, table_rows
from preimage.atlas.commands import command
from preimage.atlas.data import Atlas, Layer, Model, Picture
from preimage.atlas.index import entries, shards
from preimage.files import write_whole
from preimage.loss_weight import format_weight
from preimage.reporting.templates import open_templates

if TYPE_CHECKING:
    import jinja2

_OVERVIEW = 24
"""Number of small pictures of a network on the first page."""

_AT_ONCE = 300
"""Number of channels that the page of a layer shows before more are asked for."""

_Page = tuple[str, str, dict[str, Any]]
"""Address, template, and what the template is given."""


def write_pages(
    folder: Path, atlas: Atlas, progress: Callable[[int, int], None] | None = None
) -> int:
    """Write the pages, the index and what pages need; return the number of pages.

    Files that would not change are left as they are.

    Raises:
        ModelError: if Jinja2 is not installed.
        OSError: if a file cannot be written.
    """
    environment = make_environment()
    for name in ("atlas.js", "atlas.css", "icon.svg"):
        text = (files("preimage.atlas") / "static" / name).read_text(encoding="utf-8")
        _write(folder / "assets" / name, text)
    found = shards(entries(atlas))
    for n, text in enumerate(found):
        _write(folder / f"assets/index/{n}.js", text)
    pages = list(_pages(atlas))
    for done, (address, template, values) in enumerate(pages):
        if progress is not None:
            progress(done, len(pages))
        page = environment.get_template(template).render(
            **values, atlas=atlas, page=address, root=root_of(address), shards=len(found),
            link=partial(relative, address), version=preimage.__version__,
        )  # fmt: skip
        _write(folder / address, page)
    return len(pages)


def make_environment() -> jinja2.Environment:
    """Return the templates, which escape all that they are given.

    Raises:
        ModelError: if Jinja2 is not installed.
    """
    environment = open_templates("preimage.atlas", "atlas")
    environment.filters |= {"number": format_number, "percent": format_percent}
    environment.globals |= {
        "chart_size": (curves.WIDTH, curves.HEIGHT, curves.LEFT, curves.BOTTOM, curves.TOP),
        "format_weight": format_weight,
        "at_once": _AT_ONCE,
    }
    return environment


def format_number(value: float | None) -> str:
    """Return a number with three digits; a dash if it is unknown.

    >>> format_number(12.345), format_number(None)
    ('12.3', '-')
    """
    return "-" if value is None else f"{value:.3g}"


def format_percent(value: float | None, digits: int = 0) -> str:
    """Return a fraction in percent; a dash if it is unknown.

    >>> format_percent(0.125, 1)
    '12.5 %'
    """
    return "-" if value is None else f"{100 * value:.{digits}f} %"


def _write(path: Path, text: str) -> None:
    """Write a file, unless it holds this text already."""
    data = text.encode("utf-8", "replace")
    if path.is_file() and path.read_bytes() == data:
        return
    with write_whole(path) as partial_file:
        partial_file.write_bytes(data)


def _pages(atlas: Atlas) -> Iterator[_Page]:
    """Yield all pages."""
    yield "index.html", "home.html", {"overview": overview}
    yield "compare.html", "compare.html", {}
    for model in atlas.models:
        values: dict[str, Any] = {"model": model, "depth": depth_frames(model)}
        values["errors"] = curves.error_by_depth(model.layers)
        yield f"{model.address}/index.html", "model.html", values
        yield from _layer_pages(model)
    if atlas.classical is not None:
        model = atlas.classical
        values = {"model": model, "rows": table_rows(model), "panels": photo_panels(model)}
        yield f"{model.address}/index.html", "classical.html", values
        yield from _layer_pages(model)


def _layer_pages(model: Model) -> Iterator[_Page]:
    """Yield the page of each layer and of each of its channels."""
    for n, layer in enumerate(model.layers):
        neighbors = _neighbors(model.layers, n)
        errors = curves.error_by_weight(layer)
        values: dict[str, Any] = {"model": model, "layer": layer, "errors": errors}
        values["depth_errors"] = curves.error_by_depth(model.layers) if model.table else None
        yield f"{layer.address}/index.html", "layer.html", values | neighbors
        for m, channel in enumerate(layer.channels):
            values = {"model": model, "layer": layer, "channel": channel}
            values["bars"] = curves.response_bars(channel)
            values["command"] = command(channel.pictures[0]) if channel.pictures else None
            yield channel.address, "channel.html", values | _neighbors(layer.channels, m)


def _neighbors(several: list[Any], n: int) -> dict[str, Any]:
    """Return the things before and after number n, or None."""
    before = several[n - 1] if n else None
    return {"before": before, "after": several[n + 1] if n + 1 < len(several) else None}


def overview(model: Model) -> list[Any]:
    """Return channels of a network, evenly from all its layers, to be shown small."""
    by_layer = [[c for c in layer.channels if c.tile] for layer in model.layers]
    by_layer = [channels for channels in by_layer if channels]
    each = -(-_OVERVIEW // len(by_layer)) if by_layer else 0
    return [channel for channels in by_layer for channel in channels[:each]][:_OVERVIEW]


def depth_frames(model: Model) -> list[dict[str, Any]]:
    """Return, for each inverted photo, the photo and its inversions from the first layer on.

    Of several inversions of a photo from a layer, the one of the middle C is taken.
    """
    photos: dict[str, dict[str, Any]] = {}
    for layer in model.layers:
        for row in layer.inversions:
            key = row.pictures[0].trial.photo_sha256 or row.name
            if key not in photos:
                frames: list[dict[str, Any]] = []
                if row.photo is not None:
                    frames.append({"image": row.photo, "label": "photo", "caption": "the photo"})
                photos[key] = {"name": row.name, "frames": frames}
            picture = row.pictures[len(row.pictures) // 2]
            photos[key]["frames"].append(_frame(layer, picture))
    return list(photos.values())


def _frame(layer: Layer, picture: Picture) -> dict[str, Any]:
    """Return a picture of the depth slider."""
    weight, error = picture.trial.weight, picture.measures.error
    words = [layer.title] if weight is None else [layer.title, f"C {format_weight(weight)}"]
    caption = ", ".join([*words, f"error {format_percent(error, 1)}"])
    return {"image": picture.image, "label": layer.title, "caption": caption}
