"""How the command itself ended: killed, out of time, or red without a word that anybody knows."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import FailureType

_STATUS = re.compile(
    r"^(?:(?P<timed>timed out and was ended after [\d.]+ s)|killed by signal (?P<signal>\d+) after|"
    r"exit code (?P<code>\d+) after)"
)
_KILLED = re.compile(
    r"^(?:(?P<shell>\S+: line \d+: +\d+ )|\S+: |g?make(?:\[\d+\])?: \*\*\* \[[^\]]+\] )?"
    r"(?P<what>Segmentation fault|Killed|Aborted|Bus error|"
    r"Illegal instruction|Floating point exception|"
    # A shell shows the command behind it; elsewhere more words would make another sentence of it.
    r"Terminated)(?: +\(core dumped\))?(?(shell)(?: .*)?)$"
)
_HEAP = re.compile(
    r"^FATAL ERROR: .*JavaScript heap out of memory|^MemoryError$|^fatal error: runtime: out of memory|"
    r"java\.lang\.OutOfMemoryError"
)
_SIGNALS = {"Segmentation fault": "SIGSEGV", "Killed": "SIGKILL", "Aborted": "SIGABRT", "Bus error": "SIGBUS",
            "Illegal instruction": "SIGILL", "Floating point exception": "SIGFPE",
            "Terminated": "SIGTERM"}  # fmt: skip
_WORDS = {
    "SIGSEGV": "it crashed: segmentation fault", "SIGKILL": "it was killed, often for want of memory",
    "SIGABRT": "it aborted", "SIGBUS": "it crashed: bus error", "SIGILL": "it crashed: illegal instruction",
    "SIGFPE": "it crashed: arithmetic error", "SIGTERM": "it was asked to end", "SIGINT": "it was "
    "interrupted",
}  # fmt: skip
_ALARMING = re.compile(
    r"(?i)^\W{0,40}(?:[^\s:]{1,100}: )?(?:fatal|error|failed|failure|cannot|could not|"
    r"permission denied|panic)\b|"
    r": (?:not found|Permission denied|command not found)$"
)
_CERTAIN = re.compile(
    r"^(?:[^\s:]{1,100}: )?(?:fatal|FATAL|error|Error|ERROR|panic)(?:\[\w+\])?: \S|"
    r": (?:not found|Permission denied|"
    r"command not found)$"
)
_GREEN = re.compile(
    r"^(?:=* ?\d+ passed\b(?!.*\b(?:failed|errors?)\b)|"
    r"  \d+ passing\b|OK(?: \(.*\))?$|test result: ok\.|ok  \t|All checks passed|"
    r"Success: no issues found|Tests: +\d+ passed|"
    r"[ℹ#] fail 0$|100% tests passed)"
)
"""How runners end that found nothing: they have judged whatever was printed above."""
_TIMEOUT_COMMAND = re.compile(r"(?:^|[;&|]|\s)g?timeout\s")


def read_status(log: Log) -> None:
    """Take over what `run_command` writes above an output: how the command ended."""
    match = _STATUS.match(log.lines[0]) if log.lines else None
    if not match:
        return
    log.claim(0, 1)
    if match["timed"]:
        log.timed_out = True
    elif log.exit_code is None:
        log.exit_code = -int(match["signal"]) if match["signal"] else int(match["code"])


def parse(log: Log) -> Iterator[Found]:
    """A time that ran out, and a signal that ended the command."""
    if log.timed_out:
        yield Found(
            FailureType.TIMEOUT, "it did not end in the time that it was given", "", -1, code="timeout"
        )
        return
    if log.exit_code in (124, 137) and _TIMEOUT_COMMAND.search(log.command):
        yield Found(FailureType.TIMEOUT, "`timeout` ended it", "", -1, code="timeout")
        return
    name = _signal(log.exit_code)
    heap = next(((at, line) for at, line in log.free() if _HEAP.search(line)), None)
    if heap:
        log.claim(heap[0], heap[0] + 1)
        yield Found(
            FailureType.RUNTIME_ERROR, "it ran out of memory", _tool(log), heap[0], code="out of memory"
        )
        return
    at, said = next(
        ((at, match["what"]) for at, line in log.free() if (match := _KILLED.match(line))), (-1, "")
    )
    name = _SIGNALS.get(said, "") or name
    if name and (said or name != "SIGPIPE"):
        yield Found(FailureType.RUNTIME_ERROR, _WORDS.get(name, f"it was ended by {name}"), "", at, code=name)


def judged_green(log: Log) -> bool:
    """Whether all that is known is that the last runner found nothing: a sequence ends as its last part."""
    return log.exit_code is None and not log.timed_out and bool(_GREEN.match(log.last))


def unknown(log: Log) -> Iterator[Found]:
    """What is left to say of an output that nobody knows: that it is red, and its most alarming line."""
    # Without an exit code only a line that can hardly mean anything else counts.
    pattern = _ALARMING if log.exit_code is not None else _CERTAIN
    alarming = next(((at, line.strip()) for at, line in log.free() if pattern.search(line)), None)
    if log.exit_code is None and (not alarming or any(map(_GREEN.match, log.lines))):
        return
    at, words = alarming or (len(log.lines), log.last)
    ended = f"exit code {log.exit_code}" if log.exit_code is not None else "it failed"
    yield Found(None, words or f"{ended}, and it said nothing", "", at)


def _signal(code: int | None) -> str:
    """The signal that an exit code stands for: negative as Python says it, above 128 as shells do."""
    number = (
        -code if code is not None and code < 0 else code - 128 if code is not None and 128 < code < 160 else 0
    )
    try:
        name = signal.Signals(number).name if number else ""
    except ValueError:
        return ""
    # Many programs end with 128 + n of their own accord: only what a program cannot well mean counts.
    certain = ("SIGSEGV", "SIGKILL", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGINT", "SIGTERM")
    return name if (code or 0) < 0 or name in certain else ""


def _tool(log: Log) -> str:
    return "node" if log.says("JavaScript heap") else "python" if log.says("MemoryError") else ""
