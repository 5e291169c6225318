"""The gallery: a page for each script of examples/, with what it prints and the pictures it makes.

`python -m docs.site.gallery FOLDER` runs every script in full, in a folder of its own, and writes
the pages. A script whose page was made by the same code is not run again. With `--without-running`
the pages have no results.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
_MOST_LINES = 40
_RUN = """
import runpy, sys
from benchmarks.missing_operators import declare_missing_operators
declare_missing_operators()
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""
"""Runs a script also beside a torchvision that was built for another torch."""
_INTRODUCTION = """# Gallery

Short scripts, each about one thing, to copy and change. They are `examples/` of the repository.
Each page shows a whole script, what it printed and the pictures that it made when this site was
built. [The app](../app.md) and [a sheet for a lecture](../sheet.md) need no script.
"""


@dataclass(frozen=True, slots=True)
class Example:
    """A script: its name, what its docstring says, and its code below that."""

    name: str
    title: str
    text: str
    code: str

    @classmethod
    def read(cls, script: Path) -> Example:
        """Return the example of a script, whose docstring begins with its title and a colon.

        Raises:
            ValueError: if it does not.
        """
        source = script.read_text()
        text = ast.get_docstring(ast.parse(source)) or ""
        title, colon, _ = text.partition(": ")
        if not colon or "\n" in title:
            raise ValueError(f"{script}: its docstring must begin with a title and a colon")
        code = re.sub(r'\A""".*?"""\n+', "", source, flags=re.DOTALL)
        return cls(script.stem, title, text.removeprefix(f"{title}: "), code)


@dataclass(frozen=True, slots=True)
class Results:
    """What a script has made: its output, its processor time, and files."""

    output: str
    seconds: float
    pictures: Sequence[str]
    sites: Sequence[str]


def examples() -> list[Path]:
    """Return all scripts, by name."""
    return sorted(EXAMPLES.glob("*.py"))


def run(script: Path, pictures: Path, sites: Path) -> Results:
    """Run a script in an empty folder, and keep the pictures and folders of pages that it makes.

    Raises:
        RuntimeError: if the script fails; the message is what it printed.
    """
    for kept in (pictures, sites):
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    given = {**os.environ, "PATH": programs, "COLUMNS": "100", "NO_COLOR": "1"}
    given["PYTHONPATH"] = str(ROOT)
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), _time_of_children()
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(script)],
            cwd=folder,
            env=given,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = _time_of_children() - before
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stdout}{done.stderr}")
        for picture in [*folder.glob("*.png"), *folder.glob("*/*.png")]:
            shutil.copy2(picture, pictures)
        made = sorted({page.parent for page in folder.glob("*/*.html")})
        for site in made:
            shutil.copytree(site, sites / site.name)
    pages = [f"{site.name}/{_first_page(sites / site.name)}" for site in made]
    return Results(done.stdout, seconds, [path.name for path in _in_order(pictures)], pages)


def _time_of_children() -> float:
    """Return the processor time of all processes that this one started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def _first_page(folder: Path) -> str:
    """Return the page of a folder to begin with: its index, or else the first by name."""
    names = sorted(path.name for path in folder.glob("*.html"))
    return "index.html" if "index.html" in names else names[0]


def _in_order(folder: Path) -> list[Path]:
    """Return the pictures of a folder as they were made."""
    return sorted(folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)


def first_picture(pictures: Path, sites: Path) -> Path | None:
    """Return the first picture that a script made, or else one of its pages; None without any."""
    found = [*_in_order(pictures), *sorted(sites.rglob("pictures/*/*.webp"))]
    return found[0] if found else None


def write_page(example: Example, results: Results | None) -> str:
    """Return the page of an example in Markdown."""
    parts = [f"# {example.title}", _capitalized(example.text), f"```python\n{example.code}```"]
    if results is None:
        return "\n\n".join(parts) + "\n"
    if results.output.strip():
        lines = results.output.rstrip().splitlines()
        cut = [*lines[:_MOST_LINES], "..."] if len(lines) > _MOST_LINES else lines
        parts.append("It prints\n\n```text\n" + "\n".join(cut) + "\n```")
    for name in results.pictures:
        parts.append(f"![{Path(name).stem}]({example.name}/{name})\n\n*`{name}`*")
    for page in results.sites:
        address = f"../made/{example.name}/{page}"
        parts.append(f'<p><a href="{address}">Pages that it made: <code>{page}</code></a></p>')
    seconds = f"{results.seconds:.0f} s of processor time when this page was made."
    parts.append(f"`examples/{example.name}.py` took {seconds}")
    return "\n\n".join(parts) + "\n"


def write_index(examples: Sequence[Example], pictures: dict[str, str]) -> str:
    """Return the first page: a picture of each example, with its title.

    Args:
        examples: all examples.
        pictures: a picture by the name of the example, as a path from the folder of the pages.
    """
    cards = [
        f"```{{figure}} {pictures[one.name]}\n:target: {one.name}.html\n:alt: {one.title}\n\n"
        f"[{one.title}]({one.name}.md)\n```"
        if one.name in pictures
        else f"- [{one.title}]({one.name}.md)"
        for one in examples
    ]
    tree = "\n".join(["```{toctree}", ":hidden:", "", *(one.name for one in examples), "```"])
    shown = "\n\n".join(cards)
    return f"{_INTRODUCTION}\n````{{container}} gallery\n{shown}\n````\n\n{tree}\n"


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def make(folder: Path, *, runs: bool = True) -> None:
    """Write the pages of all examples into a folder; run those whose results are not there yet."""
    (folder / "sites" / "made").mkdir(parents=True, exist_ok=True)
    read, pictures = [Example.read(script) for script in examples()], {}
    for script, example in zip(examples(), read, strict=True):
        page, kept = folder / f"{example.name}.md", folder / example.name
        site = folder / "sites" / "made" / example.name
        mark, key = kept / "made-by.txt", _checksum(script)
        if not runs:
            page.write_text(write_page(example, None))
            mark.unlink(missing_ok=True)
        elif not (page.exists() and mark.exists() and mark.read_text() == key):
            results = run(script, kept, site)
            page.write_text(write_page(example, results))
            mark.write_text(key)
            print(f"{example.name}: {results.seconds:.0f} s", flush=True)  # noqa: T201
        if shown := first_picture(kept, site):
            pictures[example.name] = shown.relative_to(folder).as_posix()
    for page in folder.glob("*.md"):  # of scripts that are gone
        if page.stem not in {example.name for example in read}:
            page.unlink()
    (folder / "index.md").write_text(write_index(read, pictures))


def _checksum(script: Path) -> str:
    """Return a checksum of a script and of the package that it runs."""
    return hashlib.sha256(script.read_bytes() + _checksum_of_the_package()).hexdigest()


@cache
def _checksum_of_the_package() -> bytes:
    """Return a checksum of all modules, of this one, and of the pinned versions."""
    files = [*sorted((ROOT / "src").rglob("*.py")), Path(__file__), ROOT / "constraints.txt"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).digest()


if __name__ == "__main__":
    make(Path(sys.argv[1]), runs="--without-running" not in sys.argv[2:])
