"""Evidence: the engine's own runs of the checks, on an exact checkout of the tree in question."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.evidence import Check, CheckKind, Evidence, GateResult
from autodev_tui.domain.states import ApprovalState, StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from autodev_tui.engine.board import evidence_op
from autodev_tui.engine.decisions import canonical
from autodev_tui.engine.effects import once
from autodev_tui.engine.flow import GaveUp
from autodev_tui.engine.rule_tasks import heals
from autodev_tui.engine.services import Services
from autodev_tui.policy.secrets import scrub_env
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.quality import gate
from autodev_tui.quality.checks import applicable, evidence_key, not_run, run_check
from autodev_tui.quality.detection import detect
from autodev_tui.quality.environment import Environment, prepare
from autodev_tui.quality.own_ruff import own_check
from autodev_tui.quality.project import has_python
from autodev_tui.quality.setup import SETUP_TIMEOUT_S, SetupRequest
from autodev_tui.vcs.trees import snapshot
from store.blobs import Blobs

SHOWN_OUTPUT = 6000
"""Characters of a failed check's output that go back to the agent: its tail, where the summary stands."""


class Verifier:
    """Runs checks for one session, each only once a tree."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._base_checks: list[Check] | None = None
        self._tracked: Collection[str] | None = None
        self._lock = asyncio.Lock()
        self._setting_up = asyncio.Lock()

    # -- environment and checks

    async def environment(self, directory: Path) -> Environment:
        """The environment for the code in `directory`; asks before anything is installed."""
        # Waited for inside: everybody needs it, and one question about it is enough.
        with self._services.broker.asking_only(False):
            return await self._services.alone(self._setting_up, lambda: self._environment(directory))

    async def found(self, directory: Path) -> Environment:
        """The environment as it is now: nothing is asked, nothing installed."""
        return await self._services.alone(self._setting_up, lambda: self._as_it_is(directory))

    async def for_checks(self, directory: Path) -> Environment:
        """The environment for the checks of the code in `directory`: where there are none, nobody needs more
        than there is, and nothing is asked."""
        environment = await self.found(directory)
        if environment.setups and await self.checks(directory, environment):
            return await self.environment(directory)
        return environment

    async def _as_it_is(self, directory: Path) -> Environment:
        environment = await self._prepare(directory)
        await asyncio.to_thread(environment.show_in, directory)
        return environment

    async def _environment(self, directory: Path) -> Environment:
        environment = await self._prepare(directory)
        for request in environment.setups:
            if await self._set_up(directory, request):
                environment = await self._prepare(directory)
        await asyncio.to_thread(environment.show_in, directory)
        return environment

    async def _set_up(self, directory: Path, request: SetupRequest) -> bool:
        """Install what `request` says, by the human's leave for exactly this; False when it is refused.

        A leave is used up when the installation starts: one that fails, is killed, or whose result is gone
        later is asked about again.
        """
        services, board = self._services, self._services.board
        effect = f"setup:{request.lock_hash}"
        if board.named(StepKind.SETUP, None, f"{effect} refused"):
            return False
        environment = hashlib.sha256(canonical(request.env)).hexdigest()
        base = {"lock_hash": request.lock_hash, "argv": request.argv, "environment": environment}
        if request.recipe == "configured":
            # A command of the user's own may run any code that lies there.
            base["tree"] = await asyncio.to_thread(snapshot, services.repository, directory)
        approval = await services.broker.ask(
            ApprovalKind.COMMAND,
            "install what the checks need (network)",
            show_setup(request),
            effect=effect,
            base=base,
            risk="high",
        )
        if approval.state is ApprovalState.REJECTED:
            why = {"why": approval.decision.reason if approval.decision else ""}
            refused = board.new_step(
                StepKind.SETUP, None, f"{effect} refused", state=StepState.DONE, result=why
            )
            await services.broker.used(approval, refused)
            return False

        async def install(_: Step) -> dict[str, Any]:
            run = await asyncio.to_thread(request.begin)
            ended = await services.runner.for_quality(run)
            if ended.code != 0:
                tail = ended.output.decode(errors="replace")[-2000:]
                raise GaveUp(
                    f"setting up the environment failed (exit code {ended.code}) · {request.shown}\n{tail}"
                )
            await asyncio.to_thread(request.finish)
            return {"directory": request.directory, "duration_s": ended.duration_s}

        number = 1 + sum(step.name.startswith(effect) for step in board.steps(None))
        leave = approval.but(read=True)
        await once(board, StepKind.SETUP, None, f"{effect} {number}", install, begin=[leave])
        return True

    async def _prepare(self, directory: Path) -> Environment:
        services = self._services
        if self._tracked is None:
            base = services.session.base_commit
            self._tracked = await asyncio.to_thread(services.repository.tracked_paths, base)
        tracked = self._tracked
        return await prepare(
            directory,
            checkout=services.repository.root,
            environments=services.state / "environments",
            variables=services.repository.user_variables(),
            run=services.runner.for_quality,
            tracked=lambda path: any(one == path or one.startswith(f"{path}/") for one in tracked),
            setup=services.settings.environment.setup,
        )

    async def checks(self, directory: Path, environment: Environment) -> list[Check]:
        """The checks of the code in `directory`, those that the human named among them."""
        services = self._services
        found = await asyncio.to_thread(detect, directory, list(services.settings.checks), environment)
        have = {check.command for check in found}
        found += [check for check in services.session.checks if check.command not in have]
        healing = any(heals(task.description) for task in services.board.tasks.values())
        if healing and not any(check.kind is CheckKind.LINT for check in found):
            own = own_check() if await asyncio.to_thread(has_python, directory) else None
            found += [own] if own else []
        return found

    async def known_checks(self) -> list[Check]:
        """The checks that the session began with: what an agent configures since makes no command known."""
        return await self._services.patiently(self._lock, self._checks_of_base)

    # -- evidence

    async def judge(self, tree: str, task: Task | None) -> GateResult:
        """The gate's verdict on `tree`; what was red on the session's base in the same way counts as old."""
        services = self._services
        criteria = list(task.acceptance_criteria) if task else []
        wanted = tuple(sorted({one.check for one in criteria if one.check}))
        evidence = await self.evidence(tree, wanted)
        base: list[Evidence] = []
        if needed := gate.base_needed(evidence):
            base_tree = await asyncio.to_thread(services.repository.tree_of, services.session.base_commit)
            base = await self.evidence(base_tree, wanted, only=needed)
        result = gate.score(tree, evidence, base, criteria, threshold=services.settings.quality_threshold)
        services.board.log.emit(
            events.GateJudged(
                task=task.id if task else None,
                tree=tree,
                verdict=result.verdict,
                score=result.score,
                reasons=result.reasons,
            )
        )
        return result

    async def evidence(
        self, tree: str, wanted: tuple[str, ...] = (), only: Collection[str] | None = None
    ) -> list[Evidence]:
        """What each check (or those named by `only`) says of `tree`; run now where nobody has run it yet."""
        return await self._services.patiently(self._lock, lambda: self._evidence(tree, wanted, only))

    async def _evidence(
        self, tree: str, wanted: tuple[str, ...], only: Collection[str] | None
    ) -> list[Evidence]:
        services = self._services
        base_checks = await self._checks_of_base()
        path = await asyncio.to_thread(services.worktrees.checkout, self._name, tree)
        environment = await self.for_checks(path)
        checks = await self.checks(path, environment)
        # A change that removes a check's configuration does not get rid of the check.
        known = {check.name for check in checks}
        checks += [check for check in base_checks if check.name not in known]
        changed = await asyncio.to_thread(self._changed, tree)
        found = []
        for check in checks:
            if only is not None and check.name not in only:
                continue
            key = evidence_key(check, tree, environment, wanted)
            stored = services.board.database.get("evidence", key)
            if stored:
                found.append(Evidence(**stored))
            elif changed and not applicable(check, changed):
                found.append(not_run(check, tree, "nothing that it is about has changed", services.clock()))
            else:
                found.append(await self._run(check, tree, path, environment, key, wanted))
        return found

    @property
    def _name(self) -> str:
        return f"{self._services.session.id}-check"

    async def _checks_of_base(self) -> list[Check]:
        if self._base_checks is None:
            services = self._services
            path = await asyncio.to_thread(
                services.worktrees.checkout, self._name, services.session.base_commit
            )
            self._base_checks = await self.checks(path, await self.for_checks(path))
        return self._base_checks

    def _changed(self, tree: str) -> list[str]:
        """Paths in which `tree` differs from the session's base. Sync."""
        repository = self._services.repository
        base = repository.tree_of(self._services.session.base_commit)
        return repository.bare.fields("diff-tree", "-r", "-z", "--name-only", "--no-renames", base, tree)

    async def _run(
        self,
        check: Check,
        tree: str,
        path: Path,
        environment: Environment,
        key: str,
        wanted: tuple[str, ...],
    ) -> Evidence:
        services = self._services
        # Not held here by an agent's own pause: others wait for what this agent checks with.
        await services.not_paused()
        await self._allowed(check, tree)
        step = services.board.named(StepKind.CHECK, None, key)
        evidence: Evidence | None = None

        async def do(step: Step) -> dict[str, Any]:
            nonlocal evidence
            await asyncio.to_thread(services.worktrees.checkout, self._name, tree)
            scratch = services.session_directory() / "scratch"
            await asyncio.to_thread(scratch.mkdir, parents=True, exist_ok=True, mode=0o700)
            with services.interruptible():
                evidence = await run_check(
                    check,
                    tree,
                    path,
                    environment,
                    services.runner.for_quality,
                    scratch=scratch,
                    wanted=wanted,
                    clock=services.clock,
                    timeout_s=services.settings.limits.check_timeout_s,
                )
            # The evidence is durable before the step says that it is done.
            await services.board.commit(extra=[evidence_op(evidence, key)])
            return {"check": check.name, "tree": tree, "result": evidence.result, "why": evidence.why}

        if step and step.result.get("tree") == tree:
            # The step is there but its evidence is not: another state directory; run it under a new name.
            key = f"{key}:{step.attempt + 1}"
        await once(services.board, StepKind.CHECK, None, key, do)
        assert evidence is not None
        services.board.log.emit(
            events.Checked(
                check=check.name,
                tree=tree,
                result=evidence.result,
                duration_s=evidence.duration_s,
                why=evidence.why,
                cause=evidence.causes[0].words if evidence.causes else "",
            )
        )
        return evidence

    async def _allowed(self, check: Check, tree: str) -> None:
        services = self._services
        facts = Facts(sandbox=services.sandboxed, evidence_run=True)
        if decide(services.level(None), Action.KNOWN_COMMAND, facts).verdict is Verdict.AUTO:
            return
        approval = await services.broker.ask(
            ApprovalKind.COMMAND,
            f"run the check {check.name} without a sandbox",
            {"command": check.command, "why": "no sandbox works on this machine", "tree": tree},
            effect=f"check:{check.command}:{tree}",
            base={"tree": tree},
            risk="high",
        )
        await services.broker.used(approval)
        if approval.state is ApprovalState.REJECTED:
            raise GaveUp(f"the check {check.name} was refused, so nothing can be verified")


