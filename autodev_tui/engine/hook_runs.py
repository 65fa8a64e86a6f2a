"""Runs the user's hooks at landing, and tells what they said.

What a hook runs may be code that an agent wrote. Where a human said yes to exactly this landing and these
hooks, they run as git would run them; where the level lands by itself they run in the sandbox, like every
command that nobody was asked for.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from autodev_tui.domain import events
from autodev_tui.engine.services import Services
from autodev_tui.policy.secrets import scrub_env
from autodev_tui.sandbox.spec import SandboxError
from autodev_tui.sandbox.spool import read_output
from autodev_tui.vcs.hooks import HookCall, HookRunner, find_hook, hooks_folder
from autodev_tui.vcs.landing_plan import HookOutput, LandingPlan

NAMES = ("pre-commit", "commit-msg", "post-merge")
SHOWN_BYTES = 32 * 1024
CHANGED, NOT_STARTED = 125, 126
"""Exit codes of ours, beside those of a shell."""
T = TypeVar("T")


def hooks_of(services: Services, plan: LandingPlan) -> dict[str, str]:
    """The hooks that this landing would run, by path, with the sha256 of each. Sync: reads them."""
    checkout = Path(plan.checkout) if plan.checkout else services.repository.root
    folder = hooks_folder(services.repository, checkout)
    found = [hook for name in NAMES if (hook := find_hook(folder, name))]
    return {str(hook): _digest(hook) for hook in found}


def show_hooks(hooks: dict[str, str]) -> list[dict[str, str]]:
    """What a human is told who is asked about a landing."""
    return [{"path": path, "sha256": digest, "runs": "outside the sandbox"} for path, digest in hooks.items()]


async def with_hooks(
    services: Services, allowed: dict[str, str] | None, work: Callable[[HookRunner], T]
) -> T:
    """What `work` returns, called in a thread with a runner of hooks. Cancelling ends the hook that runs.

    `allowed`: the hooks that the human said yes to, by path and sha256; None where nobody was asked.
    """
    loop = asyncio.get_running_loop()
    running: set[Future[HookOutput]] = set()
    stopped = False

    def run(call: HookCall) -> HookOutput:
        ended = asyncio.run_coroutine_threadsafe(_run(services, call, allowed), loop)
        running.add(ended)
        if stopped:
            ended.cancel()
        return ended.result()

    working = asyncio.ensure_future(asyncio.to_thread(work, run))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stopped = True
        for ended in running:
            ended.cancel()
        # The thread still tidies up behind the hook.
        await asyncio.wait({working})
        if not working.cancelled():
            working.exception()
        raise


async def _run(services: Services, call: HookCall, allowed: dict[str, str] | None) -> HookOutput:
    hook = call.argv[0]
    if allowed is None and call.name == "post-merge":
        why = "not run: nobody was asked about this landing, and it could write to your checkout"
        return HookOutput(name=call.name, code=0, output=why)
    if allowed is not None and allowed.get(hook) != await asyncio.to_thread(_digest, Path(hook)):
        return HookOutput(name=call.name, code=CHANGED, output="not run: it has changed since you were asked")
    record = services.session_directory() / "hooks" / call.name
    try:
        ended = await services.runner.run(
            # A shell also starts a script without a `#!` line, as git does.
            ("/bin/sh", "-c", 'exec "$@"', call.name, *call.argv),
            cwd=call.cwd,
            env=scrub_env(services.repository.user_variables()) | dict(call.env),
            record=record,
            timeout_s=call.timeout_s,
            sandboxed=allowed is None,
            writable=(str(call.cwd),),
            readable=(str(Path(hook).parent),),
        )
    except SandboxError as error:
        return HookOutput(name=call.name, code=NOT_STARTED, output=f"not run to its end: {error}")
    head, elided, tail = await asyncio.to_thread(read_output, Path(f"{record}.out"), SHOWN_BYTES, SHOWN_BYTES)
    between = f"\n… {elided} bytes left out …\n" if elided else ""
    text = head.decode(errors="replace") + between + tail.decode(errors="replace")
    if ended.timed_out:
        text += f"\nno end after {call.timeout_s:g} s\n"
    code = ended.code if ended.code is not None else 128 + (ended.signal or 0)
    return HookOutput(
        name=call.name, code=code, output=services.masker.text(text), duration_s=ended.duration_s
    )


def tell_hooks(services: Services, outputs: Sequence[HookOutput]) -> None:
    """What the user's own hooks and signing said, for everybody to see."""
    for one in outputs:
        said = one.output.strip()
        text = f"{one.name} ended with {one.code}" + (f"\n{said}" if said else "")
        severity = "info" if one.code == 0 else "error"
        services.board.log.emit(events.Noticed.model_validate({"text": text, "severity": severity}))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
