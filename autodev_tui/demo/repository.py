"""The sample repository: a small Python package whose history is made anew, always with the same commits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NAME = "toolshed"
FILES = Path(__file__).parent / "sample"
"""Each file's name ends in .txt, so that no tool takes it for a part of this program. PATH@N is what PATH was
as of the commit N, where that differs from what it is now."""
SUFFIX = ".txt"


class Commit(NamedTuple):
    """One commit of the sample's history; `day` is ISO 8601, in UTC."""

    day: str
    author: str
    message: str
    paths: tuple[str, ...]


ROSA, JUN = "Rosa Lind <rosa@toolshed.example>", "Jun Mori <jun@toolshed.example>"
HISTORY = (
    Commit(
        "2026-03-07T09:12",
        ROSA,
        "feat: a catalogue of the tools there are",
        (
            ".gitignore",
            "README.md",
            "pyproject.toml",
            "toolshed/__init__.py",
            "toolshed/catalogue.py",
            "tests/__init__.py",
            "tests/test_catalogue.py",
        ),
    ),
    Commit(
        "2026-03-07T11:40",
        ROSA,
        "feat: lend a tool and take it back",
        ("toolshed/loans.py", "tests/test_loans.py"),
    ),
    Commit(
        "2026-03-14T10:05",
        JUN,
        "feat: being late costs fifty cents a day",
        ("toolshed/fees.py", "tests/test_fees.py"),
    ),
    Commit(
        "2026-03-14T16:31",
        ROSA,
        "feat: keep the books in a file",
        ("toolshed/storage.py",),
    ),
    Commit(
        "2026-03-21T09:50",
        JUN,
        "feat: a command line, and a list for the door",
        ("toolshed/__main__.py", "toolshed/cli.py", "toolshed/report.py", "tests/test_report.py"),
    ),
    Commit(
        "2026-03-28T18:22",
        ROSA,
        "test: a fee is never more than the tool is worth",
        ("tests/test_fees.py",),
    ),
)


def text_of(path: str, commit: int = len(HISTORY)) -> str:
    """What the sample's file `path` holds as of a commit, counted from 1."""
    for number in range(commit, len(HISTORY) + 1):
        earlier = FILES / f"{path}@{number}{SUFFIX}"
        if earlier.is_file():
            return earlier.read_text(encoding="utf-8")
    return (FILES / f"{path}{SUFFIX}").read_text(encoding="utf-8")


def make(folder: Path) -> Path:
    """The repository NAME in `folder`, on `main`, its worktree clean. Sync: three git calls.

    Nothing of the user's git configuration is read. Raises OSError, subprocess.CalledProcessError.
    """
    root = folder / NAME
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main", "--template=")
    with (root / ".git" / "config").open("a", encoding="utf-8") as config:
        config.write("[user]\n\tname = You\n\temail = you@toolshed.example\n[gc]\n\tauto = 0\n")
    git(root, "fast-import", "--quiet", "--done", stdin=b"".join(_stream()))
    git(root, "reset", "-q", "--hard", "main")
    return root


def _stream() -> Iterator[bytes]:
    """The history as `git fast-import` reads it."""
    for number, commit in enumerate(HISTORY, 1):
        when = f"{_seconds(commit.day)} +0000"
        yield f"commit refs/heads/main\nmark :{number}\n".encode()
        yield f"author {commit.author} {when}\ncommitter {commit.author} {when}\n".encode()
        yield _data(commit.message + "\n")
        for path in commit.paths:
            yield f"M 100644 inline {path}\n".encode() + _data(text_of(path, number))
        yield b"\n"
    yield b"done\n"


def _seconds(day: str) -> int:
    from datetime import UTC, datetime

    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _data(text: str) -> bytes:
    data = text.encode()
    return b"data %d\n" % len(data) + data + b"\n"


def git(root: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Output of git in the sample, untouched by any configuration but the sample's own. Sync."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(root.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], env=environment, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode(errors="replace").rstrip("\n")
