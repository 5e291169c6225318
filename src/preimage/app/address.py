"""The address of the app: who can open it, and the socket that listens there."""

from __future__ import annotations

import ipaddress
import os
import socket


def is_local(host: str) -> bool:
    """Return whether only this machine can open an address.

    >>> is_local("localhost"), is_local("::1"), is_local("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens at an address; requests wait there until they are answered.

    Raises:
        OSError: if the address or the port cannot be used.
    """
    name = f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        return socket.create_server(address[:2], family=family)
    except socket.gaierror as error:
        raise OSError(error.errno, f"no such address ({error.strerror})", name) from None
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), name) from None


def url(listener: socket.socket) -> str:
    """Return the address of a socket as a browser opens it.

    >>> with listen("127.0.0.1", 0) as listener:
    ...     url(listener) == f"http://127.0.0.1:{listener.getsockname()[1]}/"
    True
    """
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
