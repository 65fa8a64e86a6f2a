"""The headless front end: runs a session in a repository, and tells what happens on stderr."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from autodev_tui.assembly import (
    BudgetUnknowable,
    Place,
    find_model,
    look_up,
    make_engine,
    open_tape,
    price_known,
    refuse_unknown_price,
)
from autodev_tui.domain import commands, events
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.text import visible
from autodev_tui.signals import Signals

if TYPE_CHECKING:
    from autodev_tui.bridge import Bridge
    from autodev_tui.engine.engine import Engine
    from autodev_tui.live import Live
    from autodev_tui.sandbox.probe import ProbeResult
    from autodev_tui.settings import Settings
    from store.database import Database

LAST_WORDS_S = 1.0
"""For telling what happened until the end, after the end."""

BY_RULES = (
    "no model: planned by rules, which heal what is red and write changelog and API docs; the rest waits"
)
NO_MODEL = " · for a model set ANTHROPIC_API_KEY, or start Ollama"

__all__ = ["BudgetUnknowable", "NotAllowed", "Place", "price_known", "refuse_unknown_price"]


class NotAllowed(Exception):
    """The caller may not do this: it descends from the engine, or runs inside one of its commands."""


def refuse_agents(place: Place) -> None:
    """An agent's command must not answer its own question.

    Raises:
        NotAllowed: this process descends from a running engine, or was started by one.
    """
    from autodev_tui.sandbox.processes import ancestors
    from autodev_tui.sandbox.spec import IN_COMMAND
    from store.lock import owner

    if place.environment.get(IN_COMMAND):
        raise NotAllowed("a command of an agent cannot answer questions")
    holder = owner(place.state)
    if holder and holder.pid != os.getpid() and any(pid == holder.pid for pid, _ in ancestors()):
        raise NotAllowed(
            f"this process descends from the engine (pid {holder.pid}): it cannot answer its questions"
        )


def run(
    place: Place,
    command: commands.StartSession | commands.ResumeSession,
    options: dict[str, Any],
    tell: Callable[[str], None],
    record: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """Run a session until it ends or waits; the exit code and the status document.

    `record` names the file that its models' replies are recorded in.

    Raises:
        StoreError, SettingsError, ProviderError: before anything is done.
        KeyboardInterrupt: a signal came before there was a session to interrupt.
    """
    try:
        return asyncio.run(_run(place, command, options, tell, record))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _run(
    place: Place,
    command: commands.StartSession | commands.ResumeSession,
    options: dict[str, Any],
    tell: Callable[[str], None],
    record: str | None,
) -> tuple[int, dict[str, Any]]:
    from autodev_tui.bridge import Bridge
    from autodev_tui.engine.queries import find_session, session_view
    from autodev_tui.logs import span
    from autodev_tui.sandbox.probe import probe

    signals = Signals()
    database = place.open_store(what="run")
    opened = contextlib.ExitStack()
    try:
        opened.enter_context(contextlib.closing(await asyncio.to_thread(place.open_log)))
        settings = place.settings(database, options)
        prompts = await asyncio.to_thread(place.prompts)
        # In a thread: it may look for a while whether there is a server of local models.
        model = await asyncio.to_thread(find_model, place.environment, database, command, settings, options)
        remote = await look_up(model, settings)
        if model.spec == RULES_MODEL and isinstance(command, commands.StartSession) and not command.tasks:
            tell(f"· {BY_RULES}{'' if settings.model else NO_MODEL}")
        refuse_unknown_price(command, database, model.spec, settings, remote=remote)
        tape = None
        if record:
            tape = await asyncio.to_thread(open_tape, place, database, command, model.spec, record)
            opened.callback(tape.close)
            if tape.found:
                tell(f"· {tape.found} replies are recorded already: they are replayed, others are added")
        found = await asyncio.to_thread(probe)
        for warning in _warnings(place, database, settings, found):
            tell(f"! {warning}")
        engine = make_engine(place, database, settings, model, found.rung, prompts, tape=tape)
    except BaseException:
        database.close()
        opened.close()
        raise
    bridge = Bridge(engine)
    live = await _heard(engine, place, model.spec, found, bridge)
    try:
        told = _events_told(place, command)
        await bridge.submit(command)
        watching = asyncio.create_task(_watch(bridge, told, tell))
        await signals.stop(bridge)
        with span("run", command=command.kind):
            outcome = await engine.wait()
        # It ends by itself with the last event; only a store that failed leaves none.
        await asyncio.wait({watching}, timeout=LAST_WORDS_S)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        session = engine.services.session.id
        document = session_view(database, find_session(database, session))
        return outcome.code, document | {"code": outcome.code, "error": outcome.error or None}
    finally:
        await live.aclose()
        await engine.aclose()
        opened.close()


async def _heard(engine: Engine, place: Place, model: str, found: ProbeResult, bridge: Bridge) -> Live:
    """Workbenches on the same folder read along; one that takes over stops the run as `autodev stop` does."""
    from autodev_tui.domain.updates import EngineFacts
    from autodev_tui.live import Live
    from autodev_tui.watching import secret_of

    sandbox = "" if found.rung.value == "none" else found.rung.value
    stopping: set[asyncio.Task[None]] = set()

    def facts() -> EngineFacts:
        agents = engine.site.settings.agents
        return EngineFacts(busy=engine.busy, agents=agents, model=model, sandbox=sandbox)

    def give_way() -> None:
        stopping.add(asyncio.create_task(bridge.submit(commands.StopSession())))

    secret = await asyncio.to_thread(secret_of, place)
    live = Live(engine, place.state, secret, facts, engine.ask, give_way)
    if secret:
        await live.open()
    return live


def _warnings(place: Place, database: Database, settings: Settings, found: ProbeResult) -> Iterator[str]:
    """What the user has to know before the run begins."""
    if torn := database.report["torn_bytes"]:
        yield f"the last write to the state was cut short: {torn} bytes, never confirmed, were set aside"
    yield from settings.notices
    if place.untrusted_files:
        names = ", ".join(place.untrusted_files[:5])
        yield f"not trusted, so not read: {names} · autodev trust --show"
    if found.rung.value == "none":
        why = "; ".join(f"{rung.value}: {reason}" for rung, works, reason in found.tried if not works)
        yield f"no sandbox works here, so every command asks ({why})"
    if changed := _changed_in_checkout(place):
        names = ", ".join(changed[:5]) + (" …" if len(changed) > 5 else "")
        head = place.repository.head[:7]
        yield f"not committed, so agents, who start from {head}, do not see it: {names}"


def _changed_in_checkout(place: Place) -> list[str]:
    """Tracked files that differ from the last commit in the user's checkout. Sync: one git call."""
    return place.repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD")


