"""`preimage reproduce fig3`, `fig11` to `fig15`: sections 6 and 7 for any network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from preimage.paper import excitations
from preimage.paper.excitations import CLASSES, CONV_LAYERS
from preimage.presets import PRESETS, STRENGTHS, UPRIGHT_PRESETS
from preimage.settings import Settings

if TYPE_CHECKING:
    from preimage.cli.output import Output
    from preimage.networks import Network
    from preimage.paper.excitations import Begin, Panel

Model: TypeAlias = Annotated[
    str | None, typer.Option(help="Another network than the paper's, as in `preimage models`.")
]
Models: TypeAlias = Annotated[
    list[str] | None, typer.Option(help="A network, a row for each; if not given, the paper's.")
]
Weights: TypeAlias = Annotated[str | None, typer.Option(help="Weight file, or random.")]
Layers: TypeAlias = Annotated[
    str | None, typer.Option(help="Layers, as conv1,relu2, or all; if not given, the paper's.")
]
Photo: TypeAlias = Annotated[
    Path | None, typer.Option(help="A photo; if not given, a shipped one.")
]
Photos: TypeAlias = Annotated[
    Path | None, typer.Option(help="A folder of photos; if not given, three shipped ones.")
]
Strength: TypeAlias = Annotated[float, typer.Option(min=0, help="How strongly; the authors': 1.")]
Preset: TypeAlias = Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}.")]
CaricaturePreset: TypeAlias = Annotated[str, typer.Option(help=f"{', '.join(UPRIGHT_PRESETS)}.")]
Steps: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Iterations, instead of 300.")]
Count: TypeAlias = Annotated[int, typer.Option(min=1, help="Filters of each layer.")]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="The picture, or a folder for it and for each of its parts; if not given, figN.png."
    ),
]

_COLUMNS_14 = 7
_LAYERS_14 = (
    "conv1", "relu1", "norm1", "pool1", "conv2", "relu2", "norm2", "pool2", "conv3", "relu3",
    "conv4", "relu4", "conv5", "relu5", "pool5", "fc6", "relu6", "fc7", "relu7", "fc8",
)  # fmt: skip
_LAYERS_15 = {
    "vgg-m": ("conv3", "conv4", "conv5", "fc6", "fc8"),
    "vgg-vd-16": ("conv5_3", "fc8"),
}


def fig3(
    model: Model = None,
    class_name: Annotated[str, typer.Option("--class", help="The class.")] = "tree frog",
    seeds: Annotated[int, typer.Option(min=1, help="Images of each jitter.")] = 1,
    weights: Weights = None,
    preset: Preset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 3: what jitter does to the picture of a class (alexnet in the paper)."""
    from preimage import catalog
    from preimage.cli.common import clear_errors, find_preset, progress_bar

    with clear_errors():
        settings, figure = find_preset(preset, steps), _Figure.check("fig3", out)
        network = catalog.network(model or "alexnet", weights)
    with clear_errors(), progress_bar() as begin:
        rows = excitations.jitter_effect(network, class_name, settings, range(seeds), begin)
        figure.write(rows)


