"""Facts of an audit in rows: its inputs, settings and versions, as the page shows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from preimage.audit.result import Audit

_WORDS = {
    "made": "when and where",
    "command": "command",
    "input": "stored vectors",
    "input_sha256": "SHA-256 of the vectors",
    "column": "column",
    "network": "network",
    "weights": "weights",
    "weights_sha256": "SHA-256 of the file of weights",
    "parameters_sha256": "SHA-256 of the network's parameters",
    "seed": "seed of sample, photos, noise and bootstrap",
    "steps": "steps",
    "settings": "settings",
    "versions": "versions",
}
"""The names of what an audit knows of itself, in the order of the page."""


def list_facts(audit: Audit) -> list[tuple[str, str]]:
    """Return the names and values of inputs, settings and versions."""
    rows = [
        ("representations", ", ".join(layer.representation for layer in audit.layers)),
        (
            "attacks",
            ", ".join(dict.fromkeys(a.attack for one in audit.layers for a in one.attacks)),
        ),
        ("judges", ", ".join(audit.judges) or "none"),
        ("photos", str(len(audit.photos))),
    ]
    for key, words in _WORDS.items():
        if audit.about.get(key) is not None:
            rows += [(" ".join([words, *more]), value) for more, value in _flat(audit.about[key])]
    return rows


def _flat(value: Any) -> Iterator[tuple[list[str], str]]:
    """Yield the values of nested plain data, each with the names that lead to it."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            for names, text in _flat(inner):
                yield [str(key), *names], text
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(one, Mapping | Sequence) and not isinstance(one, str) for one in value):
            for n, one in enumerate(value, 1):
                for names, text in _flat(one):
                    yield [str(n), *names], text
        else:
            yield [], ", ".join(map(str, value))
    else:
        yield [], f"{value:.6g}" if isinstance(value, float) else str(value)
