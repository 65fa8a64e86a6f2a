"""One failure's block in pytest's report: what was raised, and the project's line that it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType
from autodev_tui.quality.failures.tracebacks import cause, chains, is_exception, kind_of, module_of, read

_CAPTURED = re.compile(r"^-{2,} (?:Captured .+|generated .+|live log .+|Hypothesis|benchmark.*) -{2,}$")
_FIXTURE = re.compile(r"^file (?P<path>.+), line (?P<line>\d+)$")
_MISSING_FIXTURE = re.compile(r"^fixture '(?P<name>[^']+)' not found")
_FILE_FRAME = re.compile(r'^File "(?P<path>[^"]+)", line (?P<line>\d+)')
_CRASHED = re.compile(r"worker '(?P<worker>\w+)' crashed while running '(?P<id>.+)'")
_CHAIN = re.compile(r"^(?:The above exception was the direct cause|During handling of the above exception)")
_NAME = re.compile(r"^[A-Za-z_][\w.]*$")
RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
PLACE = re.compile(r"^(?P<path>[^\s:>][^:]*):(?P<line>\d+):(?: (?P<rest>.*))?$")
PHASES = ("ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting ")
_STOPS = (FailureType.SYNTAX_ERROR, FailureType.IMPORT_ERROR)


class Summary:
    """Of each test id: the line it stands in, FAILED or ERROR, and the message."""

    def __init__(self) -> None:
        self.tests: dict[str, tuple[int, str, str]] = {}
        self.titles: dict[str, str] = {}
        """The test of each title that its block may have."""

    def add(self, test: str, at: int, word: str, message: str) -> None:
        """Note one test; of what is told twice the longer message stays."""
        known = self.tests.get(test)
        if known is None or message:
            self.tests[test] = (at, word, message)
        path, _, name = test.partition("::")
        for title in (path, name.replace("::", "."), name, test):
            self.titles.setdefault(title, test)


@dataclass
class Block:
    """Where a block stands, and its title."""

    title: str
    begin: int
    end: int


@dataclass
class _Part:
    """One exception of a chain, as the block tells it."""

    said: list[str] = field(default_factory=list)
    place: tuple[str, int] | None = None
    named: str = ""

    @property
    def message(self) -> str:
        """The line that names the exception: the first, or of unreadable code the one below its source."""
        if self.said and _FILE_FRAME.match(self.said[0]):
            return next((one for one in self.said if kind_of(one.partition(":")[0]) in _STOPS), self.said[0])
        return self.said[0] if self.said else ""

    @property
    def code(self) -> str:
        """The exception's own name."""
        match = RAISED.match(self.message)
        if match and (is_exception(match["name"]) or match["name"].rpartition(".")[2] == self.named):
            return match["name"].rpartition(".")[2]
        return self.named or ("AssertionError" if self.message.startswith("assert ") else "")

    @property
    def kind(self) -> FailureType:
        """What the exception stands for."""
        return kind_of(self.code, self.message.partition(": ")[2])

    @property
    def where(self) -> tuple[str, int] | None:
        """The deepest line of the project; of unreadable code the line that cannot be read."""
        if kind_of(self.code) is FailureType.SYNTAX_ERROR:
            for one in self.said:
                if match := _FILE_FRAME.match(one):
                    return match["path"], int(match["line"])
        return self.place


def of_block(log: Log, block: Block, summary: Summary) -> Found:
    """The failure that a block tells of."""
    parts = [_Part()]
    for at in range(block.begin + 1, block.end):
        text = log.lines[at]
        if _CAPTURED.match(text):
            break
        if crashed := _CRASHED.search(text):
            return Found(
                FailureType.RUNTIME_ERROR, text.strip(), "pytest", at,
                path=crashed["id"].partition("::")[0], code="worker crash", symbol=crashed["id"],
            )  # fmt: skip
        _take(parts, text)
    if not parts[-1].said:
        _native(log, block, parts[-1])
    chosen = next((part for part in reversed(parts) if part.kind in _STOPS), parts[-1])
    if not chosen.where:
        # What only a library passed through on comes from the one before it.
        chosen.place = next((part.place for part in reversed(parts) if part.place), None)
    return _found(log, block, chosen, summary)


def _take(parts: list[_Part], text: str) -> None:
    part = parts[-1]
    if text.startswith("E "):
        part.said.append(text[1:].strip())
    elif _CHAIN.match(text):
        parts.append(_Part())
    elif match := _FIXTURE.match(text):
        part.place = (match["path"], int(match["line"]))
    elif match := PLACE.match(text):
        if not foreign(match["path"]):
            part.place = (match["path"], int(match["line"]))
        if match["rest"] and _NAME.match(match["rest"]):
            part.named = match["rest"].rpartition(".")[2]


def _native(log: Log, block: Block, part: _Part) -> None:
    """--tb=native and exception groups: Python's own words."""
    groups = chains(log, read(log, block.begin, block.end))
    if not groups:
        return
    inner = [chain for chain in groups if chain[0].column > groups[0][-1].column]
    if groups[0][-1].short.endswith("ExceptionGroup") and inner:
        groups = inner
    raised = cause(groups[0])
    path, line = raised.place
    if path and line and part.place is None:
        part.place = (path, line)
    part.said, part.named = [f"{raised.name}: {raised.message}".rstrip(": ")], raised.short


def _found(log: Log, block: Block, part: _Part, summary: Summary) -> Found:
    test = id_of(block.title, summary)
    message, code = part.message or (summary.tests[test][2] if test else ""), part.code
    collecting = block.title.startswith("ERROR collecting ")
    if not message and collecting:
        message = next((one.strip() for one in log.lines[block.begin + 1 : block.end] if one.strip()), "")
    kind = kind_in_test(code, message, collecting)
    if kind is FailureType.TIMEOUT:
        code = "Timeout"
    if missing := next((match for one in part.said if (match := _MISSING_FIXTURE.match(one))), None):
        code, message = "fixture not found", f"fixture '{missing['name']}' not found"
    symbol = test or block.title.removeprefix("ERROR collecting ")
    path, line = part.where or (None, None)
    if not path and ("::" in symbol or collecting):
        path = symbol.partition("::")[0]
    if kind is FailureType.IMPORT_ERROR:
        symbol = module_of(message) or symbol
    # What the test itself did comes before what was left to tidy up.
    late = len(log.lines) if block.title.startswith("ERROR at teardown of ") else 0
    return Found(kind, message or block.title, "pytest", block.begin + late, path, line, code, symbol)


def kind_in_test(code: str, message: str, collecting: bool = False) -> FailureType:
    """What a test that raised `code` stands for; `collecting`: its file could not even be loaded."""
    kind = kind_of(code, message.removeprefix(f"{code}: "))
    if message.startswith("import file mismatch"):
        return FailureType.IMPORT_ERROR
    if kind in _STOPS:
        return kind
    slow = "from pytest-timeout" in message or message.startswith("Failed: Timeout >")
    if slow or code == "TimeoutExpired":
        return FailureType.TIMEOUT
    return FailureType.RUNTIME_ERROR if collecting and code else FailureType.TEST_FAILURE


def id_of(title: str, summary: Summary) -> str:
    """The id of the test of a block: `TestCart.test_total[1]` is `test_cart.py::TestCart::test_total[1]`."""
    for word in PHASES:
        title = title.removeprefix(word)
    return summary.titles.get(title, "")
