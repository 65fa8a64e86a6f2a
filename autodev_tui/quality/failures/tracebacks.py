"""Python's tracebacks: chained, grouped, of syntax errors without one, and of a crashed interpreter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from autodev_tui.quality.failures.log import Found, Log, foreign
from autodev_tui.quality.failures.model import FailureType

_HEAD = re.compile(r"^(.{0,200}?)(?:Exception Group )?Traceback \(most recent call last\):$")
_FRAME = re.compile(r'^\s*File "(?P<path>[^"]+)", line (?P<line>\d+)(?:,? in (?P<name>.+))?$')
_RAISED = re.compile(r"^(?P<name>[A-Za-z_][\w.]*)(?:: ?(?P<message>.*))?$")
_LOOKS_RAISED = re.compile(
    r"(?:Error|Exception|Warning|Interrupt|Exit|Failed|Timeout|Group|Expired|Failure)$"
)
_CHAIN = re.compile(r"The above exception was the direct cause|During handling of the above exception")
_SYNTAX = frozenset({"SyntaxError", "IndentationError", "TabError"})
_IMPORT = frozenset(
    {
        "ModuleNotFoundError",
        "ImportError",
        "ZipImportError",
        "PackageNotFoundError",
        "DistributionNotFound",
        "VersionConflict",
        "ContextualVersionConflict",
    }
)
_CIRCLE = "partially initialized module"
"""Python names the circle where a name is asked for that is not there yet."""
_TIMEOUTS = frozenset(
    {
        "TimeoutExpired",
        "TimeoutError",
        "ReadTimeout",
        "ConnectTimeout",
        "CancelledTimeout",
        "Timeout",
        "timeout",
    }
)
_MODULE = re.compile(
    r"No module named '?([\w.\-]+)'?|(?:cannot import name|partially initialized module) '([^']+)'|"
    r"No package metadata was found for ([\w.\-]+)|The '([\w.\-]+)[^']*' distribution was not found"
)
_NO_MODULE = re.compile(
    r"^\S*python[\d.]*(?:\.exe)?: (?:No module named (?P<name>[\w.\-]+)|"
    r"Error while finding module specification for '(?P<spec>[^']+)' \((?P<why>\w+): (?P<message>.*)\))"
)
_LOGGED = re.compile(r"^(?:\S+ ){0,4}\[?(?:ERROR|CRITICAL|WARNING|INFO|DEBUG)\]?[:\s|-]")
_BUILDS = re.compile(
    r"/(?:hatchling|setuptools|distutils|flit_core|poetry/core|mesonpy|scikit_build_core|maturin|build)/"
)
_SETUP = re.compile(r"(?:^|/)setup\.py$")
_ENCODED = re.compile(r"^SyntaxError: .*\bin file (?P<path>.+?) on line (?P<line>\d+)\b")
_WATCHDOG = re.compile(r"^Timeout \(\d+:\d\d:\d\d(?:\.\d+)?\)!$")
_FATAL = re.compile(r"^Fatal Python error: (?P<what>.+)$")


@dataclass
class Raised:
    """One traceback: where it passed, and what was raised. `column` is how far it is indented."""

    begin: int
    end: int
    column: int
    name: str = ""
    message: str = ""
    frames: list[tuple[str, int, str]] = field(default_factory=list)
    remote: bool = False

    @property
    def short(self) -> str:
        """The exception's own name without its module."""
        return self.name.rpartition(".")[2]

    @property
    def place(self) -> tuple[str | None, int | None]:
        """The deepest place in the project's own code; of a syntax error the place that it is about."""
        if self.short in _SYNTAX and self.frames:
            path, line, name = self.frames[-1]
            # What was read from no file was handed over by the code that asked for it.
            if not name and not path.startswith("<"):
                return path, line
            if encoded := _ENCODED.match(f"{self.short}: {self.message}"):
                return encoded["path"], int(encoded["line"])
        own = [frame for frame in self.frames if not foreign(frame[0])]
        return own[-1][:2] if own else (None, None)


