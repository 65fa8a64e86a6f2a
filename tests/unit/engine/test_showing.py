"""What a front end asks to see: files, trees, outputs, the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain import commands, requests
from autodev_tui.domain.events import Noticed, Retrying
from autodev_tui.domain.requests import DiffAnswer, FileAnswer, Refused, RowsAnswer, TextAnswer
from autodev_tui.domain.states import StepState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.engine.shell_calls import record_path
from autodev_tui.sandbox.spool import HEAD_BYTES
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns

EDIT = make_turn(("write_file", {"path": "new.txt", "content": "hello\n"}), text="I write it.")


@pytest.fixture
async def one(tmp_path: Path) -> AsyncIterator[Kit]:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as made:
        await made.run()
        yield made


async def step_of(one: Kit, **fields: Any) -> Step:
    step = one.board.new_step(StepKind.TOOL, "T1", state=StepState.DONE, **fields)
    await one.board.commit(step)
    return step


async def output(one: Kit, content: bytes, rows: int) -> TextAnswer:
    """What is shown of a command's output."""
    step = await step_of(one, name="run_command", args={"command": "x"})
    spool = Path(f"{record_path(one.services, step)}.out")
    spool.parent.mkdir(parents=True, exist_ok=True)
    spool.write_bytes(content)
    answer = await one.engine.ask(requests.GetOutput(step=step.id, rows=rows))
    assert isinstance(answer, TextAnswer)
    assert answer.path == str(spool)
    return answer


async def test_a_short_output_is_shown_in_full(one: Kit) -> None:
    answer = await output(one, b"a\nb\nc\n", 40)
    assert (answer.head, answer.tail, answer.left_out, answer.rows) == ("a\nb\nc", "", 0, 3)


async def test_of_a_long_output_head_and_tail_are_shown(one: Kit) -> None:
    lines = [f"row {number}" for number in range(1, 300_001)]
    answer = await output(one, "\n".join(lines).encode() + b"\n", 40)
    assert answer.head.split("\n") == lines[:20]
    assert answer.tail.split("\n") == lines[-20:]
    assert answer.left_out == 300_000 - 40
    assert answer.rows == 300_000


async def test_one_endless_row_is_shown_as_far_as_it_goes(one: Kit) -> None:
    answer = await output(one, b"x" * HEAD_BYTES, 4)
    assert answer.head
    assert set(answer.head + answer.tail) == {"x"}


async def test_control_bytes_of_an_output_are_shown_and_do_nothing(one: Kit) -> None:
    answer = await output(one, b"a\x1b[31mred\x07 \xff\n", 40)
    assert "\x1b" not in answer.head
    assert "\x07" not in answer.head
    assert "red" in answer.head


async def test_text_of_replies_and_results_comes_from_wherever_it_is_kept(one: Kit) -> None:
    [model, *_] = [step for step in one.board.steps("T1") if step.kind is StepKind.MODEL]
    answer = await one.engine.ask(requests.GetOutput(step=model.id))
    assert isinstance(answer, TextAnswer)
    assert answer.head == "I write it."
    blob = one.services.put_text("x\n" * 5000)
    step = await step_of(one, name="read_file", result_blob=blob)
    answer = await one.engine.ask(requests.GetOutput(step=step.id, rows=10))
    assert isinstance(answer, TextAnswer)
    assert answer.left_out == 4990
    step = await step_of(one, name="read_file", result={"text": "short"})
    answer = await one.engine.ask(requests.GetOutput(step=step.id))
    assert isinstance(answer, TextAnswer)
    assert answer.head == "short"


async def test_files_and_trees(one: Kit) -> None:
    [review] = one.board.pending()
    trees = review.base
    diff = await one.engine.ask(requests.GetDiff(old=trees["base"], new=trees["proposed"]))
    assert isinstance(diff, DiffAnswer)
    [file] = diff.changes.files
    answer = await one.engine.ask(requests.GetFile(path="new.txt", new_blob=file.new_blob))
    assert isinstance(answer, FileAnswer)
    assert (answer.file.old, answer.file.new) == ("", "hello\n")
    binary = one.fixture.write("b.bin", b"a\0b")
    blob = one.fixture.git("hash-object", "-w", str(binary))
    answer = await one.engine.ask(requests.GetFile(path="b.bin", old_blob=blob))
    assert isinstance(answer, FileAnswer)
    assert answer.file.old == ""


async def test_the_log_has_what_was_noticed_retried_and_failed(one: Kit) -> None:
    one.board.log.emit(Noticed(text="look", severity="warning"))
    one.board.log.emit(Retrying(task="T1", attempt=2, of=5, wait_s=14, why="overloaded"))
    answer = await one.engine.ask(requests.GetLog())
    assert isinstance(answer, RowsAnswer)
    noticed, retried = answer.rows[-2:]
    assert (noticed["text"], noticed["severity"]) == ("look", "warning")
    assert retried["text"] == "retrying 2 of 5 in 14 s · overloaded"
    assert any(row["task"] == "T1" and "in_review" in row["text"] for row in answer.rows)


async def test_what_is_not_there_is_refused_in_words(one: Kit) -> None:
    refused = await one.engine.ask(requests.GetOutput(step="s/9"))
    assert isinstance(refused, Refused)
    assert refused.reason == "no step s/9 in this session"
    assert isinstance(await one.engine.ask(requests.GetReview(approval="a9")), Refused)


async def test_views_are_kept_by_name(one: Kit) -> None:
    await one.engine.submit(commands.SaveView(name="", view={"focus": "tasks"}))
    await one.engine.submit(commands.SaveView(name="s1", view={"focus": "review"}))
    await one.engine.submit(commands.SaveView(name="s1", view={"focus": "agents"}))
    kept = {document["name"]: document["view"] for document in one.stored("views")}
    assert kept == {"": {"focus": "tasks"}, "s1": {"focus": "agents"}}


async def test_what_is_half_typed_is_kept_without_secrets_and_lines_of_files_as_they_are(
    tmp_path: Path,
) -> None:
    secret = "tok-Zq81-not-to-be-kept"
    reply = turns(EDIT, make_turn(DONE))
    async with kit(tmp_path, reply, environment={"DEPLOY_TOKEN": secret}) as made:
        view = {
            "composer": {"text": f"use {secret}", "history": [secret]},
            "panes": {
                "questions": {"drafts": {"answer:a1": f"it is {secret}"}, "cursor": 3},
                "conflict": {"chosen": {"h": {"1": ["left", ["plain line\n"]]}}, "drafts": {}},
            },
        }
        await made.engine.submit(commands.SaveView(name="", view=view))
        (kept,) = made.stored("views")
        assert secret not in str(kept)
        assert kept["view"]["composer"]["text"].startswith("use [[SECRET:variable:")
        assert kept["view"]["panes"]["conflict"] == view["panes"]["conflict"]
        assert kept["view"]["panes"]["questions"]["cursor"] == 3
        await made.run(f"Deploy with {secret}")
        assert all(secret not in path.read_text(errors="replace") for path in texts(tmp_path / "state"))


def texts(state: Path) -> list[Path]:
    """Everything that is kept, but the agents' worktrees."""
    return [path for path in state.rglob("*") if path.is_file() and "worktrees" not in path.parts]
