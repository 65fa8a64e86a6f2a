"""Calls of `run_command`: classified, judged, run in the sandbox, adopted after a crash if they had ended."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.states import ApprovalState, StepState
from autodev_tui.domain.step import Step
from autodev_tui.domain.updates import Rule
from autodev_tui.engine.call_steps import CallSteps, result_document
from autodev_tui.engine.decisions import canonical
from autodev_tui.engine.flow import Interrupted
from autodev_tui.engine.rules import remember
from autodev_tui.engine.services import Services
from autodev_tui.engine.unknown import ask_unknown
from autodev_tui.policy.commands import CommandClass, CommandKind, classify
from autodev_tui.policy.rules import command_pattern
from autodev_tui.policy.table import Verdict
from autodev_tui.quality.environment import Environment
from autodev_tui.quality.healing.formatters import COMMANDS as FORMATTERS
from autodev_tui.quality.own_ruff import own_commands
from autodev_tui.sandbox.spec import SandboxError, SpawnerLost
from autodev_tui.tools.base import ToolResult
from autodev_tui.tools.command import CommandEnd, clean, format_result
from autodev_tui.vcs.trees import untracked

if TYPE_CHECKING:
    from autodev_tui.engine.verify import Verifier
    from autodev_tui.engine.workspace import Workspace

HEAD_BYTES = TAIL_BYTES = 8 * 1024
"""Of a command's output, what is read for the model; all of it stays in the spool."""
REPEATED = 3
"""How often a check or a reading command is run again after it was cut short."""
OUTWARD = (CommandKind.NETWORK, CommandKind.PUSH)


PYTHON_RUNNERS = ("python -m pytest", "python -m unittest", "python -m unittest discover")


def known_commands(checks: Sequence[Check]) -> list[str]:
    """The commands that count as known checks. Where one of Python's test runners is the check, any is."""
    commands = [check.command for check in checks]
    runs_tests = any(check.kind is CheckKind.BEHAVIOUR for check in checks)
    if runs_tests and any(" -m pytest" in one or " -m unittest" in one for one in commands):
        commands += PYTHON_RUNNERS
    return commands


async def run_command(
    calls: CallSteps, step: Step, args: Any, verifier: Verifier, workspace: Workspace
) -> None:
    """Run one command. Raises Waiting where the level asks."""
    services = calls.services
    environment = await verifier.environment(workspace.path)
    checks = known_commands(await verifier.known_checks())
    by_rules = services.models.spec_of(calls.agent.task) == RULES_MODEL
    if by_rules:
        # Only they run our own ruff. Known to all, it would let any model's `python -m ruff` run unasked.
        checks += [*own_commands(), *FORMATTERS]
    kind = await asyncio.to_thread(classify, args.command, checks, workspace.path)
    if by_rules and kind.kind is CommandKind.OTHER and args.command in checks:
        # Word for word: a check of several commands is run unasked as evidence too.
        kind = CommandClass(CommandKind.CHECK, "a check of this repository")
    ruling = calls.rule(kind.action)
    approval = rule = None
    if ruling.verdict is Verdict.ASK:
        pattern = command_pattern(args.command, kind, sandboxed=services.sandboxed)
        rule = calls.remembered(step, ruling, pattern, kind.argv)
    if ruling.verdict is Verdict.ASK and rule is None:
        about = {
            "command": args.command,
            "where": "the worktree of the agent that asks",
            "timeout_s": _timeout(services, args),
            "class": kind.kind.value,
            "network": kind.kind in OUTWARD,
            "sandbox": services.runner.rung.value,
        }
        base = {"environment": _environment_hash(workspace, environment)}
        approval = await calls.ask(
            step,
            ApprovalKind.COMMAND,
            f"{step.task} asks to run {args.command}",
            {
                **about,
                "why_asked": f"{ruling.why}: {kind.why}",
                **({"remember": remember(pattern)} if ruling.rememberable else {}),
            },
            kind.action,
            base=base,
            # By what it does, not by who asks: agents that want the same share one question.
            effect=f"command:{hashlib.sha256(canonical([about, base])).hexdigest()}",
            risk="high" if kind.kind in OUTWARD else "medium",
            hard_gates=["push"] if kind.kind is CommandKind.PUSH else [],
        )
        if approval.state is ApprovalState.REJECTED:
            await calls.refuse(step, approval)
            return
        if approval.state is ApprovalState.EDITED and approval.decision:
            instead = approval.decision.text
            args = args.model_copy(update={"command": instead})
            kind = await asyncio.to_thread(classify, instead, checks, workspace.path)
            if calls.rule(kind.action).verdict is Verdict.DENY:
                await calls.fail(step, f"The human changed your command, but {instead} is denied.")
                return
            await calls.tell_edited(step, approval, f"What ran instead, and had the result: {instead}")
    await _run(calls, step, approval or rule, args, kind, environment, workspace)


