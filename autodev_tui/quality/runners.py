"""Outcomes of tests as other ecosystems' runners print them: go, cargo, node's own, jest and vitest.

Only what is named counts: a runner that prints no names says by its exit code alone how it ended.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_CARGO_RUN = re.compile(r"^\s+(?:Running (?:unittests )?(?P<file>\S+) \(|Doc-tests (?P<doc>\S+))")
_CARGO_TEST = re.compile(r"^test (?P<name>\S.*?)(?: - should panic)? \.\.\. (?P<end>ok|FAILED|ignored)\b")
_CARGO_END = re.compile(r"^test result: \w+\. (\d{1,9}) passed; (\d{1,9}) failed; (\d{1,9}) ignored;")
_GO_TEST = re.compile(r"^\s*--- (?P<end>PASS|FAIL|SKIP): (?P<name>\S+) \(")
_GO_PACKAGE = re.compile(r"^(?P<end>ok  |FAIL|\?   )\t(?P<package>\S+)(?P<rest>.*)$")
_TAP = re.compile(r"^(?P<indent> *)(?P<end>ok|not ok) \d+(?: - (?P<name>.*?))?(?P<more> # (?:SKIP|TODO).*)?$")
_NODE_END = re.compile(r"^(?:#|ℹ) tests (?P<count>\d{1,9})$")
_NODE_SPEC = re.compile(r"^(?P<indent> *)(?P<end>[✔✖﹣]) (?P<name>.+?) \([\d.]+ms\)(?: # .*)?$")
_JEST = re.compile(r"^  ● (?P<name>.+ › .+|[^›:]+)$")
_JEST_END = re.compile(r"^Tests: +(?:.*, )?\d+ total$")
_VITEST = re.compile(r"^ FAIL  (?P<name>\S+(?: > .+)+)$")
_VITEST_END = re.compile(r"^\s+Tests  .*\((?P<count>\d+)\)$")
_NO_TESTS = (
    (
        re.compile(r"^make(?:\[\d+\])?: (?:Nothing to be done for|'\S+' is up to date)"),
        "the target does nothing",
    ),
    (re.compile(r"^No tests? (?:files )?found", re.IGNORECASE), "no tests"),
)


@dataclass
class Printed:
    """What was printed of tests; `ended` says that the runner told its own result."""

    tests: dict[str, str] = field(default_factory=dict)
    ended: bool = False
    broken: bool = False
    """Something did not even build, so that not all tests can be known."""
    none: str = ""
    """Why it stands for no test, empty if it does not."""


def printed(text: str) -> Printed:
    """What a runner's plain output says of its tests; nothing for output of no known runner."""
    lines = text.splitlines()
    for read in (_cargo, _go, _node, _jest, _vitest):
        found = read(lines)
        if found.ended or found.tests or found.none:
            return found
    for line in lines:
        for pattern, why in _NO_TESTS:
            if pattern.match(line):
                return Printed(none=why)
    return Printed()


def _cargo(lines: list[str]) -> Printed:
    found, where, counts = Printed(), "", [0, 0, 0]
    for line in lines:
        if match := _CARGO_RUN.match(line):
            where = match["file"] or f"doc-tests of {match['doc']}"
        elif match := _CARGO_TEST.match(line):
            outcome = {"ok": "passed", "FAILED": "failed"}.get(match["end"], "skipped")
            found.tests[f"{where}: {match['name']}" if where else match["name"]] = outcome
        elif match := _CARGO_END.match(line):
            found.ended = True
            counts = [have + int(more) for have, more in zip(counts, match.groups(), strict=True)]
        elif line.startswith("error: could not compile"):
            found.broken = True
    if found.ended and not any(counts[:2]):
        found.none = "every test was skipped" if counts[2] else "no tests"
    return found


def _go(lines: list[str]) -> Printed:
    found, ran = Printed(), False
    waiting: dict[str, str] = {}
    for line in lines:
        if match := _GO_TEST.match(line):
            outcome = {"PASS": "passed", "FAIL": "failed"}.get(match["end"], "skipped")
            waiting[match["name"]] = outcome
        elif match := _GO_PACKAGE.match(line):
            found.ended = True
            found.broken = (
                found.broken or "[build failed]" in match["rest"] or "[setup failed]" in match["rest"]
            )
            ran = ran or (match["end"] == "ok  " and "[no tests to run]" not in line) or bool(waiting)
            ran = ran or match["end"] == "FAIL"
            found.tests |= {f"{match['package']}.{name}": how for name, how in waiting.items()}
            if match["end"] == "FAIL" and "failed" not in waiting.values():
                # It ended in the middle: a panic, os.Exit, a time limit.
                found.broken = True
            waiting = {}
    if found.ended and not ran:
        found.none = "no tests"
    return found


def _node(lines: list[str]) -> Printed:
    found, total = Printed(), -1
    suites: set[str] = set()
    for line in lines:
        if match := _NODE_END.match(line):
            found.ended, total = True, int(match["count"])
        elif match := _TAP.match(line):
            name = match["name"] or ""
            outcome = "skipped" if match["more"] else "passed" if match["end"] == "ok" else "failed"
            found.tests[name] = outcome
        elif match := _NODE_SPEC.match(line):
            outcome = {"✔": "passed", "✖": "failed"}.get(match["end"], "skipped")
            found.tests[match["name"]] = outcome
        elif "failureType: 'subtestsFailed'" in line and found.tests:
            suites.add(list(found.tests)[-1])
    for name in suites:
        # Of a suite only its tests fail.
        found.tests.pop(name, None)
    if not found.ended:
        return Printed()
    if total == 0:
        found.none = "no tests"
    return found


def _jest(lines: list[str]) -> Printed:
    found = Printed(ended=any(_JEST_END.match(line) for line in lines))
    if found.ended:
        for line in lines:
            if match := _JEST.match(line):
                found.tests[match["name"].strip()] = "failed"
            found.broken = found.broken or "Test suite failed to run" in line
    return found


def _vitest(lines: list[str]) -> Printed:
    found = Printed(ended=any(_VITEST_END.match(line) for line in lines))
    if found.ended:
        for line in lines:
            if match := _VITEST.match(line):
                found.tests[match["name"]] = "failed"
    return found
