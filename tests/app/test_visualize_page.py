from __future__ import annotations

from tests.app.gradio_process import answer


def test_no_event_of_the_pages_is_an_open_interface() -> None:
    found = answer(
        "app = build(AppOptions(), Runs(1))\nfound = [fn.api_visibility for fn in app.fns.values()]"
    )
    assert set(found) == {"private"}
