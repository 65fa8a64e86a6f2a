"""What a recording file holds, read strictly. Its format stands at the top of replay.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from pydantic import ConfigDict, Field, ValidationError, model_validator

from autodev_tui.domain.base import Frozen
from autodev_tui.domain.session import Usage
from autodev_tui.domain.text import visible
from autodev_tui.providers.base import StopReason

VERSION = 1
MAX_BYTES, MAX_LINE, MAX_LINES = 64 * 1024 * 1024, 4 * 1024 * 1024, 50_000
MAX_NAME = 100
T = TypeVar("T", bound=Frozen)
WORKTREE = "[[WORKTREE]]"
"""Stands for the agent's worktree, whose path is another in each session."""
DECISIONS = ("accept", "comment", "edit", "reject")


class RecordingError(Exception):
    """A file that is no recording we can use; the message says what is wrong, where, and what to do."""


class _Strict(Frozen):
    model_config = ConfigDict(strict=True)


class Header(_Strict):
    """The first line."""

    autodev_recording: Literal[1]
    goal: str = ""
    model: str = ""
    pace: float | None = Field(default=None, ge=0, le=1_000_000, allow_inf_nan=False)


class RecordedCall(_Strict):
    """A tool call; `args` is None where they were unusable, and `error` then says how."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    args: dict[str, Any] | None = None
    error: str = ""
    only: str = ""

    @model_validator(mode="after")
    def _whole(self) -> RecordedCall:
        if (self.args is None) != bool(self.error):
            raise ValueError("a call has either args or the error in them")
        return self

    def said(self, each: Collection[str]) -> bool:
        """Whether it is made after this was said of the hunks."""
        return not self.only or self.only in each


class Recorded(_Strict):
    """One reply, its key and the conditions that it holds under."""

    role: str = Field(min_length=1, max_length=100)
    task: str | None = None
    turn: int = Field(ge=1)
    decision: str = ""
    hunks: list[int] | None = None
    earlier: list[str] | None = None
    plan: list[str] | None = None
    text: str = ""
    thinking: str = ""
    calls: list[RecordedCall] = Field(default_factory=list)
    stop: str = ""
    detail: str = ""
    usage: Usage = Usage()

    @model_validator(mode="after")
    def _sound(self) -> Recorded:
        words = self.decision.split("+") if self.decision else []
        if words != sorted(set(words)) or not set(words) <= set(DECISIONS):
            raise ValueError(f"decision must be one of {', '.join(DECISIONS)}, or several sorted with +")
        if self.stop and self.stop not in set(StopReason):
            raise ValueError(f"stop must be one of {', '.join(StopReason)}")
        if self.calls and self.stop not in ("", StopReason.TOOL_USE):
            raise ValueError(f"a reply that ends by {self.stop} has no calls")
        if self.hunks != sorted(set(self.hunks or ())) and self.hunks is not None:
            raise ValueError("hunks must be sorted, each once")
        return self

    @property
    def conditions(self) -> tuple[Any, ...]:
        """What must hold beside the key."""
        return self.hunks, self.earlier, self.plan

    def placed(self, worktree: str, each: Collection[str] = ()) -> Recorded:
        """The reply as an agent in `worktree` gives it; `each` is what was last said of the hunks."""

        def place(text: str) -> str:
            return text.replace(WORKTREE, worktree) if worktree else text

        calls = [one.but(args=each_text(one.args, place)) for one in self.calls if one.said(each)]
        return self.but(text=place(self.text), thinking=place(self.thinking), calls=calls)

    def fits(self, key: Key) -> bool:
        """Whether every condition that it gives holds."""
        wanted = (key.hunks, key.earlier, key.plan)
        return all(
            own is None or tuple(own) == there for own, there in zip(self.conditions, wanted, strict=True)
        )


class Key(NamedTuple):
    """What chooses a reply."""

    role: str
    task: str
    turn: int
    decision: str
    hunks: tuple[int, ...] = ()
    earlier: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()

    def words(self) -> str:
        """For people: `development T1, turn 2 after reject of hunk 3`."""
        of = list(self.hunks) if self.decision else []
        return _words(self.role, self.task, self.turn, self.decision, of, self.earlier)


def key_of(meta: Mapping[str, Any]) -> Key:
    """The key in a request's `meta`."""
    return Key(
        str(meta.get("role", "")),
        str(meta.get("task") or ""),
        int(meta.get("since", meta.get("turn", 1))),
        str(meta.get("decision", "")),
        tuple(meta.get("hunks", ())),
        tuple(meta.get("earlier", ())),
        tuple(meta.get("plan", ())),
    )


