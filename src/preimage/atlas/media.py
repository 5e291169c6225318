"""Picture files of an atlas: results and photos as WebP, and sheets of small pictures.

Each file is named by a hash of what it shows. One that is there already is not written again.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from preimage.atlas.data import Image, Tile
from preimage.files import sha256, write_whole

if TYPE_CHECKING:
    from PIL import Image as Pillow

TILE = 128
"""Side of a small picture in pixels."""

COLUMNS = 10
"""Number of columns, and of rows, of a sheet; `atlas.css` has a class for each."""

_QUALITY = 84


class Media:
    """The picture files in the folder of an atlas.

    Attributes:
        written: the number of files that were written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.written = 0

    def add_picture(self, key: str, file: Path, title: str) -> Image:
        """Return a picture of the store as the pages show it.

        Raises:
            OSError: if it cannot be read or written.
        """
        from PIL import Image as Pillow

        return self._add(f"assets/pictures/{key[:2]}/{key}.webp", title, lambda: Pillow.open(file))

    def add_photo(self, what: str, title: str, load: Callable[[], Pillow.Image]) -> Image:
        """Return a photo as the pages show it; `what` tells it from all others.

        Raises:
            ImageError: as `load`, which is called if the photo is not there yet.
            OSError: if it cannot be written.
        """
        return self._add(f"assets/photos/{sha256(what.encode())[:32]}.webp", title, load)

    def add_sheets(self, files: Sequence[tuple[str, Path]]) -> list[Tile]:
        """Return the places of pictures, given with their keys, in sheets of 100 each.

        Raises:
            OSError: if they cannot be read or written.
        """
        tiles = []
        most = COLUMNS**2
        for first in range(0, len(files), most):
            several = files[first : first + most]
            key = sha256("".join(key for key, _ in several).encode())[:32]
            address = f"assets/sheets/{key}.webp"
            if not (self._folder / address).exists():
                self._write(address, _draw_sheet([file for _, file in several]))
            tiles += [
                Tile(address, n % COLUMNS, n // COLUMNS) for n in range(len(several))
            ]  # fmt: skip
        return tiles

    def _add(self, address: str, title: str, load: Callable[[], Pillow.Image]) -> Image:
        """Return an image of the atlas, written if it is not there yet."""
        from PIL import Image as Pillow

        path = self._folder / address
        if not path.exists():
            with load() as picture:
                self._write(address, picture)
        with Pillow.open(path) as image:
            return Image(address, title, *image.size)

    def _write(self, address: str, picture: Pillow.Image) -> None:
        """Write a picture as WebP."""
        data = io.BytesIO()
        picture.convert("RGB").save(data, "WEBP", quality=_QUALITY)
        with write_whole(self._folder / address) as partial:
            partial.write_bytes(data.getvalue())
        self.written += 1


def _draw_sheet(files: Sequence[Path]) -> Pillow.Image:
    """Return the pictures as small squares, row by row."""
    from PIL import Image as Pillow
    from PIL import ImageOps

    sheet = Pillow.new("RGB", (COLUMNS * TILE, COLUMNS * TILE), "gray")
    for n, file in enumerate(files):
        with Pillow.open(file) as picture:
            small = ImageOps.fit(picture.convert("RGB"), (TILE, TILE), Pillow.Resampling.LANCZOS)
        sheet.paste(small, (n % COLUMNS * TILE, n // COLUMNS * TILE))
    return sheet
