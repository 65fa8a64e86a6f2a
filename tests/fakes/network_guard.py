"""Keeps tests off the network: every connect beyond this machine, and every name lookup, fails the test.

`install()` patches the socket class of this process. A refused call raises NetworkCall, and is kept in
`refused` as well, because product code may catch what a socket raises; conftest asserts that it stays empty.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

refused: list[str] = []
"""Addresses that something tried to reach since the last `reset`."""
LOCAL_NAMES = frozenset({"localhost", "", "0.0.0.0", "::", socket.gethostname()})


class NetworkCall(AssertionError):
    """A test tried to leave the machine."""


def install() -> Callable[[], None]:
    """Guard this process; returns the function that takes the guard off again."""
    originals: dict[tuple[Any, str], Callable[..., Any]] = {
        (socket.socket, "connect"): socket.socket.connect,
        (socket.socket, "connect_ex"): socket.socket.connect_ex,
        (socket.socket, "sendto"): socket.socket.sendto,
        (socket, "getaddrinfo"): socket.getaddrinfo,
        (socket, "gethostbyname"): socket.gethostbyname,
        (socket, "gethostbyname_ex"): socket.gethostbyname_ex,
    }

    def connect(self: socket.socket, address: Any) -> Any:
        _check_address(self, address)
        return originals[(socket.socket, "connect")](self, address)

    def connect_ex(self: socket.socket, address: Any) -> Any:
        _check_address(self, address)
        return originals[(socket.socket, "connect_ex")](self, address)

    def sendto(self: socket.socket, data: Any, *rest: Any) -> Any:
        _check_address(self, rest[-1])
        return originals[(socket.socket, "sendto")](self, data, *rest)

    def getaddrinfo(host: Any, *args: Any, **named: Any) -> Any:
        _check_host(host)
        return originals[(socket, "getaddrinfo")](host, *args, **named)

    def gethostbyname(host: str) -> Any:
        _check_host(host)
        return originals[(socket, "gethostbyname")](host)

    def gethostbyname_ex(host: str) -> Any:
        _check_host(host)
        return originals[(socket, "gethostbyname_ex")](host)

    guards = (connect, connect_ex, sendto, getaddrinfo, gethostbyname, gethostbyname_ex)
    for (owner, name), guard in zip(originals, guards, strict=True):
        setattr(owner, name, guard)

    def remove() -> None:
        for (owner, name), original in originals.items():
            setattr(owner, name, original)

    return remove


def reset() -> list[str]:
    """What was refused since the last call."""
    seen = list(refused)
    refused.clear()
    return seen


def is_local(host: Any) -> bool:
    """Whether a host name or address can only mean this machine."""
    name = host.decode(errors="replace") if isinstance(host, bytes) else host
    if name is None or name in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(name).split("%")[0]).is_loopback
    except ValueError:
        return False


def _check_address(sock: socket.socket, address: Any) -> None:
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        _check_host(address[0])


def _check_host(host: Any) -> None:
    if not is_local(host):
        refused.append(str(host))
        raise NetworkCall(f"a test tried to reach {host!r}: tests may only use this machine")
