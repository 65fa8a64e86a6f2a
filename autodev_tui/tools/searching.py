"""Search with a time limit that holds: the matching runs in a process that can be ended inside a match."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from autodev_tui.domain.text import show_bytes
from autodev_tui.policy.paths import PathDenied, resolve
from autodev_tui.tools.base import MAX_FILE_BYTES, ToolProblem, ToolResult, shown
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.textfile import read_text, split_lines

TIMEOUT_S = 10.0
MAX_MATCHES = 200
MAX_LINE = 300
MAX_PATTERN = 1000


def search(
    context: ToolContext, pattern: str, paths: list[str], *, timeout_s: float = TIMEOUT_S
) -> ToolResult:
    """Lines of `paths` that match. Sync; returns within about `timeout_s`.

    Raises:
        ToolProblem: if the pattern is no regular expression.
    """
    if len(pattern) > MAX_PATTERN:
        raise ToolProblem(f"the pattern has {len(pattern)} characters; the limit is {MAX_PATTERN}")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolProblem(f"not a regular expression: {error}; escape special characters with \\") from error
    request = {"pattern": pattern, "paths": paths, "max_bytes": MAX_FILE_BYTES, "max_matches": MAX_MATCHES}
    found, totals, timed_out = _run(context.worktree, request, timeout_s)
    lines = _lines(context, found)
    notes = []
    if timed_out:
        notes.append(
            f"stopped after {timeout_s:g} s: the pattern backtracks too much, or there is too much to search;"
            " use a simpler pattern, or narrow it with path or glob"
        )
    elif totals.get("total", 0) > len(found):
        notes.append(f"first {len(found)} of {totals['total']} matching lines; narrow the search")
    if totals.get("skipped"):
        notes.append(f"{totals['skipped']} binary, large or unreadable files were not searched")
    if not lines:
        lines = [] if timed_out else [f"(no match in {len(paths)} files)"]
    text = "\n".join([*lines, *(f"({note})" for note in notes)])
    return ToolResult(
        text, ok=not timed_out, data={"matches": totals.get("total", len(found)), "cut": timed_out}
    )


def _run(
    worktree: Path, request: dict[str, object], timeout_s: float
) -> tuple[list[tuple[str, int]], dict[str, int], bool]:
    """([(path, line)], totals, whether the time was used up)."""
    worker = Path(__file__).with_name("search_worker.py")
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(worker), str(worktree), str(timeout_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,
        env={},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    found: list[tuple[str, int]] = []
    totals: dict[str, int] = {}
    try:
        # stdin stays open until the end: its closing is what ends an orphaned worker.
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            if "path" in answer:
                found.append((answer["path"], answer["line"]))
            else:
                totals = answer
        code = process.wait()
    except BrokenPipeError:
        code = process.wait()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        try:
            process.stdin.close()
        except BrokenPipeError:
            pass
    if not totals and code != -signal.SIGALRM:
        raise ToolProblem("the search ended unexpectedly; try a simpler pattern")
    return found, totals, not totals


def _lines(context: ToolContext, found: list[tuple[str, int]]) -> list[str]:
    """The matching lines as the model may see them."""
    files: dict[str, list[str]] = {}
    shown_lines = []
    for path, number in found:
        if path not in files:
            try:
                text = read_text(resolve(context.worktree, path)).text
            except (PathDenied, ToolProblem):  # gone or changed since it was searched
                files[path] = []
            else:
                files[path] = split_lines(context.masker.mask(text, path)[0])
        if number <= len(files[path]):
            line = show_bytes(files[path][number - 1])
            cut = line if len(line) <= MAX_LINE else line[:MAX_LINE] + "…"
            shown_lines.append(f"{shown(path)}:{number}: {cut}")
    return shown_lines
