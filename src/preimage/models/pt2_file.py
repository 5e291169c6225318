"""Checks of a program of torch.export before torch loads it.

`torch.export.load` unpickles whatever a file asks it to, evaluates its sizes as Python, and
resolves the names of functions. A file passes here only if it pickles nothing but tensors, calls
nothing but operators of ATen, and has plain names, and sizes that are arithmetic of numbers and
symbols.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from preimage.models.errors import ModelError
from preimage.models.state_dicts import check_checkpoint

_PLAIN = re.compile(
    r"models/model\.json|archive_(format|version)|byteorder|\.data/\w+|\.format_version|version"
    r"|\.storage_alignment|extra/.*|data/sample_inputs/model\.pt"
    r"|data/(weights|constants)/(weight_\d+|tensor_\d+|model_\w+_config\.json)"
)
_OLD_PROGRAM = "serialized_exported_program.json"
"""The file of the program in the form that torch 2.4, for example, saves."""

_TARGET = re.compile(
    r"torch\.ops\.(aten|prims)\.\w+\.\w+|torch\.ops\.higher_order\.wrap_with_\w+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|pow|neg|eq|ne|lt|le|gt|ge|and_|or_|not_)"
    r"|math\.\w+|torch\.sym_\w+|torch\.fx\.experimental\.sym_node\.sym_\w+"
)
_FORBIDDEN = re.compile(r"torch\.ops\.aten\.(from_file|save|load|format|warn|print)\b.*")
_UNUSED = ("metadata", "guards_code", "in_spec", "out_spec")
"""Parts of a program that are not run: notes on its origin, and the layout of containers."""

_NAME = re.compile(r"[\w.,<>+\-*/:\[\] ]*")
"""The names that are allowed, because names enter the code that torch writes for a program."""

_QUOTED = re.compile(r"'\w+'")
_WORD = re.compile(r"\b[A-Za-z_]\w*")
_KNOWN = re.compile(
    r"[suz]\d+|Symbol|Integer|Rational|Add|Mul|Pow|Max|Min|Mod|Abs|FloorDiv|CeilDiv|CleanDiv"
    r"|PythonMod|ModularIndexing|IntTrueDiv|FloatTrueDiv|TruncToInt|ToFloat|Identity|Where|And|Or|Not"
    r"|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|(Strict)?(Less|Greater)Than|oo|int_oo|True|False"
    r"|true|false|positive|negative|nonnegative|nonzero|integer|real|even|odd|zero|finite"
)
_SIZE = re.compile(r"[\w\s+\-*/(),.<>=!]*")


def check_program(spec: str, file: Path) -> None:
    """Raise a `ModelError` if a file is not a program, or holds anything that could run code."""
    if not zipfile.is_zipfile(file):
        raise ModelError(f"{spec}: damaged, or not a program of torch.export")
    check_checkpoint(file)
    try:
        with zipfile.ZipFile(file) as archive:
            problem = next(_problems(archive), None)
    except ModelError as error:
        raise ModelError(f"{spec}: {error}") from None
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, AttributeError, TypeError):
        raise ModelError(f"{spec}: damaged, or not a program of torch.export") from None
    if problem is not None:
        raise ModelError(f"{spec}: {problem}; that could run code and is never loaded")


def _problems(archive: zipfile.ZipFile) -> Iterator[str]:
    """Yield each thing in a file that is neither a tensor nor a harmless operator, in words."""
    listed = archive.namelist()
    if any(name.rpartition("/")[2] == _OLD_PROGRAM for name in listed):
        raise ModelError(
            "saved by an older torch: export and save it again with torch 2.9 or newer"
        )
    names = {name.partition("/")[2]: name for name in listed}
    if len(names) < len(listed) or len({name.partition("/")[0] for name in listed}) != 1:
        yield "holds several files of one name"
    if "models/model.json" not in names:
        raise ValueError("no program")
    yield from (f"holds {name}" for name in names if not _PLAIN.fullmatch(name))
    for name, whole in names.items():
        if name.endswith("_config.json"):
            for key, payload in json.loads(archive.read(whole))["config"].items():
                if payload["use_pickle"] or not re.fullmatch(
                    r"(weight|tensor)_\d+", payload["path_name"]
                ):
                    yield f"pickles {key}"
        elif name.endswith(".pt"):
            with archive.open(whole) as opened:
                yield from _unpickled(opened)
    yield from _calls(json.loads(archive.read(names["models/model.json"])))


def _unpickled(opened: Any) -> Iterator[str]:
    try:
        torch.load(opened, map_location="cpu", weights_only=True)
    except Exception:  # a damaged pickle may raise anything
        yield "its example inputs are no tensors"


def _calls(part: Any, key: str = "") -> Iterator[str]:
    """Yield whatever is not known to be harmless in the part of a program under `key`."""
    if isinstance(part, list):
        for item in part:
            yield from _calls(item, key)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "target" and "inputs" in part:
                yield from () if _is_operator(value) else (f"calls {value}",)
            elif name not in _UNUSED:
                yield from _calls(value, name)
            if not _NAME.fullmatch(name):
                yield f"has the name {name!r}"
    elif isinstance(part, str):
        if key == "expr_str" and not _is_size(part):
            yield f"has the size {part!r}"
        elif key != "expr_str" and not _NAME.fullmatch(part):
            yield f"has the name {part!r}"


def _is_operator(target: Any) -> bool:
    text = str(target)
    return bool(_TARGET.fullmatch(text)) and not _FORBIDDEN.fullmatch(text)


def _is_size(text: Any) -> bool:
    """Tell whether a size is made of numbers, symbols and arithmetic alone.

    >>> _is_size("Add(Symbol('s77', integer=True), Integer(-1))"), _is_size("open(chr(47))")
    (True, False)
    """
    bare = _QUOTED.sub("", str(text))
    return bool(_SIZE.fullmatch(bare)) and all(map(_KNOWN.fullmatch, _WORD.findall(bare)))
