"""ruff's other formats: full, GitHub's, GitLab's and JSON, and what `ruff format` says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from autodev_tui.quality.failures.located import kind_of_code
from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_FULL = re.compile(
    r"^(?P<code>[A-Z]{1,4}\d{2,4}|invalid-syntax:?|SyntaxError:|unformatted:?)"
    r"(?P<fix> \[\*\])? (?P<message>\S.*)$"
)
_ARROW = re.compile(r"^ *--> (?P<path>.+?):(?P<line>\d+):(?P<column>\d+)$")
_GITHUB = re.compile(
    r"^::error title=(?P<tool>\w+) \((?P<code>[\w-]+)\),file=(?P<path>[^,]+),"
    r"line=(?P<line>\d+)[^:]*::(?P<message>.*)$"
)
_GROUP = re.compile(r"^(?P<path>\S+\.(?:pyi?|ipynb|toml)):$")
_GROUPED = re.compile(
    r"^ +(?P<line>\d+):\d+ +(?P<code>[A-Z]{1,4}\d{2,4}|invalid-syntax:?)(?P<fix> \[\*\])? (?P<message>\S.*)$"
)
_PARSE = re.compile(
    r"^error: Failed to (?:parse|format|"
    r"read) (?P<path>.+?)(?::(?P<line>\d+):(?P<column>\d+))?: (?P<message>.+)$"
)
_UNFORMATTED = re.compile(r"^Would reformat: (?P<path>.+)$")
_COUNTED = re.compile(r"^\d+\t(?P<code>[A-Z]{1,4}\d{2,4}|invalid-syntax)?\t\[[ *-]\] (?P<message>\S+)$")
_DIFF = re.compile(r"^--- (?P<path>\S.*)$")


def parse(log: Log) -> Iterator[Found]:
    """Findings in ruff's own formats; the concise one is read with the other linters'."""
    yield from _json(log)
    yield from _counted(log)
    grouped = None
    fixing = log.says("Would fix ")
    formatting = "format" in log.command or log.says("would be reformatted")
    for at, line in log.free():
        if (match := _FULL.match(line)) and at + 1 < len(log.lines):
            arrow = _ARROW.match(log.lines[at + 1])
            if not arrow:
                continue
            code = match["code"].rstrip(":")
            log.claim(at, at + 2)
            if code == "SyntaxError":
                code = "invalid-syntax"
            name = re.search(r"`([^`]+)`", match["message"])
            yield _found(
                at, code, match["message"], arrow["path"], int(arrow["line"]), bool(match["fix"]),
                name[1] if name else "",
            )  # fmt: skip
        elif match := _GROUP.match(line):
            grouped = match["path"]
        elif grouped and (match := _GROUPED.match(line)):
            log.claim(at, at + 1)
            name = re.search(r"`([^`]+)`", match["message"])
            yield _found(
                at, match["code"].rstrip(":"), match["message"], grouped, int(match["line"]),
                bool(match["fix"]), name[1] if name else "",
            )  # fmt: skip
        elif match := _GITHUB.match(line):
            log.claim(at, at + 1)
            words = re.sub(r"^\S+: [\w-]+:? ", "", match["message"].replace("%0A", "\n").split("\n")[0])
            name = re.search(r"`([^`]+)`", words)
            yield _found(
                at, match["code"], words, match["path"], int(match["line"]), False, name[1] if name else ""
            )
        elif match := _PARSE.match(line):
            log.claim(at, at + 1)
            number = int(match["line"]) if match["line"] else None
            yield _found(at, "invalid-syntax", match["message"], match["path"], number, False)
        elif match := _UNFORMATTED.match(line):
            log.claim(at, at + 1)
            yield _found(at, "unformatted", "not formatted", match["path"], None, True)
        elif (
            (formatting or fixing)
            and (match := _DIFF.match(line))
            and log.lines[min(at + 1, len(log.lines) - 1)].startswith("+++ ")
        ):
            log.claim(at, at + 2)
            path = match["path"].split("\t")[0]
            if formatting:
                yield _found(at, "unformatted", "not formatted", path, None, True)
            else:
                yield Found(FailureType.LINT_ERROR, "it can be mended", "ruff", at, path, fixable=True)


def _counted(log: Log) -> Iterator[Found]:
    """--statistics: how often each rule, and no place."""
    for at, line in log.free():
        if "\t[" in line and (match := _COUNTED.match(line)):
            log.claim(at, at + 1)
            code = match["code"] or match["message"]
            yield Found(kind_of_code(code), match["message"], "ruff", at, code=code, echo=True)


def _found(
    at: int, code: str, message: str, path: str, line: int | None, fixable: bool, symbol: str = ""
) -> Found:
    if code == "unformatted":
        return Found(FailureType.LINT_ERROR, "not formatted", "ruff", at, path, None, code, fixable=True)
    return Found(kind_of_code(code, message), message, "ruff", at, path, line, code, symbol, fixable=fixable)


def _json(log: Log) -> Iterator[Found]:
    """A JSON array, or JSON lines, of findings; also eslint's and bandit's documents are told apart here."""
    starts = [at for at, line in log.free() if line in ("[", "[]") or line.startswith('[{"cell"')]
    for at, line in log.free():
        if line.startswith('{"cell":'):
            try:
                one = _row(json.loads(line), at)
            except (ValueError, RecursionError):
                continue
            if one:
                log.claim(at, at + 1)
                yield one
    for begin in starts[:3]:
        if log.lines[begin] == "[":
            end = next((i for i in range(begin, len(log.lines)) if log.lines[i] == "]"), None)
            if end is None:
                continue
        else:
            end = begin
        try:
            rows: Any = json.loads("\n".join(log.lines[begin : end + 1]))
        except (ValueError, RecursionError):
            continue
        found = [one for row in rows if isinstance(row, dict) and (one := _row(row, begin))]
        if found or not rows:
            log.claim(begin, end + 1)
        yield from found


def _row(row: dict[str, Any], at: int) -> Found | None:
    place = row.get("location")
    path, message = row.get("filename"), row.get("message")
    if not (isinstance(place, dict) and isinstance(path, str) and isinstance(message, str)):
        return None
    line = place.get("row")
    code = row.get("code") if isinstance(row.get("code"), str) else "invalid-syntax"
    name = re.search(r"`([^`]+)`", message)
    return _found(
        at, str(code), message, path, line if isinstance(line, int) else None, bool(row.get("fix")),
        name[1] if name else "",
    )  # fmt: skip
