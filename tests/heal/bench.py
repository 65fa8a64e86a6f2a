"""Heals one seeded repository, and says how that went."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.policy.weakened import TestFile, find_weakened, is_test_file
from tests.heal.case import OUT, Case, write
from tests.heal.executor import Executor, fingerprint


@dataclass
class Result:
    """What became of one case. `wrong` says why it does not count as right, empty if it does."""

    case: Case
    unchanged: bool
    weakened: list[str]
    wrong: str
    summary: str
    seconds: float
    executor: Executor


def prepared(case: Case, folder: Path) -> Executor:
    """The case's repository in an empty folder, with nothing done yet."""
    site = folder / "site" if case.site else None
    if site:
        write(site, case.site)
    return Executor(case.build(folder / "repository"), folder / "scratch", case.checks, case.rule, site)


def run(case: Case, folder: Path) -> Result:
    """One case in an empty folder."""
    executor = prepared(case, folder)
    repository = executor.worktree
    before = fingerprint(repository)
    began = time.monotonic()
    summary = executor.run()
    seconds = time.monotonic() - began
    unchanged = fingerprint(repository) == before
    ended = {one: executor.call("run_command", {"command": one}).result for one in case.checks}
    red = [command for command, result in ended.items() if not result.startswith("exit code 0 ")]
    tests = [
        TestFile(name, content, (repository / name).read_bytes())
        for name, content in case.files.items()
        if is_test_file(name)
    ]
    weakened = [path for path, found in find_weakened(tests).items() if found]
    return Result(
        case, unchanged, weakened, _wrong(case, repository, red, unchanged), summary, seconds, executor
    )


def _wrong(case: Case, repository: Path, red: list[str], unchanged: bool) -> str:
    if case.kind == OUT:
        return "" if unchanged else "something was changed"
    if red and not case.part:
        return f"still red: {', '.join(red)}"
    for name, text in case.holds.items():
        if text not in (repository / name).read_bytes().decode().replace("\r\n", "\n"):
            return f"{name} lacks {text!r}"
    return "nothing was changed" if unchanged else ""
