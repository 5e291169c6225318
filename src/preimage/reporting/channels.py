"""Statistics of channels for `--json` and for a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from preimage.files import write_whole
from preimage.statistics import ChannelStatistics

_COLUMNS = (
    "representation", "channel", "count", "maximum", "minimum", "mean", "std", "zeros", "dead",
    "image", "position",
)  # fmt: skip


def describe_channel(statistics: ChannelStatistics, channel: int, top: int = 9) -> dict[str, Any]:
    """Return the statistics of one channel, with its `top` largest responses."""
    ranks = range(min(top, statistics.top_values.shape[1]))
    return {
        "representation": str(statistics.name),
        "channel": channel,
        "images": len(statistics.images),
        "count": statistics.count,
        "maximum": float(statistics.maximum[channel]),
        "minimum": float(statistics.minimum[channel]),
        "mean": float(statistics.mean[channel]),
        "std": float(statistics.std[channel]),
        "zeros": float(statistics.zeros[channel]),
        "dead": bool(statistics.dead[channel]),
        "top": [
            {
                "value": float(statistics.top_values[channel, rank]),
                "image": statistics.images[statistics.top_images[channel, rank]],
                "position": statistics.top_positions[channel, rank].tolist(),
            }
            for rank in ranks
        ],
    }


def write_channels(path: Path, channels: Iterable[dict[str, Any]]) -> None:
    """Write what `describe_channel` returns as CSV; of the responses, only the largest."""
    with write_whole(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for channel in channels:
            best = channel["top"][0]
            position = " ".join(map(str, best["position"]))
            writer.writerow(channel | {"image": best["image"], "position": position})
