"""The guard: what it lets through to an application behind it, and what it adds to the answers.

The attacks on the whole app are in test_server.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.support import encoded

from preimage.app.options import Limits

pytest.importorskip("starlette", reason="Gradio is missing: run `make test-browser`")
pytest.importorskip("httpx")

from starlette.testclient import TestClient

from preimage.app.guard import Guard

PHOTO = encoded(Image.new("RGB", (24, 16), "red"), "PNG").getvalue()
SCRIPT = "window.config = {};"
PAGE = f'<script>{SCRIPT}</script><script src="a.js"></script><script type="module">b()</script>'
JOIN = "/gradio_api/queue/join"


class Behind:
    """An application behind the guard, which notes what reaches it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seen = folder, []  # type: tuple[Path, list[dict[str, Any]]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        query = scope["query_string"]
        self.seen.append({"path": scope["path"], "body": body, "headers": headers, "query": query})
        answer = PAGE.encode()
        if scope["path"] == "/gradio_api/upload":
            path = self.folder / f"{len(self.seen)}.png"
            path.write_bytes(body)
            answer = json.dumps([str(path)]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": answer})


@pytest.fixture
def behind(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


def client_of(behind: Behind, **limits: Any) -> TestClient:
    """A client of the guarded application."""
    guard = Guard(behind, behind.folder, replace(Limits(), **limits), ("localhost", "My.Example"))
    return TestClient(guard, base_url="http://127.0.0.1:7860")


@pytest.fixture
def client(behind: Behind) -> TestClient:
    return client_of(behind)


@pytest.mark.parametrize("path", [
    "/", "/config", "/theme.css", "/assets/a/b.js", "/static/fonts/a.woff2",
    "/gradio_api/queue/data", "/gradio_api/heartbeat/ab1",
])  # fmt: skip
def test_what_pages_ask_for_goes_through(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def test_a_page_is_noted_as_long_as_its_heartbeat_is_answered(behind: Behind) -> None:
    opened: list[str] = []

    @contextmanager
    def page(session: str) -> Iterator[None]:
        opened.append(session)
        assert not behind.seen
        yield
        assert behind.seen
        opened.remove(session)
        opened.append("closed")

    guard = Guard(behind, behind.folder, Limits(), (), page)
    client = TestClient(guard, base_url="http://127.0.0.1:7860")
    assert client.get("/gradio_api/heartbeat/ab1").status_code == 200
    assert opened == ["closed"]


@pytest.mark.parametrize("path", [
    "/docs", "/openapi.json", "/gradio_api/info", "/gradio_api/proxy=http://a.example/", "/login",
    "/gradio_api/startup-events", "/gradio_api/file/etc/passwd", "/gradio_api//queue/data",
    "/gradio_api/heartbeat/a/b", "/configs", "/monitoring/summary",
    "/gradio_api/run-history/x",
])  # fmt: skip
def test_other_addresses_are_closed(client: TestClient, behind: Behind, path: str) -> None:
    assert client.get(path).status_code == 404
    assert behind.seen == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "POST"])
def test_other_methods_are_closed(client: TestClient, behind: Behind, method: str) -> None:
    for path in ("/", "/config", "/gradio_api/file=/etc/passwd"):
        assert client.request(method, path).status_code == 404
    assert behind.seen == []


@pytest.mark.parametrize("host", ["127.0.0.1", "192.168.7.7:80", "[::1]:7860", "localhost:9",
                                  "LOCALHOST", "my.example", "my.example:443"])  # fmt: skip
def test_numbers_and_names_of_the_app_are_hosts(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", [
    "evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:7860", "",
    "[::1", "2130706433", "my.example.evil",
])  # fmt: skip
def test_other_hosts_are_refused(client: TestClient, behind: Behind, host: str) -> None:
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "--hostname" in answer.json()["detail"]
    assert behind.seen == []


