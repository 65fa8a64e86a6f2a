"""pytest's report in its styles: long, short, line, no traceback, -q, xdist, collection errors, cut ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType
from autodev_tui.quality.failures.tracebacks import Raised, cause, chains, is_exception, kind_of, module_of, read

_SECTION = re.compile(r"^={3,} (?P<title>.+?) ={3,}$")
_BLOCK = re.compile(r"^_{2,} (?P<title>\S.*\S|\S) _{2,}$")
_SEPARATOR = re.compile(r"^(?:_ )+_?$")
_CAPTURED = re.compile(r"^-{2,} (?:Captured .+|generated .+|live log .+|Hypothesis|benchmark.*) -{2,}$")
_ENDED = re.compile(
    r"^(?:=+ )?(?:(?:\d+ (?:failed|passed|skipped|error|errors|deselected|xfailed|xpassed|warnings?|rerun|"
    r"subtests passed|snapshots?.*?)(?:, )?)+|no tests ran)(?: in [\d.:]+ ?(?:s|seconds)\b.*)?(?: =+)?$"
)
_SUMMARY = re.compile(
    r"^(?P<word>FAILED|ERROR|SUBFAILED\S*) (?P<id>[^\s:]\S*?(?:\[.*?\])?)(?: - (?P<message>.*))?$"
)
_PROGRESS = re.compile(
    r"^(?:\[gw\d+\] \[ *\d+%\] (?P<word>FAILED|ERROR) (?P<id>\S.*?)|(?P<id2>\S+::.+?) (?P<word2>FAILED|ERROR)\b.*)\s*$"
)
_RUNNING = re.compile(r"^(?P<id>\S+\.py::\S.*?) ?$")
_PLACE = re.compile(r"^(?P<path>[^\s:>][^:]*):(?P<line>\d+):(?: (?P<rest>.*))?$")
_FILE_FRAME = re.compile(r'^E\s+File "(?P<path>[^"]+)", line (?P<line>\d+)')
_FIXTURE = re.compile(r"^file (?P<path>.+), line (?P<line>\d+)$")
_MISSING_FIXTURE = re.compile(r"^E\s+fixture '(?P<name>[^']+)' not found")
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: (?P<message>.*))?$")
_CONFTEST = re.compile(r"^ImportError while loading conftest '(?P<path>.+)'\.$")
_CRASHED = re.compile(r"worker '(?P<worker>\w+)' crashed while running '(?P<id>.+)'")
_INTERNAL = re.compile(r"^INTERNALERROR> ?(?P<text>.*)$")
_DUMPED = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in .+)?$')
_USAGE = re.compile(r"^ERROR: (?P<what>file or directory not found: .+|not found: .+|usage: .+)$")
_COVERAGE = re.compile(r"^(?:FAIL |ERROR: |)(?P<what>(?:Required test coverage of|Coverage failure:) .+)$")
_CHAIN = re.compile(r"^(?:The above exception was the direct cause|During handling of the above exception)")
_REPORT = ("ERRORS", "FAILURES", "short test summary info", "test session starts")


@dataclass
class _Block:
    title: str
    begin: int
    end: int


def parse(log: Log) -> Iterator[Found]:
    """What pytest reports; its own words decide, whatever the tests printed."""
    yield from _conftest(log)
    begin, end = _region(log)
    if begin is None:
        yield from _coverage(log, 0, len(log.lines))
        return
    blocks = list(_blocks(log, begin, end))
    summary = _summaries(log, begin, end)
    found = [one for block in blocks if (one := _of_block(log, block, summary))]
    found += _by_line(log, begin, end, {one.symbol for one in found}, summary)
    found += _internal(log, begin, end)
    found += _timeout_dump(log, begin, end)
    if not found:
        found += _coverage(log, begin, len(log.lines))
    if log.timed_out or (log.exit_code is not None and log.exit_code < 0):
        found += _cut_short(log, begin, end)
    log.claim(begin, end)
    yield from found


def _region(log: Log) -> tuple[int | None, int]:
    begin, end, seen = None, 0, False
    for at, line in log.free():
        section = _SECTION.match(line)
        ours = section and section["title"] in _REPORT
        ended = _ENDED.match(line) if not ours else None
        if ours or (ended and ("=" in line or " in " in line)) or line.startswith("INTERNALERROR>"):
            begin = at if begin is None else begin
            end, seen = at + 1, seen or bool(ended)
    if begin is None:
        return None, 0
    # What is not ended yet reaches to the end: the command was cut off in the middle.
    return begin, end if seen else len(log.lines)


def _blocks(log: Log, begin: int, end: int) -> Iterator[_Block]:
    inside, block = False, None
    for at in range(begin, end):
        line = log.lines[at]
        if section := _SECTION.match(line):
            if block:
                yield _Block(block.title, block.begin, at)
            inside, block = section["title"] in ("ERRORS", "FAILURES"), None
        elif inside and (match := _BLOCK.match(line)) and not _SEPARATOR.match(line):
            if block:
                yield _Block(block.title, block.begin, at)
            block = _Block(match["title"], at, end)
    if block:
        yield block


def _summaries(log: Log, begin: int, end: int) -> dict[str, tuple[int, str, str]]:
    """Of each test id in the summary, or else in the progress: the line, FAILED or ERROR, and the message."""
    found: dict[str, tuple[int, str, str]] = {}
    for at in range(begin, end):
        line = log.lines[at]
        if match := _SUMMARY.match(line):
            found[match["id"]] = (at, match["word"], match["message"] or "")
        elif ("FAILED" in line or "ERROR" in line) and (match := _PROGRESS.match(line)):
            found.setdefault(match["id"] or match["id2"], (at, match["word"] or match["word2"], ""))
    return found


def _of_block(log: Log, block: _Block, summary: dict[str, tuple[int, str, str]]) -> Found | None:
    path, line, rest = None, None, ""
    own: tuple[str, int] | None = None
    syntax: tuple[str, int] | None = None
    said: list[str] = []
    code = ""
    for at in range(block.begin + 1, block.end):
        text = log.lines[at]
        if _CAPTURED.match(text):
            break
        if text.startswith("E "):
            if match := _FILE_FRAME.match(text):
                syntax = (match["path"], int(match["line"]))
            said.append(text[1:].strip())
        elif _CHAIN.match(text) and not any(_earlier(one) for one in said):
            # What follows came of what was said so far; only what cannot be read or imported is the cause.
            said, code = [], ""
        elif match := _FIXTURE.match(text):
            own = (match["path"], int(match["line"]))
        elif match := _PLACE.match(text):
            path, line, rest = match["path"], int(match["line"]), match["rest"] or ""
            if not foreign(path):
                own = (path, line)
            if re.fullmatch(r"[A-Za-z_][\w.]*", rest):
                code = rest.rpartition(".")[2]
        elif crashed := _CRASHED.search(text):
            return Found(
                FailureType.RUNTIME_ERROR, text.strip(), "pytest", at,
                path=crashed["id"].partition("::")[0], code="worker crash", symbol=crashed["id"],
            )  # fmt: skip
    if not said and (raised := _native(log, block)):
        # --tb=native and exception groups: Python's own words.
        found_path, found_line = raised.place
        own = own or ((found_path, found_line) if found_path and found_line else None)
        said, code = [f"{raised.name}: {raised.message}".rstrip(": ")], raised.short
    message, named = _message(said)
    code = named if named and (not code or not said or named != "") else code
    test = _id_of(block.title, summary)
    if not message and test:
        message = summary[test][2]
    collecting = block.title.startswith("ERROR collecting ")
    kind = _kind(code, message, collecting)
    if kind is FailureType.TIMEOUT:
        code = "Timeout"
    if kind is FailureType.SYNTAX_ERROR and syntax:
        own = syntax
    missing = next((match["name"] for one in said if (match := _MISSING_FIXTURE.match(f"E {one}"))), "")
    if missing:
        code, message = "fixture not found", f"fixture '{missing}' not found"
    symbol = test or block.title.removeprefix("ERROR collecting ")
    if kind is FailureType.IMPORT_ERROR:
        symbol = module_of(message) or symbol
    if not own and "::" in symbol:
        own = None
        path = symbol.partition("::")[0]
    elif not own:
        path = symbol if collecting else None
    return Found(
        kind, message or block.title, "pytest", block.begin,
        path=own[0] if own else path, line=own[1] if own else None,
        code=code, symbol=symbol,
    )  # fmt: skip


def _native(log: Log, block: _Block) -> Raised | None:
    groups = chains(log, read(log, block.begin, block.end))
    return cause(groups[0]) if groups else None


def _earlier(said: str) -> bool:
    match = _RAISED.match(said)
    return bool(match) and kind_of(said.partition(":")[0]) in (
        FailureType.SYNTAX_ERROR,
        FailureType.IMPORT_ERROR,
    )


def _message(said: list[str]) -> tuple[str, str]:
    """The message of what was raised, and its name: of several that led to one another what cannot be
    imported or read, else the last."""
    best, name = (said[0], "") if said else ("", "")
    if best.startswith(("assert ", "AssertionError")):
        name = "AssertionError"
    for one in said:
        match = _RAISED.match(one)
        if match and is_exception(match["name"]):
            short = match["name"].rpartition(".")[2]
            if not name or short in ("SyntaxError", "ModuleNotFoundError", "ImportError") or best == said[0]:
                best, name = one, short
            break
    for one in said:
        match = _RAISED.match(one)
        if match and kind_of(match["name"]) in (FailureType.SYNTAX_ERROR, FailureType.IMPORT_ERROR):
            return one, match["name"].rpartition(".")[2]
    return best, name


def _kind(code: str, message: str, collecting: bool = False) -> FailureType:
    kind = kind_of(code)
    if kind in (FailureType.SYNTAX_ERROR, FailureType.IMPORT_ERROR):
        return kind
    if (
        "from pytest-timeout" in message
        or code == "TimeoutExpired"
        or re.match(r"Failed: Timeout >", message)
    ):
        return FailureType.TIMEOUT
    return FailureType.RUNTIME_ERROR if collecting and code else FailureType.TEST_FAILURE


def _id_of(title: str, summary: dict[str, tuple[int, str, str]]) -> str:
    """The test id of a block's title: `TestCart.test_total[1]` is `tests/test_cart.py::TestCart::test_total[1]`."""
    for word in ("ERROR at setup of ", "ERROR at teardown of ", "ERROR collecting "):
        title = title.removeprefix(word)
    for test in summary:
        path, _, name = test.partition("::")
        if title in (path, name.replace("::", "."), name):
            return test
    return ""


