"""Rates of requests: how often each client may do something."""

from __future__ import annotations

import time
from collections import OrderedDict

_MOST_CLIENTS = 4096
"""The largest number of clients whose requests are counted; the one seen longest ago is dropped."""


class Rate:
    """A limit of how often each client may do something (a token bucket for each).

    Args:
        at_once: how often a client may do it at once, after a pause.
        per_second: how often a client may do it per second in the long run.
    """

    def __init__(self, at_once: int, per_second: float) -> None:
        self._at_once = at_once
        self._per_second = per_second
        self._clients: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, client: str) -> float:
        """Count one use by a client; return 0, or the seconds to wait if the use is refused.

        >>> rate = Rate(at_once=2, per_second=0.5)
        >>> [round(rate.wait("127.0.0.1")) for _ in range(3)]
        [0, 0, 2]
        """
        now = time.monotonic()
        left, before = self._clients.pop(client, (float(self._at_once), now))
        left = min(self._at_once, left + (now - before) * self._per_second)
        is_allowed = left >= 1
        self._clients[client] = (left - is_allowed, now)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return 0.0 if is_allowed else (1 - left) / self._per_second
