"""The review of one task's change set: proposed tree, evidence, decisions on hunks, result tree, follow-up.

Everything here can be entered again after a crash: each part looks first whether its step is done.
"""

from __future__ import annotations

import asyncio
from typing import Any

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision, HunkDecision
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.domain.evidence import GateResult
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Criterion, Task
from autodev_tui.engine.agent import Agent
from autodev_tui.engine.call_steps import forget
from autodev_tui.engine.effects import once
from autodev_tui.engine.flow import WAITING_CODE, GaveUp
from autodev_tui.engine.hunks import (
    gate_passed,
    hunk_decisions,
    rejected_before,
    rejections,
    show_changes,
    told_hunks,
)
from autodev_tui.engine.level_preview import told
from autodev_tui.engine.prompting import opening_tokens, prompt
from autodev_tui.engine.rule_tasks import SUBJECT, mended_tests
from autodev_tui.engine.told import review_decision
from autodev_tui.engine.verify import Verifier, explain_failure
from autodev_tui.engine.workspace import Workspace
from autodev_tui.policy.hard_gates import GateHit, find_hard_gates
from autodev_tui.policy.table import Action, Facts, Verdict, decide
from autodev_tui.vcs.decisions import build_result
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.follow import follow
from autodev_tui.vcs.messages import commit_message, step_trailers

UNFINISHED = "unfinished"
"""In a task's context: why its agent stopped before it was done, and its work is looked at all the same."""
MENDING_ROUNDS = 3
"""How often an agent gets red checks back before the task fails."""


