"""Scripts: shells that cannot read or run one, perl, and programs on the Java virtual machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_BASH = re.compile(r"^(?P<path>[^\s:]+): (?:-c: )?(?:line )?(?P<line>\d+): (?P<message>\S.*)$")
_SHELL_SYNTAX = re.compile(r"(?i)^(?:syntax error|unexpected EOF while|unterminated quoted|bad substitution)")
_SHELL_STOPS = re.compile(r"(?:: |^)(?:unbound variable|parameter not set|division by 0.*)$")
_PERL = re.compile(
    r"^(?P<message>\S.*?) at (?P<path>\S+\.(?:p[lm]|t)) line (?P<line>\d+)(?:\.$|, (?:near|<).*$)"
)
_PROVEN = re.compile(r"^#\s+Failed test(?: '(?P<name>.*?)')?(?: at .*)?$")
_PROVEN_AT = re.compile(r"\bat (?P<path>\S+) line (?P<line>\d+)\.$")
_CHECKED = re.compile(r"^In (?P<path>\S.*) line (?P<line>\d+):$")
_POINTED = re.compile(r"^\s*\^-+\^? (?P<code>SC\d+)(?: \(\w+\))?: (?P<message>.+)$")
_MAVEN = re.compile(
    r"^\[ERROR\] (?:(?P<path>/?\S+\.(?:java|kt|scala)):\[(?P<line>\d+),\d+\] (?:error: )?|"
    r"(?=Failed to execute goal |Non-resolvable |The build could not |Could not resolve ))(?P<message>.+)$"
)
_JAVA = re.compile(
    r"^(?:Exception in thread \"[^\"]*\" |Caused by: )?(?P<name>(?:[a-z_]\w*\.)+[A-Z]\w*(?:Error|Exception))"
    r"(?:: (?P<message>.*))?$"
)
_JAVA_FRAME = re.compile(r"^\s+at (?P<where>[\w.$/@<>-]+)\((?P<path>\w+\.(?:java|kt|scala)):(?P<line>\d+)\)$")
_JAVA_OWN = re.compile(r"^(?:java|jdk|sun|javax|kotlin|scala|org\.(?:junit|gradle|apache|testng))[./]")


def parse(log: Log) -> Iterator[Found]:
    """The line of the script that stopped it."""
    seen: set[tuple[str, str]] = set()
    for at, line in log.free():
        if at in log.claimed:
            continue
        if (match := _BASH.match(line)) and (kind := _shell(match["message"])):
            log.claim(at, at + 1)
            if (match["path"], match["line"]) in seen:
                continue
            seen.add((match["path"], match["line"]))
            # Of `sh -c` there is no file.
            own = match["path"].rpartition("/")[2] not in ("sh", "bash", "dash", "zsh", "ksh")
            yield Found(
                kind, match["message"], "shell", at, match["path"] if own else None,
                int(match["line"]) if own else None,
            )  # fmt: skip
        elif line.startswith("#") and (failed := _PROVEN.match(line)):
            below = log.lines[at + 1] if at + 1 < len(log.lines) else ""
            where = _PROVEN_AT.search(line) or _PROVEN_AT.search(below)
            log.claim(at, at + 2)
            words = f"the test {failed['name']} failed" if failed["name"] else "a test failed"
            path, number = (where["path"], int(where["line"])) if where else (None, None)
            yield Found(FailureType.TEST_FAILURE, words, "prove", at, path, number)
        elif " line " in line and (match := _PERL.match(line)):
            log.claim(at, at + 1)
            broken = match["message"].startswith(("syntax error", "Can't find string terminator", "Missing "))
            absent = match["message"].startswith("Can't locate ")
            kind = FailureType.SYNTAX_ERROR if broken else FailureType.RUNTIME_ERROR
            yield Found(
                FailureType.IMPORT_ERROR if absent else kind, match["message"], "perl", at, match["path"],
                int(match["line"]),
            )  # fmt: skip
    yield from _shellcheck(log)
    yield from _java(log)
    yield from _maven(log)


def _shellcheck(log: Log) -> Iterator[Found]:
    """shellcheck's own form: the place, the line of source, and what is wrong below it."""
    place: re.Match[str] | None = None
    for at, line in log.free():
        if match := _CHECKED.match(line):
            place = match
        elif place and (found := _POINTED.match(line)):
            log.claim(at, at + 1)
            kind = FailureType.SYNTAX_ERROR if found["code"].startswith("SC10") else FailureType.LINT_ERROR
            words, number = found["message"], int(place["line"])
            yield Found(kind, words, "shellcheck", at, place["path"], number, found["code"])


def _shell(message: str) -> FailureType | None:
    if _SHELL_SYNTAX.match(message):
        return FailureType.SYNTAX_ERROR
    return FailureType.RUNTIME_ERROR if _SHELL_STOPS.search(message) else None


def _maven(log: Log) -> Iterator[Found]:
    for at, line in log.free():
        if line.startswith("[ERROR] ") and (match := _MAVEN.match(line)):
            log.claim(at, at + 1)
            number = int(match["line"]) if match["line"] else None
            kind, words = FailureType.BUILD_FAILURE, match["message"]
            if words.startswith("incompatible types"):
                kind = FailureType.TYPE_ERROR
            elif words.startswith("package ") and words.endswith("does not exist"):
                kind = FailureType.IMPORT_ERROR
            elif number and re.search(r"expected$|illegal start|reached end of file", words):
                kind = FailureType.SYNTAX_ERROR
            yield Found(kind, words, "maven", at, match["path"], number, echo=not number)


def _java(log: Log) -> Iterator[Found]:
    """An exception that nobody caught, at the deepest place of the project; its last cause counts."""
    heads = [
        (at, match)
        for at, line in log.free()
        if (match := _JAVA.match(line)) and at + 1 < len(log.lines) and _JAVA_FRAME.match(log.lines[at + 1])
    ]
    for number, (at, match) in enumerate(heads):
        if number + 1 < len(heads) and log.lines[heads[number + 1][0]].startswith("Caused by: "):
            continue
        end = log.find(at + 1, lambda line: not re.match(r"\s+(?:at |\.\.\. \d+ more)", line)) or at + 2
        frames = [found for i in range(at + 1, end) if (found := _JAVA_FRAME.match(log.lines[i]))]
        own = next((one for one in frames if not _JAVA_OWN.match(one["where"])), None)
        log.claim(at, end)
        short = match["name"].rpartition(".")[2]
        absent = short in ("ClassNotFoundException", "NoClassDefFoundError")
        yield Found(
            FailureType.IMPORT_ERROR if absent else FailureType.RUNTIME_ERROR,
            f"{short}: {match['message'] or ''}".rstrip(": "), "java", at, own["path"] if own else None,
            int(own["line"]) if own else None, short,
        )  # fmt: skip