def _by_line(
    log: Log, begin: int, end: int, known: set[str], summary: dict[str, tuple[int, str, str]]
) -> Iterator[Found]:
    """Failures that no block tells of: --tb=line, --tb=native, --tb=no, and progress that was cut."""
    places = []
    inside = False
    for at in range(begin, end):
        if section := _SECTION.match(log.lines[at]):
            inside = section["title"] in ("FAILURES", "ERRORS")
        elif inside and (match := _PLACE.match(log.lines[at])) and match["rest"] and not known:
            places.append((at, match))
    rest = [test for test in summary if test not in known]
    described = {test.partition("::")[0] for test in known}
    for number, test in enumerate(rest):
        at, word, message = summary[test]
        if "::" not in test and (known and (test in described or not message)):
            continue
        path, line = test.partition("::")[0], None
        if number < len(places) and len(places) == len(rest):
            at, match = places[number]
            path, line, message = match["path"], int(match["line"]), match["rest"]
        named = _RAISED.match(message)
        code = named["name"].rpartition(".")[2] if named and is_exception(named["name"]) else ""
        code = code or ("AssertionError" if message.startswith("assert ") else "")
        kind = _kind(code, message, word == "ERROR" and "::" not in test)
        symbol = (module_of(message) or test) if kind is FailureType.IMPORT_ERROR else test
        yield Found(kind, message or f"{word.lower()}: {test}", "pytest", at, path, line, code, symbol)


