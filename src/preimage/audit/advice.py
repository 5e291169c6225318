"""Advice that follows from the result of an audit, and how sure its verdict is, by rules.

What to do with vectors or outputs of a layer is said by the most telling finding:

1. **the very photo**: treat them as the photos themselves, in access, retention and deletion;
2. **arrangement**: treat them as small, blurred copies of the photos;
3. **contents**: treat them as descriptions of the photos;
4. **colors** alone: seldom sensitive, but no reason to give them away;
5. **nothing**: no all-clear; try stronger attacks.

Contents are advised on beside arrangement, too. The other rules ask for what makes the verdict
surer: more photos, a judge, photos like those in the store, more vectors, the right layer. A
verdict is *firm* if none of these is missing, *provisional* if one is, and *no proof* if nothing
was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias

from preimage.audit.result import Audit, LayerResult
from preimage.audit.verdict import FEWEST_PHOTOS, Level, Verdict
from preimage.names import LayerName

Certainty: TypeAlias = Literal["firm", "provisional", "no proof"]
"""How far a verdict can be relied on."""

LEVELS: tuple[Level, ...] = ("nothing", "content", "arrangement", "photo")
"""What an attacker may learn at most, from the least to the most telling."""

_TREAT = {
    "photo": (
        "Treat {} as the photos themselves: the same access, the same retention, and deleted "
        "together with their photo."
    ),
    "arrangement": (
        "Treat {} as small, blurred copies of the photos: closed to everyone who may not see "
        "the photos, and deleted together with them."
    ),
    "content": (
        "Treat {} as descriptions of the photos: whoever has them learns what photos show. Where "
        "that is sensitive, as with faces, health or documents, protect them like the photos."
    ),
    "color": (
        "Keep {} closed all the same: colors alone are seldom sensitive, but a stronger attack may "
        "show more."
    ),
}
_NOTHING = (
    "This is no all-clear. Keep {} from everyone who may not see the photos, and audit again with "
    "stronger attacks and more photos."
)


def is_store(audit: Audit) -> bool:
    """Return whether stored vectors were audited, and not layers of a network."""
    return "store" in audit.about


def judge_certainty(audit: Audit) -> Certainty:
    """Return how far the verdict can be relied on."""
    if not any(layer.verdict.shows for layer in audit.layers):
        return "no proof"
    return "provisional" if list(_make_surer(audit)) else "firm"


def advise(audit: Audit) -> list[str]:
    """Return what to do, a sentence or two each, the most important first."""
    return [*_treat(audit), *_choose_layers(audit), *_on_candidates(audit), *_make_surer(audit)]


def layer_name(layer: LayerResult) -> str:
    """Return the name of a layer without its network."""
    return LayerName.parse(layer.representation).layer


def _treat(audit: Audit) -> Iterator[str]:
    """Yield how to treat the vectors, or the outputs of layers."""
    if len(audit.layers) == 1:
        subject = "these vectors" if is_store(audit) else "outputs of this layer"
        yield from (words.format(subject) for words in _words(audit.layers[0].verdict))
        return
    names: dict[str, list[str]] = {}
    for layer in audit.layers:
        for words in _words(layer.verdict):
            names.setdefault(words, []).append(layer_name(layer))
    for words in (*_TREAT.values(), _NOTHING):
        if words in names:
            yield words.format(f"outputs of {', '.join(names[words])}")


def _words(verdict: Verdict) -> list[str]:
    """Return the rules of treatment that hold for a verdict."""
    if "photo" in verdict.shows:
        return [_TREAT["photo"]]
    found = [_TREAT[one] for one in ("arrangement", "content") if one in verdict.shows]
    if not found and "color" in verdict.shows:
        found = [_TREAT["color"]]
    return found or [_NOTHING]


def _choose_layers(audit: Audit) -> Iterator[str]:
    """Yield which of several layers to share, if they differ."""
    levels = [LEVELS.index(layer.verdict.level) for layer in audit.layers]
    if min(levels) < max(levels):
        least = [layer for layer, n in zip(audit.layers, levels, strict=True) if n == min(levels)]
        yield (
            "If one output must be stored or shared, take one of which the least was shown: "
            f"{', '.join(map(layer_name, least))}."
        )


def _on_candidates(audit: Audit) -> Iterator[str]:
    """Yield what follows from an attacker's photos that were found in the store."""
    if audit.about.get("candidates", {}).get("found"):
        yield (
            "Whoever has a copy of a photo can tell whether it is in the store: limit who may "
            "search or read it, also where that a photo is there is the secret."
        )


def _make_surer(audit: Audit) -> Iterator[str]:
    """Yield what would make the verdict surer."""
    photos = "--reference" if is_store(audit) else "--images"
    if len(audit.photos) < FEWEST_PHOTOS:
        yield f"Before you rely on it, audit again with {FEWEST_PHOTOS} photos or more ({photos})."
    if not audit.judges:
        yield (
            "Name a judge, a network that is not the audited one (--judge efficientnet-lite1): "
            "without one it is not measured what photos show."
        )
    recognized: Mapping[str, Any] = audit.about.get("store", {}).get("recognized", {})
    if recognized and not recognized["is_alike"]:
        yield (
            "Make sure that the network, its layer and its weights are those of the store: the "
            "vectors do not look like their codes."
        )
    if audit.comparison is not None and audit.comparison.outcome == "unlike":
        yield "Audit again with photos like those in the store (--reference FOLDER)."
    if is_store(audit) and (audit.comparison is None or audit.comparison.outcome == "unknown"):
        yield "Invert more vectors of the store, to tell whether the verdict holds for it (--sample)."
