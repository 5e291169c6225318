"""The page of an audit: a plain conclusion, curves, a table and pictures, in one HTML file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

from preimage.audit.leakage import LEAKS, Exposure
from preimage.names import LayerName
from preimage.reporting.study import format_error
from preimage.studies.loading import Loader
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
    model: str,
    records: Sequence[Record],
    exposures: Sequence[Exposure],
    loader: Loader,
) -> None:
    """Writes the page of an audit.

    Args:
        path: of the HTML file.
        model: the network.
        records: the trials.
        exposures: what each layer tells.
        loader: where representations come from.
    """
    photos = len({record.trial.photo_sha256 for record in records})
    parts = [
        f"<h1>What the layers of {html.escape(model)} tell of a photo</h1>",
        *(f"<p>{html.escape(line)}</p>" for line in conclude(exposures, photos)),
        f'<img alt="curves" src="{_curves(exposures)}">',
        _table(exposures),
        *_pictures(records, exposures, loader),
    ]
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(model)}'
    page += f"</title><style>{_STYLE}</style><body>{''.join(parts)}</body></html>"
    path.write_text(page, encoding="utf-8")


def conclude(exposures: Sequence[Exposure], photos: int) -> list[str]:
    """What the numbers mean, in sentences.

    Args:
        exposures: what each layer tells.
        photos: how many photos were told apart.
    """
    leaking = [_layer(exposure) for exposure in exposures if exposure.leaks]
    others = [_layer(exposure) for exposure in exposures if not exposure.leaks]
    lines = [
        f"{photos} photos were reconstructed from the output of each layer alone. A layer is "
        f"said to give photos back if at least {100 * LEAKS:.0f} % of its reconstructions are "
        f"nearest to their own photo, by pixels or by HOG; guessing would find "
        f"{100 / photos:.0f} %."
    ]
    if leaking:
        lines.append(f"These layers give photos back: {', '.join(leaking)}.")
        lines.append("Whoever has their outputs should be taken to have the photos.")
    if others:
        lines.append(
            f"By this attack these do not: {', '.join(others)}. A stronger one may succeed."
        )
    return lines


def _layer(exposure: Exposure) -> str:
    return LayerName.parse(exposure.mean.representation).layer


def _table(exposures: Sequence[Exposure]) -> str:
    header = (
        "layer", "error %", "PSNR dB", "SSIM", "same class %", "own photo by pixels %",
        "own photo by HOG %", "gives photos back",
    )  # fmt: skip
    rows = ["".join(f"<th>{name}</th>" for name in header)]
    for exposure in exposures:
        mean, agreement = exposure.mean, exposure.mean.class_agreement
        cells = [
            html.escape(_layer(exposure)),
            format_error(mean.error, mean.error_std),
            "" if mean.psnr is None else f"{mean.psnr:.1f}",
            "" if mean.ssim is None else f"{mean.ssim:.2f}",
            "" if agreement is None else f"{100 * agreement:.0f}",
            f"{100 * exposure.by_pixels:.0f}",
            f"{100 * exposure.by_hog:.0f}",
            '<span class="leak">yes</span>' if exposure.leaks else "no",
        ]
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _curves(exposures: Sequence[Exposure]) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.subplots()
    layers = [_layer(exposure) for exposure in exposures]
    means = [exposure.mean for exposure in exposures]
    curves: dict[str, list[float | None]] = {
        "error": [mean.error for mean in means],
        "SSIM": [mean.ssim for mean in means],
        "same class": [mean.class_agreement for mean in means],
        "own photo by pixels": [exposure.by_pixels for exposure in exposures],
        "own photo by HOG": [exposure.by_hog for exposure in exposures],
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


def _pictures(
    records: Sequence[Record], exposures: Sequence[Exposure], loader: Loader
) -> list[str]:
    """The first photos, each followed by its reconstruction from every layer."""
    parts = ["<h2>Reconstructions</h2>"]
    for photo in list(dict.fromkeys(record.trial.photo for record in records))[:_PHOTOS]:
        mine = [r for r in records if r.trial.photo == photo and r.picture is not None]
        if not mine:
            continue
        trial = mine[0].trial
        preprocessing = loader.representation(trial.representation, trial.weights).preprocessing
        file = io.BytesIO()
        preprocessing.to_pil(preprocessing.load(photo, trial.size)).save(file, "PNG")
        parts.append("<div>" + _figure(file.getvalue(), Path(photo).stem))
        for record in mine:
            measures = record.measures
            if record.picture is not None and measures is not None and measures.error is not None:
                layer = LayerName.parse(record.trial.representation).layer
                caption = f"{layer}: {100 * measures.error:.0f} %"
                parts.append(_figure(record.picture.read_bytes(), caption))
        parts.append("</div>")
    return parts


def _figure(png: bytes, caption: str) -> str:
    picture = f'<img width="160" alt="" src="{_address(png, "png")}">'
    return f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _address(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