def _conftest(log: Log) -> Iterator[Found]:
    """What is said before a session begins: a conftest that cannot be loaded, wrong arguments."""
    for at, line in log.free():
        if match := _CONFTEST.match(line):
            end = next((i for i in range(at + 1, len(log.lines)) if not log.lines[i].strip()), len(log.lines))
            found = _of_block(log, _Block("conftest", at, end), {})
            log.claim(at, end)
            if found:
                path = found.path or match["path"]
                kind = found.type if found.type is not FailureType.TEST_FAILURE else FailureType.RUNTIME_ERROR
                symbol = "" if found.symbol == "conftest" else found.symbol
                yield Found(kind, found.message, "pytest", at, path, found.line, found.code, symbol)
        elif (match := _USAGE.match(line)) and "pytest" in line + log.command:
            log.claim(at, at + 1)
            yield Found(None, match["what"], "pytest", at)


def _internal(log: Log, begin: int, end: int) -> Iterator[Found]:
    texts = [(at, match["text"]) for at in range(begin, end) if (match := _INTERNAL.match(log.lines[at]))]
    if not texts:
        return
    path, line = None, None
    for _, text in texts:
        frame = _DUMPED.match(text)
        if frame and not foreign(frame["path"]):
            path, line = frame["path"], int(frame["line"])
    said = [text for _, text in texts if _RAISED.match(text)]
    last = said[-1] if said else texts[-1][1]
    name = last.partition(":")[0]
    yield Found(kind_of(name), last, "pytest", texts[0][0], path, line, name.rpartition(".")[2])


def _timeout_dump(log: Log, begin: int, end: int) -> Iterator[Found]:
    """pytest-timeout's thread method: it prints every stack and ends the process."""
    at = next((at for at in range(begin, end) if re.search(r"\+{10,} Timeout \+{10,}$", log.lines[at])), None)
    if at is None:
        return
    path, line = None, None
    for below in range(at + 1, end):
        frame = _DUMPED.match(log.lines[below])
        if frame and not foreign(frame["path"]):
            path, line = frame["path"], int(frame["line"])
    log.claim(at, end)
    yield Found(FailureType.TIMEOUT, "a test took longer than allowed", "pytest", at, path, line, "Timeout")


def _coverage(log: Log, begin: int, end: int) -> Iterator[Found]:
    for at in range(begin, end):
        if match := _COVERAGE.match(log.lines[at]):
            yield Found(FailureType.TEST_FAILURE, match["what"], "coverage", at, code="fail-under")
            return


def _cut_short(log: Log, begin: int, end: int) -> Iterator[Found]:
    """The test that ran when the command was ended."""
    last = next((at for at in range(end - 1, begin - 1, -1) if log.lines[at].strip()), begin)
    if match := _RUNNING.match(log.lines[last]):
        test = match["id"]
        yield Found(
            FailureType.TIMEOUT if log.timed_out else FailureType.RUNTIME_ERROR,
            f"ended while {test} ran", "pytest", last, path=test.partition("::")[0], symbol=test,
        )  # fmt: skip
