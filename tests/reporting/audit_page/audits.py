"""Audits of which all is known, with small pictures in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from preimage.audit.measures import MEASURES, Estimate
from preimage.audit.photos import keep_photos
from preimage.audit.result import AttackResult, Audit, Comparison, LayerResult, find_limits
from preimage.audit.verdict import decide

BAD = "<script>alert(1)</script> & co.png"
"""A name that would be a script if it were not escaped."""

RATES = {"reidentified": 0.625, "reidentified_hog": 0.7083}
ALIKE = Comparison(1.07, 0.91, 1.23, "alike")
STORE: dict[str, Any] = {
    "rows": 2,
    "total": 500,
    "skipped": {"NaN": 3},
    "looked_at": 259,
    "labels": {"row-17": "holidays/cat.jpg"},
    "recognized": {
        "words": "codes of net/pool, divided by their norm; stored as float16",
        "is_alike": True,
        "is_named": False,
        "evidence": ["norms 1 ± 0.001", "correlate by 0.9: 55 times chance"],
    },
    "errors": {"inversion": {"mean": 0.0934, "median": 0.0811}},
    "reconstructions": {
        "inversion": [
            {"name": "row-17", "error": 0.0934, "file": "inversion/0.png"},
            {"name": "row-41", "error": 0.0812, "file": "inversion/1.png"},
        ]
    },
}
CANDIDATES: dict[str, Any] = {
    "photos": 3,
    "found": [{"photo": BAD, "row": 5, "angle": 1.234}],
    "threshold": 9.13,
    "false_rate": 0.0095,
    "copies": 0.97,
}


def picture(seed: int = 0, side: int = 16) -> Image.Image:
    """A small picture of noise."""
    noise = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def estimates(judge: str | None, count: int, luck: float = 0.00025) -> tuple[Estimate, ...]:
    """An estimate of every measure, each with numbers of its own."""
    found = []
    for n, measure in enumerate(MEASURES.values()):
        if "{judge}" not in measure.words or judge is not None:
            value = RATES.get(measure.name, 0.31 + 0.01 * n)
            by = judge if "{judge}" in measure.words else None
            ends = (value - 0.0701, value + 0.0612)
            chance = 0.0213 + 0.001 * n
            found.append(Estimate(measure.name, by, value, *ends, chance, luck, count))
    return tuple(found)


def layer(
    folder: Path, name: str, judge: str | None, count: int, attacks: tuple[str, ...], luck: float
) -> LayerResult:
    """The result of a layer, with pictures in the folder."""
    files = [(BAD if n == 0 else f"photo {n}.png", f"{n:064x}") for n in range(count)]
    photos = keep_photos(folder, [picture(n) for n in range(count)], files)
    results = []
    for attack in attacks:
        (folder / attack).mkdir(exist_ok=True)
        names = tuple(f"{attack}/{n}.png" for n in range(count))
        for n, file in enumerate(names):
            picture(100 + n).save(folder / file)
        found = estimates(judge, count, luck)
        errors = tuple(0.05 + 0.011 * n for n in range(count))
        knowledge = f"The attacker has what {attack} takes."
        results.append(AttackResult(attack, knowledge, found, decide(found), names, errors))
    return LayerResult(name, tuple(results), photos)


def audit(
    folder: Path,
    layers: tuple[str, ...] = ("net/pool",),
    *,
    judge: str | None = "seer",
    count: int = 24,
    attacks: tuple[str, ...] = ("inversion",),
    luck: float = 0.00025,
    comparison: Comparison | None = None,
    about: dict[str, Any] | None = None,
) -> Audit:
    """The result of an audit, with pictures in the folder."""
    results = tuple(layer(folder, name, judge, count, attacks, luck) for name in layers)
    judges = () if judge is None else (judge,)
    return Audit(
        layers=results,
        photos=tuple(photo.name for photo in results[0].photos),
        judges=judges,
        warnings=tuple(find_limits(count, len(judges))),
        comparison=comparison,
        about=about or {"network": "net", "seed": 7, "settings": {"alpha": 6.25}},
    )


def store_audit(folder: Path, **options: Any) -> Audit:
    """The result of an audit of stored vectors, all of whose sections are filled."""
    about = {
        "input": "vectors.npy", "seed": 7, "store": STORE, "candidates": CANDIDATES,
        "settings": {"alpha": 6.25}, "versions": {"torch": "2.13.0"}, "weights_sha256": "ab" * 32,
        "made": {"date": "2026-11-26 19:40 UTC", "system": "Linux"},
    }  # fmt: skip
    given: dict[str, Any] = {"comparison": ALIKE, "about": about} | options
    return audit(folder, **given)
