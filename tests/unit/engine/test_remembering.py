"""Answers that reach further: remembered, edited, shared by several agents, or taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands, requests
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import ApprovalState
from autodev_tui.domain.step import Step
from autodev_tui.engine import flow
from autodev_tui.engine.decisions import DecisionRefused
from autodev_tui.engine.refusal import Refusal
from autodev_tui.engine.rules import rules_of
from autodev_tui.providers.base import Request, Turn
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting


def run(command: str) -> tuple[str, dict[str, Any]]:
    return ("run_command", {"command": command})


def plan(*names: str) -> tuple[str, dict[str, Any]]:
    return ("submit_plan", {"tasks": [{"id": name, "title": name, "description": "do"} for name in names]})


def ran(kit: Kit, task: str = "T1") -> list[Step]:
    return [one for one in kit.board.steps(task) if one.name == "run_command"]


async def begun(kit: Kit, level: Level = Level.GUIDED) -> None:
    await kit.start(level=level)
    await kit.answer(await waiting(kit, "plan"))


async def next_command(kit: Kit, command: str) -> Approval:
    await until(lambda: [q for q in kit.board.pending() if q.ask.get("command") == command], command)
    return next(q for q in kit.board.pending() if q.ask.get("command") == command)


async def test_a_remembered_yes_answers_what_is_the_same_until_it_is_revoked(tmp_path: Path) -> None:
    script = [make_turn(run(command)) for command in ("make x", "make x", "make x y", "make x")]
    async with kit(tmp_path, turns(*script, make_turn(DONE)), interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        question = await next_command(one, "make x")
        words = question.ask["remember"]["session"]
        assert "exactly this command" in words and words.endswith("make x, without asking.")
        await one.answer(question, remember="session")
        other = await next_command(one, "make x y")
        assert [step.intent.get("rule") for step in ran(one)] == [None, f"r{question.id}", None]
        (rule,) = rules_of(one.database, one.session.id)
        assert (rule.words, rule.used, rule.session) == (words, 1, one.session.id)
        await one.engine.submit(commands.RevokeRule(rule=rule.id))
        await one.answer(other)
        await one.answer(await next_command(one, "make x"))
        assert (await one.engine.wait()).code != flow.FAILED
        assert rules_of(one.database, one.session.id) == []
        with pytest.raises(Refusal, match="no rule"):
            await one.engine.submit(commands.RevokeRule(rule=rule.id))


async def test_a_remembered_check_holds_for_its_program_and_in_the_next_session(tmp_path: Path) -> None:
    script = [make_turn(run("echo a")), make_turn(run("echo b"), run("cat a.txt")), make_turn(DONE)]
    async with kit(tmp_path, turns(*script), interactive=True) as one:
        await begun(one)
        await one.answer(await next_command(one, "echo a"), remember="repository")
        await one.answer(await next_command(one, "cat a.txt"))
        assert [bool(step.intent.get("rule")) for step in ran(one)][:2] == [False, True]
        (rule,) = rules_of(one.database, "another session")
        assert rule.pattern["program"] == ["echo"]


async def test_a_question_that_a_rule_answers_meanwhile_falls_away(tmp_path: Path) -> None:
    async with kit(
        tmp_path, turns(make_turn(run("echo a")), make_turn(run("echo b")), make_turn(DONE))
    ) as one:
        await one.run(level=Level.GUIDED)
        await one.answer(one.board.pending()[0])
        await one.resume()
        await one.answer(one.board.pending()[0], remember="session")
        (document,) = one.stored("rules")
        await one.engine.keep([("rules", document["id"], None)])
        assert (await one.resume()).code == flow.WAITING_CODE
        assert one.board.pending()[0].ask["command"] == "echo b"
        await one.engine.keep([("rules", document["id"], document)])
        assert (await one.resume()).code == flow.DONE
        assert one.board.pending() == []
        assert [step.intent.get("rule") for step in ran(one)] == [None, document["id"]]


async def test_a_rule_that_was_put_into_the_store_counts_for_nothing(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(run("make x")), make_turn(DONE)), interactive=True) as one:
        await one.start(level=Level.COLLABORATIVE)
        question = await waiting(one, "plan")
        rule = {
            "id": "r1",
            "action": "other command",
            "words": "w",
            "pattern": {"command": "make x", "kind": "other", "sandboxed": True},
            "created": 1.0,
        }
        await one.engine.keep([("rules", "r1", rule)])
        await one.answer(question)
        assert await next_command(one, "make x")


async def test_what_is_never_remembered_is_refused(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(run("git push")), make_turn(DONE)), interactive=True) as one:
        await one.start(level=Level.FULL)
        question = await next_command(one, "git push")
        assert "remember" not in question.ask
        with pytest.raises(DecisionRefused, match="cannot be remembered"):
            await one.answer(question, remember="session")
        assert question.id in [q.id for q in one.board.pending()]


async def test_an_edited_command_is_what_runs_and_the_agent_is_told(tmp_path: Path) -> None:
    reply = turns(make_turn(run(": > wrong")), make_turn(DONE))
    async with kit(tmp_path, reply, interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        question = await next_command(one, ": > wrong")
        with pytest.raises(DecisionRefused, match="nothing was written"):
            await one.answer(question, "edit", text=" ")
        await one.answer(question, "edit", text=": > right", reason="a better name")
        await waiting(one, "changes")
        (step,) = ran(one)
        assert (step.intent["command"], step.result["command"]) == (": > right", ": > right")
        work = Path(one.board.tasks["T1"].worktree)
        assert (work / "right").exists() and not (work / "wrong").exists()
        said = str(one.provider.requests[-1].messages)
        assert "changed your call of run_command" in said and "a better name" in said


async def test_an_edited_edit_is_what_is_made(tmp_path: Path) -> None:
    change = ("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "eins"})
    reply = turns(make_turn(("read_file", {"path": "a.txt"})), make_turn(change), make_turn(DONE))
    async with kit(tmp_path, reply, interactive=True) as one:
        await begun(one)
        question = await waiting(one, "edit")
        assert question.ask["new_text"] == "eins"
        await one.answer(question, "edit", text="uno", remember="")
        changes = await waiting(one, "changes")
        assert "+uno" in changes.ask["hunks"][0]["diff"]
        assert "+uno" in str(one.provider.requests[-1].messages)


def two(command: str) -> Any:
    """Two tasks that want the same command."""
    left = {
        name: [make_turn(run(command), first_id=int(name[1]) * 10), make_turn(DONE)] for name in ("T1", "T2")
    }

    def reply(request: Request) -> Turn:
        if request.meta["role"] == "planning":
            return make_turn(plan("x", "y"), first_id=1)
        turn = left[request.meta["task"]].pop(0)
        if turn.calls[0].name == "finish":
            return make_turn(DONE, first_id=int(request.meta["task"][1]) * 100)
        return turn

    return reply


async def test_one_answer_serves_all_who_ask_for_the_same(tmp_path: Path) -> None:
    async with kit(tmp_path, two("make x"), interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        await until(lambda: [q for q in one.board.pending() if len(q.asked_by) == 2])
        (question,) = one.board.pending()
        assert sorted(question.asked_by) == ["T1", "T2"]
        await one.answer(question)
        await one.engine.wait() if one.engine.busy and not one.board.pending() else None
        await until(lambda: all(ran(one, name)[0].state == "done" for name in ("T1", "T2")))
        assert len([q for q in one.board.approvals.values() if q.kind == "command"]) == 1


async def test_who_shares_a_question_goes_on_asking_when_the_first_is_cancelled(tmp_path: Path) -> None:
    async with kit(tmp_path, two("make x"), interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        await until(lambda: [q for q in one.board.pending() if len(q.asked_by) == 2])
        (question,) = one.board.pending()
        first, second = question.asked_by
        await one.engine.submit(commands.CancelTask(task=first))
        await until(lambda: [q for q in one.board.pending() if q.asked_by == [second]])
        (question,) = one.board.pending()
        await one.answer(question)
        await until(lambda: ran(one, second)[0].state == "done")
        assert ran(one, first)[0].state == "refused"


async def test_an_answer_is_taken_back_until_it_was_acted_on(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(run("make x")), make_turn(DONE))) as one:
        await one.run(level=Level.COLLABORATIVE)
        await one.answer(one.board.pending()[0])
        assert (await one.resume()).code == flow.WAITING_CODE
        (question,) = one.board.pending()
        await one.answer(question, remember="session")
        assert len(rules_of(one.database, one.session.id)) == 1
        await one.engine.submit(commands.Recall(approval=question.id))
        present = one.board.approvals[question.id]
        assert (present.state, present.decision) == (ApprovalState.PENDING, None)
        assert rules_of(one.database, one.session.id) == []
        assert (await one.resume()).code == flow.WAITING_CODE
        assert ran(one)[0].state == "awaiting"
        await one.answer(one.board.pending()[0], "reject")
        assert (await one.resume()).code == flow.DONE
        with pytest.raises(DecisionRefused, match="acted on"):
            await one.engine.submit(commands.Recall(approval=question.id))


async def test_what_a_held_agent_was_answered_can_be_taken_back(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(run("make x")), make_turn(DONE)), interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        question = await next_command(one, "make x")
        await one.engine.submit(commands.PauseTask(task="T1"))
        await one.answer(question)
        await one.engine.submit(commands.Recall(approval=question.id))
        await one.engine.submit(commands.ContinueTask(task="T1"))
        assert [q.id for q in one.board.pending()] == [question.id]
        await one.answer(question, "reject")
        await until(lambda: ran(one)[0].state == "refused")


async def test_another_level_is_tried_on_what_was_decided(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(make_turn(run("make x")), make_turn(DONE)), interactive=True) as one:
        await begun(one, Level.COLLABORATIVE)
        await one.answer(await next_command(one, "make x"), "reject")

        async def preview(level: Level) -> tuple[int, int, int, int]:
            answer = await one.engine.ask(requests.GetLevelPreview(level=level))
            assert isinstance(answer, requests.LevelAnswer)
            return answer.decisions, answer.asked, answer.alone, answer.rejected

        assert await preview(Level.COLLABORATIVE) == (2, 2, 0, 0)
        # The pin of the goal holds it at collaborative, however high the slider is.
        assert await preview(Level.FULL) == (2, 2, 0, 0)
        for approval in list(one.board.approvals.values()):
            await one.board.commit(approval.but(facts=approval.facts | {"advice": "full"}))
        assert await preview(Level.SUPERVISED) == (2, 0, 2, 1)
