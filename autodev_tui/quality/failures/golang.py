"""go: tests and panics. What its compiler and vet say is read where findings are located."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_FAIL = re.compile(r"^\s*--- FAIL: (?P<name>\S+)(?: \([\d.]+s\))?$")
_RUN = re.compile(r"^=== (?:RUN|CONT) +(?P<name>\S+)$")
_SAID = re.compile(r"^\s+(?:Error Trace:\s+)?(?P<path>\S+?\.go):(?P<line>\d+):? ?(?P<message>.*)$")
_PANIC = re.compile(r"^panic: (?P<message>.+)$")
_STACK = re.compile(r"^\t(?P<path>\S+\.go):(?P<line>\d+)(?: \+0x[0-9a-f]+)?$")
_BUILD = re.compile(r"^FAIL\t(?P<package>\S+) \[(?P<what>build|setup) failed\]$")
_PACKAGE = re.compile(r"^FAIL\t(?P<package>\S+)\t[\d.]+s$")
_GO = re.compile(r"^go: (?P<message>.+)$")
_IN_FILE = re.compile(r"^\S+\.(?:mod|sum|work):\d+: ?\S")
_CYCLE = re.compile(r"^\s+imports (?P<name>\S+): import cycle not allowed")
_FATAL = re.compile(r"^fatal error: (?P<message>.+)$")


def parse(log: Log) -> Iterator[Found]:
    """Tests with the line that complained, panics with the deepest line of the project."""
    if not ("go" in log.command or log.says("FAIL") or log.says("goroutine ")):
        return
    tests = [(at, match["name"]) for at, line in log.free() if (match := _FAIL.match(line))]
    if panic := _panicked(log, tests):
        yield panic
        return
    yield from _tests(log, tests)
    for at, line in log.free():
        if match := _BUILD.match(line):
            yield Found(FailureType.BUILD_FAILURE, f"{match['package']} cannot be built", "go", at, echo=True)
        elif match := _PACKAGE.match(line):
            yield Found(FailureType.TEST_FAILURE, f"tests of {match['package']} failed", "go", at, echo=True)
        elif match := _CYCLE.match(line):
            log.claim(at, at + 1)
            words = f"{match['name']} imports itself over others: import cycle not allowed"
            yield Found(FailureType.IMPORT_ERROR, words, "go", at, symbol=match["name"])
        elif (match := _GO.match(line)) and not match["message"].startswith(
            ("downloading", "finding", "found")
        ):
            log.claim(at, at + 1)
            message = match["message"]
            if message.endswith(":") and at + 1 < len(log.lines) and _IN_FILE.match(log.lines[at + 1]):
                log.claim(at + 1, at + 2)
                message = log.lines[at + 1]
            yield _tool(at, message)


def _panicked(log: Log, tests: list[tuple[int, str]]) -> Found | None:
    for at, line in log.free():
        match = _PANIC.match(line) or (_FATAL.match(line) if log.says("goroutine ") else None)
        if not match:
            continue
        path, number = _stack(log, at)
        words = match["message"].removesuffix(" [recovered]")
        log.claim(at, at + 1)
        if words.startswith("test timed out after"):
            return Found(FailureType.TIMEOUT, words, "go", at, path, number, "timeout")
        in_test = bool(tests) or log.says("testing.tRunner")
        kind = FailureType.TEST_FAILURE if in_test else FailureType.RUNTIME_ERROR
        return Found(kind, f"panic: {words}", "go", at, path, number, "panic", tests[0][1] if tests else "")
    return None


def _tests(log: Log, tests: list[tuple[int, str]]) -> Iterator[Found]:
    parents = {name.rpartition("/")[0] for _, name in tests}
    runs: dict[str, list[int]] = {}
    for at, line in log.free():
        if match := _RUN.match(line):
            runs.setdefault(match["name"], []).append(at)
    for number, (at, name) in enumerate(tests):
        if name in parents:
            continue
        end = min(tests[number + 1][0] if number + 1 < len(tests) else len(log.lines), at + 60)
        # Every line says where; the last one comes from what stopped the test.
        spoken = [found for one in log.lines[at + 1 : end] if (found := _SAID.match(one))]
        said = spoken[-1] if spoken else None
        said = said or _said_before(log, at, name, runs)
        log.claim(at, at + 2)
        yield Found(
            FailureType.TEST_FAILURE, (said["message"] if said else "") or f"{name} failed", "go", at,
            said["path"] if said else None, int(said["line"]) if said else None, symbol=name,
        )  # fmt: skip


def _said_before(log: Log, at: int, name: str, runs: dict[str, list[int]]) -> re.Match[str] | None:
    """With -v a test speaks before it is judged, below the line that says that it runs."""
    said = None
    for i in runs.get(name, []):
        for line in log.lines[i + 1 : min(at, i + 60)]:
            if line.startswith("=== "):
                break
            said = _SAID.match(line) or said
    return said


def _tool(at: int, message: str) -> Found:
    located = re.match(r"(?P<path>\S+\.(?:mod|sum|work)):(?P<line>\d+): ?(?P<rest>.*)$", message)
    kind = FailureType.BUILD_FAILURE
    if re.search(r"no required module provides|cannot find module providing|no matching versions", message):
        kind = FailureType.IMPORT_ERROR
    return Found(
        kind,
        message,
        "go",
        at,
        located["path"] if located else None,
        int(located["line"]) if located else None,
    )


def _stack(log: Log, at: int) -> tuple[str | None, int | None]:
    for line in log.lines[at + 1 : at + 200]:
        match = _STACK.match(line)
        if (
            match
            and not foreign(match["path"])
            and "_testmain.go" not in line
            and "/src/runtime/" not in line
            and "/src/testing/" not in line
        ):
            return match["path"], int(match["line"])
    return None, None
