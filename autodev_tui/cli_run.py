"""The verbs that run an engine: run, plan, resume, land."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from autodev_tui import paths
from autodev_tui.cli_errors import LONGEST_GOAL, Failure
from autodev_tui.cli_print import count, money
from autodev_tui.domain import commands
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.rule import NEEDS_A_MODEL
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from autodev_tui.headless import Place, refuse_agents, run, to_stderr

Options = dict[str, Any]


def start(directory: Path, goal: str, land: bool, options: Options) -> None:
    """`autodev run GOAL`."""
    place = Place.find(directory)
    level = options["autonomy"]
    command = commands.StartSession(
        goal=goal,
        level=Level(level) if level else None,
        budget_usd=options["budget"],
        timeout_s=options["timeout"],
        land=land,
    )
    _go(place, command, options)


def plan(directory: Path, goal: str, requirements: str | None, options: Options) -> None:
    """`autodev plan GOAL`."""
    from autodev_tui.cli import emit

    place = Place.find(directory)
    instructions = [_requirements(Path(requirements))] if requirements else []
    level = options["autonomy"]
    command = commands.StartSession(
        goal=goal,
        level=Level(level) if level else None,
        budget_usd=options["budget"],
        timeout_s=options["timeout"],
        plan_only=True,
        instructions=instructions,
    )
    code, document = run(place, command, _settings(options), _teller(options))
    waiting = [one for one in document["approvals"] if one["kind"] != "plan"]
    # A plan that waits for its approval is what was asked for.
    if code == 3 and not waiting and document["tasks"]:
        code = 0
    if options["as_json"]:
        shown = {name: document[name] for name in ("session", "goal", "tasks", "estimate")}
        emit(shown if code == 0 else shown | {"error": document["error"], "code": code})
    else:
        _print_plan(document)
        _say_end(document | {"code": code})
    raise click.exceptions.Exit(code)


def run_plan(directory: Path, session: str, land: bool, options: Options) -> None:
    """`autodev run --plan ID`: asking for exactly this plan to be carried out approves it."""
    from autodev_tui.cli_answers import record
    from autodev_tui.engine.queries import find_session, pending_approvals

    place = Place.find(directory)
    database = place.open_store(read_only=True)
    try:
        found = find_session(database, session)
        if not found.plan_only or found.state not in (SessionState.PLANNING, SessionState.INTERRUPTED):
            raise Failure(f"{found.id} is no plan that waits to be carried out (it is {found.state})", 2)
        waiting = [one for one in pending_approvals(database, found.id) if one.kind is ApprovalKind.PLAN]
    finally:
        database.close()
    for approval in waiting:
        record(place, approval, verdict="approve", reason="run --plan")
    command = commands.ResumeSession(
        session=found.id,
        level=Level(options["autonomy"]) if options["autonomy"] else None,
        budget_usd=options["budget"],
        timeout_s=options["timeout"],
        land=land,
        plan_only=False,
    )
    _go(place, command, options)


def resume(directory: Path, session: str | None, land: bool, options: Options) -> None:
    """`autodev resume`."""
    from autodev_tui.cli_heal import end, is_healing

    place = Place.find(directory)
    found = _resumable(place, session)
    command = commands.ResumeSession(session=found, timeout_s=options["timeout"], land=True if land else None)
    code, document = run(place, command, _settings(options), _teller(options), options.get("record"))
    (end if is_healing(document) else _end)(code, document, options)


def land(directory: Path, session: str | None, shown: str | None, leave_out: bool, options: Options) -> None:
    """`autodev land`: says yes to the land question and carries it out."""
    from autodev_tui.cli_answers import record, same_hash
    from autodev_tui.engine.queries import find_session, pending_approvals

    place = Place.find(directory)
    refuse_agents(place)
    session = _without_left_out(place, session, leave_out, options)
    database = place.open_store(read_only=True)
    try:
        found = find_session(database, session)
        if found.state is SessionState.LANDED:
            raise Failure(f"{found.id} has landed already as {found.landed_commit[:12]}", 2)
        waiting = [one for one in pending_approvals(database, found.id) if one.kind is ApprovalKind.LAND]
    finally:
        database.close()
    if not waiting:
        raise Failure(f"{found.id} ({found.state}) is not ready to land · autodev resume {found.id}", 3)
    if shown:
        same_hash(waiting[0], shown)
    record(place, waiting[0], verdict="approve")
    # Whoever says so wants it landed: a question that is still open then is no success.
    command = commands.ResumeSession(session=found.id, timeout_s=options["timeout"], land=True)
    _go(place, command, options)


def _without_left_out(place: Place, session: str | None, leave_out: bool, options: Options) -> str | None:
    """The session, once its tasks that need a model are left out where the human says so.

    Raises:
        Failure: tasks need a model, and nobody says that it may land without them.
    """
    from autodev_tui.engine.queries import find_session, lacking_model

    database = place.open_store(read_only=True)
    try:
        found = find_session(database, session)
        lack = [] if found.over else lacking_model(database, found)
    finally:
        database.close()
    if not lack:
        return session
    names = ", ".join(f"{task.id} {task.title}" for task in lack)
    what = f"{visible(names, keep='')}: not done, {'they need' if len(lack) > 1 else 'it needs'} a model"
    asks = not options["as_json"] and sys.stdin.isatty()
    if not leave_out and not (asks and click.confirm(f"{what}. Leave out, and land the rest?")):
        raise Failure(
            f"{what} · to land the rest: autodev land {found.id} --leave-out"
            f" · to have it done: autodev resume {found.id} --model PROVIDER/MODEL",
            3,
        )
    command = commands.ResumeSession(session=found.id, timeout_s=options["timeout"], leave_out=True)
    code, document = run(place, command, {}, _teller(options))
    if code != 0 or not document["approvals"]:
        _end(code, document, options)
    return found.id


def decision(approval: Approval, place: Place, **fields: Any) -> Decision:
    """A signed answer of the user who runs this command."""
    import getpass
    import time

    from autodev_tui.engine.decisions import sign

    try:
        actor = getpass.getuser()
    except (KeyError, OSError):
        actor = "user"
    answer = Decision(
        approval=approval.id, shown_hash=approval.shown_hash, actor=actor, at=time.time(), **fields
    )
    return sign(answer, paths.client_secret(place.environment))


def resumable(directory: Path, session: str | None) -> str:
    """The session that can be resumed, by its whole name. Raises Failure: there is nothing to resume."""
    return _resumable(Place.find(directory), session)


def _resumable(place: Place, session: str | None) -> str:
    from autodev_tui.engine.queries import find_session

    database = place.open_store(read_only=True)
    try:
        found = find_session(database, session)
    finally:
        database.close()
    if found.over:
        raise Failure(f"nothing to resume: {found.id} is {found.state}", 2)
    return found.id


def _go(place: Place, command: commands.StartSession | commands.ResumeSession, options: Options) -> None:
    code, document = run(place, command, _settings(options), _teller(options), options.get("record"))
    _end(code, document, options)


def _end(code: int, document: dict[str, Any], options: Options) -> NoReturn:
    from autodev_tui.cli import emit

    if options["as_json"]:
        emit(document)
    _say_end(document)
    raise click.exceptions.Exit(code)


def _settings(options: Options) -> Options:
    """The options that are settings, as the topmost layer."""
    return {name: options[name] for name in ("model",) if options.get(name)}


def _teller(options: Options) -> Any:
    return (lambda line: None) if options["as_json"] else to_stderr


def _say_end(document: dict[str, Any]) -> None:
    """The last lines: what became of it, and what to do next."""
    session, code, usage = document["session"], document["code"], document["usage"] or {}
    cost = money(usage.get("cost_usd", 0), usage.get("cost_known", True))
    head = f"{session} {document['state']} · {count(usage.get('requests', 0), 'request')} · {cost}"
    match code:
        case 0 if document["landed"]:
            to_stderr(f"✓ {head} · landed {document['landed'][:12]} on {document['target']}")
        case 0 if document["state"] == "planning":
            to_stderr(f"✓ {head} · autodev run --plan {session} says yes to the plan and starts")
        case 0 if document["approvals"]:
            to_stderr(f"✓ {head} · ready · autodev approvals · autodev land {session}")
        case 0:
            to_stderr(f"✓ {head}{' · ' + document['error'] if document['error'] else ''}")
        case 4 if document["approvals"]:
            to_stderr(f"■ {head} · {document['error']} · autodev approvals, then autodev resume {session}")
        case 3 if not document["approvals"]:
            # What to do next is in the words: nobody is asked anything.
            to_stderr(f"◐ {head} · {document['error']}")
        case 3:
            to_stderr(f"◐ {head} · {document['error']} · autodev approvals, then autodev resume {session}")
        case _:
            to_stderr(f"✗ {head} · {document['error']} · autodev resume {session}")


def _print_plan(document: dict[str, Any]) -> None:
    for task in document["tasks"]:
        needs = f"  (needs {', '.join(task['depends_on'])})" if task["depends_on"] else ""
        lacks = f"  · {NEEDS_A_MODEL}" if task["rule"] == NEEDS_A_MODEL else ""
        took = f"~{task['estimate_minutes']} min"
        click.echo(visible(f"{task['id']}  {task['title']}  {took}{needs}{lacks}", keep=""))
        for criterion in task["acceptance_criteria"]:
            click.echo(visible(f"      · {criterion['text']}", keep=""))
    if took := document["estimate"]:
        click.echo(f"estimate: {estimate_words(took)}")
    if document["tasks"]:
        click.echo(f"carry it out: autodev run --plan {document['session']}")


def estimate_words(took: dict[str, Any]) -> str:
    """`about 50 min · $0.40–2.10 (why)`; for models of this machine their time."""
    parts = [f"about {took['minutes']} min"]
    cost = took["cost_usd"]
    if cost is None:
        parts.append("cost not known")
    elif cost[1]:
        parts.append(f"${cost[0]:.2f}–{cost[1]:.2f}")
    if local := took.get("local_minutes"):
        parts.append(f"local models {local[0]:.0f}–{max(local[1], 1):.0f} min")
    return f"{' · '.join(parts)} ({took['why']})"


def _requirements(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(f"the requirements cannot be read · {path}: {error.strerror}", 2) from error
    except UnicodeDecodeError as error:
        raise Failure(f"the requirements are not UTF-8 text · {path} · save the file as UTF-8", 2) from error
    if len(text) > LONGEST_GOAL:
        raise Failure(
            f"the requirements are too long · {path}: {len(text):,} characters"
            f" · at most {LONGEST_GOAL:,} are taken",
            2,
        )
    return text
