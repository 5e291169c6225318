"""Libraries that may be missing."""

from __future__ import annotations

import pytest

from preimage.extras import install_command
from preimage.models import optional
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


@pytest.mark.parametrize(
    ("torch", "command"),
    [
        ("2.13.0", install_command("torchvision")),
        (
            "2.13.0+cpu",
            "pip install 'torchvision==0.28.*' --index-url https://download.pytorch.org/whl/cpu",
        ),
    ],
)
def test_torchvision_is_named_as_it_fits_the_torch_of_an_index_of_its_own(
    monkeypatch: pytest.MonkeyPatch, torch: str, command: str
) -> None:
    def fail(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", fail)
    monkeypatch.setattr(optional, "version", lambda package: torch)
    with pytest.raises(ModelError) as caught:
        import_optional("torchvision", "torchvision")
    assert str(caught.value).endswith(f"; run: {command}")
