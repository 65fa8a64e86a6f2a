"""A pytest plugin that records every test's outcome, line by line, while a check runs. For Python 3.8 on."""
# mypy: allow-untyped-defs, allow-untyped-calls

import json
import os
from pathlib import Path

_FOLDER = os.environ.get("AUTODEV_ORIGINS", "")
# Only the outermost pytest counts: neither its workers, whose reports it gets, nor one that a test starts.
_OWNER = os.environ.setdefault("AUTODEV_OUTCOMES_OWNER", str(os.getpid())) == str(os.getpid())


def _write(**line):
    if _FOLDER and _OWNER:
        with Path(_FOLDER, f"outcomes-{os.getpid()}").open("a", encoding="ascii") as out:
            out.write(json.dumps(line) + "\n")


def pytest_sessionstart():
    """A session begins: one without an end was cut off."""
    _write(session="start")


def pytest_runtest_logreport(report):
    """One phase of one test: the call's result, or a skip or failure around it."""
    if report.when == "call" or report.outcome != "passed":
        _write(test=report.nodeid, outcome=report.outcome)


def pytest_collectreport(report):
    """A file that could not be collected."""
    if report.outcome == "failed":
        _write(test=report.nodeid or "collection", outcome="failed")


def pytest_sessionfinish(session, exitstatus):
    """The session's end, and whether it stopped before all tests had run."""
    _write(session="end", exit=int(exitstatus), stopped=bool(session.shouldfail or session.shouldstop))
