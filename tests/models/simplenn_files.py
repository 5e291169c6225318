"""Writes SimpleNN and DagNN networks as `.mat` files, in the layouts of all three generations."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import scipy.io

from preimage.models.architecture import (
    Convolution,
    Dropout,
    LayerSpec,
    Normalization,
    Pooling,
    Rectifier,
)

Generation = Literal["beta11", "beta16", "beta17"]
Weights = dict[str, tuple[np.ndarray, np.ndarray]]

CLASSES = ["tench, Tinca tinca", "goldfish, Carassius auratus"]
CLASS_IDS = ["n01440764", "n01443537"]
MEAN = (123.5, 116.25, 104.0)


def narrow(layers: Sequence[LayerSpec], factor: int) -> list[LayerSpec]:
    """The same structure with a fraction of the channels."""
    return [
        replace(layer, channels=layer.channels // factor)
        if isinstance(layer, Convolution)
        else layer
        for layer in layers
    ]


def random_weights(layers: Sequence[LayerSpec], seed: int = 0) -> Weights:
    """Filters (H, W, C, K) and biases (K,) that keep the size of what they filter."""
    rng, channels, weights = np.random.default_rng(seed), 3, {}
    for layer in layers:
        if isinstance(layer, Convolution):
            shape = (*layer.kernel, channels // layer.groups, layer.channels)
            filters = rng.standard_normal(shape, np.float32) * np.sqrt(2 / np.prod(shape[:3]))
            if layer.name == "fc8":
                filters *= 0.05
            biases = rng.standard_normal(layer.channels, np.float32)
            weights[layer.name] = (filters.astype(np.float32), biases)
            channels = layer.channels
    return weights


def simplenn(
    layers: Sequence[LayerSpec],
    weights: Weights,
    generation: Generation,
    image_size: tuple[int, int] = (224, 224),
) -> dict[str, Any]:
    """The variables of a file: structs as dicts, cells as lists, matrices as arrays."""
    tree: dict[str, Any] = {
        "layers": [_layer(layer, weights.get(layer.name), generation) for layer in layers]
    }
    classes = {"name": CLASS_IDS, "description": CLASSES}
    if generation == "beta17":
        normalization: dict[str, Any] = {
            "imageSize": row(*image_size, 3, 10),
            "averageImage": np.array(MEAN, np.float32).reshape(1, 1, 3),
        }
        meta = {"normalization": normalization, "classes": classes}
        return tree | {"meta": meta}
    ramp = np.linspace(-1, 1, image_size[0])[:, None, None]
    normalization = {
        "imageSize": row(*image_size, 3),
        "averageImage": (np.ones((*image_size, 1)) * MEAN + ramp).astype(np.float32),
        "border": row(0, 0),
        "keepAspect": np.array([[1]], np.uint8),
    }
    return tree | {"normalization": normalization, "classes": classes}


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float64)


def _layer(
    layer: LayerSpec, weights: tuple[np.ndarray, np.ndarray] | None, generation: Generation
) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": layer.kind, "name": layer.name}
    newest = generation == "beta17"
    if newest:
        fields |= {"precious": np.array([[0]], np.uint8)}
    match layer:
        case Convolution() | Pooling():
            even = layer.stride[0] == layer.stride[1]
            fields["stride"] = row(*(layer.stride if newest or not even else layer.stride[:1]))
            same = len(set(layer.padding)) == 1
            fields["pad"] = row(*(layer.padding if newest or not same else layer.padding[:1]))
        case Rectifier(leak=leak) if newest or leak:
            fields["leak"] = row(leak)
        case Normalization():
            fields["type"] = "lrn" if newest else "normalize"
            fields["param"] = row(layer.size, layer.kappa, layer.alpha, layer.beta)
        case Dropout(rate=rate):
            fields["rate"] = row(rate)
    if isinstance(layer, Pooling):
        fields |= {"method": layer.method, "pool": row(*layer.kernel)}
    if isinstance(layer, Convolution) and weights is not None:
        fields |= _weights(layer, weights, generation)
    return fields


def _weights(
    layer: Convolution, weights: tuple[np.ndarray, np.ndarray], generation: Generation
) -> dict[str, Any]:
    filters, biases = weights
    if generation == "beta11":
        return {"filters": filters, "biases": biases[None]}
    if generation == "beta16":
        return {"weights": [filters, biases[None]]}
    return {
        "weights": [filters, biases[:, None]],
        "size": row(*filters.shape),
        "dilate": row(*layer.dilation),
        "opts": [],
    }


class Structs(list[dict[str, Any]]):
    """A struct array: structs that have the same fields."""


def dagnn(layers: Sequence[tuple[Any, ...]], **meta: Any) -> dict[str, Any]:
    """The variables of a DagNN's file, from (name, type, inputs, output, block, parameters)."""
    params = Structs()
    structs = Structs()
    for name, kind, inputs, output, block, values in layers:
        names = [f"{name}_{index}" for index in range(len(values))]
        params += [
            {"name": key, "value": value, "learningRate": row(1), "weightDecay": row(1)}
            for key, value in zip(names, values, strict=True)
        ]
        fields = {"type": f"dagnn.{kind}", "inputs": list(inputs), "outputs": [output]}
        structs.append({"name": name, **fields, "params": names, "block": block})
    maps = dict.fromkeys(name for _, _, inputs, output, *_ in layers for name in (*inputs, output))
    return {
        "layers": structs,
        "params": params,
        "vars": Structs({"name": name, "precious": row(0)} for name in maps),
        "meta": meta,
        "conserveMemory": row(1),
    }


