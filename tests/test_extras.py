"""The command that installs an extra, by where preimage itself was installed from."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from preimage import extras
from preimage.extras import install_command

ROOT = Path(__file__).parent.parent
REPOSITORY = {"vcs": "git", "commit_id": "abc"}


class _Installed:
    """An installed package that came from an address, or from an index."""

    def __init__(self, origin: object) -> None:
        self._origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._origin is None else json.dumps(self._origin)


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, 'pip install "preimage[app]"'),
        (
            {"url": "file:///home/me/a%20clone", "dir_info": {"editable": True}},
            'pip install -e "/home/me/a clone[app]"',
        ),
        (
            {"url": "file:///home/me/clone", "dir_info": {}},
            'pip install "preimage[app] @ file:///home/me/clone"',
        ),
        (
            {"url": "https://example.org/preimage", "vcs_info": REPOSITORY},
            'pip install "preimage[app] @ git+https://example.org/preimage@abc"',
        ),
    ],
    ids=["index", "clone", "folder", "repository"],
)
def test_an_extra_comes_from_where_the_package_came_from(
    monkeypatch: pytest.MonkeyPatch, origin: object, command: str
) -> None:
    monkeypatch.setattr(extras, "distribution", lambda name: _Installed(origin))
    assert install_command("app") == command


def test_a_package_that_is_not_installed_names_its_own_clone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(extras, "distribution", fail)
    assert install_command("app") == f'pip install -e "{ROOT}[app]"'


def test_messages_leave_the_command_to_one_function() -> None:
    source = ROOT / "src/preimage"
    texts = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.suffix in (".py", ".html", ".js") and "preimage[" in path.read_text()
    }
    assert texts == {"extras.py"}


def test_the_docs_install_nothing_from_an_index_that_does_not_have_it() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    pages += [*ROOT.glob("examples/*.py"), *ROOT.glob("docs/site/**/*.md")]
    wrong = [
        f"{page.relative_to(ROOT)}: {line}"
        for page in pages
        for line in page.read_text().splitlines()
        if '"preimage[' in line and page.name != "release.md"
    ]
    assert wrong == []


def test_names_of_extras_are_those_that_every_pip_finds() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = list(extras["optional-dependencies"])
    assert [name for name in names if not re.fullmatch("[a-z]+(-[a-z]+)*", name)] == []
