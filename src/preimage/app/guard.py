"""The guard before gradio, which decides which requests reach it, how often and how large.

Gradio serves many addresses that this app has no use for: pages about the interface, runs kept at
Hugging Face, files fetched from other servers, recordings. Only those that a page asks for are
open; all others answer 404.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from preimage.app.folder import clear, is_inside, touch
from preimage.app.options import Limits
from preimage.app.rates import Rate
from preimage.app.uploads import check_upload, too_large
from preimage.decoding import ImageError

_API = "/gradio_api/"
_PAGE, _UPLOAD, _FILE = "/", f"{_API}upload", f"{_API}file="
_ASSETS = re.compile(r"/(assets|static|svelte)/.+")
_READS = re.compile(
    r"/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)"
    rf"|{_API}(queue/data|upload_progress)"
)
_HEARTBEAT = re.compile(rf"{_API}heartbeat/(\w+)")
_CALLS = re.compile(rf"{_API}(queue/join|run/predict|cancel|reset)/?")
_DROPPED = (
    b"forwarded", b"range", b"x-forwarded-host", b"x-forwarded-proto", b"x-gradio-server",
)  # fmt: skip
"""Request headers that gradio would believe, or copy into its answer."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_CLOSED = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""The policy of everything that is not the page: opened by itself, it can do nothing."""
_OPEN = (
    "default-src 'none'; script-src 'self' 'unsafe-eval' {scripts}; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""The policy of the page.

Gradio's scripts add styles, so that inline styles must be allowed. Gradio's HTML component makes a
function of its template, which is a text of the server and not of visitors, so that `eval` must be
allowed. Inline scripts and handlers are not, apart from those that the page came with.
"""
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


class Guard:
    """An ASGI application that lets only the requests of the app's own pages through to gradio."""

    def __init__(
        self, app: ASGIApp, folder: Path, limits: Limits, names: Sequence[str],
        page: Callable[[str], AbstractContextManager[object]] = nullcontext,
    ) -> None:  # fmt: skip
        """Guard an application.

        Args:
            app: gradio's application.
            folder: the only folder whose files are served and may be named in a call.
            limits: what is accepted.
            names: host names under which the app may be addressed, beside numeric addresses.
            page: returns a context that is entered as long as the page of a session is open.
        """
        self._app = app
        self._folder = folder
        self._limits = limits
        self._names = frozenset(name.lower() for name in names)
        self._open_page = page
        self._calls = Rate(limits.calls, limits.calls_per_second)
        self._reads = Rate(limits.reads, limits.reads_per_second)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close"})
            return
        try:
            await self._answer(scope, receive, send)
        except HTTPException as refused:
            answer = _refusal(scope["path"], refused)
            await answer(scope, receive, _with_headers(send, _CLOSED))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, path, method = Headers(scope=scope), scope["path"], scope["method"]
        self._check_source(headers, method)
        self._check_rate(scope, path, method)
        is_read_here = path in (_PAGE, _UPLOAD)  # and must not be compressed
        dropped = (*_DROPPED, b"accept-encoding") if is_read_here else _DROPPED
        kept = [(name, value) for name, value in scope["headers"] if name not in dropped]
        scope = {**scope, "headers": kept}
        guarded = _with_headers(send, _CLOSED)
        if method in ("GET", "HEAD"):
            if path == _PAGE:
                await self._page(scope, receive, send)
            elif path.startswith(_FILE):
                self._check_file(path.removeprefix(_FILE))
                await self._app(scope, receive, guarded)
            elif _ASSETS.fullmatch(path) or _READS.fullmatch(path):
                await self._app(scope, receive, guarded)
            elif found := _HEARTBEAT.fullmatch(path):
                with self._open_page(found[1]):
                    await self._app(scope, receive, guarded)
            else:
                raise HTTPException(404, "there is nothing at this address")
        elif method == "POST" and path == _UPLOAD:
            await self._upload(scope, receive, guarded, _length(headers))
        elif method == "POST" and _CALLS.fullmatch(path):
            body = await self._body(receive, _length(headers))
            await self._app(scope, _replay(body, receive), guarded)
        else:
            raise HTTPException(404, "there is nothing at this address")

    def _check_source(self, headers: Headers, method: str) -> None:
        """Raise if a request was sent under a foreign name, or by the page of another site.

        A page on the Internet could otherwise let its own name lead to this machine (DNS
        rebinding), or let the browser send requests here.
        """
        host = headers.get("host", "")
        if not self._is_own(host):
            raise HTTPException(
                421,
                "the app is not served under this name: open it by its numeric address, or start "
                "it with --hostname",
            )
        origin = headers.get("origin", f"//{host}")
        is_foreign = origin.partition("//")[2] != host
        is_opened = method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not is_opened:
            is_foreign = True
        if is_foreign:
            raise HTTPException(403, "requests from pages of other sites are refused")

    def _is_own(self, host: str) -> bool:
        """Return whether a host is numeric, thus no name of an attacker, or one of the names."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in self._names or _is_numeric(name)

    def _check_rate(self, scope: Scope, path: str, method: str) -> None:
        """Raise if a client asks too often; scripts and styles of the page are not counted."""
        if _ASSETS.fullmatch(path):
            return
        client = scope["client"][0] if scope.get("client") else ""
        seconds = (self._calls if method == "POST" else self._reads).wait(client)
        if seconds:
            whole = math.ceil(seconds)
            raise HTTPException(
                429, f"too many requests: try again in {whole} s", {"Retry-After": str(whole)}
            )

    def _check_file(self, path: str) -> None:
        """Raise unless a path leads into the app's folder; gradio's own check follows no links."""
        if not is_inside(path, self._folder):
            raise HTTPException(
                404, "no such file; old ones are deleted: drop the photo, or run, again"
            )
        touch(path)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the page with a policy that names the digests of its own inline scripts.

        What follows a question mark in the address does not reach gradio, and thus no script.
        """
        start, body = await _collect(self._app, {**scope, "query_string": b""}, receive)
        digests = (hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(body))
        allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
        send = _with_headers(send, _OPEN.format(scripts=allowed))
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async def _upload(self, scope: Scope, receive: Receive, send: Send, length: int) -> None:
        """Let gradio store an upload; delete it again unless it holds photos only."""
        if length > self._limits.bytes + 10_000:  # the form around the file
            raise HTTPException(413, too_large(length, self._limits))
        await to_thread.run_sync(clear, self._folder, self._limits)
        start, body = await _collect(self._app, scope, receive)
        if start["status"] == 200:
            paths = [Path(path) for path in json.loads(body)]
            await to_thread.run_sync(self._check_photos, paths)
        await send(start)
        await send({"type": "http.response.body", "body": body})

    def _check_photos(self, paths: list[Path]) -> None:
        """Raise, and delete all files, if one of them is not an acceptable photo."""
        try:
            for path in paths:
                check_upload(path, self._limits)
        except (ImageError, OSError) as error:
            for path in paths:
                path.unlink(missing_ok=True)
            raise HTTPException(415, str(error)) from None

    async def _body(self, receive: Receive, length: int) -> bytes:
        """Read a call, and raise unless all files that it names are in the app's folder."""
        if length > self._limits.message:
            raise HTTPException(413, "the request is too large")
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body"):
                break
        try:
            files = list(_files_of(json.loads(body or b"{}")))
        except (ValueError, RecursionError):
            raise HTTPException(400, "the request is not valid JSON") from None
        for path in files:
            self._check_file(path)
        return body


def _is_numeric(host: str) -> bool:
    """Return whether a host is an IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refusal(path: str, refused: HTTPException) -> Response:
    """Return the answer to a refused request in the form in which gradio's page shows it."""
    kind = PlainTextResponse if path == _UPLOAD else JSONResponse
    body = refused.detail if path == _UPLOAD else {"detail": refused.detail}
    return kind(body, refused.status_code, refused.headers)


def _length(headers: Headers) -> int:
    """Return the stated length of a request, which the server enforces."""
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        raise HTTPException(411, "the length of a request must be stated")
    return int(length)


def _files_of(value: Any) -> Iterator[str]:
    """Yield the paths of all files that a call names, to whatever depth.

    Raises:
        HTTPException: if a file is given by its contents or by an address elsewhere.
    """
    if isinstance(value, list):
        for item in value:
            yield from _files_of(item)
    elif isinstance(value, dict):
        url = value.get("url")
        if isinstance(url, str) and url.lstrip().lower().startswith("data:"):
            raise HTTPException(415, "a photo must be uploaded, not sent with the call")
        if isinstance(value.get("path"), str):
            yield value["path"]
        for item in value.values():
            yield from _files_of(item)


def _with_headers(send: Send, policy: str) -> Send:
    """Return a `send` that adds the safety headers to an answer."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update({**_HEADERS, "Content-Security-Policy": policy})
        await send(message)

    return send_with_headers


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read before, then what is received next."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    """Return the start and the whole body of an application's answer."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    return messages[0], b"".join(message.get("body", b"") for message in messages[1:])
