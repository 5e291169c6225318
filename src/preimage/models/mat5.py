"""MATLAB files of versions 5 to 7, as plain Python values.

The format is described in "MAT-File Format" (The MathWorks). SciPy's compiled reader crashes
the whole process on some damaged files; this reader checks every length, runs no code from
a file, and needs nothing but NumPy.

A file is a header of 128 bytes and then elements, each a tag (type, number of bytes) and
its data, padded to 8 bytes. An element of one array holds elements in turn: its class,
its dimensions, its name, and its values, which for cells and structs are arrays again.
Version 7 compresses each variable.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from preimage.models.read_limit import ReadLimit

Value: TypeAlias = dict[str, "Value"] | list["Value"] | str | np.ndarray | None
"""A MATLAB value: a struct is a dict, a struct array or a cell array a list in column-major
order. None stands for objects, function handles, sparse and complex matrices."""

_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR, _OPAQUE = 1, 2, 4, 17
_COMPLEX = 0x0800
_STORED = dict(zip((1, 2, 3, 4, 5, 6, 7, 9, 12, 13), "bBhHiIfdqQ", strict=True))
"""The type of stored numbers, by the type of their element; often narrower than `_MEANT`."""

_MEANT = dict(zip(range(6, 16), "dfbBhHiIqQ", strict=True))
"""The type of the numbers of a matrix, by its class."""

_ENCODINGS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}


def load(path: Path) -> dict[str, Value]:
    """Read a file's variables by name; raise ValueError if it is damaged or of another kind."""
    data = memoryview(path.read_bytes())
    order = {b"\0\1IM": "<", b"\1\0MI": ">"}.get(bytes(data[124:128]))
    if order is None:
        raise ValueError("no header of version 5")
    variables: dict[str, Value] = {}
    limit = ReadLimit.of(path)
    elements = _Elements(data[128:], order, limit)
    while elements.data:
        kind, content = elements.take()
        if kind == _COMPRESSED:
            kind, content = _Elements(_inflate(content, order, limit), order, limit).take()
        if kind == _MATRIX:
            name, value = _read_matrix(content, order, limit)
            variables[name] = value
    return variables


def _inflate(content: memoryview, order: str, limit: ReadLimit) -> memoryview:
    """Return one decompressed element, no longer than its header says and the limit allows."""
    stream = zlib.decompressobj()
    header = stream.decompress(content, 8)
    if len(header) < 8:
        raise ValueError("it ends within an element")
    first, size = (int(word) for word in np.frombuffer(header, f"{order}u4"))
    if first >> 16:
        return memoryview(header)
    limit.spend(size=size)
    body = stream.decompress(stream.unconsumed_tail, size + 16)
    if not stream.eof:
        raise ValueError("a compressed element is damaged, or longer than it says")
    return memoryview(header + body)


@dataclass(slots=True)
class _Elements:
    """The unread part of a sequence of elements, its byte order, and the limit of the file."""

    data: memoryview
    order: str
    limit: ReadLimit

    def take(self) -> tuple[int, memoryview]:
        """Return the type and the content of the next element, and move behind it."""
        if len(self.data) < 8:
            raise ValueError("it ends within an element")
        first, size = (int(word) for word in np.frombuffer(self.data[:8], f"{self.order}u4"))
        start, kind = 8, first
        if first >> 16:
            start, kind, size = 4, first & 0xFFFF, first >> 16
        if len(self.data) < start + size:
            raise ValueError("an element is longer than the file")
        content = self.data[start : start + size]
        padding = 0 if kind == _COMPRESSED else -(start + size) % 8
        self.data = self.data[start + size + padding :]
        return kind, content

    def numbers(self) -> np.ndarray:
        """Return the next element as numbers."""
        kind, content = self.take()
        if kind not in _STORED:
            raise ValueError(f"an element of numbers is of the unknown type {kind}")
        return np.frombuffer(content, self.order + _STORED[kind])

    def text(self) -> str:
        """Return the next element as text."""
        kind, content = self.take()
        if kind not in _ENCODINGS:
            raise ValueError(f"an element of text is of the unknown type {kind}")
        suffix = {"<": "-le", ">": "-be"}[self.order] if kind in (4, 17, 18) else ""
        return str(content, _ENCODINGS[kind] + suffix, "replace")

    def matrix(self) -> Value:
        """Return the next element as an array of any class."""
        kind, content = self.take()
        if kind != _MATRIX:
            raise ValueError(f"a cell or a field is of the type {kind}, not an array")
        return _read_matrix(content, self.order, self.limit)[1]


def _read_matrix(content: memoryview, order: str, limit: ReadLimit) -> tuple[str, Value]:
    """Return the name and the value of one array."""
    limit.spend(arrays=1)
    if not content:
        return "", np.zeros((0, 0))
    elements = _Elements(content, order, limit)
    flags = int(elements.numbers()[0])
    if flags & 0xFF == _OPAQUE:
        return elements.text(), None
    shape = [int(size) for size in elements.numbers()]
    return elements.text(), _read_value(elements, flags, shape)


def _read_value(elements: _Elements, flags: int, shape: list[int]) -> Value:
    kind = flags & 0xFF
    if kind == _CELL:
        return [elements.matrix() for _ in range(math.prod(shape))]
    if kind == _STRUCT:
        return _read_struct(elements, math.prod(shape))
    if kind == _CHAR:
        return elements.text()
    if kind in _MEANT and not flags & _COMPLEX:
        values = elements.numbers().astype(elements.order + _MEANT[kind], copy=False)
        return values.reshape(shape, order="F")
    return None


def _read_struct(elements: _Elements, count: int) -> Value:
    width = int(elements.numbers()[0])
    names = elements.text()
    fields = [names[at : at + width].rstrip("\0") for at in range(0, len(names), width)]
    if not fields:
        return {}
    structs: list[Value] = [{field: elements.matrix() for field in fields} for _ in range(count)]
    return structs[0] if count == 1 else structs
