"""The page of an audit of layers: conclusion, table, curves and pictures in one HTML file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from preimage.audit.leakage import load_photo
from preimage.audit.result import Audit, LayerResult
from preimage.files import write_whole
from preimage.names import LayerName
from preimage.reporting.verdicts import conclude, format_estimate
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record

_PHOTOS = 4
_PLOTTED = ("reidentified", "reidentified_pixels", "reidentified_hog", "same_class")
"""The measures that are plotted."""
_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .7rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f3f3f3; }
figure { display: inline-block; margin: 0 .4rem .8rem 0; } figcaption { font-size: .8rem; }
img { display: block; }
"""


def write_audit(
    path: Path, network: str, audit: Audit, records: Sequence[Record], loader: Loader
) -> None:
    """Write the page of an audit of this network to an HTML file."""
    parts = [
        f"<h1>What the layers of {html.escape(network)} tell about a photo</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in conclude(audit)),
        f'<img alt="curves" src="{_curves(audit.layers)}">',
        _table(audit.layers),
        *_pictures(records, loader),
    ]
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(network)}'
    page += f"</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    with write_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _layer(result: LayerResult) -> str:
    """Return the name of the layer without its network."""
    return LayerName.parse(result.representation).layer


def _table(layers: Sequence[LayerResult]) -> str:
    """Return the table of all layers in HTML."""
    names = [one.words for one in layers[0].attacks[0].estimates]
    header = ("layer", "error %", *names, "an attacker learns")
    rows = ["".join(f"<th>{html.escape(name)}</th>" for name in header)]
    for layer in layers:
        (attack,) = layer.attacks
        cells = [
            _layer(layer),
            f"{100 * fmean(attack.errors):.1f}",
            *map(format_estimate, attack.estimates),
            str(layer.verdict),
        ]
        rows.append("".join(f"<td>{html.escape(cell)}</td>" for cell in cells))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _curves(layers: Sequence[LayerResult]) -> str:
    """Return a plot of the error and of all rates over the layers, as a `data:` address."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    places = [_layer(layer) for layer in layers]
    attacks = [layer.attacks[0] for layer in layers]
    axes.plot(places, [fmean(attack.errors) for attack in attacks], "k:", label="error")
    for n, one in enumerate(attacks[0].estimates):
        found = [attack.estimates[n] for attack in attacks]
        if one.measure in _PLOTTED:
            (line,) = axes.plot(places, [each.value for each in found], marker="o", label=one.words)
            low, high = [each.low for each in found], [each.high for each in found]
            axes.fill_between(range(len(places)), low, high, alpha=0.1, color=line.get_color())
    axes.set_ylim(0, 1.05)
    axes.tick_params("x", rotation=60)
    figure.legend(loc="outside right upper")
    file = io.BytesIO()
    figure.savefig(file, format="svg")
    return _address(file.getvalue(), "svg+xml")


def _pictures(records: Sequence[Record], loader: Loader) -> list[str]:
    """Return the first photos in HTML, each followed by its reconstruction from every layer."""
    parts = ["<h2>Reconstructions</h2>"]
    for photo in list(dict.fromkeys(record.trial.photo for record in records))[:_PHOTOS]:
        mine = [r for r in records if r.trial.photo == photo and r.picture is not None]
        if not mine:
            continue
        file = io.BytesIO()
        load_photo(mine[0], loader).save(file, "PNG")
        parts.append("<div>" + _figure(file.getvalue(), Path(photo or "").stem))
        for record in mine:
            measures = record.measures
            if record.picture is not None and measures is not None and measures.error is not None:
                layer = LayerName.parse(record.trial.representation).layer
                caption = f"{layer}: error {100 * measures.error:.0f} %"
                parts.append(_figure(record.picture.read_bytes(), caption))
        parts.append("</div>")
    return parts


def _figure(png: bytes, caption: str) -> str:
    """Return a picture with its caption in HTML."""
    picture = f'<img width="160" alt="" src="{_address(png, "png")}">'
    return f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _address(data: bytes, kind: str) -> str:
    """Return a picture as a `data:` address, so that the page contains it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
