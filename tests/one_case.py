"""A plugin of pytest that runs each test function once, or one test of each file.

Of a test with parameters, the first case runs: `--first-of function`, the default. With
`--first-of file`, the first test of each file runs, a quick look at everything.
"""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--first-of", choices=["function", "file"], default="function")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the first case of each test function, or the first test of each file."""
    end = "::" if config.getoption("first_of") == "file" else "["
    first: dict[str, pytest.Item] = {}
    for item in items:
        first.setdefault(item.nodeid.partition(end)[0], item)
    kept = set(first.values())
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]
