"""Names that users type: layers, lists of channels, and misspelt names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MOST_LISTED = 24
_LONGEST_SHOWN = 200
_MOST_CHANNELS = 1_000_000
_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
_MOST_DIGITS = 6
"""Largest number of digits of a channel; longer lists of channels would fill the memory."""


ARGUMENTS = ":"
"""The character in a name between a representation and its arguments, as in "hog:cell_size=4"."""

STEP = "|"
"""The character in a name between a representation and each step that its codes go through."""


@dataclass(frozen=True, slots=True)
class LayerName:
    """A network and one of its layers, or a representation that belongs to no network.

    Attributes:
        network: as a user names it; empty for HOG and dense SIFT.
        layer: the dotted name of the layer, or the name of the representation, with the steps that
            codes go through, if any.
    """

    network: str
    layer: str

    @classmethod
    def parse(cls, text: str) -> LayerName:
        """Split a name at the last "/" before its steps; one without "/" has no network.

        >>> LayerName.parse("matconvnet:nets/mine.mat/conv3")
        LayerName(network='matconvnet:nets/mine.mat', layer='conv3')
        >>> LayerName.parse("hog")
        LayerName(network='', layer='hog')
        >>> LayerName.parse("vgg-m/fc7|pca:files/axes.npy")
        LayerName(network='vgg-m', layer='fc7|pca:files/axes.npy')
        """
        base, step, steps = text.partition(STEP)
        network, _, layer = base.rpartition("/")
        return cls(network, layer + step + steps)

    def __str__(self) -> str:
        return f"{self.network}/{self.layer}" if self.network else self.layer


def with_arguments(name: str, given: Mapping[str, float], usual: Mapping[str, float]) -> str:
    """Return the name of a representation with those arguments that are not the usual ones.

    >>> with_arguments("dsift", {"cell_size": 4, "step": 12}, {"cell_size": 8, "step": 12})
    'dsift:cell_size=4'
    """
    special = [f"{key}={value}" for key, value in given.items() if value != usual[key]]
    return ARGUMENTS.join([name, ",".join(special)] if special else [name])


def split_arguments(text: str) -> tuple[str, dict[str, str]]:
    """Return the name and the arguments of a name that `with_arguments` returned.

    >>> split_arguments("dsift:cell_size=4,step=6")
    ('dsift', {'cell_size': '4', 'step': '6'})
    """
    name, colon, arguments = text.partition(ARGUMENTS)
    parts = (part.partition("=") for part in arguments.split(",") if colon)
    return name, {key.strip(): value.strip() for key, _, value in parts}


def with_article(name: str) -> str:
    """Return a name with "a" or "an" before it.

    >>> with_article("hog"), with_article("efficientnet-lite0/pool")
    ('a hog', 'an efficientnet-lite0/pool')
    """
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def one_line(text: str) -> str:
    r"""Return a text without line breaks, which messages of other libraries have.

    >>> one_line("damaged\n  file")
    'damaged file'
    """
    return " ".join(text.split())


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message for an unknown name, with the nearest known name or a list of names.

    >>> unknown("network", "alexnt", ["alexnet", "vgg-m"])
    "unknown network 'alexnt': did you mean 'alexnet'?"
    >>> unknown("network", "lenet", ["caffenet-2", "vgg-m"])
    "unknown network 'lenet': there are caffenet-2, vgg-m"
    """
    name = name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."
    by_lower = {word.lower(): word for word in known}
    if near := difflib.get_close_matches(name.lower(), by_lower, n=1):
        return f"unknown {kind} {name!r}: did you mean {by_lower[near[0]]!r}?"
    listed = list(by_lower.values())
    more = f", ... ({len(listed)} in all)" if len(listed) > _MOST_LISTED else ""
    return f"unknown {kind} {name!r}: there are {', '.join(listed[:_MOST_LISTED])}{more}"


def parse_channels(text: str, count: int | None = None) -> list[int]:
    """Return the channels that a list such as "0-24,31" stands for, each once.

    If `count`, the number of channels of the layer, is given, the text can also be "all".

    Raises:
        ValueError: if the text is not such a list, or if a number has more than six digits or is
            not below `count`.

    >>> parse_channels("3,7,9-12")
    [3, 7, 9, 10, 11, 12]
    >>> parse_channels("all", count=3)
    [0, 1, 2]
    """
    if count is not None and text.strip() == "all":
        return list(range(count))
    example = "0-24,31" if count is None else "0-24,31 or all"
    channels: dict[int, None] = {}
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        last = last if dash else first
        if last.isdecimal() and len(last) > _MOST_DIGITS:
            raise ValueError(f"channel {last[:20]} is too large: no layer has so many channels")
        is_range = all(_INDEX.fullmatch(piece) for piece in (first, last))
        if not is_range or int(first) > int(last):
            raise ValueError(f"channels must be like {example}, not {text!r}")
        if count is None and int(last) - int(first) >= _MOST_CHANNELS:
            raise ValueError(f"channels {part.strip()} are more than {_MOST_CHANNELS:,}")
        if count is not None and int(last) >= count:
            raise ValueError(f"channel {last} is not among 0-{count - 1}")
        channels |= dict.fromkeys(range(int(first), int(last) + 1))
    return list(channels)
