"""The page of an audit: its table and its conclusion."""

from __future__ import annotations

from pathlib import Path

from preimage.audit.measures import Estimate
from preimage.audit.result import AttackResult, Audit, LayerResult
from preimage.audit.verdict import NO_PROOF, Verdict
from preimage.reporting.audit import write_audit
from preimage.studies.loader import Loader


def test_each_layer_has_a_row_and_nothing_is_loaded_from_outside(tmp_path: Path) -> None:
    layers = []
    for name, value in (("conv<1>", 0.9), ("fc", 0.1)):
        one = Estimate("reidentified", None, value, value - 0.05, value + 0.05, 0.04, 0.5, 24)
        attack = AttackResult("inversion", "All.", (one,), Verdict(), (), (0.25,))
        layers.append(LayerResult(f"net/{name}", (attack,), 24))
    audit = Audit(tuple(layers), ("a.png",), (), ("too few",))
    write_audit(tmp_path / "a.html", "net", audit, [], Loader())
    page = (tmp_path / "a.html").read_text()
    assert "<td>conv&lt;1&gt;</td><td>25.0</td><td>90 % (85 to 95)</td>" in page
    assert "<p>Too few.</p>" in page
    assert f"<p>{NO_PROOF}</p>" in page
    assert "http" not in page.replace("http://www.w3.org", "")