def save_v5(path: Path, tree: dict[str, Any]) -> Path:
    """As MATLAB 5 to 7 do."""
    scipy.io.savemat(path, {name: _for_scipy(value) for name, value in tree.items()})
    return path


def _for_scipy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _for_scipy(item) for name, item in value.items()}
    if isinstance(value, Structs):
        if not value:
            return np.zeros((0, 0))
        array = np.empty((1, len(value)), [(name, object) for name in value[0]])
        for index, item in enumerate(value):
            array[0, index] = tuple(_for_scipy(field) for field in item.values())
        return array
    if isinstance(value, list):
        cell = np.empty((1, len(value)), object)
        for index, item in enumerate(value):
            cell[0, index] = _for_scipy(item)
        return cell
    return value


def save_v73(path: Path, tree: dict[str, Any], *, classes: bool = True) -> Path:
    """As MATLAB 7.3 does; without `classes`, as plain HDF5 that bears no MATLAB classes."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in tree.items():
            _write(file, file, name, value, classes)
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")
    return path


def _write(file: h5py.File, group: Any, name: str, value: Any, classes: bool) -> None:
    kinds: dict[type, str] = {dict: "struct", list: "cell", str: "char"}
    kind = kinds.get(type(value), "double")
    if isinstance(value, dict):
        node = group.create_group(name)
        for field, item in value.items():
            _write(file, node, field, item, classes)
    elif isinstance(value, Structs) and value:
        node, kind = group.create_group(name), "struct"
        for field in value[0]:
            _write(file, node, field, [item[field] for item in value], classes)
            node[field].attrs.pop("MATLAB_class", None)
    elif isinstance(value, list) and value:
        references = file.require_group("#refs#")
        cell = np.empty((len(value), 1), h5py.ref_dtype)
        for index, item in enumerate(value):
            target = uuid.uuid4().hex
            _write(file, references, target, item, classes)
            cell[index, 0] = references[target].ref
        node = group.create_dataset(name, data=cell, dtype=h5py.ref_dtype)
    elif isinstance(value, str) and value:
        codes = np.frombuffer(value.encode("utf-16-le"), np.uint16)[:, None]
        node = group.create_dataset(name, data=codes)
    elif isinstance(value, np.ndarray) and value.size:
        kind = {"f4": "single", "u1": "logical"}.get(value.dtype.str[1:], "double")
        node = group.create_dataset(name, data=value.T)
    else:
        node = group.create_dataset(name, data=np.zeros(2, np.uint64))
        node.attrs["MATLAB_empty"] = np.uint8(1)
    if classes:
        node.attrs["MATLAB_class"] = np.bytes_(kind)
