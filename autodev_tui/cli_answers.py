"""The verbs with which the user answers, trusts and stops."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

import click

from autodev_tui.cli_errors import Failure
from autodev_tui.domain.approval import Approval, ApprovalKind, HunkDecision
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place, refuse_agents

SHORTEST_HASH = 12
"""Characters of a hash that are enough to name what was seen."""


def approve(directory: Path, name: str, shown: str, hunks: str | None, reason: str, as_json: bool) -> None:
    """`autodev approve`."""
    place, approval = _find(directory, name, shown)
    decisions = _hunks(approval, hunks, "accept", reason)
    record(place, approval, verdict="approve", reason=reason, hunks=decisions, rest="reject")
    _say(place, approval, as_json)


def reject(directory: Path, name: str, shown: str, hunks: str | None, reason: str, as_json: bool) -> None:
    """`autodev reject`."""
    place, approval = _find(directory, name, shown)
    decisions = _hunks(approval, hunks, "reject", reason)
    verdict = "approve" if decisions else "reject"
    record(place, approval, verdict=verdict, reason=reason, hunks=decisions, rest="accept")
    _say(place, approval, as_json)


def answer(directory: Path, name: str, shown: str, choice: str, text: str, as_json: bool) -> None:
    """`autodev answer`."""
    place, approval = _find(directory, name, shown)
    record(place, approval, verdict="choose", choice=choice, text=text)
    _say(place, approval, as_json)


def record(place: Place, approval: Approval, **fields: Any) -> None:
    """Make an answer durable in a store that no engine holds.

    Raises:
        StoreLocked: an engine runs; answer when it has stopped.
        DecisionRefused: what was shown is not what is asked now.
    """
    from autodev_tui import paths
    from autodev_tui.cli_run import decision
    from autodev_tui.engine.decisions import decide
    from autodev_tui.engine.queries import find_approval
    from autodev_tui.engine.world import moved

    refuse_agents(place)
    database = place.open_store()
    try:
        present = find_approval(database, approval.id)
        document = database.get("plan_tasks", f"{present.session}/{present.task}") if present.task else None
        changed = moved(place.repository, present, Task(**document) if document else None)
        if changed:
            raise Failure(f"{changed} · autodev resume {present.session} shows it anew", 3)
        if fields.get("hunks"):
            _refuse_impossible(place, present, fields["hunks"], fields["rest"])
        signed = decision(approval, place, **fields)
        decided = decide(present, signed, paths.client_secret(place.environment))
        database.commit([("approvals", decided.id, decided.doc())])
    finally:
        database.close()


def _refuse_impossible(place: Place, approval: Approval, hunks: list[HunkDecision], rest: Any) -> None:
    """Refuse decisions that together make no tree, as a file where a folder stays. Raises Failure."""
    from autodev_tui.vcs.decisions import DecisionError, build_result
    from autodev_tui.vcs.diff import change_set

    changes = change_set(place.repository, approval.base["base"], approval.base["proposed"])
    try:
        build_result(place.repository, changes, hunks, rest)
    except DecisionError as error:
        raise Failure(f"{approval.id}: {error} · nothing was decided", 2) from error


def same_hash(approval: Approval, shown: str) -> None:
    """Refuse an answer to something else than what is asked. Raises Failure."""
    if len(shown) < SHORTEST_HASH:
        raise Failure(f"--hash {shown} is too short · give at least {SHORTEST_HASH} characters of it", 2)
    if not approval.shown_hash.startswith(shown.lower()):
        raise Failure(
            f"{approval.id} asks something else than what you saw (its hash is {approval.shown_hash})"
            " · look again: autodev approvals",
            2,
        )


def _find(directory: Path, name: str, shown: str) -> tuple[Place, Approval]:
    from autodev_tui.engine.queries import find_approval

    place = Place.find(directory, for_work=False)
    refuse_agents(place)
    database = place.open_store(read_only=True)
    try:
        approval = find_approval(database, name)
    finally:
        database.close()
    if approval.state not in (ApprovalState.PENDING, ApprovalState.DEFERRED):
        raise Failure(f"{approval.id} is {approval.state} already", 2)
    same_hash(approval, shown)
    return place, approval


def _hunks(approval: Approval, text: str | None, verdict: Any, reason: str) -> list[HunkDecision]:
    from autodev_tui.vcs.decisions import parse_hunks

    if text is None:
        return []
    if approval.kind is not ApprovalKind.CHANGES:
        raise Failure(f"{approval.id} is a {approval.kind} question: it has no hunks", 2)
    try:
        numbers = parse_hunks(text, len(approval.ask["hunks"]))
    except ValueError as error:
        raise Failure(f"--hunks {text}: {error}", 2) from error
    return [HunkDecision(hunk=number, verdict=verdict, reason=reason) for number in numbers]


def _say(place: Place, approval: Approval, as_json: bool) -> None:
    from autodev_tui.cli import emit
    from autodev_tui.engine.queries import approval_view, find_approval

    database = place.open_store(read_only=True)
    try:
        present = find_approval(database, approval.id)
    finally:
        database.close()
    if as_json:
        emit(approval_view(present))
    else:
        told = f"{present.state} {present.id} · {_decided(present)} · autodev resume {present.session}"
        click.echo(visible(told, keep=""))


def _decided(approval: Approval) -> str:
    """What the answer said, so that a slip is seen at once."""
    decision = approval.decision
    if decision is None or not decision.hunks:
        return approval.title
    named = ", ".join(str(one.hunk) for one in decision.hunks)
    others = [
        h["number"] for h in approval.ask["hunks"] if h["number"] not in {d.hunk for d in decision.hunks}
    ]
    rest = ", ".join(map(str, others)) or "none"
    taken, left = (named, rest) if decision.rest == "reject" else (rest, named)
    return f"accepted: {taken} · rejected: {left}"


def stop(directory: Path, session: str | None) -> None:
    """`autodev stop`: a request to end, sent to the process that owns the store."""
    from store.lock import owner

    place = Place.find(directory, for_work=False)
    refuse_agents(place)
    holder = owner(place.state)
    if holder is None:
        raise Failure("no engine runs in this repository", 2)
    if session:
        from autodev_tui.engine.queries import find_session

        database = place.open_store(read_only=True)
        try:
            wanted = find_session(database, session).id
        finally:
            database.close()
        if wanted != holder.session:
            runs = f"{holder.session} does" if holder.session else "none has begun yet"
            raise Failure(f"{wanted} does not run now, {runs} · autodev stop", 2)
    if not holder.alive or holder.pid <= 1:
        who = f"process {holder.pid} on {holder.host}" if holder.pid else "a process that it does not name"
        raise Failure(f"the state is held by {who}: it cannot be stopped from here", 5)
    os.kill(holder.pid, signal.SIGTERM)
    click.echo(f"asked pid {holder.pid} to stop · autodev resume goes on from there")


def trust(directory: Path, digest: str | None, revoke: bool, as_json: bool) -> None:
    """`autodev trust`: shows, trusts exactly what was shown, or takes trust back."""
    from autodev_tui.cli import emit
    from autodev_tui.engine import trust as trusting

    place = Place.find(directory, for_work=False)
    files = trusting.trust_files(place.repository.root)
    present = trusting.trust_hash(files)
    if digest or revoke:
        refuse_agents(place)
        if digest and (len(digest) < SHORTEST_HASH or not present.startswith(digest.lower())):
            raise Failure(
                f"the files have changed since they were shown (now: {present or 'no files'})"
                " · autodev trust --show",
                2,
            )
        database = place.open_store()
        try:
            if revoke:
                trusting.revoke(database)
            else:
                trusting.trust(database, present, time.time())
        finally:
            database.close()
    trusted = _trusted(place, files)
    if as_json:
        shown = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "text": data.decode(errors="replace")}
            for name, data in files.items()
        }
        emit({"trusted": trusted, "hash": present, "files": shown})
        return
    if not files:
        click.echo("nothing to trust: no .autodev/ folder, no AGENTS.md, CLAUDE.md or .worktreeinclude")
        return
    if not digest and not revoke:
        for name, data in files.items():
            click.echo(f"── {visible(name)}  {len(data)} bytes")
            click.echo("\n".join(visible(line) for line in data.decode(errors="replace").splitlines()))
    click.echo(f"trusted: {'yes' if trusted else 'no'} · hash {present}")
    if not trusted:
        click.echo(f"trust exactly this: autodev trust --hash {present[:SHORTEST_HASH]}")


def _trusted(place: Place, files: dict[str, bytes]) -> bool:
    from autodev_tui.engine.trust import is_trusted

    database = place.open_store(read_only=True)
    try:
        return is_trusted(database, files)
    finally:
        database.close()
