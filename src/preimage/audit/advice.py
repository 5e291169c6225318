"""Advice that follows from the result of an audit, and how sure its verdict is, by rules.

What to do with vectors or outputs of a layer is said by the most telling finding:

1. **the very photo**: treat them as the photos themselves, in access, retention and deletion;
2. **arrangement**: treat them as small, blurred copies of the photos;
3. **contents**: treat them as descriptions of the photos;
4. **colors** alone: seldom sensitive, but no reason to give them away;
5. **nothing**: no all-clear; try stronger attacks.

Contents are advised on beside arrangement, too, and photos that were re-identified beyond chance,
although they are not most, beside both. The other rules ask for what is missing: 24 photos, all
steps, a judge, photos like those in the store, enough of its vectors, the right layer. A verdict is
*firm* if none of these is missing, *provisional* if one is, and *no proof* if nothing was shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from preimage.audit.measures import MEASURES
from preimage.audit.result import Audit, LayerResult
from preimage.audit.verdict import FEWEST_PHOTOS, Level, is_beyond_chance
from preimage.names import LayerName

Certainty: TypeAlias = Literal["firm", "provisional", "no proof"]
"""The certainty of a verdict."""

LEVELS: tuple[Level, ...] = ("nothing", "content", "arrangement", "photo")
"""All levels of a verdict, from the least to the most telling."""

KEPT = 0.9
"""The share of searches that a defense which helps does not spoil."""

_TREAT = {
    "photo": (
        "Treat {} as the photos themselves: the same access, the same retention, and deleted "
        "together with their photo."
    ),
    "some": (
        "Some photos, but not most, were re-identified. Where even a few are too many, treat {} as "
        "the photos themselves."
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


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing for a firm verdict.

    Attributes:
        reason: what is missing, as a part of a sentence.
        remedy: what to do about it.
    """

    reason: str
    remedy: str


def is_store(audit: Audit) -> bool:
    """Return whether stored vectors were audited, and not layers of a network."""
    return "store" in audit.about


def judge_certainty(audit: Audit) -> Certainty:
    """Return how far the verdict can be relied on."""
    if not any(layer.verdict.shows for layer in audit.layers):
        return "no proof"
    return "provisional" if find_gaps(audit) else "firm"


def candidates_found(audit: Audit) -> str:
    """Return how many of an attacker's photos were found in the store; empty if none were."""
    searched = audit.about.get("candidates", {})
    if not (found := len(searched.get("found", ()))):
        return ""
    verb = "is" if found == 1 else "are"
    return f"{found} of {searched['photos']} photos that an attacker has {verb} in the store"


def advise(audit: Audit) -> list[str]:
    """Return what to do, a sentence or two each, the most important first."""
    return [
        *_treat(audit),
        *_choose_layers(audit),
        *_on_defenses(audit),
        *_on_candidates(audit),
        *(gap.remedy for gap in find_gaps(audit)),
    ]


def layer_name(layer: LayerResult) -> str:
    """Return the name of a layer without its network."""
    return LayerName.parse(layer.representation).layer


def _treat(audit: Audit) -> Iterator[str]:
    """Yield how to treat the vectors, or the outputs of layers."""
    if len(audit.layers) == 1:
        subject = "these vectors" if is_store(audit) else "outputs of this layer"
        yield from (words.format(subject) for words in _words(audit.layers[0]))
        return
    names: dict[str, list[str]] = {}
    for layer in audit.layers:
        for words in _words(layer):
            names.setdefault(words, []).append(layer_name(layer))
    for words in (*_TREAT.values(), _NOTHING):
        if words in names:
            yield words.format(f"outputs of {', '.join(names[words])}")


def _words(layer: LayerResult) -> list[str]:
    """Return the rules of treatment that hold for a layer."""
    shows = layer.verdict.shows
    if "photo" in shows:
        return [_TREAT["photo"]]
    found = [_TREAT[one] for one in ("arrangement", "content") if one in shows]
    if not found and "color" in shows:
        found = [_TREAT["color"]]
    if shows_some_photos(layer):
        found.insert(0, _TREAT["some"])
    return found or [_NOTHING]


def shows_some_photos(layer: LayerResult) -> bool:
    """Return whether some photos, but not most, are re-identified beyond chance."""
    found = (one for attack in layer.attacks for one in attack.estimates)
    is_beyond = any(
        is_beyond_chance(one) for one in found if MEASURES[one.measure].shows == "photo"
    )
    return is_beyond and "photo" not in layer.verdict.shows