def _environment_hash(workspace: Workspace, environment: Environment) -> str:
    """sha256 of a command's variables, the same for every task whose worktrees differ in place alone."""
    variables = {
        name: value.replace(str(workspace.path), "<worktree>").replace(str(workspace.home), "<home>")
        for name, value in workspace.environment(environment).items()
    }
    return hashlib.sha256(canonical(variables)).hexdigest()


async def _run(
    calls: CallSteps,
    step: Step,
    leave: Approval | Rule | None,
    args: Any,
    kind: CommandClass,
    environment: Environment,
    workspace: Workspace,
) -> None:
    """Run what the level, an answer or a rule gives leave to."""
    services, board = calls.services, calls.board
    harmless = kind.kind in (CommandKind.CHECK, CommandKind.READ_ONLY)
    record = record_path(services, step)
    timeout = _timeout(services, args)
    intent: dict[str, Any] = {
        "repeatable": harmless,
        "command": args.command,
        "record": str(record),
        "timeout_s": timeout,
    }
    if kind.kind is CommandKind.CHECK:
        # By what was there before, the by-products are told even when this run of the program ends early.
        intent["untracked"] = sorted(await workspace.untracked())
    if isinstance(leave, Rule):
        used = services.broker.rules.used(leave)
        await calls.start(step, None, intent | {"rule": leave.id}, used)
    else:
        await calls.start(step, leave, intent)

    def stream(chunk: bytes) -> None:
        text = clean(chunk, services.masker)
        board.log.emit(events.OutputStreamed(task=step.task, step=step.id, text=text))

    argv = kind.argv if harmless and kind.argv else ("/bin/sh", "-c", args.command)
    ended_by_human = False
    try:
        with services.interruptible():
            await services.runner.run(
                argv,
                cwd=workspace.path,
                env=workspace.environment(environment, network=kind.kind in OUTWARD),
                record=record,
                timeout_s=timeout,
                network=kind.kind in OUTWARD,
                writable=(str(workspace.path), str(workspace.home)),
                readable=tuple(environment.readable),
                on_output=stream,
            )
    except Interrupted:
        ended_by_human = True
    except SpawnerLost:
        workspace.by_products.update(await _by_products(services, board.step(step.id)))
        open_step = await settle(services, board.step(step.id))
        if open_step is not None:
            await _run(calls, open_step, leave, args, kind, environment, workspace)
        return
    except SandboxError as error:
        await calls.fail(board.step(step.id), f"The command was not run: {error}")
        return
    except asyncio.CancelledError:
        if harmless:
            await plan_again(services, board.step(step.id))
        else:
            unknown = board.step(step.id).but(state=StepState.UNKNOWN, ended=services.clock())
            await board.commit(unknown)
        raise
    found = await command_result(services, board.step(step.id), record)
    if found is None and not ended_by_human:
        await calls.fail(board.step(step.id), "The command was ended before it finished.")
        return
    left = await _by_products(services, board.step(step.id))
    workspace.by_products.update(left)
    if found is None:
        await calls.interrupt(board.step(step.id), await _so_far(services, record), left)
        return
    result, blob = found
    result |= {"by_products": left} if left else {}
    present, ended = board.step(step.id), services.clock()
    await board.commit(present.but(state=StepState.DONE, result=result, result_blob=blob, ended=ended))


