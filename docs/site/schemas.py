"""Tables of what studies, sidecars and stores hold, from the types that read and write them."""

import inspect
import re
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

import preimage
from docs.site.markdown import code, table
from docs.site.vocabulary import meanings
from preimage.preprocessing import GRAY
from preimage.presets import CARICATURE_PRESETS, CLASSICAL_QUALITIES, NETWORK_QUALITIES, PRESETS
from preimage.studies.measures import Measures
from preimage.studies.study import Study
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store

_KINDS: dict[str | None, str] = {
    "string": "text", "integer": "whole number", "number": "number", "object": "table",
    "boolean": "true or false",
}  # fmt: skip


def study() -> str:
    """Return the table of the keys of a study."""
    schema = Study.model_json_schema()
    words = meanings("TOML")
    rows = [
        [code(name), kind(one, schema.get("$defs", {})), _default(one, name, schema), words[name]]
        for name, one in schema["properties"].items()
    ]
    return table(["key", "value", "default", "meaning"], rows)


def kind(schema: Mapping[str, Any], shared: Mapping[str, Any]) -> str:
    """Return in words the values that a JSON schema allows.

    Args:
        schema: the schema of one value.
        shared: the schemas that others refer to, by name.

    >>> kind({"type": "array", "items": {"type": "integer"}}, {})
    'list of whole numbers'
    """
    if "$ref" in schema:
        return kind(shared[schema["$ref"].rpartition("/")[2]], shared)
    if alternatives := schema.get("anyOf", schema.get("oneOf")):
        words = [kind(one, shared) for one in alternatives if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if values := schema.get("enum", [schema["const"]] if "const" in schema else ()):
        return ", ".join(code(f'"{value}"') for value in values)
    if inner := schema.get("prefixItems"):
        return f"[{', '.join(kind(one, shared) for one in inner)}]"
    if schema.get("type") == "array":
        return f"list of {_plural(kind(schema['items'], shared))}"
    properties = ", ".join(map(code, schema.get("properties", ())))
    return f"table of {properties}" if properties else _KINDS.get(schema.get("type"), "any value")


def _plural(words: str) -> str:
    kinds = words.split(" or ")
    return " or ".join(one if one.endswith(("]", "`")) else f"{one}s" for one in kinds)


def _default(schema: Mapping[str, Any], name: str, whole: Mapping[str, Any]) -> str:
    """Return the default of a key in words; a key that must be given has none."""
    if name in whole.get("required", ()):
        return "must be given"
    value = schema.get("default")
    return "" if value in (None, "", [], {}) or isinstance(value, dict) else code(value)


def settings_by_name() -> str:
    """Return the table of all constants under each preset and quality."""
    qualities = {f"{name}, networks": one for name, one in NETWORK_QUALITIES.items()}
    named = {**PRESETS, **CARICATURE_PRESETS, **CLASSICAL_QUALITIES, **qualities}
    constants = {name: settings.constants() for name, settings in named.items()}
    names = dict.fromkeys(name for values in constants.values() for name in values)
    words = meanings("TOML")
    rows = [
        [
            code(name),
            words.get(name, ""),
            *(_short(one.get(name, "")) for one in constants.values()),
        ]
        for name in names
    ]
    return table(["constant", "meaning", *map(code, constants)], rows)


def _short(value: object) -> str:
    """Return a constant as a table shows it: with four digits, and nothing for None."""
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)


def sidecar() -> str:
    """Return the table of the keys of a JSON sidecar, from those of three short runs."""
    described = {one["visualization"]: one for one in _described()}
    keys = dict.fromkeys(key for one in described.values() for key in one)
    words = meanings("sidecar")
    rows = []
    for key in keys:
        having = [name for name, one in described.items() if key in one]
        value = next(one[key] for one in described.values() if one.get(key) is not None)
        rows.append([code(key), _json_kind(value), ", ".join(having), words[key]])
    return table(["key", "value", "of", "meaning"], rows)


def written_by_commands() -> str:
    """Return the table of the keys that commands add to a sidecar."""
    own = {key for one in _described() for key in one}
    rows = [[code(key), words] for key, words in meanings("sidecar").items() if key not in own]
    return table(["key", "meaning"], rows)


def _described() -> list[dict[str, Any]]:
    """Return the sidecars of one short run of each visualization."""
    photo = np.random.default_rng(0).random((16, 16))
    layer = preimage.Layer(nn.Sequential(nn.Conv2d(1, 4, 5)), "0", GRAY)
    few, mask = preimage.NNPREIMAGE.with_steps(1), preimage.Mask(channels="0")
    shared: dict[str, Any] = {"settings": few, "execution": preimage.Execution(threads=1)}
    results = (
        preimage.invert(layer, photo, mask=mask, start=photo, size=(16, 16), **shared),
        preimage.maximize(layer, [0], maxima=[1], start=photo, **shared),
        preimage.caricature(layer, photo, **shared),
    )
    return [result.describe() for result in results]


def _json_kind(value: object) -> str:
    """Return the kind of a value of JSON in words."""
    if isinstance(value, dict):
        return "object with " + ", ".join(map(code, value))
    names = {bool: "true or false", int: "whole number", float: "number", str: "text"}
    return f"list of {_json_kind(value[0])}s" if isinstance(value, list) else names[type(value)]


def store() -> str:
    """Return the tables of the index of a store, with their columns, and what is in them."""
    with tempfile.TemporaryDirectory() as folder:
        Store(Path(folder), create=True).close()
        with closing(sqlite3.connect(Path(folder) / "index.sqlite")) as database:
            names = [
                row[0]
                for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            ]
            columns = {name: list(database.execute(f"PRAGMA table_info({name})")) for name in names}
    rows = [[code(name), code(column[1]), column[2]] for name in names for column in columns[name]]
    return table(["table", "column", "type"], rows)


def trial() -> str:
    """Return the table of what a trial holds, the JSON text in the column `trial`."""
    schema, words = Trial.model_json_schema(), documented(Trial)
    rows = [
        [code(name), kind(one, schema["$defs"]), words.get(name, "")]
        for name, one in schema["properties"].items()
    ]
    return table(["field", "value", "meaning"], rows)


def measures() -> str:
    """Return the table of the numbers of a result, the JSON text in the column `measures`."""
    return table(["number", "meaning"], [[code(k), v] for k, v in documented(Measures).items()])


def documented(kind: type) -> dict[str, str]:
    """Return the attributes that a class's docstring describes, with their descriptions.

    >>> documented(Measures)["steps"]
    'number of evaluations of Eq. 1.'
    """
    text = inspect.getdoc(kind) or ""
    section = text.partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section, re.MULTILINE)
    return {name: " ".join(words.split()) for name, words in entries}
