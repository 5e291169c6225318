"""`preimage caricature`: photos with all that excites a layer exaggerated."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import preimage
from preimage.cli.common import (
    Source,
    check_device,
    clear_errors,
    conclude,
    find_preset,
    parse_execution,
    parse_size,
    progress_bar,
    read_inputs,
    representations,
    use_one_thread,
)
from preimage.cli.options import Accelerate, Memory
from preimage.files import file_name
from preimage.presets import STRENGTHS, UPRIGHT_PRESETS
from preimage.reporting.video import check_video, frame_interval, write_video

if TYPE_CHECKING:
    from preimage.cli.output import Output
    from preimage.optimizer import Progress
    from preimage.representations.base import Representation
    from preimage.visualizations import PreImage


def caricature(
    inputs: Annotated[
        list[str], typer.Argument(help="Photos, folders of photos, or - for standard input.")
    ],
    rep: Annotated[
        str, typer.Option(help="Representation, NETWORK/LAYER, or with --layers NETWORK.")
    ],
    layers: Annotated[
        str | None, typer.Option(help="Layers of the network, as conv1,relu2, or all.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="Weight file of the network, or random.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results, or a picture: several make a grid.")
    ] = Path("caricatures"),
    strength: Annotated[
        float, typer.Option(min=0, help="How strongly; 1 is the authors' 1 / Z.")
    ] = STRENGTHS["caricature"],
    seed: Annotated[int, typer.Option(min=0, help="The seed of the jitter.")] = 0,
    preset: Annotated[
        str, typer.Option(help=f"Constants: {', '.join(UPRIGHT_PRESETS)}.")
    ] = "nnpreimage",
    steps: Annotated[
        int | None, typer.Option(min=1, help="Iterations; the final stage adds 50.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Longer side that photos are reduced to, or HEIGHTxWIDTH.")
    ] = None,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also original and results side by side.")
    ] = False,
    video: Annotated[Path | None, typer.Option(help="Also a film, .gif or .mp4.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object for each result.")] = False,
    device: Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")] = "cpu",
    accelerate: Accelerate = "auto",
    memory: Memory = None,
) -> None:
    """Exaggerate what excites a representation in a photo."""
    from preimage.cli.output import Output

    with clear_errors():
        settings = find_preset(preset, steps, known=UPRIGHT_PRESETS)
        chosen = representations(rep, layers, weights)
        check_device(device)
        if not chosen[0].is_network:
            use_one_thread(device)
        execution = parse_execution(accelerate, memory, device)
        if video is not None:
            check_video(video)
        sources, failures = read_inputs(inputs)
        count = len(chosen) * len(sources)
        is_picture = Output(out, grid).is_file
        output = Output.check(out, grid or (is_picture and count > 1), 1 if is_picture else count)
        options = {
            "strength": strength,
            "seeds": [seed],
            "settings": settings,
            "size": None if size is None else parse_size(size),
            "device": device,
            "execution": execution,
            "snapshot_every": frame_interval(settings, chosen[0]) if video is not None else 0,
        }
    run = _Run(output, options, as_json)
    with clear_errors(), progress_bar() as begin:
        for source in sources:
            try:
                for phi in chosen:
                    run.add(source, phi, begin(f"{source.name} {phi.name}"))
                    if run.interrupted:
                        break
            except (ValueError, ArithmeticError) as error:
                failures.append(f"{source.name}: {error}")
            if run.interrupted:
                break
        run.finish(file_name(f"{rep}.grid.png"), video)
    conclude(failures, run.interrupted)


class _Run:
    """Makes the caricatures, and writes and prints each when it is done."""

    def __init__(self, output: Output, options: dict[str, Any], as_json: bool) -> None:
        self.interrupted = False
        self._output, self._options, self._as_json = output, options, as_json
        self._results: list[PreImage] = []
        self._lines: list[dict[str, Any]] = []
        self._rows: dict[str, list[tuple[Any, str]]] = {}

    def add(
        self, source: Source, phi: Representation, progress: Callable[[Progress], None]
    ) -> None:
        """One photo, one representation."""
        from preimage.visualizations.saving import write_picture

        photo = io.BytesIO(source.data)
        result = preimage.caricature(phi, photo, progress=progress, **self._options)
        self.interrupted = result.interrupted
        line = {"input": source.name, "sha256": source.sha256} | result.describe()
        together = self._output.grid and self._output.is_file
        path = self._output.path
        if not self._output.is_file:
            path /= f"{self._output.unique(file_name(f'{source.stem}.{phi.name}'))}.png"
        line["output"] = str(path)
        if not together:
            write_picture(path, result.to_pil(), line)
        self._results.append(result)
        self._lines.append(line)
        row = self._rows.setdefault(source.name, [])
        if not row and result.originals is not None:
            row.append((result.preprocessing.to_pil(result.originals[0]), source.stem))
        row.append((result.to_pil(), self._label(line)))
        if self._as_json:
            typer.echo(json.dumps(line))
        else:
            words = [line["input"], phi.name, f"response x {line['response']:.2f}"]
            typer.echo("  ".join(words) + f"  {result.seconds:.1f} s  -> {path}")

    def finish(self, grid_name: str, video: Path | None) -> None:
        """Writes grid and film, where they are wanted and there is something to show."""
        from preimage.reporting.excitations import draw_results, film
        from preimage.visualizations.saving import write_picture

        if self._output.grid and self._rows:
            path = self._output.path
            path = path if self._output.is_file else path / grid_name
            rows = list(self._rows.values())
            drawn = draw_results([p for row in rows for p in row], len(rows[0]))
            write_picture(path, drawn, self._lines)
        if video is not None and self._results:
            labels = [self._label(line) for line in self._lines]
            write_video(video, film(self._results, labels, len(labels)))

    @staticmethod
    def _label(line: dict[str, Any]) -> str:
        return f"{line['representation'].rpartition('/')[2]}: x {line['response']:.2f}"