async def _so_far(services: Services, record: Path) -> str:
    """What the model hears of a command that the human ended."""
    from autodev_tui.sandbox.spool import read_output

    head, elided, tail = await asyncio.to_thread(read_output, Path(f"{record}.out"), 0, TAIL_BYTES)
    last = head + tail
    if elided:
        # Half a secret passes for none, so a line that was cut in two goes.
        last = last.partition(b"\n")[2]
    said = clean(last, services.masker).rstrip() or "(nothing)"
    return (
        "The human ended this command, and everything it had started. What it changed so far stays: look at"
        f" the present state before you run it again. The end of what it said until then:\n{said}"
    )


def _timeout(services: Services, args: Any) -> float:
    return float(args.timeout_s or services.settings.limits.command_timeout_s)


async def settle(services: Services, step: Step) -> Step | None:
    """Judge a command whose end nobody saw: adopted by its exit file, planned again, or asked about.

    Returns the step to go on with, None when the command needs no more running.

    Raises:
        Waiting: whether it had its effect is unknown, and only the human can tell.
    """
    record = record_path(services, step)
    await services.runner.blank(record)
    found = await command_result(services, step, record)
    if found is not None:
        result, blob = found
        result |= {"adopted": True, "by_products": await _by_products(services, step)}
        done = step.but(state=StepState.DONE, result=result, result_blob=blob, ended=services.clock())
        await services.board.commit(done)
        return None
    if step.intent.get("repeatable") and step.attempt < REPEATED:
        return await plan_again(services, step)
    step = await ask_unknown(services, step)
    return step if step.state is StepState.PLANNED else None


async def plan_again(services: Services, step: Step) -> Step:
    """The call did not happen, or may happen twice: a new step for it, in one line with the old one's end."""
    next_step = services.board.new_step(
        step.kind,
        step.task,
        step.name,
        attempt=step.attempt + 1,
        turn=step.turn,
        call_id=step.call_id,
        args=step.args,
        input_hash=step.input_hash,
        approval=step.approval,
    )
    left = {"by_products": await _by_products(services, step)} if "untracked" in step.intent else {}
    interrupted = step.but(state=StepState.INTERRUPTED, result=left, ended=services.clock())
    await services.board.commit(interrupted, next_step)
    return next_step


async def _by_products(services: Services, step: Step) -> list[str]:
    """Files that a check left in the worktree."""
    if "untracked" not in step.intent:
        return []
    worktree = Path(services.board.tasks[step.task or ""].worktree)
    now = await asyncio.to_thread(untracked, services.repository, worktree)
    return sorted(now - set(step.intent["untracked"]))


def record_path(services: Services, step: Step) -> Path:
    """Where a command's output and end are kept: out of every sandbox's sight."""
    return services.session_directory() / "commands" / f"{step.seq:06d}-{step.attempt}"


async def command_result(services: Services, step: Step, record: Path) -> tuple[dict[str, Any], str] | None:
    """A command's result by its exit file, and the blob of its text if that is long.

    None when it has none, so that it did not end by itself.
    """
    from autodev_tui.sandbox.client import read_exit
    from autodev_tui.sandbox.spool import read_output

    ended = await asyncio.to_thread(read_exit, Path(f"{record}.exit"))
    if ended is None or ended.cancelled:
        return None
    head, elided, tail = await asyncio.to_thread(read_output, Path(f"{record}.out"), HEAD_BYTES, TAIL_BYTES)
    end = CommandEnd(
        code=ended.code,
        signal=ended.signal,
        timed_out=ended.timed_out,
        duration_s=ended.duration_s,
        head=head,
        elided=elided,
        tail=tail,
    )
    result = format_result(end, services.masker, output_name=record.name)
    data = {
        "command": step.intent.get("command") or step.args.get("command", ""),
        "exit_code": ended.code,
        "duration_s": round(ended.duration_s, 3),
        "timed_out": ended.timed_out,
    }
    return await asyncio.to_thread(result_document, services, ToolResult(result.text, data=data))


class CommandOutputs(Mapping[str, Path]):
    """The spooled outputs of the session's commands, by the name under which `read_file` knows them."""

    def __init__(self, services: Services) -> None:
        self._folder = services.session_directory() / "commands"

    def __getitem__(self, name: str) -> Path:
        path = self._folder / f"{name}.out"
        if "/" in name or not path.is_file():
            raise KeyError(name)
        return path

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in self._folder.glob("*.out"))

    def __len__(self) -> int:
        return sum(1 for _ in self)
