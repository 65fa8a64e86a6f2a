"""The four levels over one goal and a chain of two tasks: each stops exactly where the table says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.program import (
    CHECK,
    FIX,
    KNOWN_CHECK,
    NEW,
    Program,
    Result,
    agent,
    call,
    git,
    plan,
    reply,
    task,
)

OTHER = "sh -c 'echo hello'"
TAX = '"""Taxes."""\n\n\ndef tax(cents: int) -> int:\n    """A fifth of `cents`."""\n    return cents // 5\n'
CHAIN = {
    "conversations": [
        plan(task("fix", "Fix the discount"), task("tax", "Add a tax", "fix", files=["shop/tax.py"])),
        agent("task T1: Fix", *FIX[:3], reply(call("run_command", command=OTHER)), FIX[3]),
        agent(
            "task T2: Add",
            reply(call("write_file", path="shop/tax.py", content=TAX)),
            reply(call("run_command", command=CHECK)),
            reply(call("run_command", command=OTHER)),
            reply(call("finish", summary="Taxes are there.")),
        ),
    ]
}
PLAN = ("plan", None, "")
LAND = ("land", None, "")


def chain(name: str, edited: str, *kinds: str) -> list[tuple[str, str | None, str]]:
    """The questions about one task of the chain."""
    every = {
        "edit": ("edit", name, edited),
        "check": ("command", name, CHECK),
        "other": ("command", name, OTHER),
        "changes": ("changes", name, ""),
    }
    return [every[kind] for kind in kinds]


def both(*kinds: str) -> list[tuple[str, str | None, str]]:
    """The questions about both tasks, in the order of the chain."""
    return [*chain("T1", "shop/prices.py", *kinds), *chain("T2", "shop/tax.py", *kinds)]


ASKED: dict[str, list[tuple[str, str | None, str]]] = {
    "guided": [PLAN, *both("edit", "check", "other", "changes"), LAND],
    "collaborative": [PLAN, *both("other", "changes"), LAND],
    "supervised": [("changes", None, ""), LAND],
    "full": [LAND],
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "place", settings=KNOWN_CHECK)


def told(question: dict[str, Any]) -> tuple[str, str | None, str]:
    """Kind, task and subject of a question."""
    ask = question["ask"]
    subject = ask.get("path") or ask.get("command") or ""
    return question["kind"], question["task"], str(subject)


def drive(program: Program, result: Result) -> list[tuple[str, str | None, str]]:
    """Say yes to one question after the other until a run ends by itself; the questions."""
    asked = []
    if result.code == 3:
        assert program.approvals() == result.json["approvals"]
    while result.code == 3:
        [question] = result.json["approvals"]
        assert {"id", "kind", "task", "risk", "hash", "ask", "choices"} <= question.keys()
        assert len(question["hash"]) == 64 and question["risk"] in ("low", "medium", "high", "critical")
        assert result.json["code"] == 3 and result.json["error"].startswith("waiting: ")
        asked.append(told(question))
        assert program.approve(question).code == 0
        result = program.resume()
    assert result.code == 0, result.err
    return asked


@pytest.mark.parametrize("level", ASKED)
def test_a_level_asks_exactly_what_the_table_says(program: Program, level: str) -> None:
    before = program.head()
    with program.model(CHAIN) as server:
        asked = drive(program, program.run(level))
        # Without --land the last question stays open, and that is no failure.
        question = program.only_question()
        assert [*asked, told(question)] == ASKED[level]
        assert program.head() == before and program.status()["landed"] is None
        landed = program("land", "--hash", question["hash"], "--json")
        assert landed.code == 0, landed.err
        assert not [entry for entry in server.requests if entry.get("problem")]
    assert landed.json["landed"] == program.head() != before
    assert landed.json["state"] == "landed" and landed.json["approvals"] == []
    assert NEW in (program.repository / "shop/prices.py").read_text()
    assert (program.repository / "shop/tax.py").read_text() == TAX
    assert program("land").code == 2
    program.clean()


def test_full_with_land_asks_nothing(program: Program) -> None:
    with program.model(CHAIN):
        done = program.run("full", "--land")
    assert done.code == 0, done.err
    assert done.json["landed"] == program.head()
    assert git(program.repository, "log", "--format=%s", "main").count("\n") == 2
    program.clean()


@pytest.mark.parametrize("level", ["collaborative", pytest.param("supervised", marks=pytest.mark.soak)])
def test_land_below_full_still_asks(program: Program, level: str) -> None:
    """`--land` is only for full; below it makes the open land question the reason to wait."""
    before = program.head()
    script = {"conversations": [plan(task("fix", "Fix the discount")), agent("task T1", *FIX)]}
    with program.model(script):
        result = program.run(level, "--land")
        kinds: list[str] = []
        while result.code == 3 and kinds[-1:] != ["land"]:
            [question] = result.json["approvals"]
            kinds.append(question["kind"])
            if question["kind"] != "land":
                assert program.approve(question).code == 0
                result = program.resume()
        assert result.code == 3 and kinds[-1] == "land"
        assert program.head() == before
        assert program.approve(question).code == 0
        done = program.resume()
    assert done.code == 0 and done.json["landed"] == program.head() != before
    program.clean()


def test_autonomy_sets_the_slider_and_pins_the_goal(program: Program) -> None:
    with program.model(CHAIN):
        program.configure('autonomy = "full"\n')
        done = program.run("guided")
    assert done.code == 3
    assert (done.json["slider"], done.json["pin"]) == ("guided", "guided")
    assert program.only_question()["kind"] == "plan"


def test_the_lower_of_slider_and_advice_holds(program: Program) -> None:
    """Without a pin a slider at full does not lift the advice, and one at guided lowers it."""
    script = {"conversations": [plan(task("fix", "Fix the discount")), agent("task T1", *FIX)]}
    program.configure('autonomy = "full"\n' + KNOWN_CHECK)
    with program.model(script):
        document = program("run", "Fix the discount", "--land", "--json").json
    assert (document["slider"], document["pin"]) == ("full", None)
    with program.state() as state:
        advised = state.all("sessions")[-1]["analysis"]["recommended"]
    assert advised != "full", "the goal must be one whose advice is to ask"
    assert document["code"] == 3 and document["landed"] is None

    program.configure('autonomy = "guided"\n' + KNOWN_CHECK)
    with program.model(script):
        document = program("run", "Fix the discount", "--json").json
    assert (document["slider"], document["pin"]) == ("guided", None)
    assert told(document["approvals"][0]) == PLAN
