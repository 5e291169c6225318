"""The loop of `invert`, `maximize` and `caricature`: print, write, grid and film of results.

If --out is a folder, each result is written there when it is ready, as a picture and a JSON
sidecar; --grid adds a picture for each input that shows its results side by side. If --out is a
picture, it shows all results; if it is an .npz file, it holds the results of a single run exactly,
for --start. --video adds a film of all of them.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from preimage.cli.errors import clear_errors, console, in_one_line, print_traceback
from preimage.cli.progress import progress_bar
from preimage.cli.runs import ERRORS, Input, Run, announced, carry_out
from preimage.cli.tables import percent
from preimage.files import file_name, write_whole
from preimage.grid import Cell, arrange, draw_box, draw_grid
from preimage.names import LayerName
from preimage.reporting.results import check_output, check_picture, check_writable, names_file
from preimage.reporting.video import check_video, draw_frames, write_video
from preimage.visualizations import DeadTargetError, PreImage
from preimage.visualizations.maximization import dead_in_words
from preimage.visualizations.saving import save_picture, write_picture
from preimage.visualizations.showing import in_maxima, label

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from preimage.studies.judge import Judge

_GROWTH = 1.25
"""Growth of the number of results after which the picture of all is written again, a factor."""
_LEAST_BYTES = 8192
"""The least number of bytes that a picture and its sidecar take on a disk."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """The end of a run: its results and what was written of each, or why there are none.

    Attributes:
        item: the input that the run belongs to.
        result: its results; None if it failed.
        outputs: path, picture and description of each result.
        message: a line about a failure.
        is_dead: whether it failed because all its targets are dead.
    """

    item: Input
    result: PreImage | None = None
    outputs: Sequence[tuple[Path, Image.Image, dict[str, Any]]] = ()
    message: str | None = None
    is_dead: bool = False


class Gallery:
    """The pictures, lines and films of a command.

    Args:
        out: a folder, a picture that shows all results, or an .npz file for those of one run.
        grid: whether to draw the results of each input side by side.
        video: the film to write.
        as_json: whether to print JSON.
        columns: pictures in a row of a grid or film; None for rows of about equal length.
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
        columns: int | None = None,
        judge: Judge | None = None,
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        self.interrupted = False
        self._out, self._grid, self._video = out, grid, video
        self._as_json, self._columns, self._judge = as_json, columns, judge
        self._is_result = names_file(out) and out.suffix == ".npz"
        self._is_picture = names_file(out) and not self._is_result
        self._is_file = self._is_picture or self._is_result
        self._names: set[str] = set()
        self._kept = 0
        self._rows: list[Sequence[Cell]] = []
        self._last: tuple[Path, Image.Image, PreImage, int]
        self._filmed: list[PreImage] = []
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

    def show(self, inputs: Sequence[Input], grid_name: str, workers: int = 1) -> list[str]:
        """Compute, print and write the results of all inputs; after Ctrl-C, those so far.

        Args:
            inputs: an error in a run of one of them does not affect the others.
            grid_name: what follows the stem in a grid's file name.
            workers: number of processes that share the runs. Files are written as runs end, and
                lines printed in their order.

        Returns:
            A line for each input that failed.
        """
        runs = [run for item in inputs for run in item.runs]
        owners = [item for item in inputs for _ in item.runs]
        failures: list[str] = []
        with clear_errors(), progress_bar() as bar:
            if self._is_result and len(runs) > 1:
                raise ValueError(
                    f"{self._out} holds the results of one run, but these are {len(runs)}: give "
                    "one input and one representation, or a folder"
                )
            ends = self._in_order(owners, runs, carry_out(runs, workers, bar))
            ends = announced(ends, inputs, workers, lambda: self.interrupted)
            for item, group in itertools.groupby(ends, key=lambda ended: ended.item):
                cells: list[list[Cell]] = []
                first, messages = len(self.lines), []
                sizes: list[torch.Size] = []
                for ended in group:
                    cells += filter(None, [self._print(ended, sizes)])
                    messages += [ended] if ended.message else []
                    if len(runs) > 1:
                        self._write_so_far(cells)
                failures += _failures(item, messages)
                self._draw(item, cells, first, grid_name)
            self._finish()
        return failures

    def _in_order(
        self,
        owners: Sequence[Input],
        runs: Sequence[Run],
        ends: Iterator[tuple[int, PreImage | BaseException]],
    ) -> Iterator[_Ended]:
        """Write what the runs found as they end, and yield the ends in the order of the runs.

        Results of one key wait for those before them, which must not get their names.
        """
        waiting: dict[int, PreImage | BaseException] = {}
        written: dict[int, _Ended] = {}
        position = 0
        for index, end in ends:
            waiting[index] = end
            for n in sorted(waiting):
                if all(m in written or runs[m].key != runs[n].key for m in range(n)):
                    written[n] = self._write(owners[n], waiting.pop(n))
            while position in written:
                yield written[position]
                position += 1
        for n in sorted(waiting):
            written[n] = self._write(owners[n], waiting[n])
        yield from (written[n] for n in sorted(written) if n >= position)

    def _write(self, item: Input, end: PreImage | BaseException) -> _Ended:
        """Write the files of the results of a run; return what is printed of it, later."""
        if isinstance(end, PreImage):
            self.interrupted = self.interrupted or end.interrupted
            try:
                outputs = [self._write_one(item, end, n) for n in range(len(end))]
                return _Ended(item, end, outputs)
            except ERRORS as error:
                print_traceback()
                end = error
        if isinstance(end, KeyboardInterrupt):  # before it had anything
            self.interrupted = True
            return _Ended(item)
        if not isinstance(end, ERRORS):
            raise end
        if isinstance(end, DeadTargetError):
            return _Ended(item, message=str(end), is_dead=True)
        return _Ended(item, message=f"{item.name}: {in_one_line(end)}")

    def _write_one(
        self, item: Input, result: PreImage, index: int
    ) -> tuple[Path, Image.Image, dict[str, Any]]:
        """Write one image if it has files of its own; return path, picture and description."""
        path = self._out if self._is_file else self._path(item, result, index)
        line = {**item.describe(result, index), **result.describe(index)}
        if self._judge is not None:
            line |= self._judge.describe(result, index, item.class_name(result, index))
        line["output"] = str(path)
        picture = result.to_pil(index)
        if not self._is_file:
            _write(path, picture, result, index, line)
        return path, picture, line

    def _print(self, ended: _Ended, sizes: list[torch.Size]) -> list[Cell]:
        """Print the lines of a run; return a grid's cells, before several the photo, if any."""
        result, cells = ended.result, []
        if result is None:
            return []
        if result.dead:
            console.print(f"left out: {dead_in_words(result.dead)}")
        originals = result.originals
        if originals is not None and (len(result) > 1 or sizes[-1:] != [originals.shape[1:]]):
            sizes.append(originals.shape[1:])
            original = result.preprocessing.to_pil(originals[0])
            cells.append(Cell(draw_box(original, result.box), ended.item.stem))
        for index, (path, picture, line) in enumerate(ended.outputs):
            self._last = path, picture, result, index
            self.lines.append(line)
            parts = _words(line, picture.size, self._without_class(ended.item, result, index))
            parts += [] if self._is_file else [f"-> {path}"]
            typer.echo(json.dumps(line) if self._as_json else "  ".join(parts))
            box = None if result.visualization == "maximize" else result.box
            words = label(result, index, line.get("probability"))
            cells.append(Cell(draw_box(picture, box), words))
        if self._video is not None:
            self._filmed.append(result)
        return cells

    def _draw(self, item: Input, cells: list[list[Cell]], first: int, grid_name: str) -> None:
        """Draw the grid of an input, whose lines begin at `first`."""
        rows = arrange(cells, self._columns)
        if self._is_picture:
            self._rows += rows
        elif self._grid and rows:
            path = self._out / f"{self._unique(item.stem, grid_name, 'grid')}.png"
            write_picture(path, draw_grid(rows), self.lines[first:])
            self._name("grid", path)

    def _write_so_far(self, cells: Sequence[Sequence[Cell]]) -> None:
        """Write the picture of all results, so that they are kept if the process is ended.

        It is written again only if a quarter more results have come, because that takes time.
        """
        if self._is_picture and len(self.lines) >= _GROWTH * self._kept and self.lines:
            rows = [*self._rows, *arrange(cells, self._columns)]
            write_picture(self._out, draw_grid(rows), self.lines)
            self._kept = len(self.lines)

    def _finish(self) -> None:
        """Write the file of all results and the film, if there is anything to show."""
        if self._is_result and self.lines:
            result = self._last[2]
            result.save(self._out)
            self._name("result", self._out)
        elif self._is_picture and len(self.lines) == 1 and not self._grid:
            _write(*self._last, self.lines[0])
            self._name("picture", self._out)
        elif self._is_picture and self._rows:
            write_picture(self._out, draw_grid(self._rows), self.lines)
            self._name("picture", self._out)
        if self._video is not None and self._filmed:
            write_video(self._video, draw_frames(self._filmed, self._columns))
            self._name("film", self._video)

    def _name(self, kind: str, path: Path) -> None:
        """Print the path of a file of several results, or of all."""
        if not self._as_json:
            typer.echo(f"{kind}  -> {path}")

    def _without_class(self, item: Input, result: PreImage, index: int) -> Sequence[str]:
        """Return the judges that do not know the class of an image; none if it has no class."""
        name = None if self._judge is None else item.class_name(result, index)
        return () if self._judge is None or name is None else self._judge.without_class(name)

    def _path(self, item: Input, result: PreImage, index: int) -> Path:
        """Return where an image goes, under a name that no other image of this run has."""
        parts = [item.stem, result.representation]
        if result.targets is not None:
            parts.append(result.targets[index])
        elif item.is_batch:
            parts.append(f"code{result.sources[index]}")
        if result.visualization == "invert" and len(set(result.loss_weights)) > 1:
            parts.append(f"C{result.loss_weights[index]:g}")
        if result.strengths is not None and len(set(result.strengths)) > 1:
            parts.append(f"strength{result.strengths[index]:g}")
        if any(result.seeds):
            parts.append(f"seed{result.seeds[index]}")
        return self._out / f"{self._unique(*parts)}.png"

    def _unique(self, *parts: str) -> str:
        """Return a file name of these parts, with a number behind it if it was given before.

        Names that differ in case count as one, because some systems do not tell them apart.
        """
        stem = name = file_name(".".join(part for part in parts if part))
        count = 1
        while name.casefold() in self._names:
            count += 1
            name = f"{stem}-{count}"
        self._names.add(name.casefold())
        return name


