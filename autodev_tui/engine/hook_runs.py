"""Runs the user's hooks at landing, and tells what they said.

What a hook runs may be code that an agent wrote. Where a human said yes to exactly this landing, hooks run as
git would run them; where the level lands by itself they run in the sandbox, like every command that nobody
was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from autodev_tui.domain import events
from autodev_tui.engine.services import Services
from autodev_tui.sandbox.spool import read_output
from autodev_tui.vcs.hooks import HookCall, HookRunner, find_hook, hooks_folder, run_hook
from autodev_tui.vcs.landing_plan import HookOutput, LandingPlan

NAMES = ("pre-commit", "commit-msg", "post-merge")
SHOWN_BYTES = 32 * 1024


def hook_runner(services: Services, *, approved: bool) -> HookRunner:
    """How hooks are run: by the user's leave as they are, else in the sandbox. Called in a thread."""
    if approved:
        return run_hook
    loop = asyncio.get_running_loop()

    def sandboxed(call: HookCall) -> HookOutput:
        return asyncio.run_coroutine_threadsafe(_in_sandbox(services, call), loop).result()

    return sandboxed


async def _in_sandbox(services: Services, call: HookCall) -> HookOutput:
    record = services.session_directory() / "hooks" / call.name
    ended = await services.runner.run(
        call.argv,
        cwd=call.cwd,
        env=dict(call.env),
        record=record,
        timeout_s=call.timeout_s,
        writable=(str(call.cwd),),
        readable=(str(Path(call.argv[0]).parent),),
    )
    head, elided, tail = await asyncio.to_thread(read_output, Path(f"{record}.out"), SHOWN_BYTES, SHOWN_BYTES)
    between = f"\n… {elided} bytes left out …\n" if elided else ""
    text = head.decode(errors="replace") + between + tail.decode(errors="replace")
    code = ended.code if ended.code is not None else 128 + (ended.signal or 0)
    return HookOutput(name=call.name, code=code, output=text, duration_s=ended.duration_s)


def has_hooks(services: Services, plan: LandingPlan) -> bool:
    """Whether this landing would run a hook. Sync."""
    checkout = Path(plan.checkout) if plan.checkout else services.repository.root
    folder = hooks_folder(services.repository, checkout)
    return any(find_hook(folder, name) for name in NAMES)


def tell_hooks(services: Services, outputs: Sequence[HookOutput]) -> None:
    """What the user's own hooks and signing said, for everybody to see."""
    for one in outputs:
        said = one.output.strip()
        text = f"{one.name} ended with {one.code}" + (f"\n{said}" if said else "")
        severity = "info" if one.code == 0 else "error"
        services.board.log.emit(events.Noticed.model_validate({"text": text, "severity": severity}))
