"""Programs of torch.export, as `pt2:FILE`.

A program has one layer for each module that was called when it was exported, under the module's
name. Its preprocessing and classes come from a TOML file of the same name beside it, with the
keys of `preimage.models.description`.
"""

from __future__ import annotations

import tomllib
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from preimage.models.description import described
from preimage.models.errors import ModelError
from preimage.models.loaded import Loaded
from preimage.models.pt2_file import check_program


def load(path: str) -> Loaded:
    """Load a program as a network with its modules.

    If there is no TOML file, mean and deviation of ImageNet are taken, after a warning.

    Raises:
        ModelError: if the file is missing, damaged or holds more than a program, or if the
            program does not take one image.
    """
    spec, file = f"pt2:{path}", Path(path).expanduser()
    if not file.is_file():
        raise ModelError(f"{spec}: no such file")
    check_program(spec, file)
    network, shape = _network(spec, file)
    given = _description(spec, file.with_suffix(".toml"), shape[1])
    fixed = [side for side in shape[2:] if isinstance(side, int)]
    sizes = {"size": fixed} if len(fixed) == 2 else {}
    if sizes and list(given.get("size", fixed)) != fixed:
        raise ModelError(
            f"{spec}: exported for images of {fixed[0]} x {fixed[1]} alone, not {given['size']}; "
            "export it with dynamic_shapes to choose"
        )
    return described(spec, network, {**sizes, **given})


_Shape = tuple[Any, ...]
"""N, D, H and W of the image: an int for each axis that the program fixes."""


def _network(spec: str, file: Path) -> tuple[nn.Module, _Shape]:
    """Return a program's network and the shape of its image."""
    try:
        with warnings.catch_warnings(), file.open("rb") as opened:
            warnings.simplefilter("ignore")  # torch warns of its own internals
            program = torch.export.load(opened)
            _check_mode(spec, program)
            shape = _image_shape(spec, program)
            network = torch.export.unflatten(program)
    except ModelError:
        raise
    except Exception as error:  # torch raises anything on a damaged file
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise ModelError(f"{spec}: damaged, or not a program of torch.export: {reason}") from error
    warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated", FutureWarning)  # when copied
    for module in network.modules():
        if isinstance(graph := getattr(module, "graph", None), torch.fx.Graph):
            for node in graph.nodes:
                node.meta.clear()  # its example tensors cannot be copied
    return network, shape


def _check_mode(spec: str, program: torch.export.ExportedProgram) -> None:
    """Raise a `ModelError` if a program computes as in training, or changes its buffers."""
    trains = bool(program.graph_signature.buffers_to_mutate)
    for node in program.graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload):
            names = [argument.name for argument in node.target._schema.arguments]
            given = dict(zip(names, node.args, strict=False)) | dict(node.kwargs)
            trains |= True in (given.get("training"), given.get("train"))
    if trains:
        raise ModelError(
            f"{spec}: exported in training mode: call eval() before torch.export.export"
        )


def _image_shape(spec: str, program: torch.export.ExportedProgram) -> _Shape:
    """Return the shape of the one input, an image (N, D, H, W) with N = 1 or free."""
    names = set(program.graph_signature.user_inputs)
    inputs = [node for node in program.graph.find_nodes(op="placeholder") if node.name in names]
    shapes = [tuple(node.meta["val"].shape) for node in inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or not isinstance(shapes[0][1], int):
        found = ", ".join(f"({', '.join(map(str, shape))})" for shape in shapes)
        raise ModelError(f"{spec}: takes {found or 'nothing'}, not one image (N, D, H, W)")
    images = shapes[0][0]
    if isinstance(images, int) and images != 1:
        raise ModelError(
            f"{spec}: exported for batches of {images} images alone: export it for one image, or "
            "with dynamic_shapes for its first axis"
        )
    return shapes[0]


def _description(spec: str, file: Path, channels: int) -> Mapping[str, Any]:
    """Return the contents of the TOML file; nothing if there is none and images have colors."""
    if file.is_file():
        try:
            return tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{file}: {error}") from None
    if channels != 3:
        raise ModelError(f"{spec}: needs {file} with mean and std of its {channels} channels")
    warnings.warn(
        f"{spec}: there is no {file} with mean and std: those of ImageNet are taken", stacklevel=3
    )
    return {}
