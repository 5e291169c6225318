"""The address of the app."""

from __future__ import annotations

import pytest

from preimage.app.address import is_local, listen, url


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]"]
)
def test_addresses_of_this_machine_are_local(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "", "localhost.org"]
)
def test_other_addresses_are_not(host: str) -> None:
    assert not is_local(host)


def test_a_port_that_is_taken_is_named_in_the_error() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(OSError, match="Address already in use") as error:
            listen("127.0.0.1", port)
        assert error.value.filename == f"127.0.0.1:{port}"


def test_a_host_that_is_none_is_named_in_the_error() -> None:
    with pytest.raises(OSError, match="no such address") as error:
        listen("no such host", 7860)
    assert error.value.filename == "no such host:7860"


def test_addresses_of_version_6_stand_in_brackets() -> None:
    try:
        listener = listen("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url(listener).startswith("http://[::1]:")
