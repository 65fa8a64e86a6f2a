"""A repository's own prompts, by the real program: unread until trusted, then exactly the trusted bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.program import DEVELOPER, FIX, SHOP, Program, agent, bug_fix, plan, task

OWN = DEVELOPER + ", and this is the team's own wording.\n"
PLACE = ".autodev/prompts/developer_system.j2"


def trust(program: Program) -> None:
    shown = program("trust", "--show", "--json").json
    done = program("trust", "--hash", shown["hash"])
    assert done.code == 0, done.err


def with_prompt(place: Path, text: str, name: str = "developer_system") -> Program:
    return Program(place, files={**SHOP, f".autodev/prompts/{name}.j2": text})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "developer_system",
            "one\n{% if %}\n",
            ".autodev/prompts/developer_system.j2:2: Expected an expression",
        ),
        (
            "task_request",
            "{{ goal }}\n\n{{ secret }}",
            ".autodev/prompts/task_request.j2:3: the variable secret is",
        ),
        ("task_reqest", "{{ goal }}", "did you mean task_request.j2?"),
    ],
)
def test_a_broken_one_ends_the_run_before_it_begins_once_trusted(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    program = with_prompt(tmp_path, text, name)
    trust(program)
    with program.model(bug_fix()) as server:
        done = program.run("full")
        assert done.code == 2, done.err
        assert said in done.err
        assert said in done.json["error"]
        assert server.requests == []
    assert program("status", "--json").json["session"] is None, "no session was made"


def test_unread_until_trusted_then_used_and_unread_again_once_changed(tmp_path: Path) -> None:
    program = with_prompt(tmp_path, OWN)
    file = program.repository / PLACE
    script = {"conversations": [plan(task("fix", "Fix the discount")), agent("Fix the discount", *FIX)]}

    def systems() -> list[str]:
        with program.model(script) as server:
            assert program.run("full").code == 0
            found = [
                str(one["body"]["system"]) for one in server.requests if DEVELOPER in str(one.get("body"))
            ]
            assert len(found) == len(FIX)
            return found

    assert not any("team's own wording" in one for one in systems())
    trust(program)
    assert all("team's own wording" in one for one in systems())
    file.write_text(OWN + "Changed since.\n")
    assert not any("team's own" in one or "Changed since" in one for one in systems())