def _events_told(place: Place, command: commands.StartSession | commands.ResumeSession) -> int:
    """The number of the last event of earlier runs, whose progress is not told again."""
    from autodev_tui.engine.event_log import last_seq

    if isinstance(command, commands.StartSession):
        return 0
    return last_seq(place.state / "sessions" / command.session / "events.jsonl")


async def _watch(bridge: Any, told: int, tell: Callable[[str], None]) -> None:
    async for event in bridge.events(told):
        line = describe(event)
        if line:
            tell(line)
        if isinstance(event, events.Ended):
            return


def describe(event: events.Event) -> str:
    """One line for a person, not yet made harmless; empty for what is not worth one."""
    who = f"{event.task} " if event.task else ""
    match event:
        case events.PhaseStarted():
            return f"phase {event.phase} · {event.name}"
        case events.TaskMoved():
            return f"{who}{event.old or 'new'} → {event.new}{' · ' + event.why if event.why else ''}"
        case events.StepMoved(step_kind="tool", new="done" | "failed" | "refused"):
            detail = event.detail
            what = detail.get("path") or detail.get("command") or detail.get("text", "")
            return f"{who}{event.name} {str(what)[:100]} · {event.new}"
        case events.Retrying():
            return f"{who}↺ retrying {event.attempt} of {event.of} in {event.wait_s:.0f} s · {event.why}"
        case events.Asked():
            return f"◐ {event.title} · autodev approvals ({event.approval})"
        case events.Checked():
            told = (f"{event.check} on @{event.tree[:7]}: {event.result}", event.why, event.cause)
            return " · ".join(filter(None, told))
        case events.GateJudged():
            return f"{who}gate @{event.tree[:7]}: {event.verdict} {event.score:.2f}"
        case events.Committed():
            return f"{who}committed {event.commit[:7]} {event.title}"
        case events.Landed():
            return f"{event.branch} is now @{event.new[:7]}, was @{event.old[:7]} · nothing was pushed"
        case events.Noticed():
            return f"! {event.text}"
        case _:
            return ""


def to_stderr(line: str) -> None:
    """One line of progress, whatever is in it; a terminal that went away is no reason to stop."""
    try:
        print(visible(line, keep=""), file=sys.stderr, flush=True)
    except OSError:
        # What could not be written would be tried again at the end, and its failure become the exit code.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)
