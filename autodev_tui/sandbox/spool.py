"""The capped output of one command: the first half as a plain file, then a moving tail in numbered segments.

`<spool>` holds the first 32 MB. Beyond that the output goes to `<spool>.000001`, `.000002`, … of 16 MB each,
of which only the last two are kept. The number of a segment says where it lies in the output, so totals are
exact without any other record, also after a kill. Imported by the spawner: only `os` here.
"""

from __future__ import annotations

import itertools
import os

HEAD_BYTES = 32 * 1024 * 1024
SEGMENT_BYTES = 16 * 1024 * 1024
KEPT_SEGMENTS = 2


class Spool:
    """Writes the output of one command; `total` counts every byte, `kept` those on disk."""

    def __init__(self, path: str, head: int = HEAD_BYTES, segment: int = SEGMENT_BYTES) -> None:
        self.path = path
        self.total = 0
        self.error = ""
        self._head = head
        self._segment = segment
        self._number = 0
        self._room = head
        self._fd = -1
        self._sizes: list[int] = []
        remove_output(path, head_bytes=head)
        self._open(path)

    def write(self, data: bytes) -> None:
        """Appends; never raises: on a full disk the rest is counted but not kept, and `error` says so."""
        self.total += len(data)
        view = memoryview(data)
        while view and not self.error:
            if not self._room:
                self._next_segment()
                continue
            try:
                written = os.write(self._fd, view[: self._room])
            except OSError as error:
                self.error = error.strerror or str(error)
                return
            self._room -= written
            self._sizes[-1] += written
            view = view[written:]

    def close(self) -> None:
        """Closes the file; nothing is flushed to disk, the exit file is what must last."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    @property
    def kept(self) -> int:
        """Bytes on disk."""
        return sum(self._sizes[:1]) + sum(self._sizes[1:][-KEPT_SEGMENTS:])

    def _next_segment(self) -> None:
        self._number += 1
        old = self._number - KEPT_SEGMENTS
        try:
            if old > 0:
                os.unlink(f"{self.path}.{old:06d}")
            os.close(self._fd)
            self._fd = -1
            self._open(f"{self.path}.{self._number:06d}")
        except OSError as error:
            self.error = error.strerror or str(error)
        self._room = self._segment

    def _open(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._sizes = [*self._sizes[:1], *self._sizes[1:][-KEPT_SEGMENTS:], 0]


def _segments(path: str, head: int) -> list[tuple[int, str]]:
    """(number, path) of the segments on disk, oldest first; there are none before the head is full."""
    if os.path.getsize(path) < head:
        return []
    folder, name = os.path.split(path)
    found = []
    for entry in os.listdir(folder or "."):
        stem, dot, number = entry.rpartition(".")
        if dot and stem == name and len(number) >= 6 and number.isdigit():
            found.append((int(number), os.path.join(folder, entry)))
    return sorted(found)


def _pieces(path: str, head: int, segment: int) -> list[tuple[int, int]]:
    """(offset in the output, size) of what is on disk, in order, without the paths' contents."""
    if not os.path.exists(path):
        return []
    pieces = [(0, os.path.getsize(path))]
    pieces += [
        (head + (number - 1) * segment, os.path.getsize(name)) for number, name in _segments(path, head)
    ]
    return pieces


def read_output(
    spool: str | os.PathLike[str],
    head: int,
    tail: int,
    *,
    head_bytes: int = HEAD_BYTES,
    segment_bytes: int = SEGMENT_BYTES,
) -> tuple[bytes, int, bytes]:
    """The first `head` and last `tail` bytes of a command's output, and how many bytes lie between.

    Nothing is given twice: when the output is short, both together are the whole and the count is 0. Both are
    cut to what the cap kept (32 MB of head, at least 16 MB of tail). Missing output is empty.
    """
    path = os.fspath(spool)
    pieces = _pieces(path, head_bytes, segment_bytes)
    if not pieces:
        return b"", 0, b""
    names = [path] + [name for _, name in _segments(path, head_bytes)]
    total = pieces[-1][0] + pieces[-1][1]
    first = _read(names[0], 0, min(head, pieces[0][1]))
    start = max(total - tail, len(first))
    # The tail cannot reach over a gap: only pieces that join without one up to the end count.
    joined = pieces[-1][0]
    for (offset, size), following in list(itertools.pairwise(pieces))[::-1]:
        if offset + size != following[0]:
            break
        joined = offset
    start = max(start, joined)
    last = b""
    for name, (offset, size) in zip(names, pieces, strict=True):
        if offset + size > start >= 0 and offset >= joined:
            skip = max(start - offset, 0)
            last += _read(name, skip, size - skip)
    return first, total - len(first) - len(last), last


def _read(path: str, offset: int, size: int) -> bytes:
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        parts = []
        while size > 0 and (part := file.read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def remove_output(spool: str | os.PathLike[str], *, head_bytes: int = HEAD_BYTES) -> None:
    """Deletes a command's spooled output; missing is fine."""
    path = os.fspath(spool)
    if os.path.lexists(path):
        segments = [] if os.path.islink(path) else _segments(path, head_bytes)
        for name in [*(name for _, name in segments), path]:
            os.unlink(name)
