"""A small network with classes, its store, and its site, which the tests of the atlas share."""

from __future__ import annotations

import html.parser
from collections import OrderedDict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import torch
from tests.cli.runner import run
from tests.judges import JUDGE
from tests.study_files import MEASURES
from torch import nn

from preimage.presets import MODERN, NNPREIMAGE
from preimage.studies.outcome import Outcome
from preimage.studies.trial import Trial
from preimage.sweeps.store import Store

TINY = "import:tests.atlas.sites.tiny"
CLASSES = ["red fox, Vulpes", "<b>cat</b>", "barracouta, snoek"]
OPTIONS = (
    "--layers", "conv1,conv2", "--channels", "0-3", "--classes", "cat", "--limit", "2",
    "--depths", "3", "--steps", "3", "--seeds", "2", "--diversity", "5", "--judge", JUDGE,
    "--loss-weight", "1", "--loss-weight", "20", "--workers", "1",
)  # fmt: skip
"""Options of a small atlas of TINY; its class has the name that HTML must not take for a tag."""


def tiny() -> tuple[nn.Module, dict[str, Any]]:
    """Two convolutions and three classes, the same at every call."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        parts = OrderedDict(
            conv1=nn.Conv2d(3, 4, 5, 2, 2), relu=nn.ReLU(), conv2=nn.Conv2d(4, 6, 3, 2, 1),
            pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), score=nn.Linear(6, len(CLASSES)),
        )  # fmt: skip
    return nn.Sequential(parts), {"classes": CLASSES, "size": (24, 24)}


def build(site: Path, *options: str | Path) -> list[str]:
    """Builds an atlas of the small network, and returns what was printed."""
    given = [option.replace("cat", CLASSES[1]) if option == "cat" else option for option in OPTIONS]
    outcome = run("atlas", "build", TINY, "--out", site, *given, *options)
    assert (outcome.status, outcome.errors) == (0, [])
    return outcome.output


def keep(folder: Path, trials: list[Trial], study: str = "a") -> Store:
    """A store in which these trials are done, with pictures of different grays."""
    store = Store(folder, create=True)
    store.plan(study, trials)
    for n, trial in enumerate(trials):
        picture = np.full((20, 24, 3), 40 + 10 * n, np.uint8)
        image = np.zeros((3, 20, 24), np.float32)
        store.put(Outcome(trial.key, MEASURES, image, picture, {}))
    return store


def maximization(representation: str = "net/conv", channel: int = 0, **fields: Any) -> Trial:
    """A trial of a channel."""
    fields = dict[str, Any](reference_sha256="0", settings=MODERN) | fields
    return Trial(
        visualization="maximize", representation=representation, channel=channel, maximum=2.0,
        **fields,
    )  # fmt: skip


def inversion(representation: str = "hog", weight: float = 20, **fields: Any) -> Trial:
    """A trial of a photo."""
    fields = {"photo": "cat.png", "photo_sha256": "0"} | fields
    settings = NNPREIMAGE.replace(loss_weight=weight)
    return Trial(representation=representation, settings=settings, **fields)


class _Links(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def links(page: Path) -> list[str]:
    """All addresses that a page names."""
    parser = _Links()
    parser.feed(page.read_text("utf-8"))
    return [unquote(link) for link in parser.found]


def tags(page: Path) -> list[str]:
    """The names of all tags of a page."""
    parser = _Links()
    parser.feed(page.read_text("utf-8"))
    return parser.tags
