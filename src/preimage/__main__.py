"""`preimage` and `python -m preimage`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line, or says what to install for it."""
    try:
        from preimage.cli import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "pydantic", "filelock"):
            raise
        sys.exit(f'error: the command line needs {error.name}: pip install "preimage[cli]"')
    app()


if __name__ == "__main__":
    main()
