"""Attacks on a running app, each of which it refuses or queues, and goes on serving."""

from __future__ import annotations

import http.client
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from tests.app.served import (
    Served,
    call,
    events,
    inputs_of,
    messages,
    outcome,
    served,
    upload,
    uploaded,
    usual_values,
)
from tests.app.test_uploads import png_of
from tests.support import encoded

PHOTO = encoded(Image.new("RGB", (24, 16), "red"), "PNG").getvalue()
CHOICES = ("dropdown", "radio", "checkboxgroup")


@pytest.fixture(scope="module")
def running() -> Iterator[Served]:
    with served() as app:
        yield app


@pytest.fixture
def app(running: Served) -> Iterator[Served]:
    """The running app, which must still serve its page after the test."""
    yield running
    assert running.client().get("/").status_code == 200
    running.close()


def raw(app: Served, path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body of a request whose path and headers are sent as they are."""
    connection = http.client.HTTPConnection(urlsplit(app.address).netloc, timeout=20)
    try:
        connection.putrequest("GET", path, skip_host="host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("start", ["/gradio_api/file=", "/gradio_api/file/", "/file=", "/static/",
                                   "/assets/", "/svelte/", "/"])  # fmt: skip
@pytest.mark.parametrize("path", [
    "/etc/passwd", "../../../../../../../etc/passwd", "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "%252e%252e%252fetc%252fpasswd",
    "%2Fetc%2Fpasswd", "....//....//....//etc/passwd", "..\\..\\..\\etc\\passwd", "//etc/passwd",
    "file:///etc/passwd", "/proc/self/environ", "/etc/passwd%00.png", "/etc",
])  # fmt: skip
def test_no_file_outside_the_folder_is_served(app: Served, start: str, path: str) -> None:
    status, body = raw(app, start + path.replace("\\", "%5c"))
    assert 400 <= status < 500
    assert b"root:" not in body
    assert b"PATH=" not in body


def test_neighbors_of_an_upload_are_not_served(app: Served) -> None:
    client = app.client()
    path = uploaded(client, PHOTO)
    assert client.get(f"/gradio_api/file={path}").content == PHOTO
    link = path.with_name("link.png")
    link.symlink_to("/etc/passwd")
    assert client.get(f"/gradio_api/file={link}").status_code == 404
    assert client.get(f"/gradio_api/file={path.parent}/../../../etc/passwd").status_code == 404
    link.unlink()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/x.png", "https://example.com/x.png",
                                 "http:/example.com/x.png", "ftp://example.com/x"])  # fmt: skip
def test_nothing_is_fetched_from_elsewhere(app: Served, url: str) -> None:
    client = app.client()
    assert client.get(f"/gradio_api/file={url}").status_code == 404
    assert client.get(f"/gradio_api/proxy={url}").status_code == 404
    values = [{"path": url, "url": url, "meta": {"_type": "gradio.FileData"}}]
    assert call(client, events(client)[0], values, "a").status_code == 404


@pytest.mark.parametrize("place", [
    "info", "openapi.json", "startup-events", "app_id", "user", "token", "runs", "deep_link",
    "run-history/buckets", "dev/reload", "queue/status", "mcp", "monitoring", "login_check",
])  # fmt: skip
def test_interfaces_that_no_page_needs_are_closed(app: Served, place: str) -> None:
    client = app.client()
    assert client.get(f"/gradio_api/{place}").status_code == 404
    assert client.get(f"/{place}").status_code == 404


def test_pages_of_documents_and_direct_calls_are_closed(app: Served) -> None:
    client = app.client()
    for place in ("/docs", "/redoc", "/openapi.json", "/monitoring", "/login", "/logout"):
        assert client.get(place).status_code == 404, place
    for place in ("call/predict", "component_server", "process_recording", "run/start", "stream/a"):
        assert client.post(f"/gradio_api/{place}", json={}).status_code == 404, place
    assert client.put("/gradio_api/upload", content=b"").status_code == 404


def test_an_upload_that_is_too_large_is_refused_unread(app: Served) -> None:
    before = time.monotonic()
    with socket.create_connection(urlsplit(app.address).netloc.split(":")) as connection:  # type: ignore[arg-type]
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99000000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        )
        answer = b""
        while b" MB" not in answer and (more := connection.recv(4000)):
            answer += more
    assert b" 413 " in answer.splitlines()[0]
    assert b"99 MB, more than the limit of 21 MB" in answer
    assert time.monotonic() - before < 10
    large = upload(app.client(), PHOTO + bytes(20 * 2**20 + 1))
    assert large.status_code == 413


def test_an_upload_of_unknown_length_is_refused(app: Served) -> None:
    def parts() -> Iterator[bytes]:
        yield b"x" * 100

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = app.client().post("/gradio_api/upload", content=parts(), headers=headers)
    assert answer.status_code == 411


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_of(60_000, 60_000), "more than the limit of 32 megapixels: reduce it first"),
        (b"\x7fELF\x02\x01\x01" + bytes(5000), "photo.png: not a photo: give a PNG, JPEG, WebP"),
        (b"\x80\x04\x95\x0b\0\0\0\0\0\0\0]\x94.", "not a photo"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "not a photo"),
        (b"", "not a photo"),
    ],
    ids=["bomb", "program", "pickle", "SVG", "nothing"],
)
def test_what_is_no_photo_is_refused_and_deleted(app: Served, data: bytes, message: str) -> None:
    client = app.client()
    folder = uploaded(client, PHOTO).parents[1]
    before = {path for path in folder.rglob("*") if path.is_file()}
    answer = upload(client, data)
    assert answer.status_code == 415
    assert message in answer.text
    assert {path for path in folder.rglob("*") if path.is_file()} == before


def test_of_several_files_all_must_be_photos(app: Served) -> None:
    files = [("files", (name, data)) for name, data in (("a.png", PHOTO), ("b.png", b"\x7fELF"))]
    answer = app.client().post("/gradio_api/upload", files=files)
    assert answer.status_code == 415
    assert "b.png: not a photo" in answer.text


def test_the_name_of_an_upload_leads_nowhere_else(app: Served) -> None:
    client = app.client()
    folder = uploaded(client, PHOTO).parents[1]
    for name in (
        "../../../../tmp/evil.png",
        "/etc/evil.png",
        "..",
        "a/../../b.png",
        "\0.png",
        "~/x",
    ):
        answer = upload(client, PHOTO, name)
        if answer.status_code == 200:
            assert Path(answer.json()[0]).resolve().is_relative_to(folder)


def test_no_event_takes_a_file_of_the_server(app: Served) -> None:
    client = app.client()
    for event in events(client):
        for path in ("/etc/passwd", "/proc/self/environ", f"{Path(__file__)}"):
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            for value in (file, [file], {"value": file}):
                answer = call(client, event, [value] * max(1, len(event["inputs"])), "a")
                assert answer.status_code == 404, (event["id"], path)
        client = app.client()


def test_no_event_takes_a_photo_inside_the_call(app: Served) -> None:
    client = app.client()
    for event in events(client):
        photo = {"path": None, "url": " DATA:image/png;base64,AAAA"}
        answer = call(app.client(), event, [photo] * max(1, len(event["inputs"])), "a")
        assert answer.status_code == 415


@pytest.mark.parametrize("choice", ["import:os:getcwd", ["/etc/passwd"]])
def test_no_event_takes_a_choice_that_is_not_on_its_list(app: Served, choice: object) -> None:
    client = app.client()
    tried: set[int] = set()
    for event in events(client):
        usual = usual_values(client, event)
        for number, part in enumerate(inputs_of(client, event)):
            if part["type"] not in CHOICES or part["id"] in tried:
                continue
            values = [*usual[:number], choice, *usual[number + 1 :]]
            succeeded, said = outcome(app.client(), event, values)
            assert not succeeded, (event["id"], part["props"].get("label"))
            assert "Traceback" not in said
            tried.add(part["id"])
    assert tried


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b'{"fn_index": 1e999}', b"\xff\xfe",
                                  b'{"fn_index": 99999, "session_hash": "a", "data": []}',
                                  b'{"data": null, "session_hash": {}}'])  # fmt: skip
def test_damaged_calls_are_refused(app: Served, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    answer = app.client().post("/gradio_api/queue/join", content=body, headers=headers)
    assert 400 <= answer.status_code <= 500


def test_a_call_that_is_too_large_is_refused(app: Served) -> None:
    answer = app.client().post("/gradio_api/queue/join", json={"data": ["x" * 300_000]})
    assert answer.status_code == 413


def test_of_50_quick_requests_each_is_queued_or_refused_and_others_are_served(app: Served) -> None:
    client, event = app.client(), next(e for e in events(app.client()) if e["queue"] is not False)
    values = usual_values(client, event)
    answers = [call(client, event, values, f"quick{n}") for n in range(50)]
    assert {answer.status_code for answer in answers} <= {200, 429, 503}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert "too many requests: try again in 1 s" in refused[0].text
    assert refused[0].headers["retry-after"] == "1"
    assert upload(app.client(), PHOTO).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:7860", "127.0.0.1.evil.example",
                                  "localhost.evil.example", ""])  # fmt: skip
def test_a_name_that_was_led_here_is_refused(app: Served, host: str) -> None:
    status, body = raw(app, "/", host=host)
    assert status == 421
    assert b"not served under this name" in body


@pytest.mark.parametrize("headers", [
    {"origin": "https://evil.example"}, {"origin": "null"}, {"origin": "http://localhost:1"},
    {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, {"sec_fetch_site": "same-site"},
])  # fmt: skip
def test_pages_of_other_sites_get_nothing(app: Served, headers: dict[str, str]) -> None:
    status, _ = raw(app, "/config", **headers)
    assert status == 403


def test_a_link_from_another_site_opens_the_page(app: Served) -> None:
    status, _ = raw(app, "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate")
    assert status == 200


def test_the_page_has_a_policy_without_inline_scripts_and_other_sites(app: Served) -> None:
    answer = app.client().get("/")
    policy = dict(
        rule.split(" ", 1) for rule in answer.headers["content-security-policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert "'unsafe-inline'" not in policy["script-src"]
    assert policy["frame-ancestors"] == "'none'"
    assert "http" not in answer.headers["content-security-policy"]
    for name in ("x-content-type-options", "referrer-policy", "x-frame-options"):
        assert name in answer.headers
    assert "server" not in answer.headers
    refused = app.client().get("/nothing")
    assert refused.headers["content-security-policy"].startswith("default-src 'none'")


def test_no_text_of_a_visitor_is_part_of_a_template(app: Served) -> None:
    """Gradio evaluates what Handlebars makes of a template, so that {{value}} would be run."""
    parts = app.client().get("/config").json()["components"]
    templates = [
        str(part["props"].get(name, ""))
        for part in parts
        for name in ("html_template", "css_template", "js_on_load")
    ]
    assert any(templates)
    assert not [template for template in templates if "{{" in template]


def test_forwarding_headers_do_not_change_the_page(app: Served) -> None:
    headers = {"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example"}
    assert "evil.example" not in app.client().get("/", headers=headers).text


def test_a_run_whose_client_has_gone_frees_its_worker(app: Served) -> None:
    client = app.client()
    event = max(events(client), key=lambda event: len(event["outputs"]))
    values = usual_values(client, event)
    session = secrets.token_hex(6)
    assert call(client, event, values, session).status_code == 200
    for message in messages(client, session):
        if message["msg"] == "process_generating":
            break  # and the connection is closed
    before = time.monotonic()
    other = app.client()
    session = secrets.token_hex(6)
    assert call(other, event, values, session).status_code == 200
    for message in messages(other, session):
        if message["msg"] == "process_generating":
            break
    assert time.monotonic() - before < 20


def test_the_folder_is_for_one_user_and_gone_when_the_app_has_ended(running: Served) -> None:
    folder = uploaded(running.client(), PHOTO).parents[1]
    assert folder.stat().st_mode & 0o077 == 0
    running.end(signal.SIGTERM)
    assert not folder.exists()
