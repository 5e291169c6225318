"""torch.hub's cache: downloads are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from preimage.files import sha256
from preimage.models.errors import ModelError
from preimage.models.torch_hub import checkpoint_path, download_checkpoint


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_checkpoint_is_downloaded_once(tmp_path: Path, cache: Path) -> None:
    served = tmp_path / f"net-{sha256(b'content')[:8]}.pth"
    served.write_bytes(b"content")
    path = download_checkpoint(served.as_uri())
    assert path == checkpoint_path(served.as_uri()) == cache / "hub/checkpoints" / served.name
    assert path.read_bytes() == b"content"
    served.unlink()
    assert download_checkpoint(served.as_uri()) == path


def test_a_download_is_checked_and_leaves_nothing_behind_if_it_fails(
    tmp_path: Path, cache: Path
) -> None:
    served = tmp_path / "net-01234567.pth"
    served.write_bytes(b"other content")
    with pytest.raises(ModelError, match=r"not downloaded: invalid hash"):
        download_checkpoint(served.as_uri())
    with pytest.raises(ModelError, match="not downloaded"):
        download_checkpoint((tmp_path / "absent.pth").as_uri())
    assert not any(path.is_file() for path in cache.rglob("*"))
