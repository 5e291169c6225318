"""An atlas of a layer of 5,000 channels, whose index is long."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from PIL import Image
from tests.atlas.sites import maximization
from tests.study_files import MEASURES

from preimage.atlas import pages
from preimage.atlas.data import Atlas, Channel, Layer, Model, Picture, Tile
from preimage.atlas.data import Image as Shown

MANY = 5000
"""The number of channels."""


def write_many(folder: Path) -> Path:
    """A site of so many channels without their own pages; returns the folder."""
    for n in range(MANY // 100):
        sheet = folder / f"assets/sheets/{n}.webp"
        sheet.parent.mkdir(parents=True, exist_ok=True)
        Image.radial_gradient("L").rotate(3 * n).resize((1280, 1280)).save(sheet)
    image = Shown("assets/sheets/0.webp", "a picture", 1280, 1280)
    words = ["goose", "tree frog", "barracouta", "red fox", "cheeseburger"]
    channels = [
        Channel(
            address=f"net/conv/{n}.html", label=str(n), index=n, is_class=False, maximum=2.0,
            pictures=[Picture(image, maximization(), MEASURES, ((words[n % 5], 0.5),))],
            tile=Tile(f"assets/sheets/{n // 100}.webp", n % 10, n // 10 % 10), rank=n * 7 % MANY,
        )
        for n in range(MANY)
    ]  # fmt: skip
    layer = Layer(
        name="net/conv", title="conv", address="net/conv", channels=channels, inversions=[],
        caricatures=[],
    )  # fmt: skip
    every = pages._pages
    with mock.patch.object(
        pages, "_pages", lambda atlas: (page for page in every(atlas) if page[1] != "channel.html")
    ):
        pages.write_pages(folder, Atlas([Model(name="net", address="net", layers=[layer])], None))
    return folder