def fig11(
    model: Model = None,
    layers: Layers = None,
    count: Count = 9,
    weights: Weights = None,
    preset: Preset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 11: the first filters of each convolution (vgg-m in the paper)."""
    _filters("fig11", model or "vgg-m", layers, count, weights, preset, steps, out)


def fig12(
    model: Model = None,
    layers: Layers = None,
    count: Count = 9,
    weights: Weights = None,
    preset: Preset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 12: the same as Figure 11 of another network (vgg-vd-16 in the paper)."""
    _filters("fig12", model or "vgg-vd-16", layers, count, weights, preset, steps, out)


def fig13(
    model: Models = None,
    classes: Annotated[str, typer.Option(help="Classes by name.")] = ",".join(CLASSES),
    weights: Weights = None,
    preset: Preset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 13: classes as networks see them (alexnet, vgg-m and vgg-vd-16 in the paper)."""
    from preimage import catalog
    from preimage.cli.common import clear_errors, find_preset, progress_bar

    with clear_errors():
        settings, figure = find_preset(preset, steps), _Figure.check("fig13", out)
        names = [name.strip() for name in classes.split(",")]
        networks = [catalog.network(n, weights) for n in model or ("alexnet", "vgg-m", "vgg-vd-16")]
    with clear_errors(), progress_bar() as begin:
        figure.write(excitations.classes(n, names, settings, begin) for n in networks)


def fig14(
    model: Model = None,
    layers: Layers = None,
    photo: Photo = None,
    strength: Strength = STRENGTHS["caricature"],
    weights: Weights = None,
    preset: CaricaturePreset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 14: caricatures of a photo by layer (vgg-m in the paper)."""
    from preimage import catalog
    from preimage.cli.common import clear_errors, find_preset, progress_bar
    from preimage.photo_files import shipped_photos

    with clear_errors():
        settings = find_preset(preset, steps, known=UPRIGHT_PRESETS)
        figure = _Figure.check("fig14", out)
        network = catalog.network(model or "vgg-m", weights)
        names = _layers(network, layers, _LAYERS_14 if network.name == "vgg-m" else None)
    with clear_errors(), progress_bar() as begin:
        chosen = photo or shipped_photos()["chelsea"]
        panels = [excitations.photo_panel(network, chosen)]
        panels += excitations.caricatures(network, names, chosen, strength, settings, begin)
        starts = range(0, len(panels), _COLUMNS_14)
        figure.write(panels[start : start + _COLUMNS_14] for start in starts)


def fig15(
    model: Models = None,
    layers: Layers = None,
    photos: Photos = None,
    strength: Strength = STRENGTHS["caricature"],
    weights: Weights = None,
    preset: CaricaturePreset = "nnpreimage",
    steps: Steps = None,
    out: Out = None,
) -> None:
    """Figure 15: caricatures of several photos (vgg-m and vgg-vd-16 in the paper)."""
    from preimage import catalog
    from preimage.cli.common import clear_errors, find_preset, progress_bar
    from preimage.photo_files import list_images, shipped_photos

    with clear_errors():
        settings = find_preset(preset, steps, known=UPRIGHT_PRESETS)
        figure = _Figure.check("fig15", out)
        networks = [catalog.network(name, weights) for name in model or _LAYERS_15]
        named = [(n, _layers(n, layers, _LAYERS_15.get(n.name))) for n in networks]
        shipped = [shipped_photos()[name] for name in ("chelsea", "coffee", "flower")]
        chosen = shipped if photos is None else list_images(photos)
    with clear_errors(), progress_bar() as begin:
        figure.write(_caricature_rows(named, chosen, strength, settings, begin))


def _caricature_rows(
    named: Sequence[tuple[Network, Sequence[str]]],
    photos: Sequence[Path],
    strength: float,
    settings: Settings,
    begin: Begin,
) -> Iterator[list[Panel]]:
    for photo in photos:
        row = [excitations.photo_panel(named[0][0], photo)]
        for network, names in named:
            row += excitations.caricatures(network, names, photo, strength, settings, begin)
        yield row


def _filters(
    name: str,
    model: str,
    layers: str | None,
    count: int,
    weights: str | None,
    preset: str,
    steps: int | None,
    out: Path | None,
) -> None:
    from preimage import catalog
    from preimage.cli.common import clear_errors, find_preset, progress_bar

    with clear_errors():
        settings, figure = find_preset(preset, steps), _Figure.check(name, out)
        network = catalog.network(model, weights)
        names = _layers(network, layers, CONV_LAYERS.get(model))
    with clear_errors(), progress_bar() as begin:
        figure.write(excitations.first_filters(network, names, count, settings, begin))


def _layers(network: Network, layers: str | None, papers: Sequence[str] | None) -> Sequence[str]:
    """The layers that the option names, or the paper's, or the main ones."""
    if layers not in (None, "all"):
        names = [name.strip() for name in str(layers).split(",")]
    else:
        names = list(network.main_layers if papers is None or layers == "all" else papers)
    for name in names:
        network.layer(name)
    return names


@dataclass(frozen=True, slots=True)
class _Figure:
    """A figure, and where it goes."""

    name: str
    output: Output

    @classmethod
    def check(cls, name: str, out: Path | None) -> _Figure:
        """A figure that can be written."""
        from preimage.cli.output import Output

        return cls(name, Output.check(Path(f"{name}.png") if out is None else out, True, 1))

    def write(self, rows: Iterable[list[Panel]]) -> None:
        """Draws what is done after each row, so that a stop loses little."""
        from preimage.reporting.excitations import draw_rows
        from preimage.visualizations.saving import write_picture

        folder = None if self.output.is_file else self.output.path
        path = self.output.path if folder is None else folder / f"{self.name}.png"
        done: list[list[Panel]] = []
        lines: list[dict[str, Any]] = []
        for row in rows:
            done.append(row)
            for column, panel in enumerate(row, start=1):
                lines.append(self._describe(panel))
                if folder is not None:
                    part = folder / f"{self.name}.{len(done)}.{column}.png"
                    write_picture(part, panel.picture, lines[-1])
            drawn = [[(panel.picture, panel.label) for panel in panels] for panels in done]
            write_picture(path, draw_rows(drawn), lines)
            if any(panel.result is not None and panel.result.interrupted for panel in row):
                raise typer.Exit(130)
        typer.echo(f"wrote {path}")

    def _describe(self, panel: Panel) -> dict[str, Any]:
        given = {"figure": self.name, "label": panel.label}
        if panel.result is None:
            return given
        return given | panel.result.describe(panel.index)
