"""Reading a `config.toml`, and finding the line that a key is on."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAX_BYTES = 256 * 1024
"""A larger file is no configuration."""
MAX_LOCATED_LINES = 2000
"""Beyond, an error names the file alone: finding a line parses the text once a line."""


class SettingsError(Exception):
    """Settings that cannot be used. The message says where (file and line), what, and what to do."""


def read_file(path: Path) -> bytes | None:
    """The bytes of the user's configuration file, None where there is none.

    Raises:
        SettingsError: it is there and cannot be read, is no plain file, or is too large.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SettingsError(f"{path}: is no plain file")
        if status.st_size > MAX_BYTES:
            raise SettingsError(f"{path}: has {status.st_size:,} bytes, at most {MAX_BYTES:,} are read")
        return os.read(descriptor, MAX_BYTES)
    finally:
        os.close(descriptor)


def parse(data: bytes, name: str) -> dict[str, Any]:
    """The table in `data`, which came from the file `name`. Raises SettingsError with the line."""
    return _loads(decode(data, name), name)


def decode(data: bytes, name: str) -> str:
    """The text of a TOML file, which has to be UTF-8. Raises SettingsError with the line."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{name}:{line}: is not UTF-8 · save the file as UTF-8") from error


def _loads(text: str, name: str) -> dict[str, Any]:
    """The table in `text`. Raises SettingsError with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).rpartition(" (at ")
        line = place.partition("line ")[2].partition(",")[0]
        if not line.isdigit():
            line, what = str(text.rstrip("\n").count("\n") + 1), what or str(error)
        raise SettingsError(f"{name}:{line}: is not valid TOML: {what}") from error
    except RecursionError as error:
        raise SettingsError(f"{name}: is nested too deeply") from error


def line_of(text: str, keys: Sequence[str | int]) -> int | None:
    """The line on which the statement begins that brings the key `keys`, from 1; None if none is found.

    tomllib tells no lines, but every prefix of a document that ends with a statement is itself a document:
    the statement in question is what stands between the last one without the key and the first one with it.
    """
    lines = text.splitlines(keepends=True)
    begin = 1
    for end in range(1, min(len(lines), MAX_LOCATED_LINES) + 1):
        try:
            table = tomllib.loads("".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue
        if _has(table, keys):
            return begin
        begin = end + 1
    return None


def _has(table: Any, keys: Sequence[str | int]) -> bool:
    for key in keys:
        if isinstance(table, Mapping) and key in table:
            table = table[str(key)]
        elif isinstance(table, list) and isinstance(key, int) and key < len(table):
            table = table[key]
        else:
            return False
    return True
