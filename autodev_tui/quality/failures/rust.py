"""cargo: the compiler's errors, clippy's findings, tests, and panics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_ERROR = re.compile(r"^error(?:\[(?P<code>E\d{4})\])?: (?P<message>.+)$")
_ARROW = re.compile(r"^\s*--> (?P<path>.+?):(?P<line>\d+):\d+$")
_PANIC = re.compile(
    r"^thread '(?P<thread>[^']*)' (?:\(\d+\) )?panicked at (?:'(?P<old>.*)', )?"
    r"(?P<path>[^,:]+):(?P<line>\d+)(?::\d+)?:?$"
)
_SHORT = re.compile(r"^(?P<path>\S+\.rs):(?P<line>\d+):\d+: error(?:\[(?P<code>E\d{4})\])?: (?P<message>.+)$")
_CALM = re.compile(r"^note: test did not panic as expected at (?P<path>[^,:]+):(?P<line>\d+)")
_TEST = re.compile(r"^test (?P<name>\S.*?)(?: - should panic)? \.\.\. FAILED$")
_SAID = re.compile(r"^---- (?P<name>\S.*?) stdout ----$")
_LINT = re.compile(
    r"`-D (?P<code>[\w:-]+)`|#!?\[(?:deny|forbid)\((?P<deny>[\w:-]+)|"
    r"clippy/master/index\.html#(?P<clippy>\w+)"
)
_ECHO = re.compile(
    r"could not compile|aborting due to|test failed, to rerun|\d{1,6} targets? failed|"
    r"process didn't exit successfully|build failed"
)
_SYNTAX = re.compile(
    r"^(?:expected |unexpected |unclosed|this file contains an (?:un|mis)|mismatched closing|"
    r"unknown start of token|unterminated|cannot find type `.+` but)|found (?:keyword|reserved)|"
    r"missing (?:`fn`|`struct`)"
)
_IMPORTS = frozenset({"E0432", "E0433", "E0463", "E0583"})
_TYPES = frozenset(
    {
        "E0308", "E0277", "E0282", "E0283", "E0061", "E0599", "E0609", "E0106", "E0107", "E0382",
        "E0499", "E0502", "E0505", "E0507", "E0515", "E0373", "E0597", "E0614", "E0369", "E0605",
        "E0606", "E0607", "E0600", "E0560", "E0063", "E0023", "E0026", "E0027", "E0050", "E0053",
        "E0271", "E0310", "E0384", "E0596", "E0594",
    }
)  # fmt: skip


def parse(log: Log) -> Iterator[Found]:
    """Each error with its place; a panic inside a test is that test's failure."""
    if not (log.says("error") or log.says("panicked at") or log.says("... FAILED")):
        return
    tests = {match["name"] for _, line in log.free() if (match := _TEST.match(line) or _SAID.match(line))}
    told: set[str] = set()
    said = ""
    for at, line in log.free():
        if heard := _SAID.match(line):
            said = heard["name"]
        elif said and (match := _CALM.match(line)):
            told.add(said)
            words = "the test did not panic as expected"
            yield Found(
                FailureType.TEST_FAILURE, words, "cargo", at, match["path"], int(match["line"]), symbol=said
            )
            continue
        if match := _PANIC.match(line):
            below = at + 1
            words = match["old"] or next(
                (one.strip() for one in log.lines[below : below + 2] if one.strip()), "panicked"
            )
            thread = match["thread"] if match["thread"] in tests else said
            log.claim(at, at + 2)
            path = None if foreign(match["path"]) else match["path"]
            number = int(match["line"]) if path else None
            if thread in tests or tests:
                told.add(thread)
                yield Found(FailureType.TEST_FAILURE, words, "cargo", at, path, number, "panic", thread)
            else:
                yield Found(FailureType.RUNTIME_ERROR, words, "cargo", at, path, number, "panic")
        elif ".rs:" in line and (match := _SHORT.match(line)):
            log.claim(at, at + 1)
            if one := _error(log, at, match, match):
                yield one
        elif line.startswith("error") and (match := _ERROR.match(line)):
            arrow = next((found for one in log.lines[at + 1 : at + 6] if (found := _ARROW.match(one))), None)
            if one := _error(log, at, match, arrow):
                log.claim(at, at + 1)
                yield one
    for test in sorted(tests - told):
        at = next(at for at, line in enumerate(log.lines) if f" {test} " in line)
        yield Found(FailureType.TEST_FAILURE, f"{test} failed", "cargo", at, symbol=test)


def _error(log: Log, at: int, match: re.Match[str], arrow: re.Match[str] | None) -> Found | None:
    code, message = match["code"] or "", match["message"]
    if _ECHO.search(message):
        return Found(FailureType.BUILD_FAILURE, message, "cargo", at, echo=True)
    if not arrow and not code:
        if "cargo" not in log.command and not log.says("Cargo.toml"):
            return None
        return _without_place(log, at, message)
    path = arrow["path"] if arrow else None
    number = int(arrow["line"]) if arrow else None
    if code in _IMPORTS:
        kind = FailureType.IMPORT_ERROR
    elif code in _TYPES:
        kind = FailureType.TYPE_ERROR
    elif code:
        kind = FailureType.BUILD_FAILURE
    else:
        kind = FailureType.SYNTAX_ERROR if _SYNTAX.search(message) else FailureType.BUILD_FAILURE
        end = log.find(at + 1, lambda line: not line.strip()) or at + 60
        lint = next((found for one in log.lines[at:end] if (found := _LINT.search(one))), None)
        if lint:
            code = lint["code"] or lint["deny"] or f"clippy::{lint['clippy']}"
            kind = FailureType.LINT_ERROR
    name = re.search(r"`([^`]+)`", message)
    return Found(kind, message, "cargo", at, path, number, code, name[1] if name else "")


def _without_place(log: Log, at: int, message: str) -> Found:
    absent = re.search(
        r"no matching package (?:named|found).*?`([^`]+)`|"
        r"failed to select a version for (?:the requirement )?`([^`]+)`",
        message,
    )
    manifest = re.search(r"failed to parse manifest at `([^`]+)`|could not find `(Cargo\.toml)`", message)
    path = (manifest[1] or manifest[2]) if manifest else None
    symbol = (absent[1] or absent[2] or "") if absent else ""
    if "failed to run custom build command" in message:
        # The words of a build script stand indented below.
        for i in range(at + 1, min(at + 200, len(log.lines))):
            if panicked := _PANIC.match(log.lines[i].strip()):
                words = log.lines[i + 1].strip() if i + 1 < len(log.lines) else ""
                number = int(panicked["line"])
                words = panicked["old"] or words or message
                return Found(FailureType.BUILD_FAILURE, words, "cargo", at, panicked["path"], number)
    return Found(FailureType.BUILD_FAILURE, message, "cargo", at, path, symbol=symbol)
