"""A run with every kind of effect, the means to kill it anywhere, and what must hold once it has landed."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from store.database import Database
from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.program import CHECK, NEW, OLD, SHOP, Result, agent, call, git, plan, reply, task
from tests.fakes.zygote import ForkedProgram, Zygote

EFFECTS = "effects.txt"
"""Where the commands of the script write their names: one line a run."""
CI = "on: push\njobs: {}\n"
FILES = {**SHOP, "old.txt": "moved by the agent\n", "gone.txt": "deleted by the agent\n"}
SCRIPT = {
    "conversations": [
        plan(task("fix", "Fix the discount"), task("ci", "Add a workflow", "fix", files=[".github"])),
        agent(
            "Add a workflow",
            reply(call("write_file", path=".github/workflows/ci.yml", content=CI)),
            reply(call("run_command", command=f"echo third >> {EFFECTS}")),
            reply(call("finish", summary="There is a workflow.")),
        ),
        agent(
            "Fix the discount",
            reply(call("read_file", path="shop/prices.py"), call("list_files")),
            reply(
                call("edit_file", path="shop/prices.py", old_text=OLD, new_text=NEW),
                call("write_file", path="notes/one.md", content="one\n"),
                call("run_command", command=f"echo first >> {EFFECTS}"),
            ),
            reply(
                call("run_command", command=CHECK),
                call("move_file", path="old.txt", to="notes/new.txt"),
                call("run_command", command=f"sleep 0.05; echo second >> {EFFECTS}; sleep 0.05"),
                call("delete_file", path="gone.txt"),
                call("update_todos", todos=[{"text": "check", "done": True}]),
            ),
            reply(call("finish", summary="The discount is a share of the sum.")),
        ),
    ]
}
COMMANDS = ["first", "second", "third"]
ROLES: tuple[str | None, ...] = (None, "T2", "T1")
"""Whose conversation each of the script's is; T2's request names T1, which was done before."""
START = ("run", "Fix the discount and add a workflow", "--autonomy", "full", "--land")


class Crashing(ForkedProgram):
    """The program with that script, run by run, with what happened between."""

    server: FakeAnthropic

    def go_on(self) -> Result:
        """Resume until it has landed, answering what is asked: as a human who looks before he answers."""
        for _ in range(12):
            self.no_process_is_left()
            if not self.sessions():
                result = self(*START)
            else:
                asked, durable = len(self.server.requests), self.durable_turns()
                result = self("resume", "--headless")
                self.asked_only_what_was_open(asked, durable)
            if result.code == 0 or "nothing to resume" in result.err:
                return result
            assert result.code == 3, (result.code, result.err)
            self.answer_all()
        raise AssertionError("it never landed")

    def answer_all(self) -> None:
        """Answer each question; an unknown step by what the world shows."""
        for one in self.approvals():
            if one["kind"] == "escalation":
                name = re.search(r"echo (\w+)", one["ask"]["args"]["command"])
                assert name, one
                happened = name[1] in self.effects(one["task"])
                done = self.answer(one, "--choice", "mark done" if happened else "run again")
            else:
                assert (one["kind"], one["task"]) == ("changes", "T2"), one
                done = self.approve(one)
            assert done.code == 0, done.err

    def effects(self, task: str) -> list[str]:
        """Names that commands have left in a task's worktree."""
        worktrees = list(self.state_root.glob(f"**/worktrees/*-{task}"))
        found = [path / EFFECTS for path in worktrees if (path / EFFECTS).exists()]
        return found[0].read_text().split() if found else []

    def wait_for_effect(self, text: str, name: str = EFFECTS) -> None:
        """Until a command has left that word in a worktree."""
        for _ in range(600):
            for path in self.state_root.glob(f"**/worktrees/*/{name}"):
                if text in path.read_text():
                    return
            time.sleep(0.05)
        raise AssertionError(f"no command wrote {text}")

    # -- what is durable

    @property
    def directory(self) -> Path:
        """The repository's state directory."""
        return next(self.state_root.glob("repositories/*"))

    def documents(self, table: str) -> list[dict[str, Any]]:
        """A table of the state as it is now."""
        if not list(self.state_root.glob("repositories/*/state.json*")):
            return []
        with Database.open(self.directory, read_only=True) as database:
            return database.all(table)

    def sessions(self) -> list[dict[str, Any]]:
        """The durable sessions."""
        return self.documents("sessions")

    def durable_turns(self) -> Counter[str | None]:
        """By task, how many replies of the model are durable."""
        steps = self.documents("steps")
        return Counter(one["task"] for one in steps if one["kind"] == "model" and one["state"] == "done")

    def asked_only_what_was_open(self, since: int, durable: Counter[str | None]) -> None:
        """No request after number `since` asks for a turn that was durable."""
        for request in self.server.requests[since:]:
            if "turn" in request:
                conversation, _, turn = request["turn"].split(":")
                assert int(turn) >= durable[ROLES[int(conversation)]], request["turn"]

    # -- what must hold

    def check_landed(self, tree: str) -> None:
        """Everything happened, nothing twice, and nothing is left."""
        self.no_process_is_left()
        self.clean()
        assert git(self.repository, "rev-parse", "main^{tree}") == tree
        assert (self.repository / EFFECTS).read_text().split() == COMMANDS
        steps = git(self.repository, "log", "--format=%(trailers:key=Autodev-Step,valueonly,separator=%x20)")
        trailers = [line for line in steps.split("\n") if line]
        assert len(trailers) == len(set(trailers)) == 2, trailers
        assert git(self.repository, "rev-list", "--count", "main") == "3"
        calls = Counter(
            (one["task"], one["turn"], one["call_id"])
            for one in self.documents("steps")
            if one["kind"] == "tool" and one["state"] == "done"
        )
        assert set(calls.values()) == {1}
        assert [one["problem"] for one in self.server.requests if "problem" in one] == []
        assert [one["state"] for one in self.sessions()] == ["landed"]
        assert not list((self.repository / ".git").glob("**/*.lock"))


@contextmanager
def reference_run(
    home: Path, script: dict[str, Any], files: Mapping[str, str | bytes] = FILES
) -> Iterator[tuple[Crashing, Path]]:
    """The program in `home`/place with its model, and a copy of how the place begins."""
    place, begun = home / "place", home / "begun"
    place.mkdir()
    # The spawner gets little else from us: by its PATH it is told from those of other tests.
    program = Crashing(place, files, {"PATH": f"/usr/local/bin:/usr/bin:/bin:{place}", "TZ": "UTC"})
    program.zygote = Zygote()
    with FakeAnthropic(script) as server:
        program.server = server
        program.environment |= {"ANTHROPIC_API_KEY": "test-key-of-nobody", "ANTHROPIC_BASE_URL": server.url}
        copy_place(place, begun)
        try:
            yield program, begun
        finally:
            program.zygote.close()


def copy_place(source: Path, target: Path) -> None:
    """Put everything that is below `source` at `target` instead of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