class Review:
    """Reviews one task until its change is committed and verified, or it goes back to the agent."""

    def __init__(self, agent: Agent, workspace: Workspace, verifier: Verifier) -> None:
        self._agent = agent
        self._services = agent.services
        self._board = agent.services.board
        self._workspace = workspace
        self._verifier = verifier

    @property
    def _task(self) -> Task:
        task = self._agent.task
        assert task is not None
        return task

    @property
    def _unfinished(self) -> str:
        """Why the agent stopped before it was done; empty for work that it handed in."""
        return str(self._task.context.get(UNFINISHED, ""))

    async def run(self) -> bool:
        """True when the task is completed; False when the agent has to go on.

        Raises:
            Waiting: the human is asked.
            GaveUp: the checks stay red.
        """
        round_number = self._task.rounds + 1
        if self._begun(round_number) is None:
            await asyncio.to_thread(self._expect_branch)
        base, proposed = await self._trees(round_number)
        changes = await asyncio.to_thread(change_set, self._services.repository, base, proposed)
        if not changes.files:
            return False if self._unfinished else await self._nothing_new(base)
        gate = await self._verifier.judge(proposed, self._task)
        await self._note_evidence(gate)
        if gate.verdict == "fail" and self._begun(round_number) is None and not self._unfinished:
            return await self._back_to_agent(gate, self._task.rounds)
        approval = await self._decision(round_number, changes, gate)
        return await self._settle(round_number, changes, gate, approval)

    async def _trees(self, round_number: int) -> tuple[str, str]:
        """Base and proposal; those that were decided on, when a crash came in the middle of this round."""
        begun = self._begun(round_number)
        if begun:
            return begun.intent["base"], begun.intent["proposed"]
        return await self._workspace.base_tree(self._task), await self._workspace.propose(self._task)

    def _begun(self, round_number: int) -> Step | None:
        """The commit of this round, once it was decided; one that failed is decided anew."""
        step = self._board.named(StepKind.COMMIT, self._task.id, f"r{round_number}")
        return None if step and step.state is StepState.FAILED else step

    def _expect_branch(self) -> None:
        """The task's branch is where this program left it. Sync.

        Raises:
            RepositoryError: somebody else moved it; their commits stay where they are.
        """
        task, repository = self._task, self._services.repository
        ref = f"refs/heads/{task.branch}"
        actual = repository.head_of(task.branch) if repository.exists(ref) else ""
        if actual == task.head_commit:
            return
        keep = f"keep their commits: git branch NAME {actual[:12]}, and " if actual else ""
        raise RepositoryError(
            f"{task.branch} was {'moved to ' + actual[:12] if actual else 'deleted'} by somebody else",
            hint=f"{keep}put it back: git update-ref {ref} {task.head_commit[:12]}, then resume",
            code=WAITING_CODE,
        )

    # -- nothing to decide

    async def _nothing_new(self, base: str) -> bool:
        """The agent ended without a new change: what was accepted so far is the task's result."""
        await self._services.broker.withdraw(self._effect(self._task.rounds + 1))
        if self._task.state is TaskState.IN_PROGRESS:
            await self._board.commit(self._board.task_moved(self._task.id, TaskState.IN_REVIEW))
        if not self._task.head_commit or self._task.head_commit == self._task.base_commit:
            await self._board.commit(self._board.task_moved(self._task.id, TaskState.COMPLETED))
            return True
        gate = await self._verifier.judge(base, self._task)
        await self._note_evidence(gate)
        if gate.verdict == "fail":
            return await self._back_to_agent(gate, self._task.rounds)
        await self._complete(self._task.rounds)
        return True

    def _effect(self, round_number: int) -> str:
        return f"changes:{self._task.id}:{round_number}"

    async def _back_to_agent(self, gate: GateResult, rounds: int) -> bool:
        """The agent hears what is red; `rounds` are over."""
        await self._services.broker.withdraw(self._effect(self._task.rounds + 1))
        notes = [step.name for step in self._agent.steps if step.kind is StepKind.NOTE]
        resumed = max((place for place, name in enumerate(notes) if name.startswith("resumed ")), default=0)
        mended = sum(name.startswith("checks ") for name in notes[resumed:])
        if mended >= MENDING_ROUNDS:
            # What was decided stays decided: the next try begins a round of its own.
            await self._board.commit(self._task.but(rounds=rounds))
            raise GaveUp(
                f"{self._task.id}: the checks stay red after {mended} rounds: {'; '.join(gate.reasons)}"
            )
        text = await prompt(
            self._services,
            "checks_note",
            for_task=self._task.id,
            max_tokens=await opening_tokens(self._services, self._task.id),
            reasons=gate.reasons,
            outputs=await explain_failure(self._services.blobs, gate),
            round=mended + 1,
            of=MENDING_ROUNDS,
        )
        mending = self._task.but(rounds=rounds, state=TaskState.IN_PROGRESS)
        await self._agent.say(
            f"checks {gate.tree[:12]} {mended + 1}", text, mending, why="the checks are red"
        )
        return False

    # -- deciding

    async def _decision(self, round_number: int, changes: ChangeSet, gate: GateResult) -> Approval | None:
        """The human's decision, or None where the level lets the change pass alone."""
        if self._task.state is not TaskState.IN_REVIEW:
            await self._board.commit(self._board.task_moved(self._task.id, TaskState.IN_REVIEW))
        begun = self._begun(round_number)
        if begun:
            found = begun.intent.get("approval")
            return self._board.approvals[found] if found else None
        self._services.heed(self._task.id)
        hits = await self._hard_gates(changes)
        level = self._services.level(self._task)
        facts = Facts(sandbox=self._services.sandboxed, gate_passed=gate_passed(gate))
        action = Action.HARD_GATE if hits else Action.TASK_CHANGES
        ruling = decide(level, action, facts)
        # No level takes by itself what its agent never said was done.
        if ruling.verdict is Verdict.AUTO and not self._unfinished:
            return None
        ask = show_changes(changes, gate, hits, rejected_before(self._board)) | {
            "task": self._task.id,
            "why_asked": self._unfinished or ruling.why,
            "criteria": [criterion.text for criterion in self._task.acceptance_criteria],
        }
        hunks, files = len(changes.hunks), len(changes.files)
        with self._services.interruptible():
            return await self._services.broker.ask(
                ApprovalKind.CHANGES,
                f"{self._task.id} {self._task.title}: {hunks} hunks in {files} files",
                ask,
                effect=self._effect(round_number),
                base={
                    "base": changes.base,
                    "proposed": changes.proposed,
                    "by_products": sorted(self._workspace.by_products),
                },
                task=self._task.id,
                risk="high" if hits else "medium",
                hard_gates=[hit.kind for hit in hits],
                **told(self._services, action, facts, self._task),
            )

    async def _hard_gates(self, changes: ChangeSet) -> list[GateHit]:
        hits = await asyncio.to_thread(
            lambda: find_hard_gates(changes, self._services.repository.blob, self._workspace.tracked_count())
        )
        return hits + mended_tests(self._task, changes)

    # -- taking effect

    async def _settle(
        self, round_number: int, changes: ChangeSet, gate: GateResult, approval: Approval | None
    ) -> bool:
        services, task = self._services, self._task
        decisions = hunk_decisions(changes, approval)
        said = approval.decision if approval else None

        async def make_commit(step: Step) -> dict[str, Any]:
            return await asyncio.to_thread(self._commit, step, changes, decisions, approval)

        async def look(step: Step) -> dict[str, Any] | None:
            found = await asyncio.to_thread(services.repository.find_step, task.branch, step.id)
            return self._commit_result(found, changes, decisions) if found else None

        def also(result: dict[str, Any]) -> list[Any]:
            head = result["commit"] or self._task.head_commit
            criteria = [_ticked(one, said) for one in self._task.acceptance_criteria]
            changed = self._task.but(head_commit=head, acceptance_criteria=criteria)
            return [changed, *([approval.but(read=True)] if approval and not approval.read else [])]

        result = await once(
            self._board,
            StepKind.COMMIT,
            task.id,
            f"r{round_number}",
            make_commit,
            intent={
                "approval": approval.id if approval else "",
                "base": changes.base,
                "proposed": changes.proposed,
            },
            judge=look,
            also=also,
        )
        if result["commit"]:
            self._board.log.emit(
                events.Committed(task=task.id, branch=task.branch, commit=result["commit"], title=task.title)
            )
        changed = await self._follow(round_number, changes, decisions)
        rejected = [one for one in decisions if one.verdict in ("reject", "comment")]
        edited = [one for one in decisions if one.verdict == "edit"]
        still_open = len(decisions) < len(changes.hunks)
        if result["tree"] != changes.proposed:
            gate = await self._verifier.judge(result["tree"], task)
            await self._note_evidence(gate)
        note, decided = f"review {round_number}", review_decision(decisions, said, changes)
        if rejected or (said and (said.comments or said.unmet)):
            text = await self._words(changes, decisions, approval, changed, gate)
            sent_back = self._task.but(rounds=round_number, state=TaskState.IN_PROGRESS)
            await self._agent.say(note, text, sent_back, why="sent back by the human", intent=decided)
            return False
        if changed:
            words = await self._words(changes, decisions, approval, changed, None)
            await self._agent.say(note, words, intent=decided)
        if still_open:
            # Nothing for the agent to do: what is open is asked about again, and alone.
            await self._board.commit(self._task.but(rounds=round_number))
            return False
        if gate.verdict == "fail":
            return await self._back_to_agent(gate, round_number)
        if edited and gate.verdict == "ask":
            services.board.log.emit(
                events.Noticed(task=task.id, text="; ".join(gate.reasons), severity="warning")
            )
        await self._complete(round_number)
        return True

    def _commit(
        self, step: Step, changes: ChangeSet, decisions: list[HunkDecision], approval: Approval | None
    ) -> dict[str, Any]:
        """R on the task's branch. Sync: runs in a thread."""
        repository, task = self._services.repository, self._task
        tree = build_result(repository, changes, decisions, "reject")
        if tree == changes.base:
            return self._commit_result("", changes, decisions) | {"tree": tree}
        self._expect_branch()
        result = change_set(repository, changes.base, tree)
        actor = approval.decision.actor if approval and approval.decision else "autonomy"
        message = commit_message(
            task.title,
            result,
            body=task.summary,
            trailers=step_trailers(step.id, task.id, task.session, [actor]),
            # It says what all of the change is: of a part that was taken it may not be true.
            subject=task.context.get(SUBJECT, "") if tree == changes.proposed else "",
        )
        commit = repository.commit_tree(tree, [task.head_commit], message)
        repository.update_ref(f"refs/heads/{task.branch}", commit, task.head_commit)
        return self._commit_result(commit, changes, decisions)

    def _commit_result(
        self, commit: str, changes: ChangeSet, decisions: list[HunkDecision]
    ) -> dict[str, Any]:
        return {
            "commit": commit,
            "tree": self._services.repository.tree_of(commit) if commit else changes.base,
            "rejected": rejections(changes, decisions),
        }

    async def _follow(
        self, round_number: int, changes: ChangeSet, decisions: list[HunkDecision]
    ) -> list[str]:
        """The worktree follows the decision; what is open, or only commented, stays in it."""
        repository = self._services.repository
        tree = await asyncio.to_thread(
            lambda: build_result(repository, changes, decisions, "open", keep_open=True)
        )
        if tree == changes.proposed:
            return []

        async def do(_: Step) -> dict[str, Any]:
            outcome = await asyncio.to_thread(
                follow, repository, self._workspace.path, changes.proposed, tree
            )
            if outcome.conflicts:
                raise GaveUp(
                    f"{self._task.id}: {', '.join(outcome.conflicts)} changed since the review"
                    " and cannot be merged with the decision"
                )
            return {"changed": outcome.changed}

        result = await once(self._board, StepKind.FOLLOW, self._task.id, f"r{round_number}", do)
        forget(self._agent.context, result["changed"])
        return list(result["changed"])

    async def _words(
        self,
        changes: ChangeSet,
        decisions: list[HunkDecision],
        approval: Approval | None,
        changed: list[str],
        gate: GateResult | None,
    ) -> str:
        """The decisions word for word; with `gate` the agent goes on, and hears what is red on the result."""
        said = approval.decision if approval else None
        return await prompt(
            self._services,
            "review_note",
            for_task=self._task.id,
            items=told_hunks(changes, decisions, said.comments if said else []),
            reason=said.reason if said else "",
            unmet=sorted(said.unmet.items()) if said else [],
            still_open=len(changes.hunks) - len(decisions),
            accepted=sum(one.verdict == "accept" for one in decisions),
            changed_files=changed,
            goes_on=gate is not None,
            red=gate.reasons if gate and gate.verdict == "fail" else [],
        )

    async def _note_evidence(self, gate: GateResult) -> None:
        word = {"pass": "verified", "fail": "failing", "ask": "claimed"}[gate.verdict]
        if any(one.result == "unverifiable" for one in gate.evidence):
            word = "unverifiable"
        await self._board.commit(self._task.but(evidence=word, evidence_tree=gate.tree))

    async def _complete(self, rounds: int) -> None:
        await self._board.commit(self._task.but(rounds=rounds, state=TaskState.COMPLETED))


def _ticked(criterion: Criterion, said: Decision | None) -> Criterion:
    """The criterion as the human saw it: met, not met, or as before."""
    if said is None or criterion.text not in {*said.ticked, *said.unmet}:
        return criterion
    return criterion.but(ticked=criterion.text not in said.unmet)
