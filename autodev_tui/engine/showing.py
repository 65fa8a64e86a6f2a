"""What a front end asks to see of files, trees, outputs and the log, and how it wants to look."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autodev_tui.domain import requests
from autodev_tui.domain.commands import SaveView
from autodev_tui.domain.events import EVENT, Noticed, Retrying, SessionMoved, TaskMoved
from autodev_tui.domain.review import FileText
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.event_log import iter_lines
from autodev_tui.engine.masking import Mask, masked
from autodev_tui.engine.services import Services
from autodev_tui.engine.site import Site
from autodev_tui.sandbox.spool import read_output
from autodev_tui.tools.command import clean
from autodev_tui.vcs.diff import change_set

ROWS_AT_MOST = 5000
BYTES_A_ROW = 1024
"""Of an output that is read for so many rows; a longer row costs others their place."""
LOG_ROWS = 500
LOG_EVENTS = 10_000
"""Of which the rows of the log are taken."""
_TYPED = ("composer", "drafts", "earlier")
"""Parts of a view, however deep, that hold words of the human's."""


async def get_file(site: Site, request: requests.GetFile) -> requests.FileAnswer:
    """Both sides of a file by their blobs."""

    def read(blob: str) -> str:
        content = site.repository.blob(blob) if blob else b""
        return "" if b"\0" in content else content.decode(errors="surrogateescape")

    old, new = await asyncio.to_thread(lambda: (read(request.old_blob), read(request.new_blob)))
    return requests.FileAnswer(file=FileText(path=request.path, old=old, new=new))


async def get_diff(site: Site, request: requests.GetDiff) -> requests.DiffAnswer:
    """What lies between two trees."""
    changes = await asyncio.to_thread(change_set, site.repository, request.old, request.new)
    return requests.DiffAnswer(changes=changes)


async def get_output(site: Site, request: requests.GetOutput) -> requests.TextAnswer:
    """The text of a step, head and tail."""
    services = site.engine.services
    try:
        step = services.board.step(request.step)
    except KeyError:
        raise LookupError(f"no step {request.step} in this session") from None
    return await asyncio.to_thread(_output, services, step, request.part, request.rows or ROWS_AT_MOST)


def _output(services: Services, step: Step, part: str, rows: int) -> requests.TextAnswer:
    from autodev_tui.engine.shell_calls import record_path

    spool = Path(f"{record_path(services, step)}.out")
    if step.name != "run_command" or not spool.exists():
        return _cut(_text(services, step, part), rows, "")
    size = rows * BYTES_A_ROW // 2
    head, elided, tail = read_output(spool, size, size)
    if not elided:
        return _cut(clean(head + tail, services.masker), rows, str(spool))
    half = rows // 2
    # Rows that the cut goes through are left out, unless there are no others.
    first = clean(head, services.masker).split("\n")
    first = (first[:-1] or first)[:half]
    last = clean(tail, services.masker).removesuffix("\n").split("\n")
    last = (last[1:] or last)[-half:]
    total = _rows_of(spool)
    return requests.TextAnswer(
        head="\n".join(first),
        tail="\n".join(last),
        left_out=max(total - len(first) - len(last), 0),
        rows=total,
        path=str(spool),
    )


def _rows_of(spool: Path) -> int:
    """Lines of a spooled output, as far as it is kept."""
    return sum(block.count(b"\n") for part in spool.parent.glob(f"{spool.name}*") for block in _blocks(part))


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _text(services: Services, step: Step, part: str) -> str:
    kept = services.blobs.get(step.result_blob).decode(errors="surrogateescape") if step.result_blob else ""
    if step.kind is StepKind.MODEL:
        reply = json.loads(kept) if kept else step.result.get("reply", {})
        if part == "thinking":
            thoughts = [one for one in reply.get("content", []) if one.get("type") == "thinking"]
            return "\n\n".join(str(one.get("thinking", "")) for one in thoughts)
        return str(reply.get("text", step.result.get("text", "")))
    return kept or str(step.result.get("text", step.result.get("why", "")))


def _cut(text: str, rows: int, path: str) -> requests.TextAnswer:
    lines = text.removesuffix("\n").split("\n") if text else []
    if len(lines) <= rows:
        return requests.TextAnswer(head="\n".join(lines), rows=len(lines), path=path)
    half = rows // 2
    head, tail = lines[: rows - half], lines[-half:] if half else []
    return requests.TextAnswer(
        head="\n".join(head), tail="\n".join(tail), left_out=len(lines) - rows, rows=len(lines), path=path
    )


async def get_log(site: Site, _: requests.GetLog) -> requests.RowsAnswer:
    """The latest of what was noticed, retried or failed, oldest first."""
    session = site.engine.session
    if session is None:
        return requests.RowsAnswer()
    path = site.state / "sessions" / session.id / "events.jsonl"
    rows = await asyncio.to_thread(_log_rows, path)
    return requests.RowsAnswer(rows=rows[-LOG_ROWS:], facts={"path": str(path)})


def _log_rows(path: Path) -> list[dict[str, Any]]:
    latest = deque(iter_lines(path, 0), maxlen=LOG_EVENTS)
    return [row for line in latest if (row := _row(EVENT.validate_json(line)))]


def _row(event: Any) -> dict[str, Any] | None:
    row = {"at": event.at, "task": event.task or "", "severity": "info"}
    match event:
        case Noticed():
            return row | {"severity": event.severity, "text": event.text}
        case Retrying():
            words = f"retrying {event.attempt} of {event.of} in {event.wait_s:.0f} s · {event.why}"
            return row | {"severity": "warning", "text": words}
        case SessionMoved() | TaskMoved():
            failed = event.new == "failed"
            words = f"{event.old or 'new'} → {event.new}{' · ' + event.why if event.why else ''}"
            return row | {"severity": "error" if failed else "info", "text": words}
    return None


async def save_view(site: Site, command: SaveView) -> None:
    """Keep how the screen looks; of half-typed words all but the secrets that are known by name."""
    view = _typed_without(command.view, site.engine.masker(command.name).known)
    await site.engine.keep([("views", f"view {command.name}", {"name": command.name, "view": view})])


def _typed_without(value: Any, mask: Mask) -> Any:
    """What is no words of the human's, such as lines that were chosen, stays byte for byte."""
    if not isinstance(value, dict):
        return value
    return {
        name: masked(one, mask) if name in _TYPED else _typed_without(one, mask)
        for name, one in value.items()
    }


ANSWERS: dict[type[Any], Any] = {
    requests.GetFile: get_file,
    requests.GetDiff: get_diff,
    requests.GetOutput: get_output,
    requests.GetLog: get_log,
}
COMMANDS: dict[type[Any], Any] = {SaveView: save_view}
