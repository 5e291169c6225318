"""A table on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; long names in the first column are folded, not cut."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*header)
    table.columns[0].overflow = "fold"  # the end of a name tells layers apart
    for row in rows:
        table.add_row(*row)
    Console().print(table)
