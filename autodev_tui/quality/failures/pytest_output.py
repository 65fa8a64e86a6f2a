"""pytest's report in its styles: long, short, line, no traceback, -q, xdist, collection errors, cut ones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType
from autodev_tui.quality.failures.pytest_blocks import PLACE, RAISED, Block, Summary, kind_in_test, of_block
from autodev_tui.quality.failures.tracebacks import crash, is_exception, kind_of, module_of

_SECTION = re.compile(r"^={3,} (?P<title>.+?) ={3,}$")
_BLOCK = re.compile(r"^(?P<rule>_{2,}|―{2,}) (?P<title>\S.*\S|\S) (?P=rule)[_―]*$")
_SEPARATOR = re.compile(r"^(?:_ )+_?$")
_ENDED = re.compile(
    r"^(?:=+ )?(?:(?:\d+ (?:failed|passed|skipped|error|errors|deselected|xfailed|xpassed|warnings?|rerun|"
    r"subtests passed|snapshots?.*?)(?:, )?)+|no tests ran)(?: in [\d.:]+ ?(?:s|seconds)\b.*)?(?: =+)?$"
)
_SUMMARY = re.compile(
    r"^(?P<word>FAILED|ERROR|SUBFAILED\S*) (?P<id>[^\s:]\S*?(?:\[.*?\])?)(?: - (?P<message>.*))?$"
)
_PROGRESS = re.compile(
    r"^(?:\[gw\d+\] \[ *\d+%\] (?P<word>FAILED|ERROR) (?P<id>\S.*?)|"
    r"(?P<id2>[^\s:]{1,300}::.{1,300}?) (?P<word2>FAILED|"
    r"ERROR)\b.*)\s*$"
)
_DOTS = re.compile(
    r"^(?P<path>\S+\.(?:py|md|rst|txt)) (?P<letters>[.sxXRu,-]*[FE][.sxXREFu,-]*)(?: +\[ *\d+%\])?$"
)
_RUNNING = re.compile(r"^(?P<id>\S+\.py::\S.*?) ?$")
_BLANK = re.compile(r"^\s*$")
_CONFTEST = re.compile(r"^ImportError while loading conftest '(?P<path>.+)'\.$")
_INTERNAL = re.compile(r"^INTERNALERROR> ?(?P<text>.*)$")
_DUMPED = re.compile(r'^  File "(?P<path>[^"]+)", line (?P<line>\d+)(?:, in .+)?$')
_USAGE = re.compile(
    r"^ERROR: (?P<what>file or directory not found: .+|Unknown config option: .+|not found: .+|usage: .+)$"
)
_COVERAGE = re.compile(r"^(?:FAIL |ERROR: |)(?P<what>(?:Required test coverage of|Coverage failure:) .+)$")
_REPORT = ("ERRORS", "FAILURES", "short test summary info", "test session starts")


def parse(log: Log) -> Iterator[Found]:
    """What pytest reports; its own words decide, whatever the tests printed."""
    yield from _conftest(log)
    begin, end = _region(log)
    if begin is None:
        yield from _coverage(log, 0, len(log.lines))
        return
    blocks = list(_blocks(log, begin, end))
    summary = _summaries(log, begin, end)
    if blocks and not blocks[0].title:
        begin = min(begin, _name_cut(log, blocks, summary, begin))
    found = [of_block(log, block, summary) for block in blocks]
    found += _crashed(log, begin, end)
    found += _by_line(log, begin, end, {one.symbol for one in found}, summary)
    found += _internal(log, begin, end)
    found += _timeout_dump(log, begin, end)
    if not found:
        found += _coverage(log, 0, len(log.lines))
    if not found:
        found += _counted(log, begin, end)
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


def _blocks(log: Log, begin: int, end: int) -> Iterator[Block]:
    inside, block = False, None
    titles = [match["title"] for one in log.lines[begin:end] if (match := _SECTION.match(one))]
    if begin and not any(title in ("ERRORS", "FAILURES", "test session starts") for title in titles):
        # The report's own head was cut off: what stands above belongs to it.
        inside, block = True, Block("", max(begin - 400, 0) - 1, begin)
        begin = max(begin - 400, 0)
    for at in range(begin, end):
        line = log.lines[at]
        if section := _SECTION.match(line):
            if block:
                yield Block(block.title, block.begin, at)
            inside, block = section["title"] in ("ERRORS", "FAILURES"), None
        elif (
            (inside or line.startswith("―")) and (match := _BLOCK.match(line)) and not _SEPARATOR.match(line)
        ):
            if block:
                yield Block(block.title, block.begin, at)
            block = Block(match["title"], at, end)
    if block:
        yield block


def _name_cut(log: Log, blocks: list[Block], summary: Summary, begin: int) -> int:
    """Give a block without a head the test that it can only be of, or drop it; where the report begins."""
    block, *others = blocks
    told = any(log.lines[at].startswith("E  ") for at in range(block.begin + 1, block.end))
    tests = list(summary.tests)
    known = [summary.titles.get(other.title, "") for other in others]
    before = tests.index(known[0]) - 1 if known and known[0] in tests else len(tests) - 1
    if not told or before < 0 or any(at in log.claimed for at in range(block.begin + 1, block.end)):
        del blocks[0]
        return others[0].begin if others else begin
    block.title = tests[before]
    return block.begin + 1


def _crashed(log: Log, begin: int, end: int) -> Iterator[Found]:
    """The interpreter itself died while a test ran."""
    for at in range(begin, end):
        # With -v it stands behind the name of the test.
        _, fatal, what = log.lines[at].partition("Fatal Python error: ")
        if fatal:
            yield crash(log, at, what)
            return


def _summaries(log: Log, begin: int, end: int) -> Summary:
    """Of each test id in the summary, or else in the progress: the line, FAILED or ERROR, and the message."""
    found = Summary()
    for at in range(begin, end):
        line = log.lines[at]
        if match := _SUMMARY.match(line):
            found.add(match["id"], at, match["word"], match["message"] or "")
        elif ("FAILED" in line or "ERROR" in line) and (match := _PROGRESS.match(line)):
            found.add(match["id"] or match["id2"], at, match["word"] or match["word2"], "")
    return found


def _by_line(log: Log, begin: int, end: int, known: set[str], summary: Summary) -> Iterator[Found]:
    """Failures that no block tells of: --tb=line, --tb=native, --tb=no, and progress that was cut."""
    places = []
    inside = False
    for at in range(begin, end):
        if section := _SECTION.match(log.lines[at]):
            inside = section["title"] in ("FAILURES", "ERRORS")
        elif inside and (match := PLACE.match(log.lines[at])) and match["rest"] and not known:
            places.append((at, match))
    # A block in nobody's style still ends with the place and the name of what was raised.
    placed = [
        (at, match)
        for at in range(begin, end)
        if (match := PLACE.match(log.lines[at])) and is_exception(match["rest"] or "")
    ]
    rest = [test for test in summary.tests if test not in known]
    described = {test.partition("::")[0] for test in known}
    for number, test in enumerate(rest):
        at, word, message = summary.tests[test]
        if "::" not in test and (known and (test in described or not message)):
            continue
        path, line = test.partition("::")[0], None
        shown = next((one for one in placed if one[1]["path"] == path), None)
        if shown and not known and not places:
            line = int(shown[1]["line"])
            placed.remove(shown)
        if number < len(places) and len(places) == len(rest):
            at, match = places[number]
            path, line, message = match["path"], int(match["line"]), match["rest"]
        named = RAISED.match(message)
        code = named["name"].rpartition(".")[2] if named and is_exception(named["name"]) else ""
        code = code or ("AssertionError" if message.startswith("assert ") else "")
        kind = kind_in_test(code, message, word == "ERROR" and "::" not in test)
        symbol = (module_of(message) or test) if kind is FailureType.IMPORT_ERROR else test
        yield Found(kind, message or f"{word.lower()}: {test}", "pytest", at, path, line, code, symbol)


def _conftest(log: Log) -> Iterator[Found]:
    """What is said before a session begins: a conftest that cannot be loaded, wrong arguments."""
    for at, line in log.free():
        if match := _CONFTEST.match(line):
            end = log.find(at + 1, _BLANK.match) or min(at + 200, len(log.lines))
            found = of_block(log, Block("conftest", at, end), Summary())
            log.claim(at, end)
            if found.type is FailureType.TEST_FAILURE:
                found.type = FailureType.RUNTIME_ERROR
            found.path = found.path or match["path"]
            found.symbol = "" if found.symbol == "conftest" else found.symbol
            yield found
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
    said = [text for _, text in texts if RAISED.match(text)]
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


def _counted(log: Log, begin: int, end: int) -> Iterator[Found]:
    """Where nothing is told of what failed: the letters beside a file, or else the count."""
    files = [(at, match) for at in range(len(log.lines)) if (match := _DOTS.match(log.lines[at]))]
    for at, match in files:
        yield Found(
            FailureType.TEST_FAILURE, f"a test of {match['path']} failed", "pytest", at, match["path"]
        )
    if files:
        return
    for at in range(begin, end):
        line = log.lines[at].strip("= ")
        if _ENDED.match(log.lines[at]) and re.match(
            r"\d+ (?:failed|errors?)\b|.*, \d+ (?:failed|errors?)\b", line
        ):
            kind = FailureType.TEST_FAILURE if " failed" in line else None
            yield Found(kind, line, "pytest", at, echo=kind is None)
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
