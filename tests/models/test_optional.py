"""Libraries that may be missing."""

from __future__ import annotations

import pytest

from preimage.extras import install_command
from preimage.models.errors import ModelError
from preimage.models.optional import import_optional


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (ImportError("No module named 'timm'"), install_command("timm")),
        (RuntimeError("operator torchvision::nms does not exist"), " 'torchvision==0."),
    ],
)
def test_a_library_that_cannot_be_imported_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, raised: Exception, reason: str
) -> None:
    def fail(name: str) -> None:
        raise raised

    monkeypatch.setattr("importlib.import_module", fail)
    with pytest.raises(ModelError) as caught:
        import_optional("timm", "timm")
    assert reason in str(caught.value)
