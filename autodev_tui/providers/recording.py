"""Records what models say while they work: every reply becomes a line of the file at once, on the disk.

What a recording has already is replayed instead of asked again, so that recording once more with other
decisions adds branches that go on from the same words. The format stands at the top of replay.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autodev_tui.domain.text import visible
from autodev_tui.providers.base import (
    Chunk,
    ModelLimits,
    Provider,
    ProviderError,
    Request,
    Retrying,
    ThinkingDelta,
    ToolCall,
    Turn,
)
from autodev_tui.providers.recorded import (
    MAX_BYTES,
    MAX_LINES,
    MAX_NAME,
    VERSION,
    WORKTREE,
    Key,
    Recorded,
    RecordedCall,
    Recording,
    RecordingError,
    each_text,
    key_of,
    read_recording,
)
from autodev_tui.providers.replay import ReplayProvider
from autodev_tui.providers.strict_json import whole_text

Mask = Callable[[str], str]
NAMELESS = "(no name)"
_SECRET = re.compile(r"\[\[SECRET:([a-z-]+):[0-9a-f]+\]\]")


class Tape:
    """A recording file that is open for more; one at a time, and all agents of a session share it.

    `mask` takes secrets out of a text: nothing reaches the file without it.
    """

    def __init__(self, path: Path, recording: Recording, file: int, mask: Mask) -> None:
        self.path = path
        self.recording = recording
        self.found = recording.count
        """Replies that were there when it was opened."""
        self._file = file
        self._mask = mask
        self._unwritten = b""
        self._size = recording.whole_bytes
        self._writing = asyncio.Lock()

    @classmethod
    def open(cls, path: Path, *, goal: str, model: str, mask: Mask) -> Tape:
        """A new file, an empty one, or one that records the same goal already. Sync.

        Raises:
            RecordingError: there is something else, it cannot be written, or somebody records into it.
        """
        name = visible(str(path), keep="")
        goal = mask(goal)
        file = -1
        try:
            header = _line({"autodev_recording": VERSION, "goal": goal, "model": model})
            if not os.path.lexists(path):
                _begin(path, header)
            file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise RecordingError(f"{name} is no file that a recording can be kept in")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file).st_size == 0:
                os.write(file, header)
            recording = _extendable(path, goal)
            # What a kill cut off in the middle of its line is no reply.
            os.ftruncate(file, recording.whole_bytes)
            if os.pread(file, 1, recording.whole_bytes - 1) != b"\n":
                os.write(file, b"\n")
                recording.whole_bytes += 1
        except BlockingIOError as error:
            os.close(file)
            raise RecordingError(f"another autodev records into {name} now") from error
        except (OSError, RecordingError) as error:
            if file >= 0:
                os.close(file)
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(f"the recording cannot be written · {name}: {error.strerror}") from error
        return cls(path, recording, file, mask)

    async def add(self, key: Key, turn: Turn, thinking: str, worktree: str) -> None:
        """Keep a reply: durable when this returns, or kept for the next try when it cannot be written."""
        entry = _entry(key, turn, thinking, worktree, self._mask)
        line = _line(entry.model_dump(mode="json", exclude_unset=True))
        self.recording.add(entry, self.recording.count + 2)
        self._unwritten += line
        with contextlib.suppress(RecordingError):
            await self.flush()

    async def flush(self) -> None:
        """Write what could not be written before. Raises RecordingError: it still cannot."""
        async with self._writing:
            if not self._unwritten:
                return
            data = self._unwritten
            writing = asyncio.ensure_future(asyncio.to_thread(self._write, data))
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError:
                # Nobody is cut off in the middle of a line.
                await asyncio.wait({writing})
                raise
            finally:
                if writing.done() and not writing.cancelled() and not writing.exception():
                    self._unwritten = self._unwritten[len(data) :]

    def _write(self, data: bytes) -> None:
        """Sync."""
        name = visible(str(self.path), keep="")
        if self._size + len(data) > MAX_BYTES or self.recording.count >= MAX_LINES:
            raise RecordingError(f"the recording is full · {name}: go on without --record")
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            os.fdatasync(self._file)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise RecordingError(
                f"the recording cannot be written · {name}: {error.strerror}"
                " · make room, or go on without --record"
            ) from error
        self._size += len(data)

    def close(self) -> None:
        """Let somebody else record into it. Sync."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class RecordingProvider:
    """Any provider, with what it answers kept on a tape, and what is on the tape already answered from it."""

    def __init__(self, inner: Provider, tape: Tape) -> None:
        self.inner = inner
        self.name = inner.name
        self._tape = tape
        self._replay = ReplayProvider(tape.recording, visible(tape.path.name, keep=""))

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """The inner provider's turn. Raises ProviderError `off`, before asking, while nothing is kept."""
        try:
            await self._tape.flush()
        except RecordingError as error:
            raise ProviderError("off", str(error)) from error
        key = key_of(request.meta)
        if self._tape.recording.find(key):
            return await self._replay.complete(request, on_chunk)
        thinking: list[str] = []

        def listen(chunk: Chunk) -> None:
            if isinstance(chunk, ThinkingDelta):
                thinking.append(chunk.text)
            elif isinstance(chunk, Retrying):
                thinking.clear()
            on_chunk(chunk)

        turn = await self.inner.complete(request, listen)
        await self._tape.add(key, turn, "".join(thinking), str(request.meta.get("worktree", "")))
        return turn

    async def limits(self, model: str) -> ModelLimits:
        """The inner provider's."""
        return await self.inner.limits(model)

    async def aclose(self) -> None:
        """Close the inner provider; the tape stays open for the others."""
        await self.inner.aclose()


