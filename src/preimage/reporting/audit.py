"""The page of an audit: conclusion, curves, table and pictures in one HTML file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

from preimage.audit.leakage import LEAKS, LayerAudit
from preimage.files import write_whole
from preimage.names import LayerName
from preimage.reporting.tables import format_error, format_judged, format_number
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record

_PHOTOS = 4
_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .7rem; text-align: right; }
td:first-child, th:first-child { text-align: left; } tr:nth-child(even) { background: #f3f3f3; }
figure { display: inline-block; margin: 0 .4rem .8rem 0; } figcaption { font-size: .8rem; }
img { display: block; } .leak { color: #b00020; font-weight: bold; }
"""


def write_audit(
    path: Path,
    network: str,
    records: Sequence[Record],
    audits: Sequence[LayerAudit],
    loader: Loader,
) -> None:
    """Write the page of an audit of this network to an HTML file."""
    photos = len({record.trial.photo_sha256 for record in records})
    parts = [
        f"<h1>What the layers of {html.escape(network)} tell about a photo</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in conclude(audits, photos)),
        f'<img alt="curves" src="{_curves(audits)}">',
        _table(audits),
        *_pictures(records, loader),
    ]
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(network)}'
    page += f"</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    with write_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")


def conclude(audits: Sequence[LayerAudit], photos: int) -> list[str]:
    """Return the conclusion from an audit of `photos` photos, in sentences."""
    leaking = [_layer(audit) for audit in audits if audit.leaks]
    others = [_layer(audit) for audit in audits if not audit.leaks]
    lines = [
        f"{photos} photos were reconstructed from the output of each layer alone. A layer is "
        f"said to give photos back if at least {100 * LEAKS:.0f} % of its reconstructions are "
        f"nearest to their own photo, by pixels or by HOG; guessing would find "
        f"{100 / photos:.0f} %."
    ]
    if leaking:
        lines.append(f"These layers give photos back: {', '.join(leaking)}.")
        lines.append("Whoever has the outputs of these layers should be taken to have the photos.")
    if others:
        attempt = f"These layers do not give photos back by this attack: {', '.join(others)}."
        lines.append(f"{attempt} A stronger attack may succeed.")
    return lines


def _layer(audit: LayerAudit) -> str:
    """Return the name of the layer without its network."""
    return LayerName.parse(audit.mean.representation).layer


def _table(audits: Sequence[LayerAudit]) -> str:
    """Return the table of all layers in HTML."""
    header = (
        "layer", "error %", "PSNR dB", "SSIM", "same class %", "own photo by pixels %",
        "own photo by HOG %", "gives photos back",
    )  # fmt: skip
    judged, said = format_judged([audit.mean.judged for audit in audits])
    rows = ["".join(f"<th>{name}</th>" for name in (*header, *judged))]
    for audit, more in zip(audits, said, strict=True):
        mean, agreement = audit.mean, audit.mean.class_agreement
        percents = (agreement, audit.by_pixels, audit.by_hog)
        cells = [
            html.escape(_layer(audit)),
            format_error(mean.error, mean.error_std),
            format_number(mean.psnr, 1),
            format_number(mean.ssim, 2),
            *(format_number(None if value is None else 100 * value, 0) for value in percents),
            '<span class="leak">yes</span>' if audit.leaks else "no",
            *more,
        ]
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _curves(audits: Sequence[LayerAudit]) -> str:
    """Return a plot of all measures over the layers, as a `data:` address."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    layers = [_layer(audit) for audit in audits]
    means = [audit.mean for audit in audits]
    curves: dict[str, list[float | None]] = {
        "error": [mean.error for mean in means],
        "SSIM": [mean.ssim for mean in means],
        "same class": [mean.class_agreement for mean in means],
        "own photo by pixels": [audit.by_pixels for audit in audits],
        "own photo by HOG": [audit.by_hog for audit in audits],
    }
    for label, values in curves.items():
        places = [layer for layer, y in zip(layers, values, strict=True) if y is not None]
        axes.plot(places, [y for y in values if y is not None], marker="o", label=label)
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
        trial = mine[0].trial
        preprocessing = loader.representation(trial.representation, trial.weights).preprocessing
        file = io.BytesIO()
        preprocessing.to_pil(preprocessing.load(photo or "", trial.size)).save(file, "PNG")
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
