"""The loop of `invert`, `maximize` and `caricature`: print, write, grid and film of results.

If --out is a folder, each result is written there when it is ready, as a picture and a JSON
sidecar; --grid adds a picture for each input that shows its results side by side. If --out is a
picture, it shows all results; if it is an .npz file, it holds the results of a single run exactly,
for --start. --video adds a film of all of them.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from preimage.cli.errors import clear_errors, print_traceback
from preimage.cli.inputs import Content, Source
from preimage.cli.progress import ProgressBar, announce, progress_bar
from preimage.cli.tables import percent
from preimage.files import explain, file_name, write_whole
from preimage.names import LayerName
from preimage.reporting.grid import Cell, draw_box, draw_grid, in_rows
from preimage.reporting.results import check_output, check_picture, check_writable, names_file
from preimage.reporting.video import check_video, draw_frames, write_video
from preimage.representations.base import Representation
from preimage.visualizations import PreImage
from preimage.visualizations.saving import save_picture, write_picture

if TYPE_CHECKING:
    from PIL import Image

    from preimage.studies.judge import Judge

_COLUMNS = 5
_LEAST_BYTES = 8192
"""The least number of bytes that a picture and its sidecar take on a disk."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a command, and what is computed for it.

    Attributes:
        name: the input as the user gave it.
        stem: how its file names begin; if empty, with the representation.
        results: computes its results, one after another.
        describe: returns what an image's sidecar adds to what the result describes.
        is_batch: whether it holds several codes, whose numbers go into the file names.
        runs: the number of its runs, each of which gives a result for each seed and loss weight.
        class_name: returns the name of an image's maximized class, which the judge looks for.
    """

    name: str
    stem: str
    results: Callable[[ProgressBar], Iterator[PreImage]]
    describe: Callable[[PreImage, int], Mapping[str, Any]]
    is_batch: bool = False
    runs: int = 1
    class_name: Callable[[PreImage, int], str | None] = lambda result, index: None


def inputs_of(
    sources: Iterable[Source],
    representations: Sequence[Representation],
    read: Callable[[Representation, Source], Content],
    visualize: Callable[..., PreImage],
) -> Iterator[Input]:
    """Return the inputs of a command that works on photos or codes.

    Args:
        sources: the photos, and files of codes.
        representations: by which each of them is visualized.
        read: returns the content of a source.
        visualize: called with a representation, the content, `progress`, and the index of the
            photo or code in the content.
    """
    for source in sources:

        def results(bar: ProgressBar, source: Source = source) -> Iterator[PreImage]:
            for phi in representations:
                content = read(phi, source)
                count, began = len(content.parts), time.perf_counter()
                for index in range(count):
                    name = f"{source.name} {phi.name}"
                    name += f" {index + 1} of {count}" if count > 1 else ""
                    result = visualize(phi, content, bar.for_steps(name), index)
                    yield dataclasses.replace(result, sources=(index,) * len(result))
                    if index == 0:
                        left = (time.perf_counter() - began) * (count - 1)
                        announce(left, f"{count} codes", "--limit")

        def describe(_: PreImage, __: int, source: Source = source) -> dict[str, str]:
            return {"input": source.name, "sha256": source.sha256}

        counts = [_count_parts(phi, source, read) for phi in representations]
        yield Input(source.name, source.stem, results, describe, max(counts) > 1, sum(counts))


def _count_parts(
    phi: Representation, source: Source, read: Callable[[Representation, Source], Content]
) -> int:
    """Return the number of codes of a source; 1 for a photo, or if it cannot be read."""
    if not source.is_code:
        return 1
    try:
        return len(read(phi, source).parts)
    except ValueError:
        return 1


class Gallery:
    """The pictures, lines and films of a command.

    Args:
        out: a folder, a picture that shows all results, or an .npz file for those of one run.
        grid: whether to draw the results of each input side by side.
        video: the film to write.
        as_json: whether to print JSON.
        columns: pictures in a row of a grid or film.
        judge: networks that judge each picture.

    Attributes:
        lines: what is known of each image that was shown.
        interrupted: whether Ctrl-C ended a visualization.

    Raises:
        ValueError: if the kind of `out` or `video` is unknown, or `grid` is for an .npz file.
        OSError: if it cannot be written.
    """

    def __init__(
        self,
        out: Path,
        *,
        grid: bool,
        video: Path | None,
        as_json: bool,
        columns: int = _COLUMNS,
        judge: Judge | None = None,
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        self.interrupted = False
        self._out, self._grid, self._video = out, grid, video
        self._as_json, self._columns, self._judge = as_json, columns, judge
        self._is_result = names_file(out) and out.suffix == ".npz"
        self._is_picture = names_file(out) and not self._is_result
        self._names: set[str] = set()
        self._rows: list[Sequence[Cell]] = []
        self._last: tuple[Path, Image.Image, PreImage, int]
        self._filmed: list[PreImage] = []
        self._labels: list[str] = []
        if self._is_result and grid:
            raise ValueError(f"{out} holds no picture: leave --grid out, or give a folder")
        if self._is_result:
            check_output(out)
        elif self._is_picture:
            check_picture(out)
        else:
            check_writable(out)
        if video is not None:
            check_video(video)

    def check_space(self, count: int) -> None:
        """Raise ValueError if the disk has no space for this number of results.

        A single file of all results is not checked.
        """
        there = next(path for path in (self._out, *self._out.parents) if path.exists())
        needed, free = count * _LEAST_BYTES, shutil.disk_usage(there).free
        if not names_file(self._out) and needed > free:
            raise ValueError(
                f"{count} results need at least {needed / 2**30:.3g} GB, but {there} has "
                f"{free / 2**30:.3g} GB left: ask for fewer, such as --seeds 4"
            )

    def show(self, inputs: Iterable[Input], grid_name: str) -> list[str]:
        """Compute, print and write the results of all inputs; after Ctrl-C, those so far.

        Args:
            inputs: an error in one of them does not affect the others.
            grid_name: what follows the stem in a grid's file name.

        Returns:
            A line for each input that failed.
        """
        failures = []
        with clear_errors(), progress_bar() as bar:
            listed, began = list(inputs), time.perf_counter()
            runs = sum(item.runs for item in listed)
            if self._is_result and runs > 1:
                raise ValueError(
                    f"{self._out} holds the results of one run, but these are {runs}: give one "
                    "input and one representation, or a folder"
                )
            for item in listed:
                cells: list[Cell] = []
                first = len(self.lines)
                try:
                    for result in item.results(bar):
                        cells += self._add(item, result, with_original=not cells)
                        if result.interrupted:
                            break
                except OSError as error:
                    print_traceback()
                    failures.append(f"{item.name}: {explain(error)}")
                except (ValueError, ArithmeticError, Warning) as error:
                    print_traceback()
                    failures.append(f"{item.name}: {error}")
                rows = in_rows(cells, self._columns)
                if self._is_picture:
                    self._rows += rows
                elif self._grid and rows:
                    path = self._out / f"{self._unique(item.stem, grid_name, 'grid')}.png"
                    write_picture(path, draw_grid(rows), self.lines[first:])
                    self._name("grid", path)
                if self.interrupted:
                    break
                if item is listed[0]:
                    left = (time.perf_counter() - began) * (len(listed) - 1)
                    announce(left, f"{len(listed)} inputs", "--limit")
            self._finish()
        return failures

    def _add(self, item: Input, result: PreImage, *, with_original: bool) -> list[Cell]:
        """Print and write the images of a result; return what a grid shows of it."""
        self.interrupted = result.interrupted
        cells = []
        if with_original and result.originals is not None:
            original = result.preprocessing.to_pil(result.originals[0])
            cells.append(Cell(draw_box(original, result.box), item.stem))
        for index in range(len(result)):
            is_file = self._is_picture or self._is_result
            path = self._out if is_file else self._path(item, result, index)
            line = {**item.describe(result, index), **result.describe(index)}
            if self._judge is not None:
                line |= self._judge.describe(result, index, item.class_name(result, index))
            line["output"] = str(path)
            picture = result.to_pil(index)
            self._last = path, picture, result, index
            if not is_file:
                _write(*self._last, line)
            self.lines.append(line)
            typer.echo(json.dumps(line) if self._as_json else "  ".join(_words(line)))
            box = None if result.visualization == "maximize" else result.box
            cells.append(Cell(draw_box(picture, box), _label(result, index)))
        if self._video is not None:
            self._filmed.append(result)
            self._labels += [_label(result, index) for index in range(len(result))]
        return cells

    def _finish(self) -> None:
        """Write the file of all results and the film, if there is anything to show."""
        if self._is_result and self.lines:
            result = self._last[2]
            result.save(self._out)
        elif self._is_picture and len(self.lines) == 1 and not self._grid:
            _write(*self._last, self.lines[0])
        elif self._is_picture and self._rows:
            write_picture(self._out, draw_grid(self._rows), self.lines)
        if self._video is not None and self._filmed:
            columns = min(len(self._labels), self._columns)
            write_video(self._video, draw_frames(self._filmed, self._labels, columns))
            self._name("film", self._video)

    def _name(self, kind: str, path: Path) -> None:
        """Print the path of a film or a grid."""
        if not self._as_json:
            typer.echo(f"{kind}  -> {path}")

    def _path(self, item: Input, result: PreImage, index: int) -> Path:
        """Return where an image goes, under a name that no other image of this run has."""
        parts = [item.stem, result.representation]
        if result.targets is not None:
            parts.append(result.targets[index])
        elif item.is_batch:
            parts.append(f"code{result.sources[index]}")
        if result.visualization == "invert" and len(set(result.loss_weights)) > 1:
            parts.append(f"C{result.loss_weights[index]:g}")
        if any(result.seeds):
            parts.append(f"seed{result.seeds[index]}")
        return self._out / f"{self._unique(*parts)}.png"

    def _unique(self, *parts: str) -> str:
        """Return a file name of these parts, with a number behind it if it was given before."""
        stem = name = file_name(".".join(part for part in parts if part))
        count = 1
        while name in self._names:
            count += 1
            name = f"{stem}-{count}"
        self._names.add(name)
        return name


def plain_path(path: Path) -> Path:
    """Return where the picture without stretched contrast goes.

    >>> plain_path(Path("channels/5.seed1.png")).name
    '5.seed1.plain.png'
    """
    return path.with_name(f"{path.stem}.plain{path.suffix}")


def _write(
    path: Path, picture: Image.Image, result: PreImage, index: int, line: Mapping[str, Any]
) -> None:
    """Write an image with its sidecar; if its contrast is stretched, also unstretched."""
    write_picture(path, picture, line)
    if result.contrast == "stretched":
        with write_whole(plain_path(path)) as partial:
            save_picture(result.preprocessing.to_pil(result.images[index]), partial)


def _label(result: PreImage, index: int) -> str:
    """Return what is written below an image in a grid."""
    line = result.describe(index)
    words = [line.get("target") or LayerName.parse(result.representation).layer]
    if len(set(result.seeds)) > 1:
        words.append(f"seed {line['seed']}")
    if result.visualization == "invert" and len(set(result.loss_weights)) > 1:
        words.append(f"C {line['loss_weight']:g}")
    if line["visualization"] == "invert":
        error = 100 * line["error"]
        return f"{', '.join(words)}: error {error:.{1 if error < 10 else 0}f} %"
    return f"{', '.join(words)}: response {_success(line)}"


def _success(line: Mapping[str, Any]) -> str:
    """Return how well a visualization succeeded: its error, or its response."""
    if line["visualization"] == "invert":
        return percent(line["error"])
    if line["visualization"] == "caricature":
        return f"x {line['response']:.2f}"
    times = line["response"] / line["maximum"] if line["maximum"] > 0 else None
    return "M <= 0" if times is None else f"{times:.1f} M"


def _words(line: Mapping[str, Any]) -> list[str]:
    """Return the words that are printed for an image."""
    words = [line[key] for key in ("input", "representation", "target") if key in line]
    if line["visualization"] == "invert":
        words.append(f"C {line['loss_weight']:g}")
    height, width = line["image_size"]
    words += [f"seed {line['seed']}", f"{height} x {width}"]
    match line["visualization"]:
        case "invert":
            words.append(f"error {_success(line)}")
        case "caricature":
            words.append(f"response {_success(line)}")
        case "maximize":
            words.append(f"response {line['response']:.3g} ({_success(line)})")
    if "probability" in line:
        words.append(f"probability {line['probability']:.2f}")
    if judged := _judged(line):
        words.append(f"judge: {', '.join(judged)}")
    return [*words, f"{line['seconds']:.1f} s", f"-> {line['output']}"]


def _judged(line: Mapping[str, Any]) -> list[str]:
    """Return the judges' most telling numbers in words."""
    shown = {
        "feature_distance": "distance", "judge_agrees": "agreement",
        "judge_probability": "probability", "saturation_ratio": "saturation x",
    }  # fmt: skip
    return [f"{word} {line[key]:.2f}" for key, word in shown.items() if key in line]
