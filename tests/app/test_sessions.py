from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.app.gradio_process import answer

from preimage.app.sessions import Sessions

OF_GRADIO = """
import gc
import gradio
from preimage.app.sessions import Sessions

blocks = build(AppOptions(), Runs(1))
gradio.routes.App.create_app(blocks)
queue, holder = blocks._queue, blocks.state_holder
sessions = Sessions(blocks, kept=0)
"""


def blocks_of(**ages: float) -> Any:
    """Pages with a session by name, each of which was used so many seconds ago."""
    used = {name: datetime.now() - timedelta(seconds=age) for name, age in ages.items()}
    return SimpleNamespace(
        state_holder=SimpleNamespace(
            session_data={name: SimpleNamespace(config_values={1: "picture"}) for name in ages},
            time_last_used=used,
        ),
        _queue=SimpleNamespace(
            pending_messages_per_session=dict.fromkeys(ages),
            pending_event_ids_session=dict.fromkeys(ages),
            event_ids_to_events={},
        ),
    )


def names(blocks: Any) -> set[str]:
    """The names of the sessions of which there is anything left."""
    queue, holder = blocks._queue, blocks.state_holder
    return {
        *holder.session_data, *holder.time_last_used, *queue.pending_messages_per_session,
        *queue.pending_event_ids_session,
    }  # fmt: skip


def test_sessions_without_a_page_are_forgotten_a_while_after_their_last_use() -> None:
    blocks = blocks_of(new=59, old=61)
    Sessions(blocks, kept=60).tidy()
    assert names(blocks) == {"new"}


def test_sessions_are_kept_as_long_as_a_page_is_open_and_a_while_longer() -> None:
    blocks = blocks_of(a=1000)
    sessions = Sessions(blocks, kept=60)
    with sessions.page("a"):
        with sessions.page("a"):
            sessions.tidy()
        sessions.tidy()
        assert names(blocks) == {"a"}
    sessions.tidy()
    assert names(blocks) == {"a"}
    blocks.state_holder.time_last_used["a"] -= timedelta(seconds=61)
    sessions.tidy()
    assert names(blocks) == set()


def test_a_session_with_a_run_is_kept() -> None:
    blocks = blocks_of(a=1000)
    blocks._queue.event_ids_to_events["1"] = SimpleNamespace(session_hash="a")
    sessions = Sessions(blocks, kept=60)
    sessions.tidy()
    assert names(blocks) == {"a"}
    blocks._queue.event_ids_to_events.clear()
    sessions.tidy()
    assert names(blocks) == set()


def test_messages_that_nobody_reads_are_forgotten() -> None:
    blocks = blocks_of()
    blocks._queue.pending_messages_per_session["a"] = ["picture"]
    blocks._queue.pending_event_ids_session["a"] = {"1"}
    Sessions(blocks, kept=60).tidy()
    assert names(blocks) == set()


def test_a_page_that_no_session_belongs_to_leaves_none_behind() -> None:
    blocks = blocks_of()
    with Sessions(blocks).page("a"):
        pass
    assert names(blocks) == set()


def test_no_values_of_pages_are_kept() -> None:
    blocks = blocks_of(a=0)
    Sessions(blocks, kept=60).tidy()
    assert blocks.state_holder.session_data["a"].config_values == {}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("holder['a']; sessions.tidy(); found = len(holder.session_data)", 0),
        ("with sessions.page('a'):\n holder['a']; sessions.tidy()\nfound = 'a' in holder", True),
        ("with sessions.page('a'):\n holder['a']\nsessions.tidy()\nfound = 'a' in holder", False),
        ("found = sum(map(len, holder['a'].config_values.values())) > 1000", True),
    ],
    ids=["no page", "open", "closed", "there are values"],
)
def test_gradio_keeps_sessions_where_they_are_looked_for(code: str, expected: object) -> None:
    assert answer(OF_GRADIO + code) == expected


def test_components_of_forgotten_sessions_are_freed() -> None:
    """Gradio copies components for a session whose values were updated."""
    code = """
def components():
    gc.collect()
    return sum(type(one) is gradio.HTML for one in gc.get_objects())

def use(name):
    part = next(one for one in blocks.blocks.values() if type(one) is gradio.HTML)
    session = holder[name]
    session[part._id] = gradio.HTML(**{**part.constructor_args, "render": False})
    session._update_value_in_config(part._id, "picture")

use("first")
sessions.tidy()
before = components()
for number in range(20):
    use(str(number))
during = components()
sessions.tidy()
found = [during - before, components() - before]
"""
    assert answer(OF_GRADIO + code) == [20, 0]


def test_a_page_goes_on_after_its_values_were_forgotten() -> None:
    code = """
part = next(one for one in blocks.blocks.values() if type(one) is gradio.HTML)
with sessions.page("a"):
    session = holder["a"]
    sessions.tidy()
    session._update_value_in_config(part._id, "picture")
    found = session.config_values[part._id]["props"]["value"]
"""
    assert answer(OF_GRADIO + code) == "picture"


def test_gradio_keeps_no_statistics() -> None:
    code = "found = [queue.ANALYTICS_MAX_EVENTS, queue.ANAYLTICS_CACHE_FREQUENCY > 10**9]"
    assert answer(OF_GRADIO + code) == [1, True]
