"""Formulas as MathML, which browsers draw themselves: the site needs no script from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def to_mathml(latex: str, *, is_block: bool = False) -> str:
    """Return a formula in LaTeX as a `math` element.

    Raises:
        docutils.utils.math.MathError: if the formula uses what docutils does not know.
    """
    from docutils.utils.math import latex2mathml

    text: str = latex2mathml.tex2mathml(latex, as_block=is_block)
    return text


def register(app: Sphinx) -> None:
    """Make this the way in which Sphinx writes formulas."""
    app.add_html_math_renderer("mathml", (_write_inline, None), (_write_block, None))
    app.config.html_math_renderer = "mathml"


def _write_inline(writer: Any, node: Any) -> NoReturn:
    _write(writer, node, is_block=False)


def _write_block(writer: Any, node: Any) -> NoReturn:
    _write(writer, node, is_block=True)


def _write(writer: Any, node: Any, *, is_block: bool) -> NoReturn:
    """Write a formula, and tell docutils that this is all that is to be written of it."""
    from docutils.nodes import SkipNode

    writer.body.append(to_mathml(node.astext(), is_block=is_block))
    raise SkipNode
