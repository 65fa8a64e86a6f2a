"""Where Ollama answers, as OLLAMA_HOST of the user's environment says, and the key for it.

The rules are the server's own, which the SDK follows: `host` and `:port` mean http and port 11434, but
`http://host` means port 80. What it would drop or guess in silence is refused here in words.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from autodev_tui import credentials
from autodev_tui.providers.base import ProviderError

PORT = 11434
EXAMPLE = "write host[:port] or https://host[:port]"


@dataclass(frozen=True)
class Address:
    """A checked address; `url` names scheme, host and port, and the path if there is one."""

    scheme: str
    host: str
    port: int
    path: str = ""
    implied_port: bool = False
    """Port 80 or 443 came from the scheme: perhaps 11434 was meant."""
    key: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """For the SDK."""
        return f"{self.scheme}://{self.netloc}{self.path}"

    @property
    def netloc(self) -> str:
        """Host and port, for people too."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine itself."""
        return is_loopback(self.host)


def address_of(environment: Mapping[str, str]) -> Address:
    """The address and key that the user's environment names.

    Raises:
        ProviderError: kind `config`; it is none, or the key would travel in the open.
    """
    address = parse(environment.get("OLLAMA_HOST", ""))
    key = environment.get("OLLAMA_API_KEY", "").strip()
    if not key:
        return address
    if not credentials.sound(key):
        raise ProviderError("config", "OLLAMA_API_KEY holds characters that no key has: copy it again")
    if address.scheme == "http" and not address.loopback:
        raise ProviderError(
            "config",
            f"OLLAMA_HOST would send OLLAMA_API_KEY to {address.host} unencrypted: use https, or unset it",
        )
    return Address(address.scheme, address.host, address.port, address.path, address.implied_port, key=key)


def parse(text: str) -> Address:
    """The address that a value of OLLAMA_HOST means. Raises ProviderError, see `address_of`."""
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    scheme = scheme.lower()
    if scheme not in ("http", "https"):
        raise _no_address(f"{scheme!r} is no scheme for it")
    if separator and not rest.strip("/"):
        raise _no_address("it names no host")
    if rest.count(":") > 1 and not rest.startswith("["):
        # A bare IPv6 address, as people write it; with brackets it may have a port.
        rest = f"[{rest.rstrip('/')}]"
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = parts.hostname or "127.0.0.1", parts.port
    except ValueError as error:
        raise _no_address(str(error).lower()) from None
    if port == 0:
        raise _no_address("port 0 is none")
    if parts.username is not None or parts.password is not None:
        raise ProviderError("config", "OLLAMA_HOST must not hold a user or password")
    if parts.query or parts.fragment or not host.isprintable() or set(host) & set(' \\"<>^`{|}'):
        raise _no_address("it holds characters that no address has")
    if host == "0.0.0.0":
        # What a server listens on; who calls it means this machine.
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    implied = port is None and bool(separator)
    port = port or ({"http": 80, "https": 443}[scheme] if separator else PORT)
    path = parts.path.strip("/")
    return Address(scheme, host, port, f"/{path}" if path else "", implied)


def is_loopback(host: str) -> bool:
    """Whether a host can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_address(why: str) -> ProviderError:
    return ProviderError("config", f"OLLAMA_HOST is no address ({why}): {EXAMPLE}")