@pytest.mark.parametrize("headers", [
    {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"},
])  # fmt: skip
def test_pages_of_other_sites_are_refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/config", headers=headers).status_code == 403
    assert client.post(JOIN, json={}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [
    {"origin": "http://127.0.0.1:7860"}, {"sec-fetch-site": "same-origin"},
    {"sec-fetch-site": "none"}, {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
])  # fmt: skip
def test_the_own_page_and_links_to_it_are_not(client: TestClient, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 200


def test_a_navigation_cannot_make_a_call(client: TestClient) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.post(JOIN, json={}, headers=headers).status_code == 403


def test_the_policy_names_the_scripts_of_the_page_and_no_others(client: TestClient) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    for script in (SCRIPT, "b()"):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert policy.count("sha256") == 2
    assert answer.text == PAGE


def test_what_is_asked_of_the_page_cannot_become_a_script(
    client: TestClient, behind: Behind
) -> None:
    client.get("/?deep_link=<script>evil()</script>")
    client.get("/gradio_api/queue/data?session_hash=a")
    assert [request["query"] for request in behind.seen] == [b"", b"session_hash=a"]


@pytest.mark.parametrize("path", ["/", "/config", "/nothing", "/assets/a.js"])
def test_every_answer_has_the_safety_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_headers_that_gradio_would_believe_are_dropped(client: TestClient, behind: Behind) -> None:
    sent = {"x-forwarded-host": "evil.example", "x-gradio-server": "evil", "range": "bytes=0-1"}
    client.get("/config", headers={**sent, "cookie": "a=b", "accept-encoding": "gzip"})
    reached = behind.seen[0]["headers"]
    assert not set(sent) & set(reached)
    assert reached["cookie"] == "a=b"
    assert reached["accept-encoding"] == "gzip"


def test_only_files_in_the_folder_are_served(client: TestClient, tmp_path: Path) -> None:
    own, link = tmp_path / "own.png", tmp_path / "link.png"
    own.write_bytes(PHOTO)
    link.symlink_to("/etc/passwd")
    assert client.get(f"/gradio_api/file={own}").status_code == 200
    for path in (link, "/etc/passwd", f"{tmp_path}/../../etc/passwd", "http://a.example/x.png",
                 "own.png", tmp_path, f"{own}%00", ""):  # fmt: skip
        assert client.get(f"/gradio_api/file={path}").status_code == 404, path


def test_a_photo_is_kept_and_anything_else_is_deleted(client: TestClient, tmp_path: Path) -> None:
    place, headers = "/gradio_api/upload", {"content-type": "multipart/form-data; boundary=x"}
    assert client.post(place, content=PHOTO, headers=headers).status_code == 200
    refused = client.post(place, content=b"\x7fELF" + bytes(99), headers=headers)
    assert refused.status_code == 415
    assert refused.text.startswith("2.png: not a photo: give a PNG")
    assert [path.name for path in tmp_path.iterdir()] == ["1.png"]


def test_uploads_and_calls_are_limited_by_their_stated_length(behind: Behind) -> None:
    client = client_of(behind, bytes=1000, message=50)
    refused = client.post("/gradio_api/upload", content=bytes(20_000))
    assert refused.status_code == 413
    assert refused.text == "0.02 MB, more than the limit of 0.001 MB: reduce the photo first"
    assert client.post(JOIN, json={"data": "x" * 50}).status_code == 413
    assert client.post(JOIN, content=iter([b"{}"])).status_code == 411
    assert client.post("/gradio_api/upload", content=iter([b"x"])).status_code == 411
    assert behind.seen == []


@pytest.mark.parametrize("value", [
    {"path": "/etc/passwd"}, [{"value": [{"a": {"path": "/etc/passwd"}}]}],
    {"path": "http://a.example/x.png", "url": "http://127.0.0.1:7860/"}, {"path": "own.png"},
])  # fmt: skip
def test_a_call_that_names_another_file_is_refused(
    client: TestClient, behind: Behind, value: object
) -> None:
    answer = client.post(JOIN, json={"fn_index": 0, "data": [value]})
    assert answer.status_code == 404
    assert behind.seen == []


def test_a_call_that_holds_a_photo_is_refused(client: TestClient) -> None:
    answer = client.post(JOIN, json={"data": [{"path": None, "url": "\n Data:image/png;base64,"}]})
    assert answer.status_code == 415


def test_a_call_with_files_of_the_folder_goes_through_unchanged(
    client: TestClient, behind: Behind, tmp_path: Path
) -> None:
    (tmp_path / "own.png").write_bytes(PHOTO)
    body = json.dumps({"data": [{"path": str(tmp_path / "own.png"), "url": "http://a/"}, "ü"]})
    assert client.post(JOIN, content=body).status_code == 200
    assert behind.seen[0]["body"] == body.encode()


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b'{"a": }'])
def test_a_call_that_is_no_json_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post(JOIN, content=body).status_code == 400


def test_calls_of_a_client_are_limited_and_told_when_to_come_again(behind: Behind) -> None:
    client = client_of(behind, calls=3, calls_per_second=0.1)
    answers = [client.post(JOIN, json={}) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["detail"] == "too many requests: try again in 10 s"
    assert answers[-1].headers["retry-after"] == "10"
    assert client.get("/").status_code == 200


def test_reads_are_limited_but_not_the_scripts_of_the_page(behind: Behind) -> None:
    client = client_of(behind, reads=2, reads_per_second=0.1)
    assert [client.get("/").status_code for _ in range(3)] == [200, 200, 429]
    assert all(client.get("/assets/a.js").status_code == 200 for _ in range(5))


def test_a_web_socket_is_closed(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass
