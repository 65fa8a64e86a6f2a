"""A quick look at an Ollama server: whether it answers, what it has, what is loaded. Without the SDK.

For choosing a default and for lists, where loading the SDK would take longer than the answer. Every look ends
in time, whatever the server or the name service does. Sync: for threads.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from autodev_tui.domain.model_name import is_remote
from autodev_tui.providers.base import MODEL_NAME, ProviderError
from autodev_tui.providers.ollama_address import Address, address_of
from autodev_tui.providers.ollama_facts import LocalModel, describe, full_name, works_elsewhere

PROBE_S = 0.3
"""For the question whether anybody is there at all: the connection, and looking up its host's name."""
ANSWER_S = 1.0
"""For the first answer of whoever took the call: a busy machine may need more than a moment for it."""
CHOOSE_S = 1.0
"""For looking which of its models has tools, once it answered."""
LIST_S = 2.0
ABLE_BYTES = 3_000_000_000
"""Smaller files hold fewer than about 5 billion parameters: their calls are often malformed."""
MOST_BYTES = 8 << 20
ODD = (OSError, ValueError, http.client.HTTPException, AttributeError, TypeError, RecursionError)
"""What comes of a server that does not answer, or whose answer has another form than Ollama's."""
T = TypeVar("T")


@dataclass(frozen=True)
class Installed:
    """A model that the server has. `facts` is None where there was no time to ask."""

    name: str
    size: int | None = None
    facts: LocalModel | None = None
    loaded: bool = False
    window: int | None = None
    """Tokens of context that it is loaded with."""
    listed_elsewhere: bool = False
    """The list itself says that it runs elsewhere."""

    @property
    def spec(self) -> str:
        """Its specification, as short as it is usually written."""
        return f"ollama/{self.name.removesuffix(':latest')}"

    @property
    def tools(self) -> bool:
        """Whether it is known to call tools by itself."""
        return bool(self.facts and self.facts.tools)

    @property
    def remote(self) -> bool:
        """Whether it runs elsewhere."""
        told = self.facts.remote if self.facts else is_remote(self.name)
        return told or self.listed_elsewhere

    @property
    def talks(self) -> bool:
        """Whether it can be talked to at all: others make embeddings."""
        return self.facts is None or self.facts.chats is not False


@dataclass(frozen=True)
class Server:
    """What was found. `problem` says why there is nothing."""

    version: str = ""
    models: tuple[Installed, ...] = ()
    problem: str = ""
    address: Address | None = field(default=None, repr=False)


def look(environment: Mapping[str, str], *, within_s: float = LIST_S) -> Server:
    """The server that the user's environment names: 0.3 s where none is, `within_s` and 1.3 s at most."""
    try:
        address = address_of(environment)
    except ProviderError as error:
        return Server(problem=str(error))
    connection = _within(PROBE_S, lambda: _connect(address, PROBE_S))
    version = _within(ANSWER_S, lambda: _version(address, connection)) if connection else None
    if version is None:
        return Server(problem=f"no Ollama answers at {address.netloc}", address=address)
    found: list[Installed] = []
    listed = _within(within_s, lambda: _fill(address, within_s, found))
    if listed is None and not found:
        return Server(version, problem=f"{address.netloc} does not list its models in time", address=address)
    return Server(version, tuple(found), address=address)


def elsewhere(environment: Mapping[str, str], name: str) -> bool | None:
    """Whether a model works on another machine than its server; None where nobody says so in time."""
    try:
        address = address_of(environment)
    except ProviderError:
        return None
    shown = _within(ANSWER_S, lambda: _get(address, "POST", "/api/show", {"model": name}, ANSWER_S))
    return None if shown is None else describe(shown, name).remote


def best_local(environment: Mapping[str, str]) -> str | None:
    """The specification of the model to use where the user named none, None without a usable one."""
    return best_of(look(environment, within_s=CHOOSE_S))


def best_of(server: Server) -> str | None:
    """The model of a server to use where the user named none: a local one, with tools if there is one."""
    return next((one.spec for one in local_models(server)), None)


def local_models(server: Server) -> list[Installed]:
    """Those of a server that can be talked to and work on this machine, the best for an agent first."""
    # The newest come first in the list; one that is in memory already answers at once.
    return sorted(
        (one for one in server.models if one.talks and not one.remote),
        key=lambda one: (one.tools, (one.size or 0) >= ABLE_BYTES, one.loaded),
        reverse=True,
    )


def _fill(address: Address, within_s: float, found: list[Installed]) -> bool:
    """Put what the server has into `found`, as far as the time goes."""
    end = time.monotonic() + within_s
    listed = _get(address, "GET", "/api/tags", None, within_s).get("models") or ()
    running = _get(address, "GET", "/api/ps", None, max(0.05, end - time.monotonic())).get("models") or ()
    loaded = {full_name(str(one.get("model") or one.get("name") or "")): one for one in running}
    names = [one for one in listed if isinstance(one, dict) and (one.get("model") or one.get("name"))]
    for one in names:
        name = str(one.get("model") or one["name"])
        if not MODEL_NAME.fullmatch(name):
            continue  # it could not be named anyway
        in_memory = loaded.get(full_name(name))
        size = one.get("size")
        window = in_memory.get("context_length") if in_memory else None
        facts = None
        if (left := end - time.monotonic()) > 0:
            with contextlib.suppress(*ODD):
                facts = describe(_get(address, "POST", "/api/show", {"model": name}, left), name)
        found.append(
            Installed(
                name,
                size if isinstance(size, int) else None,
                facts,
                loaded=in_memory is not None,
                window=window if isinstance(window, int) else None,
                listed_elsewhere=works_elsewhere(one),
            )
        )
    return True


def _version(address: Address, connection: http.client.HTTPConnection) -> str:
    if connection.sock is not None:
        connection.sock.settimeout(ANSWER_S)
    return str(_ask(address, connection, "GET", "/api/version", None).get("version") or "unknown")


def _connect(address: Address, within_s: float) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    connection = kind(address.host, address.port, timeout=within_s)
    connection.connect()
    return connection


def _get(address: Address, method: str, path: str, body: Any, within_s: float) -> dict[str, Any]:
    return _ask(address, _connect(address, within_s), method, path, body)


def _ask(
    address: Address, connection: http.client.HTTPConnection, method: str, path: str, body: Any
) -> dict[str, Any]:
    """One question, one JSON object. Raises OSError, HTTPException or ValueError."""
    headers = {"accept": "application/json"}
    if address.key:
        headers["authorization"] = f"Bearer {address.key}"
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, address.path + path, text, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read(MOST_BYTES)) if answer.status == 200 else None
    finally:
        connection.close()
    if not isinstance(told, dict):
        raise ValueError(f"{path}: status {answer.status}, no object")
    return told


def _within(seconds: float, work: Callable[[], T]) -> T | None:
    """The result of `work`, None when it fails or takes longer; then it ends by itself later."""
    result: list[T] = []

    def run() -> None:
        with contextlib.suppress(*ODD):
            result.append(work())

    thread = threading.Thread(target=run, name="ollama-look", daemon=True)
    thread.start()
    thread.join(seconds)
    return result[0] if result else None
