"""The public names of the package: imported at first use, documented, and no other's."""

from __future__ import annotations

import ast
import importlib
from importlib.util import find_spec
from pathlib import Path

import pytest

import preimage


def _imported_for_type_checkers() -> dict[str, str]:
    """The names below `if TYPE_CHECKING:`, each with its module."""
    tree = ast.parse(Path(preimage.__file__).read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


def test_editors_and_users_are_given_the_same_names() -> None:
    assert sorted(preimage.__all__) == sorted(_imported_for_type_checkers())
    assert set(preimage.__all__) <= set(dir(preimage))
    for name, module in _imported_for_type_checkers().items():
        assert getattr(preimage, name) is getattr(importlib.import_module(module), name), name


@pytest.mark.parametrize("name", preimage.__all__)
def test_every_public_name_is_documented_and_not_that_of_a_module(name: str) -> None:
    assert getattr(preimage, name).__doc__
    # Importing the module would hide the name of the package.
    assert find_spec(f"preimage.{name}") is None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'preimage' has no attribute 'inwert'"):
        preimage.inwert  # noqa: B018
