"""A text file as bytes and as the text that tools work on: end of line, byte order mark and encoding kept."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Literal

from autodev_tui.domain.text import show_bytes
from autodev_tui.policy.paths import PathDenied, SafePath, open_file, open_parent
from autodev_tui.tools.base import MAX_FILE_BYTES, ToolProblem, shown

BOM = "\ufeff"
_SNIFF_BYTES = 8000
"""Where git looks for a NUL to call a file binary."""


@dataclass(frozen=True)
class TextFile:
    """A file's content; `text` is surrogate-escaped, without byte order mark, line ends as they are."""

    path: str
    data: bytes
    mode: int

    @property
    def digest(self) -> str:
        """sha256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def bom(self) -> bool:
        """Whether it begins with a UTF-8 byte order mark."""
        return self.data.startswith(BOM.encode())

    @property
    def text(self) -> str:
        """The content without a byte order mark."""
        return self.data.decode(errors="surrogateescape").removeprefix(BOM)

    def encode(self, text: str) -> bytes:
        """Bytes of `text` with this file's byte order mark."""
        return (BOM * self.bom + text).encode(errors="surrogateescape")


def read_text(place: SafePath) -> TextFile:
    """The text file at `place`.

    Raises:
        ToolProblem: no such file, a directory, a special file, binary, UTF-16, or over MAX_FILE_BYTES.
    """
    try:
        descriptor = open_file(place)
    except PathDenied as error:
        raise ToolProblem(str(error)) from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        name = shown(place.relative)
        if status.st_size > MAX_FILE_BYTES:
            raise ToolProblem(
                f"{name}: {status.st_size:,} bytes, over the limit of {MAX_FILE_BYTES:,};"
                " look into it with search or run_command (sed -n '1,100p')"
            )
        data = file.read(MAX_FILE_BYTES + 1)
    refuse_binary(name, data)
    return TextFile(place.relative, data, stat.S_IMODE(status.st_mode))


def refuse_binary(name: str, data: bytes) -> None:
    """Raises ToolProblem if `data` is not text that can be edited byte-exactly."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ToolProblem(f"{name}: UTF-16 text is not supported; convert it with run_command (iconv) first")
    if b"\0" in data[:_SNIFF_BYTES]:
        raise ToolProblem(f"{name}: a binary file ({len(data):,} bytes); it can only be moved or deleted")


def line_end(text: str) -> str:
    """The line end that most lines of `text` have."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf > text.count("\n") - crlf else "\n"


def numbered(lines: list[str], first: int) -> str:
    """Lines with their numbers, as read_file shows them; undecodable bytes shown by number."""
    return "\n".join(f"{first + index:6}\t{show_bytes(line)}" for index, line in enumerate(lines))


def split_lines(text: str) -> list[str]:
    """Lines as an editor counts them: ended by `\\n` only, ends removed."""
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def fingerprint(place: SafePath) -> str:
    """What is at `place`: "" if nothing, sha256 of a file's bytes, `link:…` or `other:…` for anything else.

    Sync; reads the whole file, of any size.
    """
    kind = kind_of(place)
    if kind == "missing":
        return ""
    if kind == "link":
        with open_parent(place) as parent:
            target = os.readlink(place.name, dir_fd=parent)
        return "link:" + hashlib.sha256(os.fsencode(target)).hexdigest()
    if kind != "file":
        return f"other:{kind}"
    with os.fdopen(open_file(place), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kind_of(place: SafePath) -> Literal["missing", "file", "directory", "link", "special"]:
    """What is at `place`, without following a link at its end."""
    try:
        with open_parent(place) as parent:
            mode = os.lstat(place.name or ".", dir_fd=parent).st_mode
    except (PathDenied, FileNotFoundError, NotADirectoryError):
        return "missing"
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "special"
