"""Sessions: what Gradio keeps in memory for each visitor, and until when.

Gradio makes a session for each page that is opened, with a copy of all components and the last
value of each, thus with its pictures: from half a megabyte to tens. It drops none before it has
`state_session_capacity` of them, nor the unread messages of visitors who never listen. This module
drops them once the page is closed. It uses attributes of Gradio that its documentation does not
name; `tests/app/test_sessions.py` fails if they mean something else.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import gradio

_KEPT_SECONDS = 600.0
"""Seconds for which a session is kept without a page, whose connection may break and come back."""


def keep_no_statistics() -> None:
    """Tell Gradio to keep no record of calls, of which it would make a table after each call.

    Gradio looks for the numbers in the environment when pages are made.
    """
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "1"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = str(2**62)


class Sessions:
    """The sessions of pages that are open, and of others until they are forgotten.

    Its functions must be called in the thread of the server's event loop, as Gradio's own are.

    Args:
        blocks: the pages.
        kept: seconds for which a session without a page is kept after its last use.
    """

    def __init__(self, blocks: gradio.Blocks, kept: float = _KEPT_SECONDS) -> None:
        self._blocks, self._kept = blocks, timedelta(seconds=kept)
        self._open: Counter[str] = Counter()

    @contextmanager
    def page(self, session: str) -> Iterator[None]:
        """Note that the page of a session is open during this block; its end counts as a use."""
        self._open[session] += 1
        try:
            yield
        finally:
            self._open -= Counter([session])
            if session in self._blocks.state_holder.session_data:
                self._blocks.state_holder.time_last_used[session] = datetime.now()

    def tidy(self) -> None:
        """Forget sessions that have had neither a page nor a use for a while.

        Of all others, forget the values that their pages show. Browsers have them, too; Gradio
        would need them for links to a page as it is, which the app does not offer.
        """
        queue, holder = self._blocks._queue, self._blocks.state_holder
        busy = {event.session_hash for event in queue.event_ids_to_events.values()}
        latest = datetime.now() - self._kept
        of_sessions = (
            holder.session_data, queue.pending_messages_per_session,
            queue.pending_event_ids_session, holder.time_last_used,
        )  # fmt: skip
        for name in {name for names in of_sessions for name in names}:
            used = holder.time_last_used.get(name, datetime.min)
            if name not in self._open and name not in busy and used <= latest:
                for names in of_sessions:
                    names.pop(name, None)
        for session in holder.session_data.values():
            session.config_values.clear()
