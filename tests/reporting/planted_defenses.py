"""Defenses of which all is known."""

from __future__ import annotations

from preimage.audit.defended import Defended, DefenseResult
from preimage.audit.measures import Estimate
from preimage.audit.usefulness import Rate
from preimage.audit.verdict import Verdict


def _result(name: str, pixels: float, judged: float, found: float) -> DefenseResult:
    estimates = tuple(
        Estimate(measure, judge, value, value / 2, (1 + value) / 2, 1 / 12, 0.5, 12)
        for measure, judge, value in (
            ("reidentified", None, 1.0),
            ("reidentified_pixels", None, pixels),
            ("reidentified_judge", "eye", judged),
        )
    )
    use = [Rate(one, found, found / 2, 1, 0.02, 24) for one in ("retrieval", "same_class")]
    matched = Rate("matched", 0.5, 0.3, 0.7, 0.01, 24)
    use = use[: 1 if name == "unit" else 2]
    return DefenseResult(
        name,
        f"{name} it is.",
        estimates,
        Verdict(("content",)),
        matched,
        tuple(use),
        (0.1,),
        ("a",),
    )


def planted() -> Defended:
    """Undefended vectors, a defense that costs nothing, and one that leaves nothing."""
    results = [("none", 0.25, 0.75, 1.0), ("unit", 0.5, 0.75, 1.0), ("noise:2", 1.0, 0.0, 0.0)]
    return Defended(tuple(_result(*one) for one in results), 12, 50, "draft")
