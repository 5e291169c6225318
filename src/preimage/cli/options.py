"""The options of the commands: each with its one type and its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from preimage.representations.execution import MODES

Device: TypeAlias = Annotated[str, typer.Option(help="Where to compute: cpu, cuda.")]
Accelerate: TypeAlias = Annotated[
    str, typer.Option(help=f"How a network runs: {', '.join(MODES)}.")
]
Memory: TypeAlias = Annotated[
    str | None, typer.Option(help="Memory that its tensors may take, as 4GB; costs time alone.")
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(min=1, help="Processes, each with a network of its own. Default: one a core."),
]
Threads: TypeAlias = Annotated[
    int, typer.Option(min=1, help="Threads of each; other numbers may round otherwise.")
]
BatchSize: TypeAlias = Annotated[
    int,
    typer.Option(
        "--batch",
        min=1,
        help="Photos to invert at a time; several pay on a GPU, and may round otherwise.",
    ),
]
Retry: TypeAlias = Annotated[bool, typer.Option("--retry", help="Try failed trials again.")]
Network: TypeAlias = Annotated[
    str | None, typer.Option(help="Another network than the paper's, as in `preimage models`.")
]
Networks: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--network", help="Another network than the paper's; repeatable."),
]
Layers: TypeAlias = Annotated[
    str | None, typer.Option(help="Layers, such as conv1,relu2, or all. Default: the paper's.")
]
Weights: TypeAlias = Annotated[
    str | None, typer.Option(help="Weight file of the network, or random.")
]
Images: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option(help="A photo, or a folder of photos; repeatable. Default: shipped photos."),
]
Limit: TypeAlias = Annotated[int | None, typer.Option(min=1, help="Maximum number of photos.")]
Steps: TypeAlias = Annotated[
    int | None, typer.Option(min=1, help="Number of iterations; a final stage adds 50.")
]
