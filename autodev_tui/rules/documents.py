"""The workers that write documents: the changelog from commits, the API documentation from source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from autodev_tui.rules import api_docs as api
from autodev_tui.rules import changelog as log
from autodev_tui.rules.history import History
from autodev_tui.rules.sections import carried_out, filled, find, part, read, written
from autodev_tui.rules.subjects import API_DOCS, CHANGELOG
from autodev_tui.rules.work import CannotGoOn, Done, Job, Move

CHANGELOGS = (
    "CHANGELOG.md",
    "Changelog.md",
    "changelog.md",
    "CHANGES.md",
    "HISTORY.md",
    "NEWS.md",
    "docs/changelog.md",
)
OTHER_CHANGELOGS = ("CHANGELOG.rst", "CHANGES.rst", "HISTORY.rst", "NEWS.rst", "CHANGELOG", "CHANGES", "NEWS")
READMES = ("README.md", "readme.md", "Readme.md")
API_PAGE = "docs/api.md"
LARGEST_SOURCE = 2_000_000
"""Bytes; a larger file is made by a program and documents nothing."""


def changelog(job: Job, done: Sequence[Done]) -> Move:
    """Write what the commits since the last version, or the last entry, tell."""
    path = _changelog_path(job.worktree)
    if ended := carried_out(
        done, f"{path}: what the commits tell, between its markers. No other text changed.", CHANGELOG
    ):
        return ended
    if job.repository is None:
        raise CannotGoOn("there is no history to read")
    old = read(job.worktree, path)
    new = log.changed(old, path, History(job.repository.git_for(job.worktree)))
    if new == old:
        return _nothing(f"{path} has all that the commits tell.")
    count = sum(line.startswith("- ") for line in new.splitlines())
    said = f"{count} entr{'y' if count == 1 else 'ies'}"
    return Move(f"{path}: it has {said} now.", written(path, old, new))


def api_docs(job: Job, done: Sequence[Done]) -> Move:
    """Write the public classes and functions with their signatures."""
    path = _api_path(job.worktree)
    summary = f"{path}: the public API as the source has it, between its markers."
    if ended := carried_out(done, summary, API_DOCS):
        return ended
    modules = api.modules_of(_sources(job))
    inside, broken = api.documented(modules)
    if not inside:
        why = f"{', '.join(broken)} cannot be read as Python" if broken else "no public Python module is here"
        raise CannotGoOn(f"API docs are made from Python source, and {why}")
    old = read(job.worktree, path)
    new = filled(old, path, api.NAME, inside) if old else None
    if new is None:
        above = f"{old.rstrip()}\n\n" if old and old.strip() else "# API\n\n"
        new = above + part(api.NAME, inside)
    if new == old:
        return _nothing(f"{path} is as the source has it.")
    left = f" · no valid Python, left out: {', '.join(broken)}" if broken else ""
    return Move(f"{path}: {len(modules) - len(broken)} modules{left}.", written(path, old, new))


def _nothing(summary: str) -> Move:
    return Move(calls=[("finish", {"summary": f"Nothing to change: {summary}"})])


def _changelog_path(worktree: Path) -> str:
    for path in CHANGELOGS:
        if _is_file(worktree, path):
            return path
    for path in OTHER_CHANGELOGS:
        if _is_file(worktree, path):
            raise CannotGoOn(f"{path} is no Markdown, and rules write no other changelog")
    return CHANGELOGS[0]


def _api_path(worktree: Path) -> str:
    """A README that has the markers, else the page of its own."""
    for path in READMES:
        if _is_file(worktree, path) and find(read(worktree, path) or "", path, api.NAME):
            return path
    return API_PAGE


def _is_file(worktree: Path, path: str) -> bool:
    """By the exact name: some file systems tell no capitals apart."""
    folder = (worktree / path).parent
    return folder.is_dir() and any(one.name == Path(path).name and one.is_file() for one in folder.iterdir())


def _sources(job: Job) -> dict[str, bytes]:
    from autodev_tui.vcs.listing import listed_paths

    if job.repository is None:
        raise CannotGoOn("there is no repository to read")
    found: dict[str, bytes] = {}
    for path in listed_paths(job.repository, job.worktree):
        file = job.worktree / path
        if api.module_name(path) and file.is_file() and not file.is_symlink():
            data = file.read_bytes()
            if len(data) <= LARGEST_SOURCE:
                found[path] = data
    return found
