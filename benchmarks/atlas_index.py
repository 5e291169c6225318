"""How long does an index of 5,000 channels of an atlas take to open, and to be filtered?

`atlas_index.csv`: seconds of processor time of the page's own thread in headless Chromium, which
other programs do not change much: to open the index, and to show what fits each query, the least of
three times. A page answers at once if it takes no more than a tenth of a second.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.atlas.many import write_many
from tests.browser import chromium, watched

from benchmarks.timing import machine, write_csv

QUERIES = ("4", "barra", "channel 4999", "nothing")
TYPED = """([place, query]) => {
    const input = document.querySelector(place);
    input.value = query;
    input.dispatchEvent(new Event("input"));
    document.body.getBoundingClientRect();
}"""


def run(out: Path) -> None:
    """About half a minute."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        site = write_many(Path(folder))
        with watched(browser, "file:") as page:
            rows = list(_measure(page, site))
    write_csv(out / "atlas_index.csv", rows)
    for row in rows:
        print(row)


def _measure(page: Any, site: Path) -> Iterator[dict[str, object]]:
    """Yield a row for opening, and for each query in each place."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"{site.as_uri()}/net/conv/index.html")
    page.evaluate("atlas.loadIndex()")
    page.evaluate("atlas.find('goose').length")
    yield {"what": "open", "query": "", "seconds": _busy_seconds(session)}
    for place in ("#filter", "#search"):
        for query in QUERIES:
            times = []
            for text in (query, "", query, "", query):
                before = _busy_seconds(session)
                page.evaluate(TYPED, [place, text])
                page.wait_for_timeout(50)
                times.append(_busy_seconds(session) - before)
            yield {"what": place, "query": query, "seconds": min(times[::2])}


def _busy_seconds(session: Any) -> float:
    """Return the processor time of the page's own thread so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")
