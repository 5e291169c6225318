"""The writing of an atlas from the records of a store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from preimage.atlas.gather import gather
from preimage.atlas.media import Media
from preimage.atlas.options import Options
from preimage.atlas.pages import make_environment, write_pages
from preimage.studies.loader import Loader
from preimage.studies.outcome import Record


@dataclass(frozen=True, slots=True)
class Written:
    """The number of pages of an atlas, and of its pictures that are new."""

    pages: int
    pictures: int


def write_atlas(
    folder: Path, records: Iterable[Record], loader: Loader, options: Options
) -> Written:
    """Write the pages and pictures of an atlas into a folder, where `index.html` is the first.

    What is there already and would not change is left as it is.

    Raises:
        ModelError: if Jinja2 is not installed.
        ValueError: if the judge cannot be used.
        OSError: if files cannot be read or written.
    """
    make_environment()  # raises before any work is done
    media = Media(folder)
    atlas = gather(records, loader, media, options)
    return Written(write_pages(folder, atlas, options.report("pages")), media.written)