def show_setup(request: SetupRequest) -> dict[str, Any]:
    """What is installed, from where, into what: in full, but for the values of secret variables."""
    harmless = scrub_env(request.env)
    return {
        "command": request.shown,
        "script": request.argv[-1],
        "files": {name: text for name, text in request.files.items() if not name.startswith("project/")},
        "variables": {name: harmless.get(name, "(hidden)") for name in sorted(request.env)},
        "directory": request.directory,
        "why": request.why,
        "network": True,
        "recipe": request.recipe,
        "timeout_s": SETUP_TIMEOUT_S,
    }


async def explain_failure(blobs: Blobs, result: GateResult) -> list[dict[str, Any]]:
    """What the agent is told of each check that did not pass: how it ended, why, and its output's tail."""
    parts: list[dict[str, Any]] = []
    for one in result.evidence:
        if one.result in ("passed", "not_run"):
            continue
        output = await asyncio.to_thread(blobs.get, one.output_blob) if one.output_blob else b""
        parts.append(
            {
                "check": one.check,
                "command": one.command,
                "result": one.result,
                "why": one.why,
                "causes": [f"{cause.words} → {cause.suggestion}" for cause in one.causes],
                "output": output.decode(errors="replace")[-SHOWN_OUTPUT:],
            }
        )
    return parts