def kind_of(name: str, message: str = "") -> FailureType:
    """The type of failure that an exception of this name stands for when nobody caught it."""
    short = name.rpartition(".")[2]
    if short in _SYNTAX:
        return FailureType.SYNTAX_ERROR
    if short in _IMPORT or (short == "AttributeError" and message.startswith(_CIRCLE)):
        return FailureType.IMPORT_ERROR
    return FailureType.TIMEOUT if short in _TIMEOUTS else FailureType.RUNTIME_ERROR


def module_of(message: str) -> str:
    """The module or name that an import error is about, empty when it names none."""
    match = _MODULE.search(message)
    return next((one for one in match.groups() if one), "") if match else ""


def read(log: Log, begin: int, end: int) -> list[Raised]:
    """Every traceback between two lines, in their order."""
    found = []
    at = begin
    while at < end:
        head = _HEAD.match(log.lines[at])
        if head:
            # Only a group's own marks and indentation stand before every line of a traceback.
            column = 0 if head[1].strip(" |+-") else len(head[1])
            raised = _one(log, at, end, column)
            raised.remote = at > 0 and log.lines[at - 1].strip() == '"""'
            found.append(raised)
            at = max(raised.end, at + 1)
        else:
            at += 1
    return found


def cause(chain: list[Raised]) -> Raised:
    """Of exceptions that led to one another the cause: what could not be read or imported, else the last."""
    last = chain[-1]
    if last.short in _SYNTAX | _IMPORT:
        return last
    for raised in chain:
        if raised.short in _SYNTAX | _IMPORT:
            return raised
    if last.short == "KeyboardInterrupt" and chain[0].short == "CancelledError" and chain[0].place[0]:
        # asyncio lets a task end first: where it waited says more than where the loop was started.
        return replace(chain[0], name=last.name, message=last.message)
    return chain[0] if chain[0].remote else last


def chains(log: Log, raised: list[Raised]) -> list[list[Raised]]:
    """Tracebacks put together where one says that it came of the one before."""
    found: list[list[Raised]] = []
    for one in raised:
        before = found[-1][-1] if found else None
        linked = before and any(_CHAIN.search(line) for line in log.lines[before.end : one.begin])
        if linked and before and before.column == one.column:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def parse(log: Log) -> Iterator[Found]:
    """What Python itself printed. Of several unrelated tracebacks the last one ended the program."""
    free = [at for at, _ in log.free()]
    groups = chains(log, [one for one in read(log, 0, len(log.lines)) if one.begin not in log.claimed])
    for number, chain in enumerate(groups):
        last = chain[-1]
        log.claim(chain[0].begin, last.end)
        before = groups[number - 1][-1] if number else None
        if before and before.end == chain[0].begin and before.message.endswith(":"):
            # The words of the exception before quote it.
            continue
        inner = groups[number + 1 :]
        if last.short.endswith("ExceptionGroup") and inner and inner[0][0].column > last.column:
            continue
        one = cause(chain)
        path, line = one.place
        if any(_BUILDS.search(frame[0]) for frame in one.frames) or (
            kind_of(one.name) is FailureType.RUNTIME_ERROR
            and any(_SETUP.search(frame[0]) for frame in one.frames)
        ):
            yield Found(FailureType.BUILD_FAILURE, _words(one), "build", one.begin, path, line, one.short)
            continue
        yield Found(
            kind_of(one.name, one.message) if one.name else None,
            _words(one) or "a traceback whose end is missing",
            "python",
            # The last traceback is the one that nobody caught; those of one group come in their order.
            at=-one.begin if one.column == 0 else one.begin,
            path=path,
            line=line,
            code=one.short,
            symbol=module_of(one.message),
            # What was logged was caught; and what another program ended with only says that it failed.
            echo=(chain[0].begin > 0 and bool(_LOGGED.search(log.lines[chain[0].begin - 1])))
            or one.short == "CalledProcessError",
        )
    yield from _bare(log, [at for at in free if at not in log.claimed])


