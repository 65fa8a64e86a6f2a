"""What a check's output and records say: names of failing tests and findings, without positions that move."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autodev_tui.quality.runners import printed

MAX_RECORD = 64 * 1024 * 1024
"""Bytes of one record file; a test suite of 100 000 tests needs about 12 MB."""
_BAD = frozenset({"failed", "error"})
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.<>]+)\)", re.MULTILINE)
_UNITTEST_LINE = re.compile(
    r"^(\w+) \(([\w.]+)\)(?:\n[^\n]*?)? \.\.\. (ok|FAIL|ERROR|skipped|expected failure)", re.MULTILINE
)
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_SKIPPED = re.compile(r"^OK \(.*?skipped=(\d+)", re.MULTILINE)
_FINDING = re.compile(r"^(?P<file>[^\s:][^:\n]*):\d+(?::\d+)*: (?P<rest>\S.*)$", re.MULTILINE)
_UNSORTED = re.compile(r"^ERROR: (?P<file>.+?) Imports are incorrectly sorted", re.MULTILINE)
_FILE_ALONE = re.compile(r"^(?P<file>[\w./-]+\.(?:go|rs))$", re.MULTILINE)
"""How gofmt and rustfmt name what is not formatted."""
_TSC = re.compile(r"^(?P<file>[^\s(][^(\n]*)\(\d+,\d+\): error (?P<code>TS\d+):", re.MULTILINE)
_RUSTC = re.compile(r"^error(?:\[\w+\])?: (?P<name>.+)\n\s+--> (?P<file>[^:\n]+):\d+:\d+$", re.MULTILINE)
_UNFORMATTED = re.compile(r"^[Ww]ould reformat:? (?P<file>.+)$", re.MULTILINE)


@dataclass
class Outcomes:
    """What was recorded of tests. `complete` is False when a session stopped before all had run."""

    tests: dict[str, str] = field(default_factory=dict)
    exits: list[int] = field(default_factory=list)
    complete: bool = True
    seen: bool = False

    @property
    def failed(self) -> list[str]:
        """The names of tests that failed."""
        return sorted(name for name, outcome in self.tests.items() if outcome in _BAD)

    def ask(self, wanted: Collection[str]) -> dict[str, str]:
        """The outcome of each wanted test, class or file that was seen: failed if any part of it failed."""
        found = {}
        for name in wanted:
            parts = {
                outcome
                for test, outcome in self.tests.items()
                if test == name or test.startswith((f"{name}[", f"{name}::", f"{name}."))
            }
            if parts:
                passed = "passed" if "passed" in parts else "skipped"
                found[name] = "failed" if parts & _BAD else passed
        return found


def plain(output: bytes) -> str:
    """A command's output as text without colours."""
    return _COLOUR.sub("", output.decode("utf-8", "replace")).replace("\r\n", "\n")


def outcomes(folder: Path, text: str) -> Outcomes:
    """The tests that ran: as pytest's plugin recorded them in `folder`, else as unittest printed them."""
    found = Outcomes()
    started = 0
    for _, data in records(folder, "outcomes-"):
        for line in data.splitlines():
            entry = _entry(line)
            test = entry.get("test")
            if entry.get("session") == "start":
                started += 1
            elif entry.get("session") == "end":
                found.exits.append(entry["exit"] if isinstance(entry.get("exit"), int) else -1)
                found.complete = found.complete and not entry.get("stopped")
            elif isinstance(test, str):
                # A failing teardown comes after a passed call, and both have the same name.
                old = found.tests.get(test, "")
                found.tests[test] = old if old in _BAD else str(entry.get("outcome"))
    if started:
        found.seen = True
        found.complete = found.complete and started == len(found.exits)
        return found
    for test, where, word in _UNITTEST_LINE.findall(text):
        outcome = {"ok": "passed", "FAIL": "failed", "ERROR": "failed"}.get(word, "skipped")
        found.tests[_dotted(test, where)] = outcome
    for test, where in _UNITTEST.findall(text):
        found.tests[_dotted(test, where)] = "failed"
    found.complete = bool(_RAN.search(text))
    if not found.complete and not found.tests:
        other = printed(text)
        found.tests, found.complete = other.tests, other.ended and not other.broken
        # Where only failures are named, nothing can be said of the others.
        found.seen = "passed" in other.tests.values()
    return found


def no_tests(text: str) -> str:
    """Why a runner's output stands for no test at all, empty if it does not."""
    ran = [int(count) for count in _RAN.findall(text)]
    skipped = [int(count) for count in _SKIPPED.findall(text)]
    if not ran:
        return printed(text).none
    if sum(ran) == 0:
        return "no tests"
    return "every test was skipped" if sum(skipped) >= sum(ran) else ""


def findings(text: str) -> list[str]:
    """What linters, type checkers and formatters found: file and code, sorted, as often as each occurs."""
    found = [f"{match['file'].strip()}: unformatted" for match in _UNFORMATTED.finditer(text)]
    found += [f"{match['file'].strip()}: unsorted" for match in _UNSORTED.finditer(text)]
    found += [f"{match['file']}: unformatted" for match in _FILE_ALONE.finditer(text)]
    found += [f"{match['file']}: {match['code']}" for match in _TSC.finditer(text)]
    found += [f"{match['file']}: {match['name']}" for match in _RUSTC.finditer(text)]
    for match in _FINDING.finditer(text):
        rest = match["rest"]
        if rest.startswith("note:"):
            continue
        code = re.search(r"\[([\w-]+)\]\s*$", rest)
        first = re.match(r"([A-Z]+\d+|(?!error:|warning:)[a-z-]+(?=:))", rest)
        name = first[1] if first else code[1] if code else re.sub(r"\d+", "N", rest)
        found.append(f"{match['file']}: {name}")
    return sorted(found)


def records(folder: Path, prefix: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of each record. The check's own code could write here: nothing is taken on trust."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.startswith(prefix))
    except OSError:
        return
    for path in paths:
        try:
            # Neither a link out of the directory is followed nor a pipe waited for.
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                with os.fdopen(os.dup(descriptor), "rb") as file:
                    yield path.name, file.read(MAX_RECORD)
        finally:
            os.close(descriptor)


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _dotted(test: str, where: str) -> str:
    return where if where.endswith(f".{test}") else f"{where}.{test}"
