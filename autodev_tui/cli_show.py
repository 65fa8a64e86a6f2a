"""The verbs that only look: status, show, approvals, worktree."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from autodev_tui import paths
from autodev_tui.cli_errors import Failure
from autodev_tui.cli_print import DIFF, STATES, line, money
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place

GLYPHS = {
    "planned": "○",
    "assigned": "◌",
    "in_progress": "●",
    "blocked": "◐",
    "in_review": "±",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "⊘",
}


def status(directory: Path, name: str | None, as_json: bool) -> None:
    """`autodev status`."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.queries import find_session, latest_session, pending_approvals, session_view
    from store.lock import owner

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        session = find_session(database, name) if name else latest_session(database)
        document = session_view(database, session)
        others = {one.session for one in pending_approvals(database)} - {document["session"]}
    finally:
        database.close()
    holder = owner(place.state)
    where = {
        "state": str(place.state),
        "config": str(paths.config_dir(place.environment)),
        "repository": str(place.repository.root),
    }
    running = {"pid": holder.pid} if holder else None
    if as_json:
        emit(document | {"engine": running, "where": where})
        return
    _print(document)
    if others:
        click.echo(f"  ◐ also waiting for you: {', '.join(sorted(others))}")
    ended = (SessionState.LANDED, SessionState.CANCELLED, None)
    goes_on = holder is None and document["state"] not in ended
    hint = f" · it goes on with: autodev resume {document['session']}" if goes_on else ""
    click.echo(f"{'engine':<11}{'pid ' + str(holder.pid) if holder else 'not running'}{hint}")
    for what, path in where.items():
        click.echo(f"{what:<11}{visible(path)}")


