"""Tables, numbers and long lines as commands print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_FRAME = 3
"""Width of the lines and spaces between two columns."""
_FOLDED = 12
"""Least width of a column whose texts are folded."""


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None
) -> None:
    """Print a table on standard output.

    If it is too wide, its widest columns are folded, as few as possible. Nothing is cut off,
    because the end of a name tells layers apart.

    Args:
        header: the name of each column, with a line break between words.
        rows: the cells of each row: texts, or values that `str` turns into texts.
        title: a line above the table.
    """
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False, emoji=False)
    table = Table(title=title, title_justify="left")
    cells = [[name.replace(" ", "\n") for name in header]]
    cells += [[str(cell) for cell in row] for row in rows]
    folded = _columns_to_fold(cells, console.width)
    for index, name in enumerate(cells[0]):
        table.add_column(name, overflow="fold", no_wrap=index not in folded)
    for row in cells[1:]:
        table.add_row(*row)
    console.print(table)


def _columns_to_fold(cells: Sequence[Sequence[str]], width: int) -> set[int]:
    """Return the indices of the widest columns, as few as must be folded for a table to fit."""
    lines = [[max(map(len, cell.split("\n"))) for cell in row] for row in cells]
    widths = [max(column) for column in zip(*lines, strict=True)]
    folded: set[int] = set()
    for index in sorted(range(len(widths)), key=lambda index: -widths[index]):
        if sum(widths) + _FRAME * len(widths) + 1 <= width:
            break
        folded.add(index)
        widths[index] = min(widths[index], _FOLDED)
    return folded


def print_wrapped(text: str) -> None:
    """Print a text on standard output, broken between words to fit the terminal."""
    from rich.console import Console

    Console(highlight=False, markup=False, emoji=False).print(text)


def percent(value: float) -> str:
    """Return a fraction as text, in percent.

    >>> percent(0.36649)
    '36.6 %'
    """
    return f"{100 * value:.1f} %"