@dataclass
class Recording:
    """A whole recording; `add` extends it."""

    header: Header
    whole_bytes: int = 0
    """Length of the file without a last line that was cut off."""

    def __post_init__(self) -> None:
        self._entries: dict[tuple[str, str, int, str], list[tuple[int, Recorded]]] = {}
        self.count = 0

    def add(self, entry: Recorded, line: int) -> None:
        """One more reply. Raises RecordingError: there is one of this key and these conditions."""
        place = self._entries.setdefault((entry.role, entry.task or "", entry.turn, entry.decision), [])
        for other, one in place:
            if one.conditions == entry.conditions:
                raise RecordingError(f"line {line} has the key of line {other} again")
        place.append((line, entry))
        self.count += 1

    def find(self, key: Key) -> Recorded | None:
        """The reply for `key`: the one with the most conditions, of several the first."""
        fitting = [one for _, one in self._entries.get(key[:4], ()) if one.fits(key)]
        return max(fitting, key=lambda one: sum(it is not None for it in one.conditions), default=None)

    def branches(self, key: Key) -> list[str]:
        """What is recorded of this agent, in words: each branch with its last turn."""
        last: dict[tuple[Any, ...], int] = {}
        for (role, task, turn, decision), entries in self._entries.items():
            if (role, task) == key[:2]:
                for _, one in entries:
                    branch = (decision, tuple(one.hunks or ()), tuple(one.earlier or ()))
                    last[branch] = max(turn, last.get(branch, 0))
        return [
            _words("", "", turn, decision, list(hunks), earlier, upto=True)
            for (decision, hunks, earlier), turn in sorted(last.items())
        ]


def _words(
    role: str,
    task: str,
    turn: int,
    decision: str,
    hunks: list[int],
    earlier: tuple[str, ...],
    *,
    upto: bool = False,
) -> str:
    who = " ".join(one for one in (role, task) if one)
    turns = f"turns 1 to {turn}" if upto and turn > 1 else f"turn {turn}"
    of = f" of hunk{'s' if len(hunks) > 1 else ''} {', '.join(map(str, hunks))}" if hunks else ""
    after = f" after {decision}{of}" if decision else " before any decision"
    before = f" (before that: {', '.join(earlier)})" if earlier else ""
    return visible(f"{f'{who}, ' if who else ''}{turns}{after}{before}", keep="")


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """JSON-like `value` with every text in it changed, keys too: a model makes up those of its arguments."""
    match value:
        case str():
            return change(value)
        case list():
            return [each_text(one, change) for one in value]
        case dict():
            return {change(key): each_text(one, change) for key, one in value.items()}
    return value


def read_recording(path: Path) -> Recording:
    """The recording in a file. Sync.

    Raises:
        RecordingError: it cannot be read, is too large, of another version, or wrong in the line named.
    """
    name = visible(str(path), keep="")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RecordingError(f"the recording cannot be read · {name}: {error.strerror}") from error
    if len(data) > MAX_BYTES:
        raise RecordingError(f"the recording is too large · {name}: at most {MAX_BYTES:,} bytes are read")
    lines = data.split(b"\n")
    if len(lines) > MAX_LINES + 1:
        raise RecordingError(f"the recording is too long · {name}: at most {MAX_LINES:,} lines are read")
    recording: Recording | None = None
    begins = 0
    for number, line in enumerate(lines, 1):
        torn = number == len(lines)
        try:
            if not line.strip():
                pass
            elif recording is None:
                recording = Recording(_header(line))
            else:
                recording.add(_entry(line), number)
        except _Broken as error:
            if torn and recording is not None:
                break
            raise RecordingError(f"{name}, line {number}: {error}") from error
        except (ValueError, RecordingError) as error:
            raise RecordingError(f"{name}, line {number}: {error}") from error
        begins += len(line) + 1
    if recording is None:
        raise RecordingError(f"{name} is empty: a recording begins with a line that says which version it is")
    recording.whole_bytes = min(begins, len(data))
    return recording


class _Broken(ValueError):
    """A line that is no JSON."""


def _header(line: bytes) -> Header:
    version = _document(line).get("autodev_recording")
    if version is None:
        raise ValueError('this is no recording: it must begin with {"autodev_recording": 1, …}')
    if isinstance(version, bool) or version != VERSION:
        raise ValueError(f"version {version!r} is not known: this autodev reads version {VERSION}")
    return _valid(Header, line)


def _entry(line: bytes) -> Recorded:
    _document(line)
    return _valid(Recorded, line)


def _valid(kind: type[T], line: bytes) -> T:
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
        what = what.removeprefix("Value error, ")
        raise ValueError(f"{where}: {what}" if where else what) from error


def _document(line: bytes) -> dict[str, Any]:
    """The line's object, with what pydantic's own parser would let pass refused."""
    if len(line) > MAX_LINE:
        raise ValueError(f"the line is too long: at most {MAX_LINE:,} bytes")
    try:
        value = json.loads(line.decode(), parse_constant=_no_constant, object_pairs_hook=_unique)
    except UnicodeDecodeError as error:
        raise _Broken("not UTF-8 text") from error
    except json.JSONDecodeError as error:
        raise _Broken(f"not JSON: {error.msg} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError(f"must be a JSON object, not {type(value).__name__}")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a field stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