def show(directory: Path, name: str, as_json: bool) -> None:
    """`autodev show ID`."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.queries import approval_view, find_session, session_view
    from autodev_tui.engine.report import pull_request

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        session = find_session(database, name)
        document = session_view(database, session)
        decided = [
            Approval(**one)
            for one in database.all("approvals", session=session.id)
            if one["decision"] is not None
        ]
        text = pull_request(place.repository, database, session)
        history = database.all("history", session_id=session.id)
    finally:
        database.close()
    decisions = [
        approval_view(one)
        | {"decision": one.decision.model_dump(mode="json", exclude={"mac"}) if one.decision else None}
        for one in decided
    ]
    if as_json:
        shown = {"decisions": decisions, "pull_request": text, "execution_history": history}
        emit(document | shown)
        return
    _print(document)
    for one in decided:
        if one.decision:
            reason = f" · {one.decision.reason}" if one.decision.reason else ""
            line(f"  {one.state:<9} {one.title} · by {one.decision.actor}{reason}")
    if text:
        click.echo(visible(f"\n{text}"))


def approvals(directory: Path, as_json: bool) -> None:
    """`autodev approvals`."""
    from autodev_tui.cli import emit
    from autodev_tui.engine.queries import approval_view, pending_approvals

    place = Place.find(directory, for_work=False)
    database = place.open_store(read_only=True)
    try:
        waiting = pending_approvals(database)
    finally:
        database.close()
    if as_json:
        emit([approval_view(one) for one in waiting])
        return
    if not waiting:
        click.echo("Nobody waits for you.")
    for one in waiting:
        line(f"◐ {one.id}  {one.kind}  {one.task or 'session'}  risk {one.risk}  {one.title}", "bold")
        _print_ask(one.ask)
        for command in _answers(one):
            line(f"  {command}")
        click.echo("")
    for session in dict.fromkeys(one.session for one in waiting):
        click.echo(f"then: autodev resume {session}")


def _answers(approval: Approval) -> list[str]:
    """The commands that answer a question, each to be pasted as it is."""
    name = f"{approval.id} --hash {approval.shown_hash[:12]}"
    if approval.choices:
        return [f"autodev answer {name} --choice {shlex.quote(choice)}" for choice in approval.choices]
    found = [f"autodev approve {name}", f'autodev reject {name} --reason "…"']
    if approval.kind is ApprovalKind.QUESTION:
        return [f'autodev answer {name} --text "…"']
    if approval.kind is ApprovalKind.CHANGES and len(approval.ask["hunks"]) > 1:
        found.insert(1, f"autodev approve {name} --hunks 1,3-5     (these alone; the others are rejected)")
    return found


def _print_ask(ask: dict[str, Any]) -> None:
    """Everything that is asked, as plain text with nothing left out."""
    if "budget_usd" in ask:
        _print_budget(ask)
        return
    printers = {"hunks": _print_hunk, "tasks": _print_task, "conflicts": _print_place}
    for name, value in ask.items():
        if name in printers:
            for one in value:
                printers[name](one)
        elif name == "estimate":
            cost = "–".join(f"${usd:.2f}" for usd in dict.fromkeys(value["cost_usd"] or ()))
            local = value.get("local_minutes")
            more = f" · local models {local[0]:.0f}–{max(local[1], 1):.0f} min" if local else ""
            line(f"  takes ~{value['minutes']} min · costs {cost}{more} {value['why']}")
        elif name in ("remember", "digest"):
            continue  # what the workbench offers besides, and what it compares
        elif isinstance(value, list):
            for item in value:
                _indented(name, _short(item))
        elif value not in (None, "", {}):
            _indented(name, _short(value))


def _print_budget(ask: dict[str, Any]) -> None:
    """A limit that is reached: how much of it is spent, what is still ahead, and what each answer does."""
    named = {"session": "this session", "day": "today", "month": "this month"}
    whose = named.get(ask["scope"], ask.get("whose"))
    line(f"  {whose}: ${ask['spent_usd']:.2f} of {ask['budget_usd']:.2f} spent")
    ahead = ask["ahead_usd"]
    likely = f"about ${ahead[0]:.2f}–{ahead[1]:.2f} to the end" if ahead else "what is to come is not known"
    line(f"  {likely} · the next call may cost ${ask['next_usd']:.2f}")
    line(f"  raise: {ask['raise']}")
    for one in ask["cheaper"]:
        if one["usd_per_million_output"]:
            prices = f"${one['usd_per_million_input']:.2f} in, ${one['usd_per_million_output']:.2f} out"
            told = f"{prices} per million tokens"
        else:
            told = " · ".join(filter(None, ("on this machine, nothing to pay", one.get("can"))))
        line(f"  cheaper:{one['model']}: goes on with it, {told}; the budget stays")
    line(f"  stop: {ask['stop']}")


def _print_hunk(hunk: dict[str, Any]) -> None:
    """One hunk of a change set."""
    badges = f"  ! {', '.join(hunk['badges'])}" if hunk["badges"] else ""
    line(f"  hunk {hunk['number']}  {hunk['path']}  {hunk['header']}{badges}")
    if hunk["rejected_before"] is not None:
        line(f"    ↺ rejected before: {hunk['rejected_before'] or 'without a reason'}")
    for row in hunk["diff"].removesuffix("\n").split("\n"):
        line(f"    {row}", DIFF.get(row[:1], ""))


def _print_place(place: dict[str, Any]) -> None:
    """One place of a conflict: what was there, what has joined before, what the task wants."""
    line(f"  place {place['number']}  {place['path']}  from line {place['start']}")
    for sign, side, style in (("|", "base", ""), ("<", "left", "red"), (">", "right", "green")):
        for row in place[side]:
            line(f"    {sign} {row.rstrip()}", style)


def _print_task(task: dict[str, Any]) -> None:
    """One planned task of a plan question."""
    needs = f"  (needs {', '.join(task['depends_on'])})" if task["depends_on"] else ""
    line(f"  {task['id']}  {task['title']}  ~{task['estimate_minutes']} min{needs}", "bold")
    if task["description"]:
        _indented("  what", task["description"])
    for criterion in task["acceptance_criteria"]:
        line(f"    · {criterion}")
    files = ", ".join(task["files"]) or "not said"
    model = f" · model {task['model']}" if task.get("model") else ""
    line(f"    files {files} · risk {task['risk']:.2f} · advice {task['recommended_level']}{model}")


def _indented(name: str, text: str) -> None:
    """A named text with its further lines further in, so that none of them looks like one of ours."""
    first, *more = text.split("\n")
    line(f"  {name}: {first}")
    for further in more:
        line(f"      {further}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(
            f"{name} {_short(inner)}" for name, inner in value.items() if inner not in (None, "", [], {})
        )
    if isinstance(value, list):
        return ", ".join(_short(inner) for inner in value)
    return str(value)


def _print(document: dict[str, Any]) -> None:
    if document["session"] is None:
        click.echo('No goal yet. autodev run "GOAL"')
        return
    usage = document["usage"]
    cost = money(usage["cost_usd"], usage["cost_known"])
    line(f"{document['session']}  {document['state']}  {document['goal'].splitlines()[0][:100]}")
    code = "" if document["code"] is None else f" · last run ended with code {document['code']}"
    calls = f"{usage['requests']} requests, {usage['retries']} retries"
    click.echo(f"phase {document['phase']} of 6 · {calls} · {cost}{code}")
    for task in document["tasks"]:
        extra = f"  {task['error']}" if task["error"] else ""
        word = NEEDS_A_MODEL if task["lacks_model"] and task["state"] == "planned" else task["state"]
        line(
            f"  {GLYPHS[task['state']]} {task['id']}  {task['title']:<40} {word:<13}"
            f" {task['evidence']}{' @' + task['tree'][:7] if task['tree'] else ''}{extra}",
            STATES.get(task["state"], ""),
        )
    if document["approvals"]:
        click.echo(f"  ◐ {len(document['approvals'])} waiting for you · autodev approvals")
    if document["error"]:
        line(f"  {document['error']}")
    if document["landed"]:
        click.echo(f"  landed {document['landed'][:12]} on {document['target']}")


def worktrees(directory: Path, as_json: bool) -> None:
    """`autodev worktree list`."""
    from autodev_tui.cli import emit

    place = Place.find(directory, for_work=False)
    rows = _worktrees(place)
    if as_json:
        emit(rows)
    elif not rows:
        click.echo("No worktrees. They are made when agents work, and removed when a task is done.")
    else:
        for row in rows:
            line(f"{row['name']:<30} {row['session_state'] or 'orphan':<12} {row['path']}")


def _worktrees(place: Place) -> list[dict[str, Any]]:
    from autodev_tui.vcs.worktrees import Worktrees

    database = place.open_store(read_only=True)
    try:
        states = {one["id"]: one["state"] for one in database.all("sessions")}
    finally:
        database.close()
    found = Worktrees(place.repository, place.state / "worktrees")
    names = sorted(one.name for one in found.list())
    return [
        {
            "name": name,
            "path": str(place.state / "worktrees" / name),
            "session": name.partition("-")[0],
            "session_state": states.get(name.partition("-")[0]),
        }
        for name in names
    ]


def remove_worktree(directory: Path, name: str, force: bool, as_json: bool) -> None:
    """`autodev worktree remove NAME`; refused while its session may go on, unless forced."""
    from autodev_tui.cli import emit
    from autodev_tui.vcs.worktrees import Worktrees

    place = Place.find(directory, for_work=False)
    rows = {row["name"]: row for row in _worktrees(place)}
    if name not in rows:
        known = ", ".join(rows) or "none"
        raise Failure(f"no worktree {name} · there: {known}", 2)
    ended = (SessionState.LANDED, SessionState.CANCELLED, None)
    if rows[name]["session_state"] not in ended and not force:
        raise Failure(
            f"{name} belongs to a session that may go on · --force removes what it has not committed", 2
        )
    # The store's lock says that no engine is using it.
    database = place.open_store()
    try:
        Worktrees(place.repository, place.state / "worktrees").remove(name)
    finally:
        database.close()
    emit({"removed": name}) if as_json else click.echo(f"removed {name}")
