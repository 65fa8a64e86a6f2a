"""Makes the SDK's client for an address, so that nothing of the process's environment has a say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from autodev_tui.providers.ollama_address import Address
from autodev_tui.providers.ollama_facts import with_place

CONNECT_S = 3.0
MOST_LINE = 4 << 20
"""Bytes: a whole call is one line, with the file that it writes."""


def build_client(address: Address) -> Any:
    """An `ollama.AsyncClient`. Sync, and slow the first time (it loads the SDK): for a thread.

    It waits for answers without end: whoever asks sets a time.
    """
    import httpx
    import ollama

    key = address.key

    async def own_key(request: httpx.Request) -> None:
        # The SDK would take OLLAMA_API_KEY of the process, and send it wherever the address is.
        request.headers.pop("authorization", None)
        if key:
            request.headers["authorization"] = f"Bearer {key}"

    async def own_lines(response: httpx.Response) -> None:
        async def lines() -> AsyncIterator[str]:
            # Of the line that has not ended yet: put together once, however many pieces a long one has.
            pieces: list[bytes] = []
            size = 0
            async for data in response.aiter_bytes():
                first, *others = data.split(b"\n")
                pieces.append(first)
                size += len(first)
                whole = [b"".join(pieces), *others[:-1]] if others else []
                if others:
                    pieces, size = [others[-1]], len(others[-1])
                if size > MOST_LINE:
                    raise httpx.RemoteProtocolError("a line has no end")
                for line in whole:
                    if line.strip():
                        yield line.decode()
            if (rest := b"".join(pieces)).strip():
                yield rest.decode()

        # httpx ends a line at U+0085 too, which a model may say and the server sends as it is; and the SDK
        # cannot read an empty line.
        response.aiter_lines = lines  # type: ignore[method-assign]

    async def own_facts(response: httpx.Response) -> None:
        if not response.request.url.path.endswith("/api/show"):
            return
        await response.aread()
        told = response.json
        # The SDK drops what it has no field for: that the model works elsewhere.
        response.json = lambda **options: with_place(told(**options))  # type: ignore[method-assign]

    return ollama.AsyncClient(
        host=address.url,
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        # A proxy of the environment would swallow what goes to this machine.
        trust_env=False,
        # Plain http needs no certificates, which take a while to load; it is never redirected to https.
        verify=address.scheme == "https",
        follow_redirects=False,
        event_hooks={"request": [own_key], "response": [own_lines, own_facts]},
    )
