"""unittest's and doctest's reports."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType
from autodev_tui.quality.failures.tracebacks import cause, chains, kind_of, module_of, read

_HEAD = re.compile(r"^(?P<word>FAIL|ERROR): (?P<name>\S+)(?: \((?P<where>[\w.<>]+)\))?(?P<sub> .*)?$")
_UNEXPECTED = re.compile(r"^UNEXPECTED SUCCESS: (?P<name>\S+)(?: \((?P<where>[\w.<>]+)\))?")
_VERDICT = re.compile(
    r"^FAILED \((?:(?:failures|errors|skipped|expected failures|unexpected successes)=\d+(?:, )?)+\)$"
)
_RAN = re.compile(r"^Ran \d+ tests? in ")
_EXAMPLE = re.compile(r'^File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<name>\S+)$')


def parse(log: Log) -> Iterator[Found]:
    """Tests that failed or could not be run, and examples whose output differs."""
    yield from _doctest(log)
    heads = [
        at
        for at, line in log.free()
        if at > 0 and _HEAD.match(line) and log.lines[at - 1].startswith("=" * 60)
    ]
    ran = next((at for at in range(len(log.lines) - 1, -1, -1) if _RAN.match(log.lines[at])), None)
    for number, at in enumerate(heads):
        end = heads[number + 1] - 1 if number + 1 < len(heads) else ran or len(log.lines)
        yield _test(log, at, max(end, at + 1))
    yield from _judged(log)
    if heads or ran is not None:
        # What the tests themselves printed is no failure of its own: the runner has judged them.
        begin = 0 if ran is not None and not heads else (heads or [0])[0] - 1
        log.claim(begin, min((ran if ran is not None else len(log.lines) - 1) + 3, len(log.lines)))


def _judged(log: Log) -> Iterator[Found]:
    """Tests that passed and should not have; or else only that some failed."""
    for at, line in log.free():
        if match := _UNEXPECTED.match(line):
            test = match["where"] or match["name"]
            words = f"{test} passed, and is marked as an expected failure"
            yield Found(FailureType.TEST_FAILURE, words, "unittest", at, symbol=test)
        elif _VERDICT.match(line):
            yield Found(FailureType.TEST_FAILURE, line, "unittest", at, echo=True)


def _test(log: Log, at: int, end: int) -> Found:
    head = _HEAD.match(log.lines[at])
    assert head
    groups = chains(log, read(log, at, end))
    name, where = head["name"], head["where"] or ""
    symbol = name if not where else where if where.endswith(f".{name}") else f"{where}.{name}"
    if not groups:
        return Found(FailureType.TEST_FAILURE, log.lines[at], "unittest", at, symbol=symbol)
    one = cause(groups[0])
    kind = kind_of(one.name)
    if kind not in (FailureType.SYNTAX_ERROR, FailureType.IMPORT_ERROR):
        kind = FailureType.TEST_FAILURE
        if "_FailedTest" in where:
            kind = FailureType.RUNTIME_ERROR
    elif kind is FailureType.IMPORT_ERROR:
        symbol = module_of(one.message) or symbol
    path, line = one.place
    message = f"{one.short}: {one.message}".rstrip(": ")
    return Found(kind, message, "unittest", at, path, line, one.short, symbol)


def _doctest(log: Log) -> Iterator[Found]:
    for at, line in log.free():
        match = _EXAMPLE.match(line)
        if not match or at + 1 >= len(log.lines) or not log.lines[at + 1].startswith("Failed example:"):
            continue
        end = log.find(at + 1, lambda text: text.startswith("*" * 60)) or at + 2
        example = log.lines[at + 2].strip() if at + 2 < len(log.lines) else ""
        log.claim(at, end)
        yield Found(
            FailureType.TEST_FAILURE,
            f"the example `{example}` printed something else",
            "doctest",
            at,
            match["path"],
            int(match["line"]),
            symbol=match["name"],
        )
