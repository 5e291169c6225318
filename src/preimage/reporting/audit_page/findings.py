"""Findings of an audit in plain words: what an attacker learns, and the measures that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from preimage.audit.advice import (
    LEVELS,
    SOME_PHOTOS,
    candidates_found,
    is_store,
    layer_name,
    shows_some_photos,
)
from preimage.audit.measures import MEASURES, Estimate, Finding
from preimage.audit.result import AttackResult, Audit, LayerResult
from preimage.audit.verdict import FEWEST_PHOTOS, is_beyond_chance

TITLES: dict[Finding, str] = {
    "photo": "The very photo",
    "arrangement": "Arrangement",
    "color": "Colors",
    "content": "What the photo shows",
}
"""The names of findings, from the most telling one on."""

MEANINGS = {
    "reidentified": (
        "The reconstruction is nearest to its own photo among all of them, by pixels or by HOG, "
        "and in the eyes of most judges. Without a judge, by pixels and by HOG."
    ),
    "reidentified_pixels": "Nearest to its own photo by the correlation of pixels.",
    "reidentified_hog": "Nearest to its own photo by the directions of edges (HOG codes).",
    "reidentified_judge": "Nearest to its own photo in the eyes of this independent network.",
    "same_class": "This independent network puts reconstruction and photo in the same class.",
    "feature_distance": "1 - cosine of this network's features of the two; 0 is the same.",
    "ssim": "Structural similarity of gray levels; 1 is the same.",
    "reidentified_color": "Nearest to its own photo by the mean color.",
    "color_distance": "Distance of the mean colors in CIELAB; 2 is just visible.",
    "color_histogram": "Share of the pixels whose chroma the two have in common.",
}
"""The meaning of each measure, by its name."""


METHODS = {
    "inversion": (
        "Starting from noise, a picture is changed step by step until the network gives it the "
        "same vector. No photos, no training and no access to the owner's service are needed."
    ),
    "decoder": (
        "From photos of their own the attacker has learned what a vector says about textures and "
        "colors inside the network, and makes a picture that has them. These photos need not be "
        "in the store."
    ),
    "decoder + inversion": (
        "The picture shall have what the decoder predicts and the same vector, too. It takes "
        "nothing more than the decoder alone."
    ),
    "nearest photo": (
        "The attacker computes the vectors of their own photos and shows the photo whose vector is "
        "most alike. It is the attacker's photo, which only resembles the stored one."
    ),
    "nearest photo + inversion": (
        "The attacker's most similar photo is changed step by step until the network gives it the "
        "same vector. It takes nothing more than the nearest photo alone."
    ),
}
"""Two sentences on each attack, by its name: its steps, and its needs."""


@dataclass(frozen=True, slots=True)
class Told:
    """The words for one finding of a layer.

    Attributes:
        title: the name of the finding.
        extent: of how many photos it holds, in words.
        level: 0 if it is not shown, 1 if of some photos, 2 if of most; None if it was not measured.
        estimate: the measure that says so most clearly; None if there is none.
        attack: the name of its attack.
    """

    title: str
    extent: str
    level: int | None
    estimate: Estimate | None
    attack: str


def tell(layer: LayerResult) -> list[Told]:
    """Return what is said of each finding."""
    return [_tell(layer, finding) for finding in TITLES]


def headline(audit: Audit) -> str:
    """Return the verdict in one sentence, which says that it is provisional if photos are few."""
    words = _headline(audit)
    is_shown = any(layer.verdict.shows for layer in audit.layers)
    if not is_shown or len(audit.photos) >= FEWEST_PHOTOS:
        return words
    return f"Provisional, with {len(audit.photos)} photos only: {words[:1].lower()}{words[1:]}"


def _headline(audit: Audit) -> str:
    """Return the verdict in one sentence, however few photos it is of."""
    if len(audit.layers) == 1:
        (layer,) = audit.layers
        subject = "These vectors" if is_store(audit) else "The output of this layer"
        found = candidates_found(audit)
        if not layer.verdict.shows:
            if found:
                return f"Reconstructions showed nothing, but {found}."
            return "Nothing was shown by these attacks. That is no all-clear."
        some = SOME_PHOTOS if shows_some_photos(layer) else ""
        more = f"; and {found}" if found else ""
        return f"{subject} give{'' if is_store(audit) else 's'} away {layer.verdict}{some}{more}."
    worst = most_telling(audit)
    alike = [one for one in audit.layers if str(one.verdict) == str(worst.verdict)]
    if not worst.verdict.shows:
        return "Nothing was shown of any layer by these attacks. That is no all-clear."
    names = ", ".join(map(layer_name, alike))
    verb = "gives" if len(alike) == 1 else "give"
    return f"{len(alike)} of {len(audit.layers)} layers, {names}, {verb} away {worst.verdict}."


def most_telling(audit: Audit) -> LayerResult:
    """Return the layer that shows most, the first of several."""
    return max(audit.layers, key=lambda layer: LEVELS.index(layer.verdict.level))


def strongest(layer: LayerResult) -> AttackResult:
    """Return the attack that shows most, and of these the one that re-identifies most photos."""

    def rank(attack: AttackResult) -> tuple[int, float]:
        rates = (one.value for one in attack.estimates if MEASURES[one.measure].is_rate)
        return LEVELS.index(attack.verdict.level), sum(rates)

    return max(layer.attacks, key=rank)


def _deciding(layer: LayerResult, finding: Finding) -> tuple[Estimate, str] | None:
    """Return the measure that says most clearly that a finding holds, and its attack.

    Photos that are re-identified beyond luck show the arrangement, too (`preimage.audit.verdict`).
    """
    best = max(_of(layer, finding), key=lambda one: _clarity(one[0]), default=None)
    if finding == "arrangement" and best is not None and not is_beyond_chance(best[0]):
        return max(best, *_of(layer, "photo"), key=lambda one: _clarity(one[0]))
    return best


def _of(layer: LayerResult, finding: Finding) -> Iterator[tuple[Estimate, str]]:
    for attack in layer.attacks:
        for one in attack.estimates:
            if MEASURES[one.measure].shows == finding:
                yield one, attack.attack


def _clarity(one: Estimate) -> tuple[bool, float]:
    return is_beyond_chance(one), one.low - one.chance


def _tell(layer: LayerResult, finding: Finding) -> Told:
    best = _deciding(layer, finding)
    if best is None:
        return Told(TITLES[finding], "not measured: no judge", None, None, "")
    estimate, attack = best
    if finding in layer.verdict.of_most:
        extent, level = "of most photos", 2
    elif finding in layer.verdict.shows or is_beyond_chance(estimate):
        extent, level = "of some photos", 1
    else:
        extent, level = "not beyond chance", 0
    return Told(TITLES[finding], extent, level, estimate, attack)