SOME_PHOTOS = "; some photos are re-identified"
"""The end of a verdict on a layer that `shows_some_photos`."""


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
    if candidates_found(audit):
        yield (
            "Whoever has a copy of a photo can tell whether it is in the store: limit who may "
            "search or read it, above all if the mere presence of a photo is secret."
        )


def _on_defenses(audit: Audit) -> Iterator[str]:
    """Yield which of the defenses that were measured help, or how to measure them."""
    if audit.defenses is None:
        if is_store(audit) and audit.layers[0].verdict.shows:
            yield (
                "Measure what it would help to change vectors before they are stored, and what "
                "that costs (--defend all). First to be tried: a rotation whose key is kept apart "
                "(--defend rotation)."
            )
        return
    plain, others = audit.defenses.results[:1], audit.defenses.results[1:]
    if not others:
        return
    if plain[0].verdict.level == "nothing":
        shown = (
            "Counted with the measures of all defenses, what is shown without one can be luck"
            if audit.layers[0].verdict.shows
            else "Nothing was shown without a defense"
        )
        yield (
            f"{shown}, so this cannot tell whether one helps: give the attack more photos "
            "(--limit) or steps (--quality)."
        )
        return
    helpful = [
        one.defense
        for one in others
        if LEVELS.index(one.verdict.level) < LEVELS.index(plain[0].verdict.level)
        and one.retrieval.value >= KEPT * plain[0].retrieval.value
    ]
    if helpful:
        yield (
            f"Less was shown under {', '.join(helpful)}, and searches found at least {KEPT:.0%} of "
            "what they find without a defense. That does not prove that these protect."
        )
    else:
        yield (
            f"Under none of {len(others)} defenses was less shown while searches still found "
            f"{KEPT:.0%} of what they find without one: do not count on them."
        )


def find_gaps(audit: Audit) -> list[Gap]:
    """Return what is missing for a firm verdict."""
    gaps = list(_gaps_of_photos(audit))
    return [*gaps, *gaps_of_store(audit), *_gaps_of_comparison(audit)] if is_store(audit) else gaps


def _gaps_of_photos(audit: Audit) -> Iterator[Gap]:
    """Yield what is missing of photos, steps and judges."""
    if len(audit.photos) < FEWEST_PHOTOS:
        option = "--reference" if is_store(audit) else "--images"
        yield Gap(
            f"only {len(audit.photos)} photos were attacked",
            f"Before you rely on it, audit again with {FEWEST_PHOTOS} photos or more ({option}).",
        )
    yield from gaps_of_steps(audit)
    if not audit.judges:
        yield Gap(
            "no independent network judged what the pictures show",
            "Name a judge, a network that is not the audited one (--judge efficientnet-lite1): "
            "without one it is not measured what photos show.",
        )


def gaps_of_steps(audit: Audit) -> Iterator[Gap]:
    """Yield that the attacks had fewer steps than usual, if they had."""
    if (steps := audit.about.get("steps", 0)) < (usual := audit.about.get("usual_steps", 0)):
        yield Gap(
            f"the attacks had {steps} of {usual} steps, and may have shown more with all",
            "Audit again without --steps; if time is short, with --quality draft."
            if is_store(audit)
            else "Audit again without --steps.",
        )


def gaps_of_store(audit: Audit) -> Iterator[Gap]:
    """Yield what is missing of stored vectors, except what the comparison of errors says itself."""
    recognized: Mapping[str, Any] = audit.about["store"].get("recognized", {})
    if recognized and not recognized["is_alike"]:
        yield Gap(
            "the vectors do not look like codes of this layer",
            "Make sure that the network, its layer and its weights are those of the store.",
        )
    if audit.comparison is None:
        yield _TOO_FEW_VECTORS


def _gaps_of_comparison(audit: Audit) -> Iterator[Gap]:
    """Yield what the comparison of errors says is missing."""
    if audit.comparison is None:
        return
    if audit.comparison.outcome == "unlike":
        yield Gap(
            "the stored vectors are not like those of the photos",
            "Audit again with photos like those in the store (--reference FOLDER).",
        )
    if audit.comparison.outcome == "unknown":
        yield _TOO_FEW_VECTORS


_TOO_FEW_VECTORS = Gap(
    "too few stored vectors were attacked to compare them with those of the photos",
    "Attack more vectors of the store, to tell whether the verdict holds for it (--sample).",
)
