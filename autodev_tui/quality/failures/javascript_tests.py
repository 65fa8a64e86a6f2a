"""jest, vitest, mocha and node's own test runner."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_JEST_FILE = re.compile(
    r"^ *(?:FAIL) +(?:\|[\w-]+\| )?(?P<path>\S+\.[cm]?[jt]sx?)"
    r"(?: > (?P<name>.+?))?(?: \([\d.]+ m?s\))?(?: \[.*\])?$"
)
_JEST_TEST = re.compile(r"^  ● (?P<name>.+)$")
_JEST_END = re.compile(r"^Test Suites: ")
_VITEST_END = re.compile(r"^ +Test Files  ")
_VITEST_PLACE = re.compile(r"^ ❯ (?:.*? )?(?P<path>[^\s:]+\.[cm]?[jt]sx?):(?P<line>\d+):\d+$")
_FRAME = re.compile(r"^\s+at (?:.*? \()?(?:file://)?(?P<path>[^\s()]+?\.[cm]?[jt]sx?):(?P<line>\d+):\d+\)?$")
_YAML_FRAME = re.compile(r"^\s+(?:\S.*? \()?(?:file://)?(?P<path>/[^\s()]+?):(?P<line>\d+):\d+\)?$")
_NAMED_FILE = re.compile(r"\((?P<path>/[^\s()]+\.[cm]?[jt]sx?)\)$")
_POINTED = re.compile(r"^\s*> (?P<line>\d+) \|")
_BARE_PLACE = re.compile(r"^\s*(?P<path>/?[^\s:()]+\.[cm]?[jt]sx?):(?:\s.*\()?(?P<line>\d+)(?::\d+\)?)?$")
_MOCHA_FAILING = re.compile(r"^  \d+ failing$")
_MOCHA_PASSING = re.compile(r"^  \d+ passing\b")
_MOCHA_TEST = re.compile(r"^  (?P<number>\d+)\) (?P<name>.+)$")
_TAP = re.compile(r"^ *not ok \d+ - (?P<name>.+)$")
_TAP_PLACE = re.compile(r"^\s+location: '?(?:file://)?(?P<path>.+?):(?P<line>\d+):\d+'?$")
_TAP_ECHO = re.compile(r"^\s+failureType: '(?:cancelledByParent|subtestsFailed)'$")
_SPEC_FAILING = re.compile(r"^✖ failing tests:$")
_SPEC_PLACE = re.compile(r"^test at (?P<path>.+?):(?P<line>\d+):\d+$")
_TIMEOUT = re.compile(
    r"Exceeded timeout of|Timeout of \d+ms exceeded|Test timed out in \d+ms|test timed out after|"
    r"Hook timed out"
)
_ABSENT = re.compile(
    r"Cannot find (?:module|package) ['\"](?P<name>[^'\"]+)['\"]|Failed to (?:load url|"
    r"resolve import) \"?(?P<url>[^\s\"]+)"
)
_BABEL = re.compile(r"^\s+SyntaxError: (?P<path>/\S+?): .+ \((?P<line>\d+):\d+\)$")
_UNREADABLE = re.compile(
    r"SyntaxError|Unexpected token|Transform failed|Parse (?:error|failure)|PARSE_ERROR|"
    r"Expected .+ but found|RolldownError: Parse"
)


def parse(log: Log) -> Iterator[Found]:
    """Each failing test with the project's line that complained."""
    yield from _jest(log)
    yield from _vitest(log)
    yield from _mocha(log)
    yield from _node(log)


def _jest(log: Log) -> Iterator[Found]:
    end = next((at for at, line in log.free() if _JEST_END.match(line)), None)
    heads = [at for at, line in log.free() if _JEST_TEST.match(line)]
    if end is None and not heads:
        return
    last = end if end is not None else len(log.lines)
    path, seen = None, set()
    begin = None
    for at in range(last):
        line = log.lines[at]
        if match := _JEST_FILE.match(line):
            path, begin = match["path"].removeprefix("./"), at if begin is None else begin
        elif (match := _JEST_TEST.match(line)) and path:
            name = match["name"].strip()
            if (path, name) in seen or name.startswith("Console"):
                continue
            seen.add((path, name))
            stop = next(
                (
                    i
                    for i in range(at + 1, last)
                    if _JEST_TEST.match(log.lines[i]) or _JEST_FILE.match(log.lines[i])
                ),
                last,
            )
            yield _read(log, at, stop, "jest", path, name)
    if begin is not None or end is not None:
        log.claim(begin if begin is not None else 0, last + 5)


def _vitest(log: Log) -> Iterator[Found]:
    heads = [
        (at, match)
        for at, line in log.free()
        if (match := _JEST_FILE.match(line)) and at + 1 < len(log.lines)
    ]
    if not heads or not any(_VITEST_END.match(line) or "⎯⎯" in line for line in log.lines):
        return
    for number, (at, match) in enumerate(heads):
        stop = next(
            (i for i in range(at + 1, len(log.lines)) if log.lines[i].startswith("⎯⎯")), len(log.lines)
        )
        if number + 1 < len(heads):
            stop = min(stop, heads[number + 1][0])
        if not any(line.strip() for line in log.lines[at + 1 : stop]):
            continue
        yield _read(log, at, stop, "vitest", match["path"], match["name"] or match["path"])
    log.claim(heads[0][0], len(log.lines))


