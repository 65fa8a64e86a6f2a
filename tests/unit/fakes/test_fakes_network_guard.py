"""The guard lets tests reach this machine and nothing else."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator

import pytest

from tests.fakes import network_guard
from tests.fakes.anthropic_server import FakeAnthropic
from tests.unit.providers.helpers import Asker, script


@pytest.fixture(autouse=True)
def guarded() -> Iterator[None]:
    remove = network_guard.install()
    yield
    remove()
    network_guard.reset()


async def test_this_machine_can_be_reached() -> None:
    with FakeAnthropic(script({"text": "ok"})) as fake:
        assert (await Asker(fake.url).turn()).text == "ok"
    assert network_guard.reset() == []


def test_unix_sockets_are_not_concerned() -> None:
    one, other = socket.socketpair()
    one.close()
    other.close()


@pytest.mark.parametrize("address", ["192.0.2.1", "8.8.8.8", "2001:db8::1", "pypi.org", "127.0.0.1.example"])
def test_nothing_else_can(address: str) -> None:
    with pytest.raises(network_guard.NetworkCall):
        socket.create_connection((address, 9), timeout=1)
    assert network_guard.reset() == [address]


def test_datagrams_and_direct_connects_are_stopped() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with pytest.raises(network_guard.NetworkCall):
            sock.sendto(b"x", ("192.0.2.1", 53))
        with pytest.raises(network_guard.NetworkCall):
            sock.connect(("192.0.2.1", 53))
        with pytest.raises(network_guard.NetworkCall):
            sock.connect_ex(("192.0.2.1", 53))


def test_a_swallowed_refusal_is_still_known() -> None:
    with pytest.raises(BaseException):  # noqa: B017
        urllib.request.urlopen("http://example.org/", timeout=1)
    assert network_guard.reset() == ["example.org"]


async def test_event_loops_are_guarded_too() -> None:
    error = None
    try:
        await Asker("https://192.0.2.1").turn()
    except BaseException as caught:
        error = caught
    assert error is not None
    assert network_guard.reset() != []