def _bare(log: Log, free: list[int]) -> Iterator[Found]:
    """Syntax errors without a traceback, modules that -m did not find, and crashes."""
    for at in free:
        line = log.lines[at]
        if at in log.claimed:
            continue
        if frame := _FRAME.match(line):
            for below in range(at + 1, min(at + 6, len(log.lines))):
                raised = _RAISED.match(log.lines[below].strip())
                if raised and raised["name"] in _SYNTAX:
                    log.claim(at, below + 1)
                    message = f"{raised['name']}: {raised['message'] or ''}".rstrip(": ")
                    # Of `python -c` and of standard input there is no file.
                    path = None if frame["path"].startswith("<") else frame["path"]
                    number = int(frame["line"]) if path else None
                    yield Found(FailureType.SYNTAX_ERROR, message, "python", at, path, number, raised["name"])
                    break
            else:
                yield from _headless(log, at)
        elif absent := _NO_MODULE.match(line):
            name = absent["name"] or module_of(absent["message"] or "") or absent["spec"]
            code = absent["why"] or "ModuleNotFoundError"
            yield Found(
                FailureType.IMPORT_ERROR,
                f"No module named {name}",
                "python",
                at,
                code=code,
                symbol=name.strip("."),
            )
        elif fatal := _FATAL.match(line):
            yield crash(log, at, fatal["what"])
        elif encoded := _ENCODED.match(line):
            log.claim(at, at + 1)
            yield Found(
                FailureType.SYNTAX_ERROR, line, "python", at, encoded["path"], int(encoded["line"]),
                "SyntaxError",
            )  # fmt: skip
        elif (
            _WATCHDOG.match(line)
            and at + 1 < len(log.lines)
            and "most recent call first" in log.lines[at + 1]
        ):
            stack = crash(log, at, line)
            yield Found(
                FailureType.TIMEOUT, f"the watchdog ended it: {line}", "python", at, stack.path, stack.line,
                "Timeout",
            )  # fmt: skip


def _headless(log: Log, at: int) -> Iterator[Found]:
    """A traceback whose head was cut off: its last frames, and what was raised."""
    raised = _one(log, at - 1, min(at + 200, len(log.lines)), 0)
    if raised.frames and all(frame[2] for frame in raised.frames) and is_exception(raised.short):
        quoted = at - 1 in log.claimed
        log.claim(at, raised.end)
        if quoted:
            # It is part of what another exception says.
            return
        path, line = raised.place
        kind = kind_of(raised.name, raised.message)
        yield Found(kind, _words(raised), "python", at, path, line, raised.short, module_of(raised.message))


def crash(log: Log, at: int, what: str) -> Found:
    """The interpreter died: the first place of the project in the stack that it left."""
    path, number = None, None
    end = min(at + 200, len(log.lines))
    for below in range(at + 1, end):
        frame = _FRAME.match(log.lines[below])
        if frame and not foreign(frame["path"]):
            path, number = frame["path"], int(frame["line"])
            break
    log.claim(at, at + 1)
    code = "SIGSEGV" if "Segmentation" in what else what.split(":")[0][:40]
    return Found(
        FailureType.RUNTIME_ERROR, f"the interpreter crashed: {what}", "python", at, path, number, code
    )


def _one(log: Log, at: int, end: int, column: int) -> Raised:
    raised = Raised(at, at + 1, column)
    for below in range(at + 1, end):
        text = log.lines[below]
        line = text[column:]
        raised.end = below
        if not line.strip(" |"):
            # A blank line inside the shown source of newer Pythons; one after the exception ends it.
            continue
        if frame := _FRAME.match(line):
            raised.frames.append((frame["path"], int(frame["line"]), frame["name"] or ""))
            continue
        if line.startswith(" "):
            continue
        if match := _RAISED.match(line):
            raised.name, raised.message = match["name"], match["message"] or ""
            raised.end = below + 1
        break
    else:
        raised.end = end
    return raised


def _words(raised: Raised) -> str:
    return f"{raised.short}: {raised.message}".rstrip(": ") if raised.name else ""


def is_exception(name: str) -> bool:
    """Whether a word is the name of an exception by its ending."""
    return bool(_LOOKS_RAISED.search(name))
