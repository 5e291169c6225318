"""The documents say only what is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from preimage.studies.study import read_study
from tests.cli.runner import run

ROOT = Path(__file__).parent.parent
MAP = (ROOT / "docs/paper_map.md").read_text()
DOCUMENTS = [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(preimage\.[\w.]+)`", MAP))))
def test_every_name_of_the_paper_map_exists(name: str) -> None:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return
    pytest.fail(f"{name} does not exist")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"command `preimage ([^`]+)`", MAP))))
def test_every_command_of_the_paper_map_exists(command: str) -> None:
    outcome = run(*command.split(), "--help")
    assert outcome.status == 0
    assert any("Usage" in line for line in outcome.output)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", ["studies.md", "scaling.md"])
def test_every_study_of_the_documents_is_one(document: str, tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / document).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "study.toml").write_text(block)
        assert read_study(tmp_path / "study.toml").representations


def test_the_map_of_the_house_names_every_module() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    for path in (ROOT / "src/preimage").rglob("*.py"):
        name = path.parent.name + "/" if path.name == "__init__.py" else path.name
        if path.parent.name not in (
            "cli",
            "reporting",
            "studies",
            "paper",
            "audit",
        ) or name.endswith("/"):
            assert name in text or path.parent == ROOT / "src/preimage", path
