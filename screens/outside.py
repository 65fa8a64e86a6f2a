"""The user's own editor and clipboard."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

WINDOWED = {"code": "-g", "codium": "-g", "cursor": "-g", "subl": "", "zed": ""}
"""Editors that take `FILE:LINE`, with the option that makes them."""
WAITING = {"code": "--wait", "codium": "--wait", "cursor": "--wait", "subl": "--wait", "zed": "--wait"}


class EditorProblem(Exception):
    """The editor cannot be used; the message says why and what to do."""


def editor_command(setting: str, environment: Mapping[str, str]) -> list[str]:
    """The user's editor as words. Raises EditorProblem when there is none."""
    chosen = setting or environment.get("VISUAL") or environment.get("EDITOR") or ""
    try:
        words = shlex.split(chosen)
    except ValueError as error:
        raise EditorProblem(
            f"{chosen} names no editor: {error} · export EDITOR=…, or /settings editor"
        ) from error
    if not words:
        words = next(([name] for name in ("nano", "vim", "vi") if shutil.which(name)), [])
    if not words:
        raise EditorProblem("no editor is set · export EDITOR=…, or /settings editor")
    if shutil.which(words[0]) is None:
        raise EditorProblem(f"{words[0]} is not installed · export EDITOR=…, or /settings editor")
    return words


def at_line(editor: list[str], path: str, line: int, *, wait: bool) -> list[str]:
    """The command that opens `path` at `line`."""
    name = Path(editor[0]).name
    if name in WINDOWED:
        option = [WINDOWED[name]] if WINDOWED[name] else []
        return [*editor, *([WAITING[name]] if wait else []), *option, f"{path}:{line}"]
    return [*editor, *([f"+{line}"] if line > 1 else []), path]


def file_in(base: Path, path: str) -> Path:
    """The file below `base` that somebody else named. Raises EditorProblem: it leads elsewhere."""
    try:
        base = base.resolve()
        found = (base / path).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise EditorProblem(f"{path} names no file: {error}") from error
    if not found.is_relative_to(base):
        raise EditorProblem(f"{path} leads out of {base.name} · nothing was opened")
    if found.exists() and not found.is_file():
        raise EditorProblem(f"{path} is no file · nothing was opened")
    return found


def open_file(editor: list[str], path: Path, line: int) -> None:
    """Open a file and wait until the editor is left. Raises EditorProblem. Sync: holds up the screen."""
    if not path.exists():
        raise EditorProblem(f"{path.name} is not there any more")
    _run(at_line(editor, str(path), line, wait=False))


def edit_text(editor: list[str], text: str, suffix: str) -> str:
    """The text as the editor left it. Raises EditorProblem: it failed, the text stays. Sync."""
    try:
        return _edit_text(editor, text, suffix)
    except (OSError, UnicodeError) as error:
        raise EditorProblem(f"the text did not get to the editor and back: {error}") from error


def _edit_text(editor: list[str], text: str, suffix: str) -> str:
    handle, name = tempfile.mkstemp(prefix="autodev-", suffix=suffix)
    path = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        _run(at_line(editor, name, 1, wait=True))
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False)
    except (OSError, ValueError) as error:
        raise EditorProblem(f"{command[0]} cannot be run: {error}") from error
    if done.returncode:
        raise EditorProblem(f"{command[0]} ended with code {done.returncode} · nothing was taken over")
