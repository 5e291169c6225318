"""Tables that show themselves: as text when printed, as HTML in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """Rows of cells below a header.

    Attributes:
        header: the name of each column.
        rows: the cells of each row: texts and numbers.
        note: a line below the table.

    >>> print(Table(("layer", "channels"), [("conv1", 96), ("conv2", 256)]))
    layer  channels
    conv1  96
    conv2  256
    """

    header: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def __iter__(self) -> Iterator[Sequence[object]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, count: int) -> Table:
        """Return the first rows, with a note of how many there are if some are left out."""
        if len(self) <= count:
            return self
        left_out = f"the first {count} of {len(self)} rows"
        return Table(self.header, self.rows[:count], "; ".join(filter(None, (left_out, self.note))))

    def __str__(self) -> str:
        lines = [list(self.header), *([str(cell) for cell in row] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = (
            "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )
        return "\n".join([*padded, *([self.note] if self.note else [])])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Return the table as HTML, for notebooks."""
        head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in self.header)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(str(cell))}</td>' for cell in row)}</tr>"
            for row in self.rows
        )
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"
