"""One output, ready to be read: plain lines, bounded in length and number, and which are spoken for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from autodev_tui.quality.failures.model import FailureType

HEAD_CHARS, TAIL_CHARS = 256 * 1024, 1024 * 1024
"""What is read of a longer output: causes stand at its begin, summaries at its end."""
HEAD_LINES, TAIL_LINES = 4_000, 8_000
MAX_LINE, MAX_JSON_LINE = 1_000, 4_000
_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC and the like: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_FOREIGN = re.compile(
    r"^\[eval|(?:^|/)(?:site-packages|dist-packages|node_modules|\.tox|\.nox|\.npm|_pytest|_npx)/"
    r"|/lib(?:64)?/python[23]|^<|^node:|^internal/|^/rustc/|^/usr/(?:include|lib|local/go)|/\.cargo/registry/"
    r"|/toolchains/[^/]+/lib/|/go/pkg/mod/|/pyproject_hooks/|^bun:|^webpack"
)
_WRAPPED = re.compile(r'"rendered":|"numFailedTestSuites":|^\{"(?:Time|Action)":.*"Action":|^\{"Action":')
_STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d) ?")
_SERVICE = re.compile(
    r"^(?:[A-Za-z][\w.-]{0,60} *\| ?|"
    r"\[(?!(?i:error|warn|warning|info|debug)\])[\w:./-]{1,60}\] )"
)
"""docker compose, foreman and the like name the service before each line."""


@dataclass
class Found:
    """One failure as a parser read it; `advice` makes a `Failure` of it."""

    type: FailureType | None
    message: str
    tool: str
    at: int
    """Index of the line it was read from."""
    path: str | None = None
    line: int | None = None
    code: str = ""
    symbol: str = ""
    echo: bool = False
    """Only says that something else failed (`make: *** Error 1`): left out when the cause was found."""
    level: str = ""
    """low, medium, high or critical where the tool itself says so."""
    fixable: bool = False
    """The tool itself says that it can mend it."""


@dataclass
class Log:
    """The lines of one output, and what is known of the command."""

    lines: list[str]
    command: str = ""
    exit_code: int | None = None
    timed_out: bool = False
    claimed: set[int] = field(default_factory=set)
    heard: dict[str, bool] = field(default_factory=dict)
    long: dict[int, str] = field(default_factory=dict)
    """The whole text of lines that may be a document and had to be cut."""

    @classmethod
    def read(cls, output: str, command: str, exit_code: int | None, timed_out: bool) -> Log:
        """`output` without colours and progress, cut to a size that is read in bounded time."""
        if len(output) > HEAD_CHARS + TAIL_CHARS:
            output = f"{output[:HEAD_CHARS]}\n{output[-TAIL_CHARS:]}"
        if "\x1b" in output:
            output = _ESCAPES.sub("", output)
        lines = _unwrapped(output.split("\n"))
        if len(lines) > HEAD_LINES + TAIL_LINES:
            lines = [*lines[:HEAD_LINES], *lines[-TAIL_LINES:]]
        long = {
            at: line
            for at, line in enumerate(lines)
            if len(line) > MAX_LINE and line.lstrip(" ").startswith(("{", "[", '"'))
        }
        lines = _without_prefix([_shown(line) for line in lines])
        return cls(lines, command, exit_code, timed_out, long=long)

    def claim(self, begin: int, end: int) -> None:
        """The lines from `begin` to before `end` have been read: no other parser looks at them."""
        self.claimed.update(range(max(begin, 0), min(end, len(self.lines))))

    def free(self, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, str]]:
        """Index and text of the lines that nobody has claimed yet."""
        for at in range(begin, len(self.lines) if end is None else min(end, len(self.lines))):
            if at not in self.claimed:
                yield at, self.lines[at]

    def find(self, begin: int, matches: Callable[[str], object], within: int = 200) -> int | None:
        """The first of `within` lines from `begin` that `matches`. Bounded, so that reading stays linear."""
        end = min(begin + within, len(self.lines))
        return next((at for at in range(begin, end) if matches(self.lines[at])), None)

    def says(self, text: str) -> bool:
        """Whether any line contains `text`."""
        if text not in self.heard:
            self.heard[text] = any(text in line for line in self.lines)
        return self.heard[text]

    @property
    def last(self) -> str:
        """The last line that says anything."""
        return next((line.strip() for line in reversed(self.lines) if line.strip()), "")


def foreign(path: str) -> bool:
    """Whether `path` lies in a library, an interpreter or a tool rather than in the project."""
    return bool(_FOREIGN.search(path))


def _unwrapped(lines: list[str]) -> list[str]:
    """The lines that cargo and go put into JSON, one by one, as they would have printed them."""
    wrapped = [line.startswith('{"') and bool(_WRAPPED.search(line)) for line in lines]
    if not any(wrapped):
        return lines
    shown: list[str] = []
    open_end = False
    for line, inside in zip(lines, wrapped, strict=True):
        text = _text(line) if inside else None
        if text is None:
            shown.append(line)
            open_end = False
            continue
        first, *more = text.split("\n")
        if open_end:
            shown[-1] += first
        else:
            shown.append(first)
        shown += more
        # What ends with a line end leaves an empty line that the next one fills.
        open_end = True
    return shown


def _text(line: str) -> str | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    suites = row.get("testResults")
    if isinstance(suites, list):
        # jest: what it would have printed of each file.
        told = [one for one in suites if isinstance(one, dict) and one.get("message")]
        shown = [f"FAIL {one.get('name')}\n{one['message']}" for one in told]
        return "\n".join([*shown, f"Test Suites: {len(told)} failed"])
    message = row.get("message")
    text = message.get("rendered") if isinstance(message, dict) else row.get("Output", "")
    return text if isinstance(text, str) else None


def _shown(line: str) -> str:
    """What a terminal would show of a line that rewrites itself."""
    if "\r" in line:
        line = line.rstrip("\r").rpartition("\r")[2]
    return line[: MAX_JSON_LINE if line.startswith(("{", "[{")) else MAX_LINE]


def _without_prefix(lines: list[str]) -> list[str]:
    """The lines without what a runner put before each of them: a time, a service's name."""
    full = [line for line in lines if line.strip()]
    # One line may look so by chance; a time with its zone hardly does.
    for prefix, enough in ((_STAMP, 1), (_SERVICE, 3)):
        if len(full) >= enough and all(map(prefix.match, full)):
            return [prefix.sub("", line, count=1) for line in lines]
    return lines
