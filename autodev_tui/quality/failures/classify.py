"""From an output to its failures, the primary cause first: each tool's parser reads, this one orders.

The order: a time that ran out before everything (it is a fact, the rest is what had been said by then); then
what keeps other things from running (unreadable code, missing modules, failed builds), then what ran and
failed, then style. Within one type the graver before the lesser, else as the output has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from autodev_tui.quality.failures import (
    bundlers,
    documents,
    ending,
    formatters,
    golang,
    javascript,
    javascript_tests,
    located,
    loose,
    native,
    packaging,
    pytest_output,
    ruff_output,
    rust,
    scripts,
    security,
    tracebacks,
    typing_output,
    unittest_output,
)
from autodev_tui.quality.failures.advice import advise
from autodev_tui.quality.failures.log import Found, Log
from autodev_tui.quality.failures.model import Failure, FailureType, Severity

MAX_FAILURES = 500
"""Of one output: whoever has more starts with these."""
_PARSERS: tuple[Callable[[Log], Iterator[Found]], ...] = (
    # Runners before what runs inside them, and own forms before general ones.
    packaging.parse,
    pytest_output.parse,
    unittest_output.parse,
    javascript_tests.parse,
    bundlers.parse,
    ruff_output.parse,
    formatters.parse,
    security.parse,
    documents.parse,
    typing_output.parse,
    tracebacks.parse,
    located.parse,
    rust.parse,
    golang.parse,
    javascript.parse,
    native.parse,
    scripts.parse,
    ending.parse,
    loose.parse,
)
_RANK = {
    FailureType.SYNTAX_ERROR: 1,
    FailureType.IMPORT_ERROR: 2,
    FailureType.BUILD_FAILURE: 3,
    FailureType.RUNTIME_ERROR: 4,
    FailureType.TIMEOUT: 5,
    FailureType.TEST_FAILURE: 6,
    FailureType.SECURITY_VULNERABILITY: 7,
    FailureType.TYPE_ERROR: 8,
    FailureType.LINT_ERROR: 9,
    None: 10,
}
_GRAVITY = {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.MEDIUM: 2, Severity.LOW: 3}


def classify(
    output: str, *, command: str = "", exit_code: int | None = None, timed_out: bool = False
) -> list[Failure]:
    """What failed, the primary cause first; empty when nothing did.

    `exit_code` is negative for a signal. 0 means that nothing failed, whatever was printed. Without one, an
    output that ends with the verdict of a runner, or in which no parser finds anything and no line sounds
    alarming, is taken for green. Never raises; its
    time grows with the output's length up to a bound (`log.HEAD_CHARS`, `log.TAIL_CHARS`).
    """
    log = Log.read(output, command, exit_code, timed_out)
    ending.read_status(log)
    if (log.exit_code == 0 and not log.timed_out) or ending.judged_green(log):
        return []
    found: list[Found] = []
    for parse in _PARSERS:
        found += parse(log)
    causes = [one for one in found if not one.echo]
    if any(one.type is FailureType.RUNTIME_ERROR and one.tool for one in causes):
        # The signal that ended it says less than the program's own last words.
        causes = [one for one in causes if one.tool or not one.code.startswith("SIG")]
    if any(one.type is FailureType.TIMEOUT for one in causes):
        causes = [one for one in causes if one.code != "KeyboardInterrupt"]
    chosen = causes or found or list(ending.unknown(log))
    failures = [(one, advise(one)) for one in chosen]
    ordered = sorted(failures, key=lambda pair: _key(pair[0], pair[1], log.timed_out))
    unique = dict.fromkeys(failure for _, failure in ordered[:MAX_FAILURES])
    return list(unique)


def _key(found: Found, failure: Failure, timed_out: bool) -> tuple[int, int, int]:
    rank, gravity = _RANK[found.type], _GRAVITY[failure.severity]
    if timed_out and found.type is FailureType.TIMEOUT:
        # The test that ran says more than the bare fact.
        return 0, found.path is None, found.at
    if found.type is FailureType.SECURITY_VULNERABILITY and failure.severity is Severity.LOW:
        rank = _RANK[FailureType.LINT_ERROR]
    return rank, gravity, found.at
