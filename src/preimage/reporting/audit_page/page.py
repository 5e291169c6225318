"""The page of an audit, written from templates."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import preimage
from preimage.audit.advice import advise, find_gaps, is_store, judge_certainty, layer_name
from preimage.audit.intervals import CONFIDENCE
from preimage.audit.own_photos import NEAREST_PHOTO
from preimage.audit.result import AttackResult, Audit
from preimage.audit.verdict import BY_LUCK, NO_PROOF
from preimage.files import write_whole
from preimage.reporting.audit_page.facts import list_facts
from preimage.reporting.audit_page.findings import (
    MEANINGS,
    METHODS,
    headline,
    most_telling,
    strongest,
    tell,
)
from preimage.reporting.audit_page.plot import plot_rates
from preimage.reporting.audit_page.strips import choose_strips, list_rows, list_strips
from preimage.reporting.defenses import NAME as DEFENSES
from preimage.reporting.defenses import header, in_words, rows
from preimage.reporting.templates import open_templates
from preimage.reporting.verdicts import format_estimate

if TYPE_CHECKING:
    import jinja2
    import markupsafe

NAME = "audit.html"
"""The name of the page in the folder of an audit."""

MOST_FOUND = 40
"""The most candidates that the page names; the table beside it has all."""


MOST_INPUTS = 60
"""The most photos whose checksums the page shows."""


def write_page(folder: Path, audit: Audit) -> Path:
    """Write the page of an audit into its folder, and return its path.

    Pictures are read from the folder, and the tables that lie in it are linked.

    Raises:
        ModelError: if Jinja2 is not installed.
        OSError: if a picture cannot be read, or the page cannot be written.
    """
    path = folder / NAME
    text = make_environment().get_template("audit.html").render(**_values(folder, audit))
    with write_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def make_environment() -> jinja2.Environment:
    """Return the templates, which escape all that they are given.

    Raises:
        ModelError: if Jinja2 is not installed.
    """
    environment = open_templates("preimage.reporting.audit_page", "audit")
    environment.filters |= {
        "estimate": format_estimate,
        "options": mark_options,
        "percent": format_percent,
        "layer_name": layer_name,
    }
    return environment


def format_percent(value: float) -> str:
    """Return a fraction in percent, with two digits; a very small one as less than that.

    >>> format_percent(1), format_percent(0.354), format_percent(0.00025), format_percent(1e-5)
    ('100 %', '35 %', '0.025 %', '< 0.01 %')
    """
    if 0 < value < 1e-4:
        return "< 0.01 %"
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.2g} %"


def mark_options(text: str) -> markupsafe.Markup:
    """Return a text as HTML in which options of the command line do not break.

    >>> str(mark_options("<b> (--sample)"))
    '&lt;b&gt; (<code class="option">--sample</code>)'
    """
    import markupsafe

    marked = re.sub("--[a-z-]+", r'<code class="option">\g<0></code>', str(markupsafe.escape(text)))
    return markupsafe.Markup(marked)


def _values(folder: Path, audit: Audit) -> dict[str, Any]:
    """Return what the templates are given."""
    strips = list_strips(folder, audit)
    about = audit.about
    return {
        "audit": audit,
        "about": about,
        "advice": advise(audit),
        "candidates": about.get("candidates"),
        "certainty": judge_certainty(audit),
        "chosen": choose_strips(folder, audit),
        "by_luck": BY_LUCK,
        "confidence": CONFIDENCE,
        "defended": _defended(folder, audit),
        "facts": list_facts(audit),
        "files": _files_of(folder),
        "found": about.get("candidates", {}).get("found", [])[:MOST_FOUND],
        "gaps": find_gaps(audit),
        "has_nearest": any(attack.attack == NEAREST_PHOTO for attack in audit.layers[0].attacks),
        "headline": headline(audit),
        "is_store": is_store(audit),
        "knowledge": strongest(most_telling(audit)).knowledge,
        "made": about.get("made"),
        "meanings": MEANINGS,
        "methods": METHODS,
        "most_inputs": MOST_INPUTS,
        "no_proof": NO_PROOF,
        "plot": plot_rates(audit),
        "rows": list_rows(folder, audit),
        "store": about.get("store"),
        "strips": strips,
        "strongest": strongest,
        "told": [(layer, tell(layer)) for layer in audit.layers],
        "version": preimage.__version__,
        "weaker": _weaker(audit),
    }


def _weaker(audit: Audit) -> AttackResult | None:
    """Return the first attack on a layer, if it shows something but is not the strongest."""
    if len(audit.layers) > 1:
        return None
    first = audit.layers[0].attacks[0]
    is_strongest = strongest(audit.layers[0]).attack == first.attack
    return first if first.verdict.shows and not is_strongest else None


def _defended(folder: Path, audit: Audit) -> dict[str, Any] | None:
    """Return the plot, the table and the sentences of defenses; None if none were measured."""
    if audit.defenses is None:
        return None
    drawn = base64.b64encode((folder / f"{DEFENSES}.svg").read_bytes()).decode()
    return {
        "plot": f"data:image/svg+xml;base64,{drawn}",
        "header": header(audit.defenses),
        "rows": rows(audit.defenses),
        "lines": in_words(audit.defenses),
    }


_FILES = {
    "measures.csv": "every measure of every attack, with interval, chance and luck",
    "photos.csv": "the error of every photo by every attack",
    "errors.csv": "the error of every stored vector that was attacked",
    "candidates.csv": "every photo that was looked for in the store",
    "defenses.csv": "every measure of every defense, with interval and chance",
    "defenses.png": "leak against usefulness under defenses",
    "inputs.csv": "the checksum of every file that went in",
    "audit.json": "all of this, and the settings, as JSON",
    "grid.png": "the stored vectors' pictures, side by side",
    "photos.png": "the photos and their reconstructions, side by side",
}
"""The files beside the page, with what they hold."""


def _files_of(folder: Path) -> list[tuple[str, str]]:
    """Return the files beside the page that are there, with what they hold."""
    return [(name, words) for name, words in _FILES.items() if (folder / name).is_file()]
