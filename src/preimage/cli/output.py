"""Where the results of a command go, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from preimage.cli.common import Source, percent
from preimage.files import file_name
from preimage.names import LayerName
from preimage.reporting.excitations import film
from preimage.reporting.grid import Cell, draw_grid
from preimage.reporting.results import (
    check_picture,
    check_writable,
    names_file,
)
from preimage.reporting.video import write_video
from preimage.representations.receptive_field import Box
from preimage.visualizations import PreImage
from preimage.visualizations.saving import write_picture


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """What came of one input and one representation.

    Attributes:
        representation: its name.
        result: the results for all seeds and loss weights.
        mask: which components counted, as the options said; may be empty.
    """

    representation: str
    result: PreImage
    mask: dict[str, Any]

    def picture(self, index: int) -> Image.Image:
        """Result `index`, with the box."""
        return _with_box(self.result.to_pil(index), self.result.box)

    def label(self, index: int) -> str:
        """What is written below result `index` in a grid."""
        words = [LayerName.parse(self.representation).layer, f"seed {self.result.seeds[index]}"]
        if len(set(self.result.loss_weights)) > 1:
            words.append(f"C {self.result.loss_weights[index]:g}")
        return f"{', '.join(words)}: {percent(self.result.describe(index)['error'])}"


@dataclass(slots=True)
class Output:
    """Writes pictures and their sidecars.

    Attributes:
        path: a folder, or the file of a single picture.
        grid: whether to put original and results side by side.
        taken: names that this run has given, so that no result replaces another.
    """

    path: Path
    grid: bool
    taken: set[str] = field(default_factory=set)

    @classmethod
    def check(cls, path: Path, grid: bool, pictures: int) -> Output:
        """An output that can be written and holds so many pictures.

        Raises:
            ValueError: if a single file is to hold several pictures, or is none that we write.
            OSError: if it cannot be written.
        """
        output = cls(path, grid)
        if not output.is_file:
            check_writable(path)
            return output
        check_picture(path)
        if pictures > 1:
            raise ValueError(
                f"{path} is one file, for {pictures} pictures: "
                "give a folder, or one input and --grid"
            )
        return output

    @property
    def is_file(self) -> bool:
        """Whether the path names a file instead of a folder."""
        return names_file(self.path)

    def write(self, source: Source, made: Reconstruction) -> list[dict[str, Any]]:
        """Writes the results of one input and representation; what is known of each."""
        stem = self.unique(f"{source.stem}.{file_name(made.representation)}")
        lines = []
        for index in range(len(made.result)):
            alone = self.is_file and not self.grid
            path = self.path if alone else self._picture(stem, made.result, index)
            together = self.is_file and self.grid
            given = {"input": source.name, "output": str(self.path if together else path)}
            given["sha256"] = source.sha256
            lines.append(given | made.result.describe(index) | {"mask": made.mask})
            if not together:
                write_picture(path, made.result.to_pil(index), lines[-1])
        return lines

    def write_grid(
        self, source: Source, made: list[Reconstruction], lines: list[dict[str, Any]]
    ) -> None:
        """Writes original and results of one input side by side, a row for 5 pictures."""
        if len(made) == 1:
            name = file_name(made[0].representation)
        else:
            name = file_name(LayerName.parse(made[0].representation).network)
        path = self.path
        if not self.is_file:
            path /= self.unique(f"{source.stem}.{name}.grid") + ".png"
        cells = []
        result = made[0].result
        if result.originals is not None:
            picture = _with_box(result.preprocessing.to_pil(result.originals[0]), result.box)
            cells.append(Cell(picture, source.stem))
        cells += [Cell(m.picture(i), m.label(i)) for m in made for i in range(len(m.result))]
        write_picture(path, draw_grid([cells[i : i + 5] for i in range(0, len(cells), 5)]), lines)

    def _picture(self, stem: str, result: PreImage, index: int) -> Path:
        code = f".code{result.sources[index]}" if len(set(result.sources)) > 1 else ""
        several = len(set(result.loss_weights)) > 1
        weight = f".C{result.loss_weights[index]:g}" if several else ""
        seed = f".seed{result.seeds[index]}" if any(result.seeds) else ""
        return self.path / f"{stem}{code}{weight}{seed}.png"

    def unique(self, stem: str) -> str:
        """A name that this run has not given yet: the stem, or one with a number behind."""
        name, count = stem, 1
        while name in self.taken:
            count += 1
            name = f"{stem}-{count}"
        self.taken.add(name)
        return name


def write_film(path: Path, made: list[Reconstruction]) -> None:
    """Writes the optimization of several results side by side, a row for 5 of them."""
    labels = [m.label(index) for m in made for index in range(len(m.result))]
    write_video(path, film([m.result for m in made], labels, min(len(labels), 5)))


def _with_box(picture: Image.Image, box: Box | None) -> Image.Image:
    """The picture with a white box around what a window sees, as in Figure 9."""
    if box is None:
        return picture
    picture = picture.convert("RGB")
    top, left, bottom, right = box.clipped((picture.height, picture.width))
    ends = (left, top, right - 1, bottom - 1)  # PIL draws the last row and column too
    ImageDraw.Draw(picture).rectangle(ends, outline="white", width=2)
    return picture
