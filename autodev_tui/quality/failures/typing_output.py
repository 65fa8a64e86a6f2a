"""Checkers with a form of their own: pyright, tsc, import-linter; mypy is read in `located`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_PYRIGHT = re.compile(r"^\s+(?P<path>\S.*?):(?P<line>\d+):\d+ - error: (?P<message>.+)$")
_RULE = re.compile(r"^(?P<message>.*?)\s{0,4}\((?P<rule>report\w+)\)$")
_TSC = re.compile(r"^(?P<path>[^\s(][^(]*)\((?P<line>\d+),\d+\): error (?P<code>TS\d+): (?P<message>.+)$")
_TSC_PRETTY = re.compile(
    r"^(?P<path>[^\s:][^:]*):(?P<line>\d+):\d+ - error (?P<code>TS\d+): (?P<message>.+)$"
)
_TSC_GLOBAL = re.compile(r"^error (?P<code>TS\d+): (?P<message>.+)$")
_UNUSED = (6133, 6138, 6192, 6196, 6198, 6199)
"""What tsc says of names that nothing reads."""
_CONTRACTS = re.compile(r"^Contracts: \d+ kept, (?P<broken>[1-9]\d*) broken\.$")
_FORBIDDEN = re.compile(r"^\S+ is not allowed to import \S+:$")
_NO_MODULE = re.compile(
    r"Cannot find module '(?P<name>[^']+)'|Import \"(?P<name2>[^\"]+)\" could not be resolved"
)


def parse(log: Log) -> Iterator[Found]:
    """Types that do not fit, and modules that the checker cannot find."""
    for at, line in log.free():
        if match := _PYRIGHT.match(line):
            yield _pyright(log, at, match)
        elif line.startswith("Contracts: ") and (broken := _CONTRACTS.match(line)):
            told = [one.rstrip(":") for one in log.lines[at:] if _FORBIDDEN.match(one)]
            log.claim(at, at + 1)
            said = told[0] if told else f"{broken['broken']} contracts broken"
            yield Found(FailureType.LINT_ERROR, said, "import-linter", at, code="contract")
        elif "error TS" in line and (
            match := _TSC.match(line) or _TSC_PRETTY.match(line) or _TSC_GLOBAL.match(line)
        ):
            log.claim(at, at + 1)
            words = match["message"]
            parts = match.groupdict()
            absent = _NO_MODULE.search(words)
            number = parts.get("line")
            yield Found(
                _kind(match["code"], absent is not None), words, "tsc", at, parts.get("path"),
                int(number) if number else None, match["code"], (absent["name"] or "") if absent else "",
            )  # fmt: skip


def _kind(code: str, absent: bool) -> FailureType:
    number = int(code[2:])
    if absent:
        return FailureType.IMPORT_ERROR
    if number in _UNUSED:
        return FailureType.LINT_ERROR
    if 1000 <= number < 2000:
        return FailureType.SYNTAX_ERROR
    return (
        FailureType.BUILD_FAILURE
        if (number >= 5000 and number < 7000) or (number >= 18000 and number < 18010)
        else FailureType.TYPE_ERROR
    )


def _pyright(log: Log, at: int, match: re.Match[str]) -> Found:
    words, rule, end = match["message"], "", at + 1
    for below in range(at, min(at + 8, len(log.lines))):
        text = log.lines[below] if below > at else words
        if below > at and log.lines[below][:4].strip():
            break
        end = below + 1
        if found := _RULE.match(text):
            rule = found["rule"]
            words = found["message"] if below == at else words
            break
    log.claim(at, end)
    absent = _NO_MODULE.search(words)
    if absent or rule == "reportMissingImports":
        kind, symbol = FailureType.IMPORT_ERROR, (absent["name2"] or "") if absent else ""
    else:
        kind, symbol = (FailureType.TYPE_ERROR if rule else FailureType.SYNTAX_ERROR), ""
    return Found(kind, words, "pyright", at, match["path"], int(match["line"]), rule, symbol)
