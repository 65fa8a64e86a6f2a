"""Decisions by hand over the real program: hunks, words for agents, hard gates, answers that do not hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.program import (
    FIX,
    KNOWN_CHECK,
    NEW,
    OLD,
    SHOP,
    Program,
    agent,
    bug_fix,
    call,
    git,
    plan,
    reply,
    task,
)

WITH_HELPER = "    return discounted(sum(prices), discount_percent)\n"
HELPER = "def discounted(cents: int, percent: int) -> int:\n    return cents * (100 - percent) // 100\n"
IMPORT = "from shop.rounding import discounted\n\n\ndef total"
REASON = 'No notes — and no module for "one line", please.'
FINISH = reply(call("finish", summary="Done."))
USES_HELPER = reply(
    call("edit_file", path="shop/prices.py", old_text=OLD, new_text=WITH_HELPER),
    call("edit_file", path="shop/prices.py", old_text="\ndef total", new_text=IMPORT),
    call("write_file", path="shop/rounding.py", content=HELPER),
    call("write_file", path="NOTES.md", content="How discounts work.\n"),
)
FIRST = (reply(call("read_file", path="shop/prices.py")), USES_HELPER, FINISH)


def make(tmp_path: Path, files: Mapping[str, str | bytes] = SHOP) -> Program:
    """The program in the shop."""
    return Program(tmp_path / "place", files, settings=KNOWN_CHECK)


def words_to_agent(server: FakeAnthropic) -> str:
    """All user messages of the last request."""
    body = [entry["body"] for entry in server.requests if entry.get("body")][-1]
    texts = [
        block.get("text", "") if isinstance(block, dict) else block
        for message in body["messages"]
        if message["role"] == "user"
        for block in message["content"]
    ]
    return "\n".join(texts)


def past_the_plan(program: Program) -> Any:
    """Start at collaborative, approve the plan; the one question after it."""
    assert program.approve(program.run("collaborative").json["approvals"][0]).code == 0
    asked = program.resume()
    assert asked.code == 3, asked.err
    [question] = asked.json["approvals"]
    return question


def shown(question: dict[str, Any]) -> list[tuple[int, str, str | None]]:
    """Number, path and earlier reason of each hunk."""
    return [(hunk["number"], hunk["path"], hunk["rejected_before"]) for hunk in question["ask"]["hunks"]]


def session_of(program: Program) -> str:
    return str(program.status()["session"])


def test_a_call_without_its_definition_is_red_and_not_landable(tmp_path: Path) -> None:
    program = make(tmp_path)
    before = program.head()
    script = {"conversations": [plan(task("fix", "Fix it")), agent("task T1", *FIRST, *[FINISH] * 4)]}
    with program.model(script) as server:
        question = past_the_plan(program)
        assert question["kind"] == "changes" and question["ask"]["gate"]["verdict"] == "pass"
        assert shown(question) == [
            (1, "NOTES.md", None),
            (2, "shop/prices.py", None),
            (3, "shop/rounding.py", None),
        ]
        assert program.approve(question, "--hunks", "4").code == 2
        assert program.approve(question, "--hunks", "2", "--reason", REASON).code == 0
        given_up = program.resume()
        assert "No module named 'shop.rounding'" in words_to_agent(server)
    assert given_up.code == 1 and "red" in given_up.json["error"]
    assert given_up.json["tasks"][0]["evidence"] == "failing"
    result = git(program.repository, "rev-parse", f"autodev/{session_of(program)}/T1^{{tree}}")
    with program.state() as state:
        evidence = [one["result"] for one in state.all("evidence") if one["tree"] == result]
    assert evidence == ["failed"]
    refused = program("land", "--json")
    assert refused.code == 3 and "not ready to land" in refused.json["error"]
    assert program.head() == before


def test_hunks_are_decided_one_by_one_and_only_once(tmp_path: Path) -> None:
    """Words reach the agent as they are, the next round is about what is new, what was decided lands."""
    program = make(tmp_path)
    second = (
        reply(call("read_file", path="shop/prices.py")),
        reply(
            call("edit_file", path="shop/prices.py", old_text=WITH_HELPER, new_text=NEW),
            call("edit_file", path="shop/prices.py", old_text=IMPORT, new_text="\ndef total"),
            call("write_file", path="NOTES.md", content="  How discounts work.\n"),
        ),
        FINISH,
    )
    script = {"conversations": [plan(task("fix", "Fix it")), agent("task T1", *FIRST, *second, FINISH)]}
    with program.model(script) as server:
        question = past_the_plan(program)
        assert program.reject(question, "--hunks", "1,3", "--reason", REASON).code == 0
        again = program.resume()
        assert again.code == 3, again.err
        told = words_to_agent(server)
        assert REASON in told and "NOTES.md" in told and "Accepted and kept: 1 hunk" in told
        [question] = again.json["approvals"]
        # The file that was accepted in the first round is in it only with what changed since.
        assert shown(question) == [(1, "NOTES.md", REASON), (2, "shop/prices.py", None)]
        assert "-from shop.rounding import discounted\n" in question["ask"]["hunks"][1]["diff"]
        assert program.approve(question, "--hunks", "2", "--reason", "still no notes").code == 0
        done = program.resume()
        assert done.code == 0, done.err
        assert "still no notes" in words_to_agent(server)
    assert program("land").code == 0
    differing = git(program.repository, "diff", "--name-only", "main~2", "main").splitlines()
    assert differing == ["shop/prices.py"]
    assert (program.repository / "shop/prices.py").read_text() == SHOP["shop/prices.py"].replace(OLD, NEW)
    assert not (program.repository / "NOTES.md").exists()
    program.clean()


def test_supervised_turns_what_the_review_rejects_into_a_task(tmp_path: Path) -> None:
    program = make(tmp_path)
    first = (
        *FIX[:2],
        reply(call("write_file", path="NOTES.md", content="How discounts work.\n")),
        FINISH,
    )
    follow_up = (reply(call("write_file", path="README.md", content="# shop\n")), FINISH)
    script = {
        "conversations": [
            plan(task("fix", "Fix it")),
            agent("task T1", *first),
            agent("task T2", *follow_up),
        ]
    }
    with program.model(script) as server:
        [question] = program.run("supervised").json["approvals"]
        assert (question["kind"], question["task"]) == ("changes", None)
        assert [path for _, path, _ in shown(question)] == ["NOTES.md", "shop/prices.py"]
        assert program.reject(question, "--hunks", "1", "--reason", REASON).code == 0
        [question] = program.resume().json["approvals"]
        assert REASON in words_to_agent(server)
        assert shown(question) == [(1, "README.md", None)]
        assert program.approve(question).code == 0
        assert program.resume().code == 0
    assert program("land").code == 0
    assert git(program.repository, "ls-tree", "--name-only", "main").splitlines() == [
        "README.md",
        "shop",
        "tests",
    ]
    program.clean()


def test_hard_gates_ask_even_at_full(tmp_path: Path) -> None:
    """One task for each gate and one without any: all five are tried, four wait, and nothing lands."""
    token = "ghp_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hI6"
    assertion = "        self.assertEqual(total([250, 250]), 500)\n"
    works = {
        "T1": (call("write_file", path="requirements.txt", content="requests\n"), "dependency manifest"),
        "T2": (
            call(
                "edit_file", path="tests/test_prices.py", old_text=assertion, new_text="        total([1])\n"
            ),
            "weakened tests",
        ),
        "T3": (call("delete_file", path="docs.md"), "mass deletion"),
        "T4": (call("write_file", path="shop/access.py", content=f'TOKEN = "{token}"\n'), "secrets"),
        "T5": (call("write_file", path="shop/plain.py", content="PLAIN = 1\n"), ""),
    }
    reads = {"T2": "tests/test_prices.py", "T3": "docs.md"}
    agents = [
        agent(f"task {name}", reply(call("read_file", path=reads.get(name, "docs.md"))), reply(work), FINISH)
        for name, (work, _) in works.items()
    ]
    tasks = [task(name.lower(), f"Do {name}") for name in works]
    fixed = SHOP["shop/prices.py"].replace(OLD, NEW)
    program = make(tmp_path, {**SHOP, "shop/prices.py": fixed, "docs.md": "# shop\n"})
    before = program.head()
    with program.model({"conversations": [plan(*tasks), *agents]}):
        asked = program.run("full", "--land")
    assert asked.code == 3, asked.err
    found = {one["task"]: one for one in asked.json["approvals"]}
    assert list(found) == ["T1", "T2", "T3", "T4"]
    for name, question in found.items():
        assert (question["kind"], question["risk"]) == ("changes", "high")
        assert [gate.partition(":")[0] for gate in question["ask"]["hard_gates"]] == [works[name][1]]
    assert any("assert" in badge for badge in found["T2"]["ask"]["hunks"][0]["badges"])
    states = {one["id"]: one["state"] for one in asked.json["tasks"]}
    assert states == {**dict.fromkeys(found, "in_review"), "T5": "completed"}
    assert program.head() == before and asked.json["landed"] is None


def test_a_change_that_nothing_vouches_for_asks_even_at_full(tmp_path: Path) -> None:
    """No check of behaviour: no evidence, so a human decides; with their yes it lands."""
    program = Program(tmp_path / "place", {"notes.txt": "one\n"})
    work = (reply(call("write_file", path="more.txt", content="two\n")), FINISH)
    script = {"conversations": [plan(task("more", "Write more")), agent("task T1", *work)]}
    before = program.head()
    with program.model(script):
        asked = program.run("full", "--land")
        assert asked.code == 3, asked.err
        [question] = asked.json["approvals"]
        assert question["kind"] == "changes" and question["ask"]["gate"]["verdict"] == "ask"
        assert program.head() == before
        assert program.approve(question).code == 0
        landed = program.resume()
    assert landed.code == 0 and landed.json["landed"] == program.head() != before, landed.err
    program.clean()


def test_answers_that_do_not_hold_are_refused(tmp_path: Path) -> None:
    program = make(tmp_path)
    planner = {
        "match": "You plan software work",
        "replies": [
            reply(call("submit_plan", tasks=[task("all", "Rewrite everything")])),
            reply(call("submit_plan", tasks=[task("fix", "Fix the discount")])),
        ],
    }
    with program.model({"conversations": [planner, agent("task T1", *FIX)]}) as server:
        [first] = program.run("collaborative").json["approvals"]
        name, digest = first["id"], first["hash"]
        wrong = "0" * 64
        assert program("approve", name, "--hash", wrong).code == 2
        assert program("approve", name, "--hash", digest[:8]).code == 2
        assert program("approve", "a-nobody", "--hash", digest).code == 2
        assert program("answer", name, "--hash", digest, "--choice", "perhaps").code == 2
        assert program("answer", name, "--hash", digest, "--text", "perhaps").code == 2
        assert program("reject", name, "--hash", digest, "--hunks", "1").code == 2
        assert program.approvals() == [first]

        assert program.reject(first, "--reason", REASON).code == 0
        twice = program.approve(first)
        assert twice.code == 2 and "rejected already" in twice.err
        [second] = program.resume().json["approvals"]
        assert REASON in words_to_agent(server)
        assert second["kind"] == "plan" and second["hash"] != digest
        assert [one["title"] for one in second["ask"]["tasks"]] == ["Fix the discount"]
        assert program("approve", second["id"], "--hash", digest).code == 2

        forge(program, second["id"], read=False)
        still = program.resume()
        assert still.code == 3 and [one["id"] for one in still.json["approvals"]] == [second["id"]]
        forge(program, second["id"], read=True)
        still = program.resume()
        assert still.code == 3 and still.json["approvals"][0]["kind"] == "plan"
        assert still.json["tasks"][0]["state"] == "planned"
        assert program.approve(still.json["approvals"][0]).code == 0

        [changes] = program.resume().json["approvals"]
        assert changes["kind"] == "changes"
        worktree = Path(next(program.state_root.glob("repositories/*/worktrees/*-T1")))
        file = worktree / "shop/prices.py"
        file.write_text(file.read_text() + "\nCURRENCY = 'EUR'\n")
        stale = program.approve(changes)
        assert stale.code == 3 and "changed since this was shown" in stale.err
        [redrawn] = program.resume().json["approvals"]
        assert redrawn["hash"] != changes["hash"] and "CURRENCY" in json.dumps(redrawn["ask"])
        assert program.approve(changes).code == 2
        assert program.approve(redrawn).code == 0
        assert program.resume().code == 0
    assert program("land").code == 0
    program.clean()


def forge(program: Program, approval: str, *, read: bool) -> None:
    """Write a yes into the state by hand, as whoever can write the file would, but without the secret."""
    with program.state() as state:
        document = state.get("approvals", approval)
        assert document is not None
        decision = {
            "approval": approval,
            "verdict": "approve",
            "shown_hash": document["shown_hash"],
            "actor": "mallory",
            "at": 1.0,
            "mac": "0" * 64,
        }
        forged = {**document, "state": "approved", "decision": decision, "read": read}
        state.commit([("approvals", approval, forged)])


def test_an_edit_that_the_world_overtook_is_not_made(tmp_path: Path) -> None:
    """At guided the file changes under the question: the yes is refused, and no question stays behind."""
    program = make(tmp_path)
    with program.model(bug_fix()):
        assert program.approve(program.run("guided").json["approvals"][0]).code == 0
        [edit] = program.resume().json["approvals"]
        assert edit["kind"] == "edit" and f"+{NEW}" in edit["ask"]["diff"]
        worktree = Path(next(program.state_root.glob("repositories/*/worktrees/*-T1")))
        file = worktree / "shop/prices.py"
        mine = file.read_text() + "# mine\n"
        file.write_text(mine)
        stale = program.approve(edit)
        assert stale.code == 3 and "not as it was" in stale.err
        after = program.resume()
        assert after.code == 3, after.err
        assert file.read_text() == mine
        assert edit["hash"] not in [one["hash"] for one in program.approvals()]
        assert len(after.json["approvals"]) == 1


@pytest.mark.parametrize(
    ("level", "asked"),
    [("guided", 2), pytest.param("collaborative", 2, marks=pytest.mark.soak), ("supervised", 1), ("full", 0)],
)
def test_what_an_agent_asks(tmp_path: Path, level: str, asked: int) -> None:
    """With options it could go on, so supervised assumes as full does; without any it is blocked."""
    program = Program(tmp_path / "place", {"notes.txt": "one\n"})
    work = (
        reply(call("ask_user", question="Which currency?", options=["EUR", "USD"])),
        reply(call("ask_user", question="What is it called?")),
        FINISH,
    )
    with program.model({"conversations": [plan(task("ask", "Ask")), agent("task T1", *work)]}) as server:
        result = program.run(level)
        if level in ("guided", "collaborative"):
            assert program.approve(result.json["approvals"][0]).code == 0
            result = program.resume()
        seen = 0
        while result.code == 3:
            [question] = result.json["approvals"]
            assert question["kind"] == "question"
            if question["choices"]:
                assert question["choices"] == ["EUR", "USD"]
                assert program.answer(question, "--choice", "GBP").code == 2
                assert program.approve(question).code == 2
                assert program.answer(question, "--choice", "USD").code == 0
            else:
                assert program.answer(question, "--text", "the café ☕").code == 0
            seen += 1
            result = program.resume()
        assert result.code == 0, result.err
        assert seen == asked
        body = json.dumps(
            [entry["body"] for entry in server.requests if entry.get("body")][-1], ensure_ascii=False
        )
    assert ("The human's answer: USD" in body) == (asked == 2)
    assert ("Assume: EUR" in body) == (asked < 2)
    assert ("The human's answer: the café ☕" in body) == (asked > 0)
    assumptions = result.json["assumptions"]
    assert len(assumptions) == 2 - asked
    assert all("Which currency? → EUR" in one for one in assumptions[:1])
    assert result.json["tasks"][0]["state"] == "completed"
    assert result.json["landed"] is None and "nothing changed" in result.json["error"]
