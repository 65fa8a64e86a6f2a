"""SIGKILL again and again while several agents work side by side, until everything has landed, once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.crashes import reference_run
from tests.fakes.program import CHECK, NEW, OLD, SHOP, agent, call, git, plan, reply, task

NAMES = ("alpha", "beta", "gamma")
FILES = {**SHOP, "shop/prices.py": SHOP["shop/prices.py"].replace(OLD, NEW)}
SCRIPT = {
    "conversations": [
        plan(*(task(name, f"Write about {name}", files=[f"notes/{name}.md"]) for name in NAMES)),
        *(
            agent(
                f"Write about {name}",
                reply(call("write_file", path=f"notes/{name}.md", content=f"{name}\n"), call("list_files")),
                reply(call("run_command", command=CHECK)),
                reply(call("finish", summary=f"Wrote about {name}.")),
            )
            for name in NAMES
        ),
    ]
}
START = ("run", "Write three notes", "--autonomy", "full", "--land")


@pytest.mark.parametrize(
    "stride", [41, *(pytest.param(n, marks=pytest.mark.soak) for n in range(35, 96, 12))]
)
def test_three_agents_are_killed_again_and_again(tmp_path: Path, stride: int) -> None:
    """Every process dies at its own point number `stride`, wherever its three agents are by then."""
    with reference_run(tmp_path, SCRIPT, FILES) as (program, _):
        kills = 0
        for _ in range(60):
            program.no_process_is_left()
            words = ("resume", "--headless") if program.sessions() else START
            result = program.fork(*words, AUTODEV_CRASH_AT=str(stride)).result()
            if result.code != -9:
                break
            kills += 1
        assert kills >= 2
        assert result.code == 0 or "nothing to resume" in result.err, result.err
        program.no_process_is_left()
        assert git(program.repository, "ls-tree", "--name-only", "main:notes").split() == [
            f"{name}.md" for name in NAMES
        ]
        trailers = git(program.repository, "log", "--format=%(trailers:key=Autodev-Step,valueonly)").split()
        assert len(trailers) == len(set(trailers))
        steps = program.documents("steps")
        done = Counter(
            (one["task"], one["turn"], one["call_id"])
            for one in steps
            if one["kind"] == "tool" and one["state"] == "done"
        )
        assert set(done.values()) == {1}
        assert [one["problem"] for one in program.server.requests if "problem" in one] == []
        assert [one["state"] for one in program.sessions()] == ["landed"]
