"""The prompt cache of the fake: exact prefixes up to a marker, found by looking back at most 20 blocks."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.anthropic_validation import digest, merged, plain

LOOK_BACK = 20


class PromptCache:
    """Remembers the prefixes that markers wrote; nothing expires."""

    def __init__(self) -> None:
        self._written: set[str] = set()

    def usage(self, body: dict[str, Any], output_tokens: int) -> dict[str, int]:
        """The usage of one request, a token for every 4 characters; caches its marked prefixes."""
        blocks = _flat(body)
        chain, total = [], 0
        state = str(body["model"])
        for block in blocks:
            total += max(1, len(json.dumps(plain(block), ensure_ascii=False)) // 4)
            state = digest(state, block)
            chain.append((state, total))
        marked = [place for place, block in enumerate(blocks) if "cache_control" in block]
        read = 0
        for mark in marked:
            for place in range(mark, max(-1, mark - LOOK_BACK), -1):
                if chain[place][0] in self._written:
                    read = max(read, chain[place][1])
                    break
        last = chain[marked[-1]][1] if marked else 0
        self._written.update(chain[mark][0] for mark in marked)
        return {
            "input_tokens": total - max(last, read),
            "cache_creation_input_tokens": max(0, last - read),
            "cache_read_input_tokens": read,
            "output_tokens": output_tokens,
        }


def _flat(body: dict[str, Any]) -> list[dict[str, Any]]:
    system = body.get("system") or []
    found = list(body.get("tools") or [])
    found += [{"type": "text", "text": system}] if isinstance(system, str) else system
    for message in merged(body["messages"]):
        found += message["content"]
    return found
