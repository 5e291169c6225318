"""The server of the app: gradio behind the guard, in a folder of its own, until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import socket
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from anyio import to_thread
from fastapi import FastAPI

from preimage.app.address import is_local, listen, url
from preimage.app.folder import clear
from preimage.app.guard import Guard
from preimage.app.memory import return_memory, spare_the_pages
from preimage.app.options import AppOptions, Limits
from preimage.app.sessions import Sessions

_CLEARED_SECONDS = 60
"""Seconds between two times when old files and sessions are deleted."""
_MOST_SESSIONS = 500
"""The number of visitors whose state gradio keeps."""
_GRACE_SECONDS = 3
"""Seconds in which open answers may end after Ctrl-C."""


def guarded(blocks: gr.Blocks, options: AppOptions, folder: Path, **looks: Any) -> Guard:
    """Return the application that serves pages of gradio safely.

    Args:
        blocks: the pages.
        options: the address of the app and its limits.
        folder: the folder that gradio was told to use; see `folder.own_folder`.
        looks: theme and CSS, as `gradio.mount_gradio_app` takes them.
    """
    limits = options.limits
    blocks.delete_cache = (_CLEARED_SECONDS, int(limits.kept))
    blocks.state_session_capacity = _MOST_SESSIONS
    blocks.has_launched = True  # otherwise gradio takes any path in a call for a file to show
    sessions = Sessions(blocks)
    app = FastAPI(openapi_url=None, lifespan=_clearing(folder, limits, sessions))
    gr.mount_gradio_app(
        app, blocks, "/", footer_links=[], run_history=False, show_error=False, pwa=False,
        max_file_size=limits.bytes, ssr_mode=False, mcp_server=False, enable_monitoring=False,
        **looks,
    )  # fmt: skip
    return Guard(
        app, folder, limits, ("localhost", socket.gethostname(), options.host, *options.names),
        sessions.page,
    )  # fmt: skip


def serve(
    blocks: gr.Blocks,
    options: AppOptions,
    folder: Path,
    announce: Callable[[str], object],
    **looks: Any,
) -> None:
    """Serve pages of gradio until Ctrl-C.

    Args:
        blocks: the pages.
        options: the address of the app and its limits.
        folder: the folder that gradio was told to use.
        announce: called with the address when the app answers.
        looks: theme and CSS, as `gradio.mount_gradio_app` takes them.

    Raises:
        OSError: if the address or the port cannot be used.
    """
    if not is_local(options.host):
        warnings.warn(
            f"the app has no login: whoever can reach {options.host} on this machine can use it, "
            "and its workers; docs/app.md says how to put it behind a proxy",
            stacklevel=2,
        )
    config = uvicorn.Config(
        guarded(blocks, options, folder, **looks), log_level="warning", server_header=False,
        ws="none", limit_concurrency=options.limits.connections,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )  # fmt: skip
    with listen(options.host, options.port) as listener, suppress(KeyboardInterrupt):
        spare_the_pages()
        announce(url(listener))
        server = uvicorn.Server(config)
        # Pages that are open at Ctrl-C are cut off after a while, which is no error to be told.
        logging.getLogger("uvicorn.error").addFilter(lambda _: not server.should_exit)
        server.run([listener])


def _clearing(folder: Path, limits: Limits, sessions: Sessions) -> Callable[[FastAPI], Any]:
    """Return the lifespan of an application in which what is old is deleted again and again."""

    async def clear_files() -> None:
        while True:
            await asyncio.sleep(_CLEARED_SECONDS)
            await to_thread.run_sync(clear, folder, limits)

    async def clear_sessions() -> None:
        while True:
            await asyncio.sleep(_CLEARED_SECONDS)
            sessions.tidy()
            await to_thread.run_sync(return_memory)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(clear_files()), asyncio.create_task(clear_sessions())]
        yield
        for task in tasks:
            task.cancel()

    return lifespan
