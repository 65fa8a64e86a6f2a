"""run_command's result as the model sees it: how it ended first, then head and tail of what it said."""

from __future__ import annotations

import re
from dataclasses import dataclass

from autodev_tui.domain.text import HIDDEN, show_bytes, visible
from autodev_tui.policy.secrets import Masker
from autodev_tui.tools.base import ToolResult

MAX_OUTPUT = 16_000
"""Characters of output that reach the model: half from the head, half from the tail."""

_CUT_BYTES = 300
"""Longer than any secret that is not one of several lines: dropped where one long line was cut."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|\Z)"  # OSC, DCS, SOS, PM, APC: titles, clipboard, links
    r"|\x1b[ -/]*[0-~]"  # two-character escapes
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|\x1b\Z",
    re.DOTALL,
)


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended, and the first and last bytes of its output with the count left out between."""

    code: int | None
    duration_s: float
    head: bytes = b""
    tail: bytes = b""
    elided: int = 0
    signal: int | None = None
    timed_out: bool = False


def format_result(end: CommandEnd, masker: Masker, output_name: str = "") -> ToolResult:
    """The result for the model. `output_name` names the full output for read_file, if it is kept."""
    status = _status(end)
    if end.elided:
        # Half a secret passes for none, so the lines that were cut in two go.
        last, first = end.head.rfind(b"\n") + 1, end.tail.find(b"\n") + 1
        head = clean(end.head[:last] if last else end.head[:-_CUT_BYTES], masker)
        tail = clean(end.tail[first:] if first else end.tail[_CUT_BYTES:], masker)
        elided = f"{end.elided:,} bytes"
    else:
        head, tail = clean(end.head + end.tail, masker), ""
        elided = ""
    if len(head) + len(tail) > MAX_OUTPUT:
        half = MAX_OUTPUT // 2
        if not tail:
            head, tail = head[:half], head[len(head) - half :]
            elided = f"{len(clean(end.head + end.tail, masker)) - 2 * half:,} characters"
        else:
            head, tail = head[:half], tail[-half:]
    body = head
    if elided:
        where = f"; all of it: read_file @output/{output_name}" if output_name else ""
        body = f"{head}\n… {elided} left out{where} …\n{tail}"
    cut = ", output cut" if elided else ""
    return ToolResult(
        f"{status}{cut}\n{body.rstrip() or '(no output)'}",
        ok=end.code == 0,
        data={
            "exit_code": end.code,
            "signal": end.signal,
            "timed_out": end.timed_out,
            "duration_s": round(end.duration_s, 3),
            "cut": bool(elided),
        },
    )


def _status(end: CommandEnd) -> str:
    took = f"{end.duration_s:.1f} s"
    if end.timed_out:
        return f"timed out and was ended after {took}; give timeout_s, or run less at once"
    if end.code is None:
        return f"killed by signal {end.signal} after {took}"
    return f"exit code {end.code} after {took}"


def clean(output: bytes, masker: Masker) -> str:
    """Output as plain text: escapes gone, progress lines collapsed, secrets masked, the rest made visible."""
    text = _ESCAPES.sub("", output.decode(errors="surrogateescape"))
    text = "\n".join(_last_shown(line) for line in text.split("\n"))
    masked, _ = masker.mask(text)
    return visible(masked) if HIDDEN.search(masked) else show_bytes(masked)


def _last_shown(line: str) -> str:
    """What a terminal would show of a line that rewrites itself."""
    line = line.rstrip("\r")
    return line.rpartition("\r")[2] if "\r" in line else line