def _mocha(log: Log) -> Iterator[Found]:
    failing = next(
        (
            at
            for at, line in log.free()
            # A suite may be called so: the count stands below that of what passed.
            if _MOCHA_FAILING.match(line) and any(map(_MOCHA_PASSING.match, log.lines[max(at - 4, 0) : at]))
        ),
        None,
    )
    if failing is None:
        return
    heads = [at for at in range(failing + 1, len(log.lines)) if _MOCHA_TEST.match(log.lines[at])]
    for number, at in enumerate(heads):
        stop = heads[number + 1] if number + 1 < len(heads) else len(log.lines)
        parts = [_MOCHA_TEST.sub(r"\g<name>", log.lines[at])]
        below = at + 1
        while below < stop and not parts[-1].endswith(":"):
            if not log.lines[below].strip():
                break
            parts.append(log.lines[below].strip())
            below += 1
        yield _read(log, below - 1, stop, "mocha", None, " ".join(parts).rstrip(":"))
    log.claim(failing, len(log.lines))


def _node(log: Log) -> Iterator[Found]:
    heads = [(at, match["name"]) for at, line in log.free() if (match := _TAP.match(line))]
    failing = next((at for at, line in log.free() if _SPEC_FAILING.match(line)), None)
    if failing is not None:
        starts = [at for at in range(failing, len(log.lines)) if _SPEC_PLACE.match(log.lines[at])]
        for number, at in enumerate(starts):
            stop = starts[number + 1] if number + 1 < len(starts) else len(log.lines)
            place = _SPEC_PLACE.match(log.lines[at])
            name = log.lines[at + 1].lstrip("✖ ").strip() if at + 1 < len(log.lines) else ""
            found = _read(
                log,
                at + 1,
                stop,
                "node",
                place["path"] if place else None,
                re.sub(r" \([\d.]+ms\)$", "", name),
            )
            if found.line is None and place:
                found.line = int(place["line"])
            yield found
        log.claim(failing, len(log.lines))
        return
    if (heads and log.says("TAP version")) or (heads and log.says("duration_ms:")):
        for number, (at, name) in enumerate(heads):
            stop = heads[number + 1][0] if number + 1 < len(heads) else len(log.lines)
            place = next((m for one in log.lines[at:stop] if (m := _TAP_PLACE.match(one))), None)
            found = _read(log, at, stop, "node", place["path"] if place else None, name)
            if found.line is None and place:
                found.path, found.line = place["path"], int(place["line"])
            # What was not run, or holds what failed, only says so.
            found.echo = any(_TAP_ECHO.match(one) for one in log.lines[at:stop])
            yield found
        log.claim(heads[0][0], len(log.lines))


def _read(log: Log, at: int, stop: int, tool: str, path: str | None, name: str) -> Found:
    body = log.lines[at + 1 : stop]
    text = "\n".join(body)
    # TAP puts its words into a YAML block.
    block = next((i for i, one in enumerate(body) if one.strip() in ("error: |-", "stack: |-")), -1)
    said = body[block + 1 :] if block >= 0 else body
    words = next((one.strip() for one in said if one.strip()), name)
    place = None
    for one in body:
        match = _VITEST_PLACE.match(one) or _FRAME.match(one) or _BARE_PLACE.match(one)
        match = match or (_YAML_FRAME.match(one) if block >= 0 else None)
        if match and not foreign(match["path"]):
            place = (match["path"], int(match["line"]))
            break
    if place is None and path and (pointed := next((m for one in body if (m := _POINTED.match(one))), None)):
        place = (path, int(pointed["line"]))
    if place is None and path is None and (named := _NAMED_FILE.search(words)):
        path = named["path"]
    if unread := next((m for one in body if (m := _BABEL.match(one))), None):
        same = path and unread["path"].endswith(f"/{path.removeprefix('./')}")
        place = (path if path and same else unread["path"], int(unread["line"]))
    kind, code, symbol = FailureType.TEST_FAILURE, "", name
    raised = re.match(r"(?:\w+ )?(?P<name>[A-Z]\w*Error)\b", words)
    code = raised["name"] if raised else ""
    broken = name.endswith("Test suite failed to run") or name == path
    if _TIMEOUT.search(text):
        kind, code = FailureType.TIMEOUT, "timeout"
    elif (absent := _ABSENT.search(text)) and (
        broken or words.startswith(("Cannot find", "Error: Cannot find", "Error: Failed"))
    ):
        kind, code = FailureType.IMPORT_ERROR, "MODULE_NOT_FOUND"
        symbol = absent["name"] or absent["url"] or name
    elif broken and _UNREADABLE.search(text):
        kind, code = FailureType.SYNTAX_ERROR, "SyntaxError"
    elif broken:
        kind = FailureType.RUNTIME_ERROR
    return Found(
        kind, words, tool, at, place[0] if place else path, place[1] if place else None, code, symbol
    )
