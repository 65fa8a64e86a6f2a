"""Compiled programs' builds: linkers, make, cmake, ninja, sanitizers. For compilers see `located`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_UNDEFINED = re.compile(
    r"^(?:\S*/?ld: )?(?:(?P<path>[^\s:]+\.\w+):)?(?:\(\.\w[^)]*\)|"
    r".*?): undefined reference to [`'‘](?P<name>[^'’]+)"
)
_LD = re.compile(
    r"^\S*/?(?:ld|ld\.\w+|mold|collect2)(?:: error)?: (?P<message>(?:cannot find|error:|"
    r".*multiple definition).*)$"
)
_SANITIZER = re.compile(
    r"^==\d+==\s?(?:ERROR|WARNING): (?P<tool>\w+)Sanitizer: (?P<code>[\w-]+)(?P<rest>.*)$"
)
_STACK = re.compile(r"^\s+#\d+ 0x[0-9a-f]+ in \S.* (?P<path>/?[^\s:()]+):(?P<line>\d+)(?::\d+)?$")
_NO_RULE = re.compile(
    r"^(?:g?make)(?:\[\d+\])?: \*\*\* No rule to make target '(?P<name>[^']+)'"
    r"(?:, needed by '(?P<by>[^']+)')?"
)
_MAKE_SYNTAX = re.compile(
    r"^(?P<path>[^\s:]*[Mm]akefile[^\s:]*|\S+\.mk):(?P<line>\d+): \*\*\* (?P<message>.+)$"
)
_MAKE = re.compile(
    r"^(?:g?make)(?:\[\d+\])?: \*\*\* (?:\[(?P<path>[^\s:\]]+):(?P<line>\d+): )?(?P<message>.+)$"
)
_DIED = re.compile(
    r"\] (?:Segmentation fault|Killed|Aborted|Bus error|Illegal instruction|"
    r"Floating point exception)(?: \(core dumped\))?$"
)
_CMAKE = re.compile(
    r"^CMake Error(?: at (?P<path>[^:]+):(?P<line>\d+) \((?P<what>\w+)\))?:? ?(?P<message>.*)$"
)
_ASSERTED = re.compile(
    r"^\S+: (?P<path>[^\s:]+):(?P<line>\d+): .+: Assertion [`'‘](?P<what>.+)['’] failed\.$"
)
_CTEST = re.compile(
    r"^\s+\d+ - (?P<name>\S.*?) \((?P<how>Failed|Timeout|SEGFAULT|Subprocess .+|.*Exception.*)\)$"
)
_CTESTED = "tests failed out of"
_NINJA = re.compile(r"^ninja: (?:error: (?P<error>.+)|build stopped: (?P<stopped>.+))$")
_CC1 = re.compile(r"^(?:gcc|cc|g\+\+|c\+\+|clang)(?:-\d+)?: (?:fatal )?error: (?P<message>.+)$")


def parse(log: Log) -> Iterator[Found]:
    """Symbols without a definition, targets without a rule, and configurations that stop."""
    for at, line in log.free():
        found = _one(log, at, line)
        if found:
            log.claim(at, at + 1)
            yield found


def _sanitizer(log: Log, at: int, match: re.Match[str]) -> Found:
    tool = {"Address": "asan", "Thread": "tsan", "Memory": "msan", "Leak": "lsan"}.get(
        match["tool"], "sanitizer"
    )
    frames = (_STACK.match(line) for line in log.lines[at + 1 : at + 40])
    own = next((frame for frame in frames if frame and not foreign(frame["path"])), None)
    return Found(
        FailureType.RUNTIME_ERROR, f"{match['code']}{match['rest']}"[:200], tool, at,
        own["path"] if own else None, int(own["line"]) if own else None, match["code"],
    )  # fmt: skip


def _one(log: Log, at: int, line: str) -> Found | None:
    if "undefined reference" in line and (match := _UNDEFINED.match(line)):
        words = f"undefined reference to {match['name']}"
        return Found(
            FailureType.BUILD_FAILURE,
            words,
            "gcc",
            at,
            match["path"],
            code="undefined reference",
            symbol=match["name"],
        )
    if match := _SANITIZER.match(line):
        return _sanitizer(log, at, match)
    if match := _NO_RULE.match(line):
        words = f"no rule to make {match['name']}" + (f", which {match['by']} needs" if match["by"] else "")
        return Found(FailureType.BUILD_FAILURE, words, "make", at, code="no-rule", symbol=match["name"])
    if match := _MAKE_SYNTAX.match(line):
        kind = (
            FailureType.SYNTAX_ERROR
            if "missing separator" in line or "missing 'endif'" in line
            else FailureType.BUILD_FAILURE
        )
        return Found(kind, match["message"], "make", at, match["path"], int(match["line"]))
    if _DIED.search(line):
        # What `make` ran was ended by a signal: `ending` says which.
        return None
    if match := _MAKE.match(line):
        number = int(match["line"]) if match["line"] else None
        return Found(
            FailureType.BUILD_FAILURE,
            match["message"].rstrip("]"),
            "make",
            at,
            match["path"],
            number,
            echo=True,
        )
    if match := _CMAKE.match(line):
        words = match["message"] or next(
            (one.strip() for one in log.lines[at + 1 : at + 6] if one.strip()), ""
        )
        number = int(match["line"]) if match["line"] else None
        return Found(
            FailureType.BUILD_FAILURE, words, "cmake", at, match["path"], number, match["what"] or ""
        )
    if match := _LD.match(line):
        return Found(FailureType.BUILD_FAILURE, match["message"], "gcc", at, echo="ld returned" in line)
    if match := _CC1.match(line):
        echo = "linker command failed" in line
        return Found(
            FailureType.BUILD_FAILURE, match["message"], "clang" if "clang" in line else "gcc", at, echo=echo
        )
    if "Assertion" in line and (match := _ASSERTED.match(line)):
        kind = FailureType.TEST_FAILURE if log.says(_CTESTED) else FailureType.RUNTIME_ERROR
        words = f"assertion failed: {match['what']}"
        return Found(kind, words, "gcc", at, match["path"], int(match["line"]), "assert")
    if log.says(_CTESTED) and (match := _CTEST.match(line)):
        kind = FailureType.TIMEOUT if match["how"] == "Timeout" else FailureType.TEST_FAILURE
        words = f"{match['name']}: {match['how'].lower()}"
        return Found(kind, words, "ctest", at, symbol=match["name"])
    if match := _NINJA.match(line):
        return Found(
            FailureType.BUILD_FAILURE,
            match["error"] or match["stopped"],
            "ninja",
            at,
            echo=bool(match["stopped"]),
        )
    return None
