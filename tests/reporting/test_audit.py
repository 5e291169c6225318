"""The page of an audit: what its sentences say."""

from __future__ import annotations

from preimage.audit.leakage import LayerAudit
from preimage.reporting.audit import conclude
from preimage.studies.summary import Mean


def _audit(layer: str, by_pixels: float, by_hog: float) -> LayerAudit:
    mean = Mean(f"net/{layer}", 1.0, (), 0.3, None, None, None, None, None, 0.1, 2)
    return LayerAudit(mean, by_pixels, by_hog)


def test_the_conclusion_names_the_layers_that_leak_and_those_that_do_not() -> None:
    audits = [_audit("conv1", 1.0, 0.2), _audit("conv2", 0.1, 0.95), _audit("fc", 0.5, 0.5)]
    first, *others = conclude(audits, 8)
    assert first.startswith("8 photos were reconstructed")
    assert first.endswith("guessing would find 12 %.")
    assert others == [
        "These layers give photos back: conv1, conv2.",
        "Whoever has the outputs of these layers should be taken to have the photos.",
        "These layers do not give photos back by this attack: fc. A stronger attack may succeed.",
    ]


def test_where_no_layer_leaks_none_is_accused() -> None:
    lines = conclude([_audit("fc", 0.1, 0.1)], 4)
    assert len(lines) == 2
    assert not any("give photos back:" in line for line in lines)