def _entry(key: Key, turn: Turn, thinking: str, worktree: str, mask: Mask) -> Recorded:
    def clean(text: str) -> str:
        # Half a character can be written, and never read again.
        return mask(whole_text(text.replace(worktree, WORKTREE) if worktree else text))

    given: dict[str, Any] = {"role": key.role, "task": key.task or None, "turn": key.turn}
    given |= {"decision": key.decision, "hunks": list(key.hunks), "earlier": list(key.earlier)}
    if key.task:
        given["plan"] = list(key.plan)
    given["text"] = clean(turn.text)
    if thinking:
        given["thinking"] = clean(thinking)
    given["calls"] = [
        RecordedCall(name=_name(call, clean), args=each_text(call.args, clean))
        if call.args is not None
        else RecordedCall(
            name=_name(call, clean), error=clean(call.error) or "the arguments are no JSON object"
        )
        for call in turn.calls
    ]
    given["stop"] = turn.stop.value
    if turn.stop_detail:
        given["detail"] = clean(turn.stop_detail)
    return Recorded(**given, usage=turn.usage)


def _name(call: ToolCall, clean: Mask) -> str:
    """Models make names up, empty ones and long ones too: no tool is called either, so none is replayed."""
    return clean(call.name)[:MAX_NAME] or NAMELESS


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _begin(path: Path, header: bytes) -> None:
    """The file with its first line, or none: never one without. Sync."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            os.write(file, header)
            os.fsync(file)
        finally:
            os.close(file)
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Not every file system lets a folder be synced.
        with contextlib.suppress(OSError):
            os.fsync(folder)
    finally:
        os.close(folder)


def _extendable(path: Path, goal: str) -> Recording:
    name = visible(str(path), keep="")
    try:
        recording = read_recording(path)
    except RecordingError as error:
        raise RecordingError(
            f"{error} · nothing is written over a file that is no recording: name another one"
        ) from error
    if _plain(recording.header.goal) != _plain(goal):
        raise RecordingError(f"{name} records another goal: {visible(recording.header.goal[:80], keep='')}")
    return recording


def _plain(goal: str) -> str:
    """The goal with its secrets told by their kind alone: what stands for one is another each time."""
    return _SECRET.sub(r"[[SECRET:\1]]", goal)
