"""The site: what is made from the code is complete, and Sphinx builds it without a warning."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest
from docs.site import api, commands, gallery, mathml, pages, schemas
from docs.site.vocabulary import meanings

import preimage
from preimage.studies.study import Study

ROOT = Path(__file__).parent.parent


def test_the_reference_has_every_public_name() -> None:
    text = api.public_names()
    assert all(re.search(rf"\b{name}\b", text) for name in preimage.__all__)


def test_the_page_of_commands_has_every_option() -> None:
    text = commands.commands()
    assert all(option in text for option in meanings("command line") if option.startswith("--"))
    assert "## `preimage audit codes`" in text


def test_the_tables_of_files_have_every_key_with_its_meaning() -> None:
    rows = schemas.study().splitlines()[2:]
    assert len(rows) == len(Study.model_fields)
    assert not any(row.endswith("|  |") for row in rows)
    assert all(row.count("`") >= 2 for row in schemas.sidecar().splitlines()[2:])


def test_a_comment_that_names_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        pages.completed("<!-- made from the code: nothing -->")


def test_a_link_to_an_example_leads_to_its_page_of_the_gallery() -> None:
    text = pages.completed("[one](../examples/classes.py), [all](../examples), [file](../Makefile)")
    assert text == "[one](gallery/classes.md), [all](gallery/index.md), [file](../Makefile)"


def test_every_comment_of_a_page_names_something() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for name in re.findall(
            r"^<!-- made from the code: (.+) -->$", page.read_text(), re.MULTILINE
        ):
            assert name in pages.MAKERS, page.name


def test_every_page_stands_in_one_table_of_contents() -> None:
    index = (ROOT / "docs/index.md").read_text()
    listed = re.findall(
        r"^[\w/]+$", "".join(re.findall(r"```{toctree}(.*?)```", index, re.DOTALL)), re.MULTILINE
    )
    pages = [page.stem for page in (ROOT / "docs").glob("*.md") if page.stem != "index"]
    assert sorted(listed) == sorted([*pages, "gallery/index"])


def test_every_benchmark_stands_on_their_page() -> None:
    text = (ROOT / "benchmarks/__main__.py").read_text()
    lists = re.findall(r"^(?:BENCHMARKS|WITH_OPTIONS) = \((.*?)\)", text, re.MULTILINE | re.DOTALL)
    names = re.findall(r'"(\w+)"', "".join(lists))
    page = (ROOT / "docs/benchmarks.md").read_text()
    assert len(lists) == 2
    assert names
    assert all(f"`python -m benchmarks {name}`" in page for name in names)


def test_formulas_need_no_script() -> None:
    pytest.importorskip("docutils", reason="the extra docs")
    for page in (ROOT / "docs").glob("*.md"):
        for formula in re.findall(r"\$\$(.+?)\$\$", page.read_text(), re.DOTALL):
            assert mathml.to_mathml(formula, is_block=True).startswith("<math")


def test_an_example_becomes_a_page_with_its_results(tmp_path: Path) -> None:
    script = tmp_path / "hello.py"
    script.write_text('"""Hello: says so.\n\nMore.\n"""\n\nprint("hello")\n')
    results = gallery.run(script, tmp_path / "kept", tmp_path / "sites")
    page = gallery.write_page(gallery.Example.read(script), results)
    assert page.startswith("# Hello\n\nSays so.\n\nMore.\n\n```python\nprint")
    assert "```text\nhello\n```" in page


def test_an_example_is_shown_by_what_it_made_or_by_its_pages(tmp_path: Path) -> None:
    kept, sites = tmp_path / "kept", tmp_path / "sites"
    kept.mkdir()
    assert gallery.first_picture(kept, sites) is None
    of_pages = sites / "small/assets/pictures/0a/0a1b.webp"
    of_pages.parent.mkdir(parents=True)
    of_pages.touch()
    assert gallery.first_picture(kept, sites) == of_pages
    (kept / "grid.png").touch()
    assert gallery.first_picture(kept, sites) == kept / "grid.png"


def test_an_example_that_fails_ends_the_build(tmp_path: Path) -> None:
    script = tmp_path / "bad.py"
    script.write_text("1 / 0\n")
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        gallery.run(script, tmp_path / "kept", tmp_path / "sites")


class _Links(HTMLParser):
    """The links of a page, and the anchors that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name == "id" and value:
                self.anchors.add(value)


def _read(page: Path) -> _Links:
    found = _Links()
    found.feed(page.read_text())
    return found


def test_the_site_builds_without_a_warning_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    for module in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(module, reason="the extra docs")
    source, built = tmp_path / "docs", tmp_path / "html"
    shutil.copytree(ROOT / "docs", source, ignore=shutil.ignore_patterns("_build", "gallery"))
    for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    gallery.make(source / "gallery", runs=False)
    made = source / "gallery/sites/made/an_example/small/index.html"
    made.parent.mkdir(parents=True)
    made.write_text("a page that an example made")
    words = [
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        str(tmp_path / "trees"),
        str(source),
        str(built),
    ]
    done = subprocess.run(
        [sys.executable, "-m", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (built / "made/an_example/small/index.html").exists()
    read = {page: _read(page) for page in built.rglob("*.html") if "made" not in page.parts}
    for page, found in read.items():
        for link in found.links:
            path, _, anchor = link.partition("#")
            if re.match(r"\w+:", link) or path.startswith("../made"):
                continue
            target = (page.parent / unquote(path)).resolve() if path else page
            target = Path(str(target).partition("?")[0])
            assert target.exists(), (page.name, link)
            if anchor and target in read:
                assert anchor in read[target].anchors, (page.name, link)
