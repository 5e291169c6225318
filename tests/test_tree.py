"""The tree of the source: tests mirror modules, and nothing grows too long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from preimage.cli import app

ROOT = Path(__file__).parent.parent
SOURCE, TESTS = ROOT / "src/preimage", ROOT / "tests"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py")
OF_THE_WHOLE = {
    "app/test_in_browser.py",
    "app/test_pages_in_browser.py",
    "app/test_server_in_browser.py",
    "atlas/test_in_browser.py",
    "release/test_extras.py",
    "release/test_files.py",
    "release/test_wheel.py",
    "reporting/audit_page/test_in_browser.py",
    "reporting/sheet/test_in_browser.py",
    "test_compatibility.py",
    "test_default_dtype.py",
    "test_docs.py",
    "test_examples.py",
    "test_public_names.py",
    "test_security.py",
    "test_site.py",
    "test_tree.py",
    "test_vocabulary.py",
}
FEW_PARAMETERS, FEW_LINES, SHORT_FILE = 10, 40, 400
PUBLIC_FUNCTIONS = {"invert", "maximize", "caricature"}


def _test_of(module: Path) -> Path:
    """The test file of a module; that of `__main__.py` is `test_main.py`."""
    return module.relative_to(SOURCE).with_name(f"test_{module.stem.strip('_')}.py")


def test_every_module_has_its_test_file() -> None:
    missing = [
        str(_test_of(module)) for module in MODULES if not (TESTS / _test_of(module)).exists()
    ]
    assert missing == [], "tests that modules lack"


def test_every_test_file_has_its_module() -> None:
    found = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    extra = found - {_test_of(module) for module in MODULES} - {Path(n) for n in OF_THE_WHOLE}
    assert sorted(map(str, extra)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_every_text_file_has_an_encoding_that_no_system_chooses(path: Path) -> None:
    for call in ast.walk(ast.parse(path.read_text())):
        if isinstance(call, ast.Call) and _opens_text(call):
            assert "encoding" in {keyword.arg for keyword in call.keywords}, ast.unparse(call)


def _opens_text(call: ast.Call) -> bool:
    """Return whether a call reads or writes a text file, as far as its own words tell."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    place = 1 if isinstance(call.func, ast.Name) else 0  # of the mode: open(p, "w"), p.open("w")
    mode = ast.unparse(call.args[place]) if len(call.args) > place else "none"
    opens_text = name == "open" and mode.strip("'") in ("r", "w", "a", "x", "r+", "w+", "a+")
    return opens_text or name == "write_text" or (name == "read_text" and not call.args)


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.name)
def test_no_test_imports_a_benchmark(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in getattr(node, "names", [])]
        names.append(str(getattr(node, "module", "")))
        assert not any(name.split(".")[0] == "benchmarks" for name in names if name), path


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function below its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _commands(group: typer.Typer) -> set[str]:
    """The names of the functions that are commands."""
    callbacks = {command.callback for command in group.registered_commands}
    names = {callback.__name__ for callback in callbacks if callback is not None}
    groups = [nested.typer_instance for nested in group.registered_groups]
    return names.union(*(_commands(nested) for nested in groups if nested is not None))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_files_functions_and_signatures_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= SHORT_FILE
    may_be_long = PUBLIC_FUNCTIONS | _commands(app)
    for function in _functions(path):
        arguments = function.args
        count = len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs)
        assert _body_lines(function) <= FEW_LINES, function.name
        assert count <= FEW_PARAMETERS or function.name in may_be_long, function.name
