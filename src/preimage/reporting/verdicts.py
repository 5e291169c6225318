"""Verdicts and measures of audits in words, for the screen and for pages."""

from __future__ import annotations

from preimage.audit.advice import (
    SOME_PHOTOS,
    candidates_found,
    gaps_of_steps,
    gaps_of_store,
    is_store,
    shows_some_photos,
)
from preimage.audit.measures import MEASURES, Estimate
from preimage.audit.result import Audit, LayerResult
from preimage.audit.verdict import NO_PROOF
from preimage.names import LayerName


def format_estimate(estimate: Estimate, part: str = "value") -> str:
    """Return a measured value with its interval, or its value by chance, as text.

    >>> rate = Estimate("reidentified", None, 0.5, 0.291, 0.709, 0.0417, 0.001, 24)
    >>> format_estimate(rate), format_estimate(rate, "chance")
    ('50 % (29 to 71)', '4 %')
    """
    if MEASURES[estimate.measure].is_rate:
        value, low, high, chance = (
            f"{100 * number:.0f}"
            for number in (estimate.value, estimate.low, estimate.high, estimate.chance)
        )
        return f"{chance} %" if part == "chance" else f"{value} % ({low} to {high})"
    digits = 1 if MEASURES[estimate.measure].limits[1] > 2 else 2
    if part == "chance":
        return f"{estimate.chance:.{digits}f}"
    ends = f"{estimate.low:.{digits}f} to {estimate.high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ({ends})"


def conclude(audit: Audit) -> list[str]:
    """Return the conclusion of an audit, in sentences."""
    layers = audit.layers
    judged = f", judged by {' and '.join(audit.judges)}" if audit.judges else ""
    subject = (
        "the output of each layer" if len(layers) > 1 else f"codes of {layers[0].representation}"
    )
    lines = [f"{len(audit.photos)} photos were reconstructed from {subject} alone{judged}."]
    if len(layers) == 1:
        (layer,) = layers
        lines += [
            f"{attack.attack}: {attack.verdict}. {attack.knowledge}" for attack in layer.attacks
        ]
        found = candidates_found(audit)
        lines.append(f"Verdict: {_what_is_learned(layer)}{f'; {found}' if found else ''}.")
    else:
        by_words: dict[str, list[str]] = {}
        for layer in layers:
            name = LayerName.parse(layer.representation).layer
            by_words.setdefault(str(layer.verdict), []).append(name)
        lines += [f"{', '.join(names)}: {words}." for words, names in by_words.items()]
    if audit.comparison is not None:
        lines.append(f"{str(audit.comparison)[:1].upper()}{str(audit.comparison)[1:]}.")
    gaps = [*gaps_of_steps(audit), *(gaps_of_store(audit) if is_store(audit) else ())]
    lines += [f"{gap.reason.capitalize()}. {gap.remedy}" for gap in gaps]
    return [*lines, *(f"{line[:1].upper()}{line[1:]}." for line in audit.warnings), NO_PROOF]


def _what_is_learned(layer: LayerResult) -> str:
    verdict = layer.verdict
    some = SOME_PHOTOS if shows_some_photos(layer) else ""
    return f"an attacker learns {verdict}{some}" if verdict.shows else str(verdict)
