"""What the composer's text means, and what could stand at its cursor. Pure."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

SLICE = 1_000
"""Candidates that are ranked within a few milliseconds."""
_COMMAND = re.compile(r"/([a-z]*)(?:\s+(.*))?", re.DOTALL)
_TARGET = re.compile(r"@(T\d+|all|planner)(?:\s+(.*))?", re.DOTALL)
_COMMAND_BEGUN = re.compile(r"/([a-z]*)")
_ARGUMENT_BEGUN = re.compile(r"/([a-z]+) +([^\s@]*)")
_AT_BEGUN = re.compile(r"(?:^|\s)@([^\s@]*)$")


@dataclass(frozen=True)
class Typed:
    """What a text is, once it is sent."""

    kind: Literal["nothing", "command", "shell", "words"]
    text: str = ""
    """The command's argument, the shell's command, or the words."""
    name: str = ""
    """Of a command."""
    target: str | None = None
    """Whom the words name at their start: a task, `all` or `planner`."""


def parse(text: str) -> Typed:
    """What `text` is. A text that begins with a space is words, whatever follows."""
    whole = text.strip()
    if not whole:
        return Typed("nothing")
    if text.startswith("!"):
        return Typed("shell", whole[1:].strip())
    if text.startswith("/") and (match := _COMMAND.fullmatch(whole)):
        return Typed("command", (match[2] or "").strip(), match[1])
    if text.startswith("@") and (match := _TARGET.fullmatch(whole)):
        return Typed("words", (match[2] or "").strip(), target=match[1])
    return Typed("words", whole)


@dataclass(frozen=True)
class Begun:
    """What is being typed at the cursor and can be completed."""

    kind: Literal["command", "argument", "name"]
    """`name`: of a file or an agent, after `@`."""
    text: str
    command: str = ""
    first: bool = False
    """It stands at the very start, where `@` names whom the words are for."""


def begun(before: str, row: int) -> Begun | None:
    """What is begun in `before`, the part of row `row` that stands left of the cursor."""
    if row == 0:
        if match := _COMMAND_BEGUN.fullmatch(before):
            return Begun("command", match[1], first=True)
        if match := _ARGUMENT_BEGUN.fullmatch(before):
            return Begun("argument", match[2], match[1])
    if match := _AT_BEGUN.search(before):
        return Begun("name", match[1], first=row == 0 and match.start() == 0 and before.startswith("@"))
    return None


def best(needle: str, candidates: Iterable[str], most: int) -> list[str]:
    """The candidates that fit `needle`: in the last part of a path first, anywhere, then letter by letter.

    Of equals the shorter one comes first.
    """
    wanted = needle.casefold()
    letters = re.compile(".*?".join(map(re.escape, wanted)), re.DOTALL)
    found: list[tuple[int, int, int, str]] = []
    for candidate in candidates:
        folded = candidate.casefold()
        name = folded.rpartition("/")[2]
        if (at := name.find(wanted)) >= 0:
            rank = (0 if at == 0 else 1, at)
        elif (at := folded.find(wanted)) >= 0:
            rank = (2, at)
        elif match := letters.search(folded):
            rank = (3, match.end() - match.start())
        else:
            continue
        found.append((*rank, len(candidate), candidate))
    return [candidate for *_, candidate in sorted(found)[:most]]


async def best_of_many(needle: str, candidates: Sequence[str], most: int) -> list[str]:
    """`best` in slices, between which others may run, and which is over when it is cancelled."""
    found: list[str] = []
    for start in range(0, len(candidates), SLICE):
        found = best(needle, [*found, *candidates[start : start + SLICE]], most)
        await asyncio.sleep(0)
    return found


def as_mention(path: str) -> str:
    """A path as it is written after `@`."""
    return f'"{path}"' if re.search(r"\s", path) else path
