"""The options and arguments of all commands, each with its one type and its one help text.

docs/vocabulary.md explains the words; `parsing` turns texts into values.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from typer import Argument, Option

from preimage.checks import MOST_THREADS
from preimage.presets import PRESETS, QUALITIES
from preimage.representations.execution import MODES
from preimage.settings import PRIORS
from preimage.solver_settings import SOLVERS

# What to work on

Inputs: TypeAlias = Annotated[
    list[str],
    Argument(help="Photos, folders of photos, codes (.npy), or - for standard input."),
]
Embeddings: TypeAlias = Annotated[
    Path,
    Argument(help="Vectors: .npy, .npz, .parquet, .arrow, .feather, .csv, .tsv; a folder of .npy."),
]
Column: TypeAlias = Annotated[
    str | None,
    Option(help="Column of the vectors, or array in an .npz file. Default: the only one."),
]
Sample: TypeAlias = Annotated[
    int, Option(min=1, help="Number of vectors to invert, drawn with the seed.")
]
ReferenceOfVectors: TypeAlias = Annotated[
    list[Path] | None,
    Option(
        "--reference",
        help="Photo, or folder of photos, like those in the store, which need not be in it: their "
        "codes are compared with the vectors, and attacked. For --candidates: photos that are "
        "not in the store. Repeatable. Default: the shipped photos.",
    ),
]
Candidates: TypeAlias = Annotated[
    list[Path] | None,
    Option(help="Photo, or folder of photos: say which are in the store; repeatable."),
]
Attackers: TypeAlias = Annotated[
    list[Path] | None,
    Option(help="Decoder of preimage audit train, or folder of an attacker's photos; repeatable."),
]
Defenses: TypeAlias = Annotated[
    list[str] | None,
    Option(
        "--defend",
        metavar="DEFENSE",
        help="Also measure leak and usefulness under a defense: unit, int8, first:N, pca:N, "
        "noise:SIZE, rotation, rotation:known, average:N, or all; repeatable.",
    ),
]
OwnPhotos: TypeAlias = Annotated[
    list[Path],
    Argument(metavar="PHOTOS", help="Photos of an attacker, or folders of them."),
]
ProjectionFile: TypeAlias = Annotated[
    Path | None,
    Option(
        "--projection", help="File of the matrix that made the vectors: .npy, or .npz with a mean."
    ),
]
Photos: TypeAlias = Annotated[
    list[str], Argument(help="Photos, folders of photos, or - for standard input.")
]
PhotoArgument: TypeAlias = Annotated[Path, Argument(metavar="PHOTO", help="A photo.")]
Images: TypeAlias = Annotated[
    list[Path] | None,
    Option(help="Photo, or folder of photos; repeatable. Default: the shipped photos."),
]
Limit: TypeAlias = Annotated[int | None, Option(min=1, help="Maximum number of photos.")]
LimitOfAudit: TypeAlias = Annotated[
    int | None,
    Option("--limit", min=4, help="Maximum number of photos that are attacked."),
]
LimitOfTraining: TypeAlias = Annotated[
    int | None, Option("--limit", min=8, help="Maximum number of photos.")
]
LimitOfInputs: TypeAlias = Annotated[
    int | None, Option("--limit", min=1, help="Maximum number of photos, and of codes in a file.")
]
CodeScale: TypeAlias = Annotated[
    str | None,
    Option(
        help="What saved codes were multiplied by: 512 for MATLAB's vl_dsift; auto for codes that "
        "were normalized or quantized."
    ),
]
Reference: TypeAlias = Annotated[
    list[Path] | None,
    Option(
        help="Photo, or folder of photos, in which the largest response M is found; repeatable. "
        "Default: the shipped photos; `preimage maximize` first tries the largest set "
        "measured by `preimage stats`."
    ),
]

# Networks, their layers and components

Rep: TypeAlias = Annotated[
    list[str],
    Option(
        metavar="REPRESENTATION",
        help="hog, hogb, dsift (or hog:cell_size=4), NETWORK/LAYER, or NETWORK with --layers; "
        "perhaps with steps, such as 'NETWORK/LAYER|unit'; repeatable.",
    ),
]
OneRep: TypeAlias = Annotated[
    str, Option("--rep", metavar="NETWORK/LAYER", help="The layer that made the vectors.")
]
RepArgument: TypeAlias = Annotated[
    str, Argument(metavar="NETWORK/LAYER", help="A layer, or NETWORK with --classes.")
]
CheckedArgument: TypeAlias = Annotated[
    str, Argument(metavar="NETWORK[/LAYER]", help="A network, a layer, or hog, hogb or dsift.")
]
LayerArgument: TypeAlias = Annotated[str, Argument(metavar="NETWORK/LAYER", help="A layer.")]
LayerArguments: TypeAlias = Annotated[
    list[str], Argument(metavar="NETWORK/LAYER...", help="Layers, of one or several networks.")
]
NetworkArgument: TypeAlias = Annotated[
    str, Argument(metavar="NETWORK", help="A network; `preimage models` lists names and sources.")
]
NetworkOrStore: TypeAlias = Annotated[
    str,
    Argument(
        metavar="NETWORK_OR_STORE",
        help="A network, hog, hogb or dsift; or the folder of a study's results.",
    ),
]
Network: TypeAlias = Annotated[
    str | None, Option(metavar="NETWORK", help="Network. Default: the paper's.")
]
NetworkOfSheet: TypeAlias = Annotated[
    str, Option("--network", metavar="NETWORK", help="Network whose layers are shown.")
]
Networks: TypeAlias = Annotated[
    list[str] | None,
    Option("--network", metavar="NETWORK", help="Network; repeatable. Default: the paper's."),
]
Layers: TypeAlias = Annotated[
    str | None, Option(help="Layers of the network, such as conv1,relu2, or all.")
]
Depths: TypeAlias = Annotated[
    int, Option(min=0, help="Number of layers that photos are inverted from, beside --layers.")
]
Weights: TypeAlias = Annotated[
    str | None, Option(help="Weight file of the network, or random. Default: its own weights.")
]
Channels: TypeAlias = Annotated[str | None, Option(help="Channels, such as 0-24,31, or all.")]
Neurons: TypeAlias = Annotated[
    list[str] | None,
    Option(help="Single response: CHANNEL,ROW,COLUMN or CHANNEL,TOKEN; repeatable."),
]
Classes: TypeAlias = Annotated[
    str | None, Option(help='Classes by name or number, such as "tree frog,cheeseburger".')
]
Window: TypeAlias = Annotated[
    int | None, Option(min=1, help="Invert only the central N x N responses (Figure 9).")
]
Stream: TypeAlias = Annotated[
    int | None, Option(min=1, max=2, help="Invert only this half of the channels (Figure 10).")
]

Every: TypeAlias = Annotated[
    bool, Option("--all", help="List the names of all layers, including those inside others.")
]
From: TypeAlias = Annotated[
    Path | None, Option("--from", help="Install this file instead of downloading it.")
]

# What to compute

Seeds: TypeAlias = Annotated[
    int,
    Option(
        min=1,
        max=10_000,
        help="Number of results for each input or target, each with its own seed.",
    ),
]
Seed: TypeAlias = Annotated[int, Option(min=0, help="First seed.")]
Size: TypeAlias = Annotated[
    str | None, Option(help="Longer side of the images in pixels, or HEIGHTxWIDTH.")
]
Start: TypeAlias = Annotated[
    Path | None,
    Option(help="Photo to start from instead of noise, or a saved result (.npz) to go on from."),
]
LossWeight: TypeAlias = Annotated[
    list[str] | None,
    Option(
        help="C of Eq. 1, or auto to have it chosen for each image; repeatable. Default: the "
        "layer's own, auto where no table has one; for table5 the paper's."
    ),
]
Strength: TypeAlias = Annotated[
    float | None,
    Option(min=0, help="C in units of 1 / Z (Eq. 4). Default: the preset's."),
]
Strengths: TypeAlias = Annotated[
    list[float] | None,
    Option("--strength", min=0, help="C in units of 1 / Z; repeatable. Default: the preset's."),
]
Steps: TypeAlias = Annotated[
    int | None,
    Option(min=1, help="Number of steps. The final stage of the preset nnpreimage adds 50."),
]
Quality: TypeAlias = Annotated[
    str | None,
    Option(
        help=f"Quality of a fast solver: {', '.join(QUALITIES)} (20, 60 or 200 steps; for "
        "networks 60, 200 or 350). Default: fast."
    ),
]
Preset: TypeAlias = Annotated[
    str | None,
    Option(
        help=f"Constants by name: {', '.join(PRESETS)}; modern is for activation maximization "
        "only. For caricatures also anchored, their default."
    ),
]
Prior: TypeAlias = Annotated[
    str | None,
    Option(help=f"Prior: {' or '.join(PRIORS)}. Default: that of the quality or preset."),
]
Solver: TypeAlias = Annotated[
    str | None, Option(help=f"Solver: {', '.join(SOLVERS)}. Default: jittered-lbfgs for networks.")
]
Diversity: TypeAlias = Annotated[
    float, Option(min=0, help="Weight of the difference between the results of a target.")
]
Mosaic: TypeAlias = Annotated[
    bool,
    Option("--mosaic", help="All targets in one image: cheaper if receptive fields are small."),
]
Ablation: TypeAlias = Annotated[
    bool, Option("--ablation", help="Repeat without the variation prior, the range prior, both.")
]

Judges: TypeAlias = Annotated[
    list[str] | None,
    Option(
        "--judge",
        metavar="NETWORK",
        help="Network that judges the pictures, such as efficientnet-lite1; repeatable.",
    ),
]
FailAbove: TypeAlias = Annotated[
    list[str] | None,
    Option(
        metavar="MEASURE=VALUE",
        help="Exit status 3 if a measure is shown to be above the value, such as "
        "reidentified=0.1; repeatable.",
    ),
]
Hoggle: TypeAlias = Annotated[
    Path | None, Option(help="Measure HOGgle too; file written by `preimage reproduce hoggle`.")
]

# How to compute it

Device: TypeAlias = Annotated[str, Option(help="Where to compute: cpu or cuda.")]
Accelerate: TypeAlias = Annotated[str, Option(help=f"How the network runs: {', '.join(MODES)}.")]
Memory: TypeAlias = Annotated[
    str | None, Option(help="Memory limit for tensors, such as 4GB; slower, same result.")
]
Workers: TypeAlias = Annotated[
    int | None,
    Option(
        min=1,
        help="Number of processes that share the work, one thread each; same results. Default: one "
        "per core where that saves time.",
    ),
]
Threads: TypeAlias = Annotated[
    int | None,
    Option(
        min=1,
        max=MOST_THREADS,
        help="Threads of each process; another number may change rounding. Default for a run in "
        "this process: one or all cores, whichever is measured to be faster.",
    ),
]
Batch: TypeAlias = Annotated[
    int, Option(min=1, help="Trials computed together; useful on a GPU (changes rounding).")
]
Retry: TypeAlias = Annotated[bool, Option("--retry", help="Try failed trials again.")]
Ray: TypeAlias = Annotated[
    str | None, Option(help="Use the Ray cluster at this address: auto, HOST:PORT, or local.")
]
Gpus: TypeAlias = Annotated[
    float, Option(min=0, help="Number of GPUs of each worker on Ray; a fraction shares one.")
]
DryRun: TypeAlias = Annotated[
    bool, Option("--dry-run", help="Print the plan with its estimated time, and do not run it.")
]

# The app

NetworksOfApp: TypeAlias = Annotated[
    list[str] | None,
    Option(
        "--network",
        metavar="NETWORK",
        help="Network to choose from beside those whose weights are on this machine; repeatable.",
    ),
]
Host: TypeAlias = Annotated[
    str, Option(help="Address to listen at; 0.0.0.0 opens the app to other machines.")
]
NamesOfApp: TypeAlias = Annotated[
    list[str] | None,
    Option(
        "--hostname",
        metavar="NAME",
        help="Name under which the app may be opened, such as that of a proxy; repeatable.",
    ),
]
Port: TypeAlias = Annotated[int, Option(min=0, max=65535, help="Port; 0 takes a free one.")]
WorkersOfApp: TypeAlias = Annotated[
    int | None,
    Option(
        "--workers",
        min=1,
        help="Number of runs at a time, each in a process of one thread; others wait. Default: 2, "
        "or 1 on a single core.",
    ),
]

# What to write

Out: TypeAlias = Annotated[
    Path,
    Option(
        help="Folder for the results; or one picture, such as out.png, that shows them all; or an "
        ".npz file that keeps those of one run exactly, for --start."
    ),
]
OutFolder: TypeAlias = Annotated[
    Path, Option("--out", help="Folder for the results; a run into the same folder continues.")
]
OutSite: TypeAlias = Annotated[
    Path, Option("--out", help="Folder for the pages; a run into the same folder continues.")
]
StoreOfSite: TypeAlias = Annotated[
    Path | None,
    Option("--store", help="Folder for the results that pages show. Default: OUT-store."),
]
OutStudy: TypeAlias = Annotated[
    Path | None, Option("--out", help="Folder for the results. Default: named as the file.")
]
OutDecoder: TypeAlias = Annotated[
    Path, Option("--out", help="File of the decoder; a training into the same file goes on.")
]
OutPicture: TypeAlias = Annotated[Path, Option("--out", help="Picture to write.")]
OutTop: TypeAlias = Annotated[
    Path | None, Option("--out", help="Picture to write. Default: top/NETWORK-LAYER.png.")
]
OutSheet: TypeAlias = Annotated[
    Path, Option("--out", help="Page to write: .html with films, or .pdf or .png to print.")
]
OutFile: TypeAlias = Annotated[Path, Option("--out", help="File to write.")]
OutTable: TypeAlias = Annotated[
    Path | None, Option("--out", help="CSV file to write, one line per channel.")
]
Grid: TypeAlias = Annotated[
    bool, Option("--grid", help="Also write one picture that shows the results side by side.")
]
Video: TypeAlias = Annotated[
    Path | None, Option(help="Also write a film of the optimization, .gif or .mp4.")
]
AsJson: TypeAlias = Annotated[
    bool, Option("--json", help="Print one JSON object per result instead of text.")
]

# Studies

StudyFile: TypeAlias = Annotated[Path, Argument(help="The study, in TOML.")]
StudyName: TypeAlias = Annotated[
    str | None, Option("--study", help="Name of the study, if the store holds several.")
]
StoreFolder: TypeAlias = Annotated[
    Path, Argument(metavar="STORE", help="Folder of a study's results.")
]
ExportFile: TypeAlias = Annotated[Path, Argument(help="File to write: .csv or .parquet.")]
