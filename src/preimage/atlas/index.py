"""The index that the pages search: scripts of a thousand entries each.

A page opened from a file may not read JSON from another file, but it may run a script beside it.
Each script calls `atlas.shard` with its entries:

    [title, address, kind, names, sheet, column, row]

`names` are what a judge calls the picture. The last three tell its small picture, if there is one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from preimage.atlas.data import Atlas, Channel

PER_SHARD = 1000


def entries(atlas: Atlas) -> list[list[Any]]:
    """Return an entry for each network, layer and channel."""
    found: list[list[Any]] = []
    models = [*atlas.models, *([atlas.classical] if atlas.classical else [])]
    for model in models:
        found.append([model.name, f"{model.address}/index.html", "network"])
        for layer in model.layers:
            title = f"{model.name} {layer.title}"
            found.append([title, f"{layer.address}/index.html", "layer"])
            found += [_entry(title, channel) for channel in layer.channels]
    return found


def _entry(layer: str, channel: Channel) -> list[Any]:
    """Return the entry of a channel."""
    kind = "class" if channel.is_class else "channel"
    names = ", ".join(name for name, _ in channel.names)
    tile = channel.tile
    place = [tile.address, tile.column, tile.row] if tile else []
    return [f"{layer} {channel.title}", channel.address, kind, names, *place]


def shards(found: Sequence[list[Any]]) -> list[str]:
    r"""Return the scripts of all entries, at least one.

    >>> shards([["vgg-m", "vgg-m/index.html", "network"]])
    ['atlas.shard(0,[["vgg-m","vgg-m/index.html","network"]]);\n']
    """
    parts = [found[first : first + PER_SHARD] for first in range(0, len(found), PER_SHARD)] or [[]]
    return [
        f"atlas.shard({n},{json.dumps(part, separators=(',', ':'))});\n"
        for n, part in enumerate(parts)
    ]
