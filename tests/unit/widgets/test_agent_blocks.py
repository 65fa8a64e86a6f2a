"""A log in rows: one a call, words as Markdown, nothing of it able to fool anybody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from autodev_tui.domain.requests import TextAnswer
from autodev_tui.domain.states import StepState, TaskState
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.text import HIDDEN
from tests.fakes.agent_logs import NOW, Logs
from widgets.agent_blocks import copy_of
from widgets.agent_log import AgentLog, Wanted
from widgets.agent_markdown import markdown_lines
from widgets.text_flow import Flow, wrap_line

WIDTH = 49


@pytest.fixture
def logs() -> Logs:
    made = Logs()
    made.task("T3", "Tests")
    return made


def build(logs: Logs, log: AgentLog | None = None, *, now: float = NOW) -> AgentLog:
    log = log or AgentLog("T3")
    log.set_width(WIDTH)
    log.build(logs.mirror, now)
    while log.more:
        log.build(logs.mirror, now)
    return log


def texts(log: AgentLog) -> list[str]:
    return ["".join(text for text, _ in row.line).rstrip() for row in log.rows]


def rows(logs: Logs) -> list[str]:
    return texts(build(logs))


CALLS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("read_file", {"path": "src/a.py"}, {"result": {"lines": 12_000, "shown": 200}},
     "  read   src/a.py               200 of 12,000 lines"),
    ("list_files", {}, {}, "  list   all files                       12 files"),
    ("search", {"pattern": "x", "path": "src"}, {"result": {"matches": 1}},
     "  search x  in src                           1 hit"),
    ("delete_file", {"path": "a.py"}, {"result": {"added": 0, "removed": 9}},
     "  delete a.py                                +0 −9"),
    ("move_file", {"path": "a.py", "to": "b.py"}, {}, "  move   a.py → b.py                       ✓ moved"),
    ("run_command", {"command": "make"}, {}, "▸ run    make                               ✓ 0.3 s"),
    ("run_command", {"command": "make"}, {"result": {"exit_code": 2, "duration_s": 1.0, "text": ""}},
     "▸ run    make                        ✗ exit 2 1.0 s"),
    ("run_command", {"command": "make"}, {"result": {"exit_code": None, "timed_out": True, "duration_s": 61}},
     "▸ run    make                     ✗ timed out 1 min"),
    ("run_command", {"command": "python -m unittest"},
     {"result": {"exit_code": 1, "duration_s": 2.0, "text": "Ran 3\nFAILED (failures=2)"}},
     "▸ run    python -m unittest        ✗ 2 failed 2.0 s"),
    ("ask_user", {"question": "Which?"}, {"state": StepState.AWAITING},
     "  ask    Which?                              ◐ asks"),
    ("finish", {"summary": "Both tests pass."}, {}, "▸ finish Both tests pass.                          ✓"),
    ("submit_plan", {"tasks": [{}, {}]}, {}, "▸ finish the plan: 2 tasks                          ✓"),
    ("update_todos", {"todos": []},
     {"result": {"todos": [{"content": "docs", "status": "in_progress"}], "text": "1 of 2 done, now: docs"}},
     "▸ todo   docs                           1 of 2 done"),
    ("read_file", {"path": "../x"},
     {"state": StepState.FAILED, "result": {"why": "../x: outside the worktree", "denied": True}},
     "▸ read   ../x     ⊘ denied: outside the worktree"),
    ("edit_file", {"path": "a.py"}, {"state": StepState.FAILED, "result": {"why": "a.py: no such file"}},
     "▸ edit   a.py               ✗ failed: no such file"),
    ("run_command", {"command": "make"}, {"state": StepState.REFUSED, "result": {"why": "not now"}},
     "▸ run    make                  ✗ rejected: not now"),
    ("run_command", {"command": "make"}, {"state": StepState.UNKNOWN},
     "▸ run    make                             ? unknown"),
    ("edit_file", {"path": "a.py"}, {"state": StepState.PLANNED},
     "  edit   a.py                             ○ planned"),
    ("edit_file", {"path": "a.py"}, {"state": StepState.SUPERSEDED},
     "  edit   a.py                             ⊘ not run"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "fields", "row"), CALLS)
def test_a_call_is_one_row(
    logs: Logs, name: str, args: dict[str, Any], fields: dict[str, Any], row: str
) -> None:
    logs.call("T3", name, args, **fields)
    (drawn,) = rows(logs)
    assert " ".join(drawn.split()) == " ".join(row.split())
    assert cell_len(drawn) == WIDTH - 1
    assert drawn[:9] == row[:9]


def test_a_running_command_shows_its_time_and_its_last_row(logs: Logs) -> None:
    step = logs.call("T3", "run_command", {"command": "make"}, state=StepState.STARTED)
    logs.stream("T3", "one\ntwo\n\n", "output", step.id)
    assert [row.split() for row in rows(logs)] == [["▸", "run", "make", "●", "0:12"], ["two"]]


def test_a_command_in_a_list_says_how_much_is_hidden(logs: Logs) -> None:
    logs.call("T3", "run_command", {"command": "echo " + "x" * 100 + "\nrm -rf /"})
    (drawn,) = rows(logs)
    shown, _, rest = drawn.partition("… +")
    assert int(rest.split()[0]) == 105 + len("\nrm -rf /") - len(shown.partition("run    ")[2])


def test_a_long_path_keeps_its_file(logs: Logs) -> None:
    logs.call("T3", "read_file", {"path": "src/very/long/path/of/many/folders/tokens.py"})
    assert "tokens.py" in rows(logs)[0]
    assert "…" in rows(logs)[0]


def test_words_are_markdown_once_they_are_final_and_plain_while_they_stream(logs: Logs) -> None:
    logs.asked("T3")
    logs.stream("T3", "The **clock** must\nbe")
    log = build(logs)
    assert texts(log) == ["  The **clock** must", "  be"]
    logs.stream("T3", " frozen")
    assert texts(build(logs, log)) == ["  The **clock** must", "  be frozen"]
    logs.mirror.steps["T3"].clear()
    logs.says("T3", "The **clock** must\nbe frozen")
    final = build(logs, log)
    assert texts(final) == ["  The clock must be frozen"]
    assert ("clock", "data-bold") in final.rows[0].line
    final.source.add(final.blocks[0].id)
    final.changed(final.blocks[0].id)
    assert texts(build(logs, final)) == ["  The **clock** must", "  be frozen"]


def test_prose_is_never_wider_than_a_hundred_cells_and_code_is_not_wrapped(logs: Logs) -> None:
    logs.says("T3", "word " * 60 + "\n\n```py\n" + "x" * 150 + "\n```")
    log = AgentLog("T3")
    log.set_width(200)
    log.build(logs.mirror, NOW)
    prose = [row for row in log.rows if not row.wide]
    assert max(cell_len("".join(text for text, _ in row.line)) for row in prose) <= 102
    (code,) = [row for row in log.rows if row.wide]
    assert code.line[-1] == ("  " + "x" * 150, "code")


def test_thinking_is_one_row_that_opens(logs: Logs) -> None:
    step = logs.says("T3", "Done.", thinking="t" * 400)
    log = build(logs)
    assert texts(log)[0] == "▸ thinking 2 s · ~100 tokens"
    log.opened[f"{step.id}:thinking"] = "part"
    log.changed(f"{step.id}:thinking")
    assert texts(build(logs, log))[1].strip() == "t" * (WIDTH - 2)


def test_notes_are_folded_and_human_words_stand_in_full(logs: Logs) -> None:
    logs.step("T3", StepKind.NOTE, "task", result={"text": "goal\nrules\nmore"})
    logs.step("T3", StepKind.NOTE, "message s/m1", result={"text": "Use the frozen clock, " * 4})
    logs.message("T3", "and be quick")
    drawn = rows(logs)
    assert drawn[0].split() == ["▸", "note", "the", "task", "as", "the", "agent", "got", "it", "3", "rows"]
    assert drawn[1].startswith("› you: Use the frozen clock")
    assert drawn[-2:] == ["› queued: and be quick", "  · goes with the next step · up takes it back"]


def test_what_is_neither_call_nor_words(logs: Logs) -> None:
    logs.step("T3", StepKind.CHECKPOINT, "tree 1f3c", result={"ref": "refs/autodev/s/T3/3"})
    logs.step(
        "T3", StepKind.CHECK, "pytest", result={"check": "pytest", "tree": "1f3c9e2aa", "result": "passed"}
    )
    logs.step("T3", StepKind.MODEL, "m", state=StepState.FAILED, result={"why": "401 · refused the key"})
    logs.asked("T3")
    logs.tell(
        events=[
            {"kind": "retrying", "task": "T3", "attempt": 2, "of": 5, "wait_s": 14, "why": "busy", "at": NOW}
        ]
    )
    assert [" ".join(row.split()) for row in rows(logs)] == [
        "· checkpoint 3",
        "✓ pytest @1f3c9e2 2.0 s",
        "✗ the model's call failed: 401 · refused 2.0 s",
        "the key",
        "↺ retrying 2 of 5, 14 s · busy",
    ]


def test_filters_show_only_their_blocks(logs: Logs) -> None:
    logs.says("T3", "words")
    logs.call("T3", "edit_file", {"path": "a.py"})
    logs.call("T3", "run_command", {"command": "make"}, result={"exit_code": 1, "duration_s": 1})
    found = {}
    for name in ("messages", "edits", "commands", "failures", "questions"):
        log = AgentLog("T3")
        log.only = name
        found[name] = [block.kind for block in build(logs, log).blocks]
    assert found == {
        "messages": ["message"],
        "edits": ["call"],
        "commands": ["call"],
        "failures": ["call"],
        "questions": [],
    }


def test_an_opened_command_asks_for_its_output_once_and_says_what_is_left_out(logs: Logs) -> None:
    step = logs.call("T3", "run_command", {"command": "make"})
    log = build(logs)
    assert log.wanted == []
    log.opened[step.id] = "part"
    log.changed(step.id)
    assert build(logs, log).wanted == [Wanted(step.id, step.id, 40)]
    answer = TextAnswer(head="one\n\x1b[31mtwo", tail="last", left_out=1_204_331, rows=9, path="/spool")
    log.answered(log.wanted[0], answer)
    assert texts(build(logs, log))[1:] == [
        "  one",
        "  ‹1B›[31mtwo",
        "  … 1,204,331 rows kept in a file · o opens",
        "  last",
    ]
    assert log.wanted == []


@pytest.mark.parametrize(
    ("name", "args", "result", "opened"),
    [
        ("finish", {"summary": "Done.\nAll tests pass."}, {"text": "finished"}, ["Done.", "All tests pass."]),
        ("ask_user", {"question": "Which?"}, {"text": "The answer: left"}, ["Which?", "The answer: left"]),
        ("submit_plan", {"tasks": [{"id": "a", "title": "Do it"}]}, {"text": "handed in"}, ["a  Do it"]),
        ("update_todos", {}, {"todos": [{"content": "docs", "status": "completed"}], "text": ""}, ["✓ docs"]),
        ("search", {"pattern": "x"}, {"matches": 1, "text": "a.py:1: x"}, ["a.py:1: x"]),
    ],
)  # fmt: skip
def test_an_opened_call_says_what_it_was_about(
    logs: Logs, name: str, args: dict[str, Any], result: dict[str, Any], opened: list[str]
) -> None:
    step = logs.call("T3", name, args, result=result)
    log = AgentLog("T3")
    log.opened[step.id] = "part"
    assert [row.strip() for row in texts(build(logs, log))[1:]] == opened


def test_a_line_of_a_megabyte_costs_no_more_than_what_is_shown_of_it(logs: Logs) -> None:
    huge = "x" * 1_000_000
    step = logs.call("T3", "run_command", {"command": huge})
    running = logs.call("T3", "run_command", {"command": huge}, state=StepState.STARTED)
    logs.stream("T3", huge, "output", running.id)
    log = AgentLog("T3")
    log.opened |= {step.id: "part", running.id: "full"}
    build(logs, log)
    log.answered(log.wanted[0], TextAnswer(head=huge, rows=1))
    build(logs, log)
    assert max(len(text) for row in log.rows for text, _ in row.line) <= 4010
    assert texts(log)[0].split()[3] == f"+{1_000_000 - texts(log)[0].count('x'):d}"
    assert texts(log)[1].endswith("… +996,000")


def test_an_opened_edit_shows_its_change_and_copies_it_as_a_patch(logs: Logs) -> None:
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\u202e\n"
    step = logs.call("T3", "edit_file", {"path": "x"}, intent={"effect": {"diff": diff}})
    log = build(logs)
    log.opened[step.id] = "full"
    log.changed(step.id)
    shown = build(logs, log).rows[1:]
    assert [(row.line[1][0], row.under) for row in shown] == [
        ("@@ -1 +1 @@", "heading"),
        ("-old", "removed"),
        ("+new‹U+202E›", "added"),
    ]
    assert copy_of(log.blocks[0]) == (diff.replace("\u202e", "‹U+202E›"), "patch")


def test_only_the_tail_of_a_stream_is_laid_out_again(logs: Logs) -> None:
    logs.asked("T3")
    logs.stream("T3", "one\ntwo\n")
    first = build(logs).rows
    log = build(logs)
    before = log.rows
    logs.stream("T3", "three\n")
    build(logs, log)
    assert [id(row) for row in log.rows[:2]] == [id(row) for row in before]
    assert len(first) == 2
    assert len(log.rows) == 3


def test_a_stream_longer_than_what_is_kept_loses_nothing_that_came(logs: Logs) -> None:
    logs.asked("T3")
    log = build(logs)
    for number in range(6):
        logs.stream("T3", "".join(f"{number} {row}\n" for row in range(4000)))
        build(logs, log)
    assert len(log.rows) == 5000
    assert texts(log)[-1].strip() == "5 3999"
    assert texts(log)[0].strip() == "4 3000"


def test_a_reply_that_begins_anew_shows_nothing_of_the_first_try(logs: Logs) -> None:
    logs.asked("T3")
    logs.stream("T3", "first try\n")
    log = build(logs)
    retrying = {"kind": "retrying", "task": "T3", "attempt": 1, "of": 5, "wait_s": 1, "why": "busy"}
    logs.tell(events=[retrying])
    logs.stream("T3", "second t")
    assert texts(build(logs, log)) == ["  second t"]
    logs.tell(events=[retrying])
    logs.stream("T3", "third try, longer than the second")
    assert texts(build(logs, log)) == ["  third try, longer than the second"]


def test_why_nothing_goes_on_is_the_last_row(logs: Logs) -> None:
    logs.call("T3", "read_file", {"path": "a.py"})
    logs.tell(paused=["T3"], step_counts={"T3": 14})
    assert rows(logs)[1:] == ["‖ paused by you at step 14 · x continue · i say", "  what to change"]
    logs.tell(paused=[], tasks=[logs.mirror.tasks["T3"].but(state=TaskState.FAILED, error="no \u202emodel")])
    assert rows(logs)[1:] == ["✗ failed: no ‹U+202E›model · x try once more"]


def test_the_last_calls_of_an_agent_that_is_stuck_are_open_once(logs: Logs) -> None:
    for _ in range(4):
        step = logs.call("T3", "run_command", {"command": "make"}, input_hash="h")
    log = build(logs)
    logs.asks(step)
    asked = next(iter(logs.mirror.approvals.values()))
    stuck = {"kind": "escalation", "title": "T3 is stuck: the same call 4 times"}
    logs.tell(approvals=[asked.but(**stuck)])
    build(logs, log)
    assert list(log.opened) == [block.id for block in log.blocks[1:]]
    log.opened.clear()
    assert not build(logs, log).opened


def test_a_command_that_an_engine_left_running_is_not_timed(logs: Logs) -> None:
    logs.call("T3", "run_command", {"command": "make"}, state=StepState.STARTED)
    logs.asked("T3")
    logs.tell(facts={"busy": False})
    assert [" ".join(row.split()) for row in rows(logs)] == [
        "▸ run make ‖ paused",
        "",
        "‖ paused before the model's reply",
    ]


def test_off_nothing_moves_and_what_is_new_is_counted(logs: Logs) -> None:
    command = logs.call("T3", "run_command", {"command": "make"}, state=StepState.STARTED)
    logs.asked("T3")
    logs.stream("T3", "one\n")
    log = build(logs)
    before = texts(log)
    log.set_follow(False)
    logs.stream("T3", "two\nthree\n")
    logs.tell(steps=[command.but(state=StepState.DONE, result={"exit_code": 0, "duration_s": 1.0})])
    logs.call("T3", "read_file", {"path": "a.py"})
    after = texts(build(logs, log))
    assert len(after) == len(before)
    assert after[0].endswith("✓ 1.0 s")
    assert after[1:] == ["", *before[2:]]
    assert log.new == 3
    log.set_follow(True)
    assert len(build(logs, log).rows) == 5
    assert log.new == 0


def test_a_long_log_is_laid_out_from_its_end_a_little_at_a_time(logs: Logs) -> None:
    for number in range(300):
        logs.says("T3", f"{number} " + "word " * 40)
    log = AgentLog("T3")
    log.set_width(WIDTH)
    log.build(logs.mirror, NOW)
    assert log.more
    assert len(log.blocks) < 60
    assert "299" in texts(log)[log.starts[-1]]
    assert len(build(logs, log).blocks) == 300


hostile = st.text(
    st.sampled_from("ab \n\t[/]*_`<>&#x202E;-1.\u202e\x1b\u200b\ud800е漢🎉\u0301"), max_size=120
)


@given(text=hostile, width=st.integers(12, 60))
def test_no_markdown_shows_what_hides_or_is_wider_than_it_may(text: str, width: int) -> None:
    for line in markdown_lines(text, width):
        row = "".join(piece for piece, _ in line)
        assert not HIDDEN.search(row)
        if not line or line[-1][1] != "code":
            assert cell_len(row) <= width or "│" in row or len(row.split()) <= 2


@given(pieces=st.lists(hostile, max_size=6), width=st.integers(2, 40))
def test_a_text_in_pieces_is_the_text(pieces: list[str], width: int) -> None:
    # What joins letters of two pieces (disguises, combining marks) is seen only where they come at once.
    pieces = [piece.replace("е", "e").replace("\u0301", "") for piece in pieces]
    whole, grown = Flow(width, str), Flow(width, str)
    whole.feed("".join(pieces))
    for piece in pieces:
        grown.feed(piece)
    assert list(grown.rows) == list(whole.rows)
    assert grown.count == whole.count == len(whole.rows)
    assert all(cell_len(row) <= width for row in whole.rows)


@given(line=st.text(max_size=80), width=st.integers(2, 30))
def test_wrapping_loses_only_spaces(line: str, width: int) -> None:
    line = line.replace("\n", "")
    assert "".join(wrap_line(line, width)).replace(" ", "") == line.replace(" ", "")


def test_a_task_that_is_gone_leaves_no_agent() -> None:
    logs = Logs()
    logs.task("T1", "Docs", TaskState.PLANNED)
    assert list(logs.mirror.agents()) == []


def test_another_model_is_told_where_it_took_over_and_once(logs: Logs) -> None:
    log = AgentLog("T3")
    logs.step("T3", StepKind.MODEL, "claude", state=StepState.FAILED, result={"why": "401"})
    assert not any("→" in row for row in texts(build(logs, log)))
    for text in ("one", "two"):
        reply = {"text": text, "content": [{"type": "text", "text": text}], "calls": []}
        logs.step("T3", StepKind.MODEL, "qwen3\u202e", result={"reply": reply, "text": text})
        build(logs, log)
    wanted = ["✗ the model's call failed: 401", "→ qwen3‹U+202E› works from here on", "  one", "  two"]
    for found in (log, AgentLog("T3")):
        drawn = [row for row in texts(build(logs, found)) if row]
        assert [drawn[0][: len(wanted[0])], *drawn[1:]] == wanted


def test_what_a_model_is_waited_for_is_told_while_it_is(logs: Logs) -> None:
    logs.asked("T3")
    told = {"kind": "noticed", "task": "T3", "text": "qwen3 is being \x1b[2Jloaded"}
    logs.tell(events=[told])
    log = build(logs)
    assert texts(log) == ["  waiting for the model  0:12", "  qwen3 is being ‹1B›[2Jloaded"]
    logs.says("T3", "Here.")
    logs.asked("T3")
    assert texts(build(logs, log))[-2:] == ["  Here.", "  waiting for the model  0:12"]


def test_what_keeps_an_agent_between_two_steps_is_told_until_it_goes_on(logs: Logs) -> None:
    logs.call("T3", "read_file", {"path": "a.py"})
    text = "the next call waits for calls under way"
    logs.tell(working=["T3"], events=[{"kind": "noticed", "task": "T3", "text": text}])
    log = build(logs)
    assert texts(log)[-1] == f"· {text}"
    logs.asked("T3")
    assert texts(build(logs, log))[-1] == "  waiting for the model  0:12"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("fixes in src/a/__init__.py, src/b.py", "fixes in src/a/__init__.py, src/b.py"),
        ("__main__ and **__init__.py**", "__main__ and __init__.py"),
        ("__two words__ stay strong", "two words stay strong"),
    ],
)
def test_a_name_with_underscores_is_not_taken_for_strong_words(text: str, row: str) -> None:
    assert ["".join(piece for piece, _ in line) for line in markdown_lines(text, WIDTH)] == [row]
