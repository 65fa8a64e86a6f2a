"""What an error's own words say: which name, module, attribute or line is wrong, and where it was met."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

Kind = Literal[
    "undefined", "no_module", "no_name", "relative", "module_attribute", "attribute", "keyword", "self",
    "fixture", "syntax", "other",
]  # fmt: skip


@dataclass(frozen=True)
class Symptom:
    """One error. `places` are (path, line) in the worktree, the innermost last."""

    kind: Kind
    error: str
    """The exception's own name, or the code of a tool."""
    message: str
    name: str = ""
    owner: str = ""
    """The module, class or function that `name` was looked for in."""
    places: tuple[tuple[str, int], ...] = ()
    options: tuple[str, ...] = field(default=())
    """Names that the tool says there are."""

    @property
    def path(self) -> str:
        """The file in which it happened, "" if none of the worktree's."""
        return self.places[-1][0] if self.places else ""

    @property
    def line(self) -> int:
        """The line, 0 if it is not known."""
        return self.places[-1][1] if self.places else 0


_ERROR = re.compile(
    r"^(?:E\s+)?((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt)): ?(.*)$"
)
_FRAMES = (
    re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d{1,9}): in .+$"),
    re.compile(r"^(?:E(?=\s))?\s*File \"(?P<path>[^\"]+)\", line (?P<line>\d{1,9})"),
    re.compile(r"^file (?P<path>.+), line (?P<line>\d{1,9})$"),
    re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d{1,9}): ?(?P<error>[A-Z]\w*)?$"),
)
_BREAK = re.compile(
    r"^(?:_{5,}|={5,}|Traceback \(most recent|During handling|The above exception|ERROR: |FAIL: )"
)
_FINDING = re.compile(r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d{1,9}):(?:\d+:)?(?:\d+:)* (?P<rest>\S.*)$")
_FIXTURE = re.compile(r"^E\s+fixture '(\w+)' not found")
_AVAILABLE = re.compile(r"^>\s+available fixtures: (.+)$")

_PATTERNS: tuple[tuple[Kind, str, re.Pattern[str]], ...] = (
    ("undefined", "NameError", re.compile(r"name '(?P<name>\w+)' is not defined")),
    ("no_module", "ModuleNotFoundError", re.compile(r"No module named '(?P<name>[\w.]+)'$")),
    (
        "no_name",
        "ImportError",
        re.compile(r"cannot import name '(?P<name>\w+)' from '(?P<owner>[\w.]+)'"),
    ),
    ("relative", "ImportError", re.compile(r"attempted relative import (?:beyond|with no known)")),
    (
        "module_attribute",
        "AttributeError",
        re.compile(r"module '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'"),
    ),
    (
        "attribute",
        "AttributeError",
        re.compile(r"(?:type object )?'(?P<owner>\w+)'(?: object)? has no attribute '(?P<name>\w+)'"),
    ),
    (
        "keyword",
        "TypeError",
        re.compile(r"(?<![\w.<>])(?P<owner>[\w.<>]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'"),
    ),
)
_TAKES = re.compile(
    r"\b(?P<owner>\w+)\.(?P<name>\w+)\(\) takes (\d{1,9}) positional arguments?"
    r" but (\d{1,9}) (?:was|were) given"
)
_TOLD: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("undefined", re.compile(r"F821 Undefined name `(?P<name>\w+)`")),
    ("undefined", re.compile(r"F821 undefined name '(?P<name>\w+)'")),
    ("undefined", re.compile(r'error: Name "(?P<name>\w+)" is not defined')),
    (
        "module_attribute",
        re.compile(r'error: Module "(?P<owner>[\w.]+)" has no attribute "(?P<name>\w+)"'),
    ),
    ("attribute", re.compile(r'error: "(?P<owner>\w+)" has no attribute "(?P<name>\w+)"')),
    ("keyword", re.compile(r'error: Unexpected keyword argument "(?P<name>\w+)" for "(?P<owner>\w+)"')),
    (
        "no_module",
        re.compile(r'error: Cannot find implementation or library stub for module named "(?P<name>[\w.]+)"'),
    ),
    ("syntax", re.compile(r"(?:invalid-syntax|E999|SyntaxError|error:.*\[syntax\])")),
)


def symptoms(text: str, local: Callable[[str], str]) -> list[Symptom]:
    """The errors in a tool's output, in order, each once. `local` makes a path relative to the worktree."""
    found: dict[tuple[str, str, str, str], Symptom] = {}
    for one in _read(text.split("\n"), local):
        key = (
            one.kind,
            one.name or one.message,
            one.owner,
            f"{one.path}:{one.line}" if one.kind != "no_module" else one.path,
        )
        found.setdefault(key, one)
    return list(found.values())


def _read(lines: list[str], local: Callable[[str], str]) -> Iterator[Symptom]:
    places: list[tuple[str, int]] = []
    held: Symptom | None = None
    for number, line in enumerate(lines):
        if frame := _frame(line):
            path = local(frame["path"])
            if path:
                places.append((path, int(frame["line"])))
                if held and frame.groupdict().get("error") == held.error:
                    # The long form of pytest names the place after the error.
                    held = replace(held, places=(*held.places, places[-1]))
            continue
        ends = bool(_BREAK.match(line))
        told = _told(line, lines[number : number + 4], tuple(places), local)
        error = _ERROR.match(line)
        if held and (ends or told or error):
            yield held
            held = None
        if ends:
            places = []
        elif told:
            yield told
        elif error:
            held = _of(error[1], error[2].strip(), tuple(places))
    if held:
        yield held


def _frame(line: str) -> re.Match[str] | None:
    return next((match for pattern in _FRAMES if (match := pattern.match(line))), None)


def _told(
    line: str, following: list[str], places: tuple[tuple[str, int], ...], local: Callable[[str], str]
) -> Symptom | None:
    """What one line says by itself: a fixture that is missing, a finding of a linter or type checker."""
    if fixture := _FIXTURE.match(line):
        listed = next((match for one in following if (match := _AVAILABLE.match(one))), None)
        names = tuple(listed[1].split(", ")) if listed else ()
        return Symptom("fixture", "fixture", line[1:].strip(), fixture[1], "", places, names)
    finding = _FINDING.match(line)
    path = local(finding["path"]) if finding else ""
    if not finding or not path:
        return None
    rest, place = finding["rest"], ((path, int(finding["line"])),)
    for kind, pattern in _TOLD:
        if match := pattern.search(rest):
            groups = match.groupdict()
            name, owner = groups.get("name") or "", groups.get("owner") or ""
            return Symptom(kind, rest.split()[0], rest, name, owner, place)
    return None


def _of(error: str, message: str, places: tuple[tuple[str, int], ...]) -> Symptom:
    short = error.rpartition(".")[2]
    if short in ("SyntaxError", "IndentationError", "TabError"):
        return Symptom("syntax", short, message, places=places)
    if short == "TypeError" and (takes := _TAKES.search(message)) and int(takes[4]) == int(takes[3]) + 1:
        return Symptom("self", short, message, takes["name"], takes["owner"], places)
    for kind, name, pattern in _PATTERNS:
        if short == name and (match := pattern.search(message)):
            groups = match.groupdict()
            return Symptom(kind, short, message, groups.get("name") or "", groups.get("owner") or "", places)
    return Symptom("other", short, message, places=places)
