"""The meanings of words, read from the tables of docs/vocabulary.md."""

import re
from functools import cache
from pathlib import Path

PAGE = Path(__file__).parent.parent / "vocabulary.md"


@cache
def meanings(column: str) -> dict[str, str]:
    """Return the meaning of each word of a column: Python, command line, TOML or sidecar.

    >>> "seed" in meanings("sidecar")
    True
    """
    found: dict[str, str] = {}
    for block in re.findall(r"(?:^\|.*\|\n)+", PAGE.read_text(), re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()
        )
        names = [name for name in header if column in name.split(" and ")]
        for row in rows if names else ():
            words = re.findall(r"`([^`]+)`", row[header.index(names[0])])
            found |= dict.fromkeys(words, row[0])
    return found
