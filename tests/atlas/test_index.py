"""The index: an entry for all that can be found, in scripts of a thousand."""

from __future__ import annotations

import json
import re

from preimage.atlas.data import Atlas, Channel, Layer, Model, Tile
from preimage.atlas.index import PER_SHARD, entries, shards


def _atlas(count: int) -> Atlas:
    channels = [
        Channel(
            address=f"net/conv/{n}.html", label=str(n), index=n, is_class=False, maximum=1.0,
            pictures=[], tile=Tile("assets/sheets/0.webp", n % 10, n // 10 % 10),
        )
        for n in range(count)
    ]  # fmt: skip
    layer = Layer(
        name="net/conv", title="conv", address="net/conv", channels=channels, inversions=[],
        caricatures=[],
    )  # fmt: skip
    return Atlas([Model(name="net", address="net", layers=[layer])], None)


def test_networks_layers_and_channels_are_entries() -> None:
    assert entries(_atlas(1)) == [
        ["net", "net/index.html", "network"],
        ["net conv", "net/conv/index.html", "layer"],
        ["net conv channel 0", "net/conv/0.html", "channel", "", "assets/sheets/0.webp", 0, 0],
    ]


def test_scripts_hold_all_entries_in_order() -> None:
    found = entries(_atlas(2 * PER_SHARD))
    scripts = shards(found)
    assert len(scripts) == 3
    parts = []
    for n, script in enumerate(scripts):
        call = re.fullmatch(r"atlas\.shard\((\d+),(.*)\);\n", script)
        assert call is not None
        assert int(call[1]) == n
        parts += json.loads(call[2])
    assert parts == found


def test_an_empty_atlas_has_an_empty_script() -> None:
    assert shards(entries(Atlas([], None))) == ["atlas.shard(0,[]);\n"]


def test_a_script_is_plain_ascii_whatever_the_names() -> None:
    (script,) = shards([["\u2028</script>\ud800", "a.html", "layer"]])
    assert script.isascii()
