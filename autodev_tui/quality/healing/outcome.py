"""What one run of a check says, so that two runs can be compared: better, worse, other, or the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from autodev_tui.quality.failures.model import Failure
from autodev_tui.quality.findings import findings

Verdict = Literal["better", "other", "same", "worse"]
EVERYTHING = "*"
"""What hides when a command stops at its first error."""

_STATUS = re.compile(
    r"(?:exit code (?P<code>-?\d+)|(?P<timed>timed out)|killed by signal (?P<signal>\d+))[^\n]*", re.ASCII
)
# Not unittest's last line, `FAILED (errors=2)`.
_PYTEST_ID = re.compile(r"^(?P<how>FAILED|ERROR) (?P<id>[^\s(].*?)(?: - .*)?$", re.MULTILINE)
_PYTEST_END = re.compile(r"^=*[ ]*((?:\d+ \w+, )*\d+ \w+)(?: in [\d.]+s.*)?[ =]*$", re.MULTILINE)
_COUNT = re.compile(r"(\d{1,9}) (passed|failed|errors?|skipped)")
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.<>]+)\)", re.MULTILINE)
_RAN = re.compile(r"^Ran (\d{1,9}) tests? in ", re.MULTILINE)
_SKIPPED = re.compile(r"skipped=(\d{1,9})")
_BROKEN = re.compile(
    r"^(?P<path>[^\s:][^:\n]*):\d+:.*(?:invalid-syntax|E999|SyntaxError|\[syntax\])", re.MULTILINE
)
_UNPARSED = re.compile(r"(?:Failed to parse|cannot format) (?P<path>[^\s:]+)", re.MULTILINE)
_ISORT = re.compile(r"^ERROR: (?P<path>.+?) Imports are incorrectly sorted", re.MULTILINE)
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+(?:\.\d+)?")
_NO_MODULE = re.compile(r"No module named '?(?P<tool>pytest|ruff|mypy|bandit|black|isort|flake8)'?\s*$")


@dataclass(frozen=True)
class Outcome:
    """One run. `failing` counts what fails by name; `passed` is None where nobody counts."""

    code: int | None
    text: str
    """The output, whole."""
    failing: Counter[str] = field(default_factory=Counter)
    passed: int | None = None
    hiding: frozenset[str] = frozenset()
    """Those of `failing` that keep others from being seen."""
    absent: str = ""
    """Why the check says nothing: its tool is not there, it found no tests."""
    failures: tuple[Failure, ...] = ()

    @property
    def green(self) -> bool:
        """It ran and found nothing."""
        return self.code == 0 and not self.absent

    @property
    def red(self) -> bool:
        """It ran and found something."""
        return self.code != 0 and not self.absent


Classify = Callable[..., list[Failure]]


def read(command: str, result: str, output: str, local: Callable[[str], str], classify: Classify) -> Outcome:
    """The outcome of a call of `run_command`: its `result` begins with the status, `output` is all of it."""
    status = _STATUS.match(result)
    code = int(status["code"]) if status and status["code"] else None
    timed_out = bool(status and status["timed"])
    if status is None:
        return Outcome(None, output, absent="it was not run: " + result.split("\n", 1)[0][:200])
    if absent := _absent(code, output):
        return Outcome(code, output, absent=absent)
    if code == 0:
        return Outcome(0, output, passed=_passed(output))
    failures = tuple(classify(output, command=command, exit_code=code, timed_out=timed_out))
    failing, hiding = _failing(output, local)
    if not failing:
        failing = Counter(_named(one, local) for one in failures) or Counter([f"exit code {code}"])
        hiding = {EVERYTHING}
    return Outcome(code, output, failing, _passed(output), frozenset(hiding), failures=failures)


def _absent(code: int | None, output: str) -> str:
    last = (output.strip().splitlines() or [""])[-1]
    if code == 127:
        return f"command not found: {last[:200]}"
    if code == 1 and (missing := _NO_MODULE.search(last)) and "/bin/" in last:
        return f"{missing['tool']} is not installed"
    if code == 5 and re.search(r"no tests ran|NO TESTS RAN", output):
        return "no tests"
    return ""


def _passed(output: str) -> int | None:
    ends = [match[1] for match in _PYTEST_END.finditer(output) if _COUNT.search(match[1])]
    if ends:
        return sum(int(count) for count, what in _COUNT.findall(ends[-1]) if what == "passed")
    ran = _RAN.findall(output)
    if ran:
        bad = len(set(_UNITTEST.findall(output)))
        return int(ran[-1]) - bad - sum(int(count) for count in _SKIPPED.findall(output)[-1:])
    return None


def _failing(output: str, local: Callable[[str], str]) -> tuple[Counter[str], set[str]]:
    """What fails by name, and which of these hide others."""
    pytest = {(match["how"], match["id"]) for match in _PYTEST_ID.finditer(output)}
    if pytest:
        hiding = {name for how, name in pytest if how == "ERROR" and "::" not in name}
        return Counter(name for _, name in pytest), hiding
    cases = {
        where if where.endswith(f".{test}") else f"{where}.{test}"
        for test, where in _UNITTEST.findall(output)
    }
    if cases:
        return Counter(cases), {one for one in cases if "_FailedTest" in one}
    found = Counter(findings(output))
    for match in _ISORT.finditer(output):
        found[f"{local(match['path']) or match['path']}: unsorted"] += 1
    hiding = {match["path"] for pattern in (_BROKEN, _UNPARSED) for match in pattern.finditer(output)}
    for path in hiding:
        if not any(one.startswith(f"{path}: ") for one in found):
            found[f"{local(path) or path}: unparsed"] += 1
    return found, {one for one in found if one.rsplit(": ", 1)[0] in hiding}


def _named(failure: Failure, local: Callable[[str], str]) -> str:
    path = (local(failure.path) or failure.path) if failure.path else ""
    message = _NUMBERS.sub("N", failure.message)
    return f"{path}: {failure.code or failure.type or ''} {failure.symbol} {message}".strip()


def compare(before: Outcome, after: Outcome) -> Verdict:
    """Whether `after` is better than `before`; `other` when what failed is gone and something else came.

    What failed may have kept others from running: what it hid may come to light without being worse.
    """
    if after.absent:
        return "worse"
    if after.green:
        passed = before.passed is None or after.passed is None or after.passed >= before.passed
        return ("better" if before.red else "same") if passed else "worse"
    new, gone = after.failing - before.failing, before.failing - after.failing
    if before.passed is not None and after.passed is not None and after.passed < before.passed:
        return "worse"
    more = (after.passed or 0) > (before.passed or 0) and (
        before.passed is not None or EVERYTHING in before.hiding
    )
    if any(not _was_hidden(name, before.hiding) for name in new):
        return "worse"
    if new and not more:
        return "other" if gone else "worse"
    if gone or more:
        return "better"
    return "same" if _words(before) == _words(after) else "other"


def _was_hidden(name: str, hiding: frozenset[str]) -> bool:
    for one in hiding:
        if one == EVERYTHING:
            return True
        path = one.rsplit(": ", 1)[0]
        if name.startswith((f"{path}::", f"{path}: ", f"{path}/")) or path.endswith("conftest.py"):
            return True
        module = one.removeprefix("unittest.loader._FailedTest.")
        if module != one and name.startswith(f"{module}."):
            return True
    return False


def _words(outcome: Outcome) -> list[str]:
    """The errors' own words, without numbers: the same test may fail for another reason now."""
    lines = re.findall(
        r"^(?:E  +)?((?:\w+\.)*[A-Z]\w*(?:Error|Exception)\b.*|fixture '.*)$", outcome.text, re.MULTILINE
    )
    return sorted({_NUMBERS.sub("N", line) for line in lines})
