"""What is recognised by its form alone, where no tool is known: it counts if nothing else was found."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_FINDING = re.compile(
    r"^(?P<path>(?:[\w@.+-]{0,80}/){0,20}[\w@.+-]{0,80}\.[A-Za-z]\w{0,9})"
    r"(?::|\||\(|,|;|\t| line )(?P<line>\d{1,7})\b\W{0,3}(?:\d{1,5}\b)?\W{0,6}(?P<rest>\S.*)$"
)
_FAILS = re.compile(r"^(?:\w{1,100}: ?)?FAIL(?:ED|URE)?\b")
_CODED = re.compile(r"^\[?(?P<code>[A-Z]{1,4}\d{2,5})\b\]?:? *(?P<message>.*)$")
_SEARCHES = re.compile(r"(?:^|[;&|(]|\s)(?:git )?(?:e?grep|rg|ag|ack|find|cat|diff|less|awk|sed)\s")
_MOST = 0.6
"""How much of an output must be findings for it to be a linter's report rather than words about files."""
_CONFIG = re.compile(r"\.(?:toml|ya?ml|jsonc?|ini|cfg|conf)\b(?::(?P<line>\d+))?")
_BOUND = re.compile(r"[\s`'\"():=]")
_BROKEN = re.compile(
    r"(?i)pars(?:e|ing)\b|decod(?:e|ing)\b|syntax|malformed|not valid|invalid (?:toml|yaml|json)"
    r"|unexpected line|unexpected (?:token|character|end|key)|\(at line \d+, column \d+\)$"
)
_ABSENT = re.compile(
    r"No module named '?(?P<name>[\w.]+)|Could not import (?:module )?['\"](?P<named>[\w.:]+)['\"]"
)
_UNREADABLE = re.compile(
    r"(?i)^\W{0,10}(?:[\w./+-]{1,100}: ?){0,3}(?:\w{1,20}: ?| ){0,3}(?:\w{1,20} )?(?:syntax|parse) error\b"
)
_AT_LINE = re.compile(r"\bline:? (?P<line>\d+)")


def parse(log: Log) -> Iterator[Found]:
    """A configuration that cannot be read, or else a report whose lines are findings."""
    if not log.exit_code:
        return
    if found := _config(log) or _said(log):
        yield found
    elif not _SEARCHES.search(log.command):
        yield from _findings(log)


def _config(log: Log) -> Found | None:
    for at, line in log.free():
        match = _CONFIG.search(line)
        if not match:
            continue
        path = _BOUND.split(line[: match.end()].removesuffix(f":{match['line']}"))[-1]
        near = log.lines[at : at + 4]
        # The words may stand anywhere; a place tells that it is the file that is meant.
        number = match["line"] or next((m["line"] for one in near if (m := _AT_LINE.search(one))), None)
        if number is None or not any(map(_BROKEN.search, near)):
            continue
        return Found(
            FailureType.SYNTAX_ERROR, line.strip(), "", at, path, int(number), "configuration",
            echo=True,
        )  # fmt: skip
    return None


def _said(log: Log) -> Found | None:
    """A line that says plainly what kind of failure it is, whoever says it."""
    for at, line in log.free():
        if absent := _ABSENT.search(line):
            name = absent["name"] or absent["named"]
            return Found(FailureType.IMPORT_ERROR, line.strip(), "", at, symbol=name, echo=True)
        if _UNREADABLE.match(line):
            place = _FINDING.match(line)
            path, number = (place["path"], int(place["line"])) if place else (None, None)
            return Found(FailureType.SYNTAX_ERROR, line.strip(), "", at, path, number, echo=True)
    return None


def _findings(log: Log) -> Iterator[Found]:
    for at, line in log.free():
        if "FAIL" in line and (match := _FINDING.match(line)) and _FAILS.search(match["rest"]):
            log.claim(at, at + 1)
            path, number = match["path"], int(match["line"])
            yield Found(FailureType.TEST_FAILURE, match["rest"], "", at, path, number, echo=True)
    spoken = [(at, line) for at, line in log.free() if line.strip() and not line.startswith((" ", "\t"))]
    read = [(at, match) for at, line in spoken if (match := _FINDING.match(line))]
    if not read or len(read) < _MOST * len(spoken):
        return
    for at, match in read:
        coded = _CODED.match(match["rest"])
        words, code = (coded["message"], coded["code"]) if coded else (match["rest"], "")
        unreadable = re.match(r"(?i)\W*(?:error\W+)?syntax error", words)
        kind = FailureType.SYNTAX_ERROR if unreadable else FailureType.LINT_ERROR
        yield Found(kind, words or code, "", at, match["path"], int(match["line"]), code, echo=True)
