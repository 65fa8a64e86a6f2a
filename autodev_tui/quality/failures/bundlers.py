"""What bundles for browsers: vite, rollup, webpack, esbuild."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_VITE = re.compile(r"^(?:error during build:|✗ Build failed in .*)$")
_PLUGIN = re.compile(
    r"^\[(?:plugin |vite)[^\]]*\] ?(?P<path>/?\S+\.\w+)?(?: \(?(?P<line>\d+):\d+\)?)?(?P<rest>.*)$"
)
_RAISED = re.compile(r"^(?:\w*Error|\[\w+\] \w*Error|\[\w+\])(?: \[[^\]]+\])?:? (?P<message>.+)$")
_FILE = re.compile(r"^(?:file: |\s*[╭,]─?\[ ?|\s*at )?(?P<path>/?[\w@./-]+\.\w+)(?::(?P<line>\d+):\d+)?")
_WEBPACK = re.compile(r"^ERROR in (?P<path>\S+)(?: (?P<line>\d+):\d+(?:-\d+)?)?$")
_ESBUILD = re.compile(r"^(?:✘|X) \[ERROR\] (?P<message>.+)$")
_ESBUILD_AT = re.compile(r"^ {4}(?P<path>\S.*?):(?P<line>\d+):\d+:$")
_ABSENT = re.compile(
    r"(?:Can't resolve|Could not resolve|failed to resolve import) ['\"](?P<name>[^'\"]+)['\"]", re.IGNORECASE
)
_UNREADABLE = re.compile(
    r"Module parse failed|Unexpected |Expected .+ but found|Unterminated|SyntaxError|PARSE_ERROR"
)


def parse(log: Log) -> Iterator[Found]:
    """The file that could not be bundled, and why."""
    for at, line in log.free():
        if match := _ESBUILD.match(line):
            place = next((m for one in log.lines[at + 1 : at + 4] if (m := _ESBUILD_AT.match(one))), None)
            log.claim(at, at + 4)
            yield _found(at, "esbuild", match["message"], place)
        elif match := _WEBPACK.match(line):
            words = next((one.strip() for one in log.lines[at + 1 : at + 4] if one.strip()), "")
            log.claim(at, at + 3)
            yield _found(at, "webpack", words, match)
        elif _VITE.match(line):
            yield _vite(log, at)
            return


def _vite(log: Log, at: int) -> Found:
    words, place = "", None
    for one in log.lines[at + 1 : at + 14]:
        if one.startswith("    at "):
            break
        if (match := _PLUGIN.match(one)) and not place:
            place = match if match["path"] else place
            words = words or match["rest"].strip(" :")
        elif match := _RAISED.match(one):
            words = words or match["message"]
        elif one.startswith(("file: ", "/")) and not place:
            place = _FILE.match(one)
    log.claim(at, len(log.lines))
    return _found(at, "vite", words or log.lines[at], place)


def _found(at: int, tool: str, words: str, place: re.Match[str] | None) -> Found:
    kind, symbol = FailureType.BUILD_FAILURE, ""
    if absent := _ABSENT.search(words):
        kind, symbol = FailureType.IMPORT_ERROR, absent["name"]
    elif _UNREADABLE.search(words):
        kind = FailureType.SYNTAX_ERROR
    path = place["path"] if place else None
    number = int(place["line"]) if place and place["line"] else None
    return Found(kind, words, tool, at, path, number, symbol=symbol)