def _failures(item: Input, ended: Sequence[_Ended]) -> list[str]:
    """Return a line for each failure of an input's runs; print those of dead targets.

    They are a failure only if no target is alive.
    """
    dead = [end for end in ended if end.is_dead]
    for end in dead:
        console.print(f"left out: {end.message}")
    found = [end.message for end in ended if end.message and not end.is_dead]
    if len(dead) == len(item.runs):
        found.append(f"{item.name}: all targets are dead: no photo changes their responses")
    return list(dict.fromkeys(found))


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


def _words(
    line: Mapping[str, Any], shown: tuple[int, int], without_class: Sequence[str]
) -> list[str]:
    """Return the words that are printed for an image, of which a part of this size is shown."""
    words = [line[key] for key in ("input", "representation", "target") if key in line]
    if line["visualization"] == "invert":
        words.append(f"C {line['loss_weight']:g}")
    if line["visualization"] == "caricature":
        words.append(f"strength {line['strength']:g}")
    height, width = line["image_size"]
    words += [f"seed {line['seed']}", f"{height} x {width}"]
    if shown != (width, height):
        words.append(f"shown: {shown[1]} x {shown[0]} pixels, the receptive field")
    match line["visualization"]:
        case "invert":
            words.append(f"error {percent(line['error'])}")
        case "caricature":
            words.append(f"response x {line['response']:.2f}")
        case "maximize":
            relative = in_maxima(line["response"], line["maximum"])
            words.append(f"response {line['response']:.3g} ({relative})")
    if "probability" in line:
        network = LayerName.parse(line["representation"]).network
        words.append(f"probability {line['probability']:.2f} by {network}")
    if judged := _judged(line, without_class):
        words.append(f"judge {', '.join(line['judge'])}: {', '.join(judged)}")
    return [*words, f"{line['seconds']:.1f} s"]


def _judged(line: Mapping[str, Any], without_class: Sequence[str]) -> list[str]:
    """Return the judges' most telling numbers in words, and which judges do not know the class."""
    shown = {
        "feature_distance": "distance", "judge_agrees": "same class",
        "judge_probability": "probability", "saturation_ratio": "saturation x",
    }  # fmt: skip
    words = [f"{word} {line[key]:.2f}" for key, word in shown.items() if key in line]
    if not without_class:
        return words
    some = "" if len(without_class) == len(line["judge"]) else f" in {', '.join(without_class)}"
    return [*words, f"no such class{some}, so no probability"]
