"""`python -m benchmarks endurance sessions`: memory of the app by visits, forgotten or kept.

Visits without browser and workers: the outputs of 24 frames of a run, with 60 kB in each HTML, for
one session after the other in one process. Give `--forget` to let the app forget closed pages.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from collections.abc import Sequence
from typing import Any

from benchmarks.endurance.readings import read
from preimage.app import AppOptions, build
from preimage.app.runs import Runs

_FRAMES = 24
_BYTES = 60_000


def main(arguments: Sequence[str]) -> None:
    """Have visits one after the other, and print the memory after each 20."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks endurance sessions", description=__doc__
    )
    parser.add_argument("--visits", type=int, default=60, help="number of visits")
    parser.add_argument("--forget", action="store_true", help="forget pages that are closed")
    chosen = parser.parse_args(arguments)
    asyncio.run(run(chosen.visits, forget=chosen.forget))


async def run(visits: int, *, forget: bool) -> None:
    """Have so many visits, and print the memory of this process again and again."""
    import gradio as gr

    from preimage.app.memory import return_memory, spare_the_pages
    from preimage.app.sessions import Sessions

    blocks = build(AppOptions(), Runs(1))
    gr.routes.App.create_app(blocks)
    sessions = Sessions(blocks, kept=0)
    if forget:
        spare_the_pages()
    for number in range(1, visits + 1):
        with sessions.page(str(number)):
            await _visit(blocks, str(number))
        if forget:
            sessions.tidy()
            return_memory()
        if number == 1 or number % 20 == 0:
            reading, kept = read(number), len(blocks.state_holder.session_data)
            print(f"{number} visits: {reading.anonymous} MB, {kept} sessions", flush=True)


async def _visit(blocks: Any, session: str) -> None:
    """Let Gradio process the outputs of a run."""
    import gradio as gr

    functions = [function for function in blocks.fns.values() if function.fn]
    function = max(functions, key=lambda function: len(function.outputs))
    for _ in range(_FRAMES):
        values = [
            "x" * _BYTES + secrets.token_hex(8) if type(output) is gr.HTML else gr.skip()
            for output in function.outputs
        ]
        await blocks.postprocess_data(function, values, blocks.state_holder[session])
