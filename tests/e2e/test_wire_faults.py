"""What can come over the model's wire, through the real program: it goes on, or stops resumable and says why.

The scripted server refuses every ill-formed history, so a run that lands has sent none.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.program import (
    CHECK,
    NEW,
    OLD,
    PLANNER,
    Program,
    Result,
    agent,
    bug_fix,
    call,
    git,
    plan,
    reply,
    task,
)

pytestmark = pytest.mark.e2e

AT_ONCE = {"retry-after-ms": "1"}
"""Keeps a scripted failure from being waited for by chance."""
CONTINUED = "This conversation was continued from an earlier one"
READ = call("read_file", path="shop/prices.py")
EDIT = call("edit_file", path="shop/prices.py", old_text=OLD, new_text=NEW)
FINISH = call("finish", summary="The discount is a share of the sum.")
EMPTY = {"blocks": []}
"""A whole reply without a single block."""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.fixture
def unsandboxed(program: Program) -> Program:
    """For what ends before any command could run: no time is spent on trying the sandbox."""
    program.environment["AUTODEV_SANDBOX"] = "none"
    return program


def well_formed(server: FakeAnthropic) -> None:
    """No request was refused by the server's rules, and the script was long enough."""
    assert [entry["problem"] for entry in server.requests if "problem" in entry] == []


def asked(server: FakeAnthropic) -> list[dict[str, Any]]:
    """The bodies of the requests for turns, in order."""
    return [entry["body"] for entry in server.requests if entry["path"] == "/v1/messages"]


def stops(ended: Result, code: int, *words: str) -> None:
    """The run ended with this code and a message with these words on stderr and in the document."""
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    document = ended.json
    assert document["code"] == code
    for word in words:
        assert word in document["error"], document["error"]
        assert word in ended.err, ended.err
    assert f"autodev resume {document['session']}" in ended.err


def test_every_passing_fault_of_the_wire_is_sat_through_and_counted(program: Program) -> None:
    many = [call("read_file", path="shop/prices.py", offset=1, limit=number) for number in range(1, 21)]
    odd = (
        call("teleport", to="shop"),
        call("read_file", path=["shop/prices.py"], offset="five"),
        {"name": "edit_file", "raw": ['{"path": "shop/prices.py", "old_text": ']},
        READ,
    )
    developer = agent(
        "Fix the discount",
        reply(
            *many,
            thinking="All of it at once.",
            faults=[
                {"status": 429, "headers": {"retry-after": "0"}},
                {"status": 429, "headers": {"retry-after": "1"}},
                {"status": 529, "headers": AT_ONCE, "times": 3},
            ],
        ),
        reply(
            *odd,
            thinking={"text": "", "omitted": True},
            faults=[{"status": 500}, {"status": 503, "headers": AT_ONCE}],
        ),
        reply(
            {"name": "run_command", "raw": ["not json at all"]},
            faults=[reply(READ, error={"after": 5, "type": "overloaded_error"})],
        ),
        reply(EDIT, faults=[reply(EDIT, text="I fix it.", cut={"events": 6, "how": "drop"})]),
        reply(call("run_command", command=CHECK), faults=[reply(READ, cut={"events": 5, "how": "eof"})]),
        reply(text="I look", stop="pause_turn", faults=[EMPTY]),
        reply(
            READ,
            text=" once more.",
            faults=[
                reply({"name": "write_file", "raw": ['{"path": "shop/prices.py", "con']}, stop="max_tokens")
            ],
        ),
        reply(text="It is fixed.", stop="stop_sequence", stop_sequence="END"),
    )
    script = {"conversations": [plan(task("fix", "Fix the discount")), developer]}
    with program.model(script) as server:
        ended = program("run", "Fix the discount", "--autonomy", "full", "--land")
        document = program.status()
    well_formed(server)
    assert ended.code == 0, ended.err
    # 429 twice, 529 three times, 500, 503, and one each inside a stream, dropped and ended early.
    assert document["usage"]["retries"] == 10
    # Eight replies, the retries, one more after the empty reply and one after the cut one.
    assert document["usage"]["requests"] == len(asked(server)) == 1 + 8 + 10 + 2
    assert ended.err.count("↺ retrying") == 10
    assert "overloaded_error" in ended.err and "rate_limit_error" in ended.err
    limits = [body["max_tokens"] for body in asked(server)[1:]]
    assert limits == sorted(limits) and limits[-1] == 2 * limits[0], "only the cut reply raised the limit"
    assert NEW in (program.repository / "shop/prices.py").read_text()
    program.clean()
    answers = results(asked(server)[-1])
    assert len(answers) == 20 + len(odd) + 4
    told = "\n".join(answers)
    assert "'teleport': no tool of that name" in told
    assert "read_file: " in told and "cannot be used" in told


def results(body: dict[str, Any]) -> list[str]:
    """The texts of all results of tools in a request."""
    blocks = [block for message in body["messages"] for block in message["content"]]
    return [str(block["content"]) for block in blocks if block["type"] == "tool_result"]


HOUR_FULL = {"status": 429, "headers": {"retry-after": "3600"}, "message": "the hour is full"}
REFUSED = reply(text="Well,", stop="refusal", stop_details={"category": "cyber", "explanation": "no"})
Faults = list[tuple[dict[str, Any], list[str]]]
AT_FIRST: Faults = [
    (HOUR_FULL, ["rate_limit_error", "the hour is full", "60 minutes", "resume then"]),
    ({"status": 401, "message": "invalid key"}, ["authentication_error", "ANTHROPIC_API_KEY"]),
    (REFUSED, ["the model refused", "cyber: no"]),
]
LATER: Faults = [(EMPTY | {"times": 2}, ["of no use 2 times in a row (empty)"])]
"""In a second turn, for the words that follow such a reply must not change what the script goes by."""
MORE_AT_FIRST: Faults = [
    ({"status": 400, "message": "your limit is reached"}, ["invalid_request_error", "your limit"]),
    ({"status": 403}, ["permission_error", "another key"]),
    ({"status": 404, "message": "model: gone"}, ["not_found_error", "model: gone"]),
    ({"status": 413}, ["request_too_large", "smaller goal"]),
    ({"status": 529, "headers": AT_ONCE, "times": 6}, ["overloaded_error", "after 6 tries"]),
    ({"blocks": [], "stop": "refusal"}, ["the model refused", "another model"]),
    (reply(text="x", stop="something_new"), ["unknown reason", "something_new"]),
]
MORE_LATER: Faults = [
    (reply(text="x", stop="max_tokens") | {"times": 3}, ["of no use 3 times in a row (cut)"])
]


@pytest.mark.parametrize(
    ("at_first", "later"),
    [
        pytest.param(AT_FIRST, LATER, id="usual"),
        pytest.param(MORE_AT_FIRST, MORE_LATER, id="others", marks=pytest.mark.soak),
    ],
)
def test_each_final_fault_stops_resumable_and_the_next_run_goes_on(
    unsandboxed: Program, at_first: Faults, later: Faults
) -> None:
    """One session, resumed after each of them: nothing of a failed turn stays in its way.

    Replies that are of no use to the end are no failure: the words of the goal become the plan.
    """
    program = unsandboxed
    good = reply(call("submit_plan", tasks=[task("fix", "Fix the discount")]))
    replies = [
        reply(READ, thinking="Look.") | {"faults": [fault for fault, _ in at_first]},
        good | {"faults": [fault for fault, _ in later]},
    ]
    script = {"conversations": [{"match": PLANNER, "replies": replies}]}
    with program.model(script) as server:
        verb = ["run", "Fix the discount", "--autonomy", "guided"]
        for fault, words in at_first:
            ended = program(*verb, "--json")
            stops(ended, 1, *words)
            assert ended.json["state"] == "failed", fault
            verb = ["resume", "--headless"]
        overloaded = any(fault.get("status") == 529 for fault, _ in at_first)
        assert ended.json["usage"]["retries"] == (5 if overloaded else 0), "only 529 is tried again"
        ended = program(*verb, "--json")
    well_formed(server)
    scripted = {fault["status"] for fault, _ in at_first if "status" in fault}
    assert {entry["status"] for entry in server.requests} == {200} | scripted
    assert ended.code == 3
    assert [one["kind"] for one in ended.json["approvals"]] == ["plan"]
    assert git(program.repository, "status", "--porcelain") == ""


def test_a_refusal_in_the_middle_of_the_work_keeps_what_was_done(program: Program) -> None:
    refusal = reply(text="I will not", stop="refusal", stop_details={"category": "bio"})
    developer = agent(
        "Fix the discount",
        reply(READ, thinking="First look."),
        reply(EDIT),
        reply(FINISH, faults=[refusal]),
    )
    script = {"conversations": [plan(task("fix", "Fix the discount")), developer]}
    with program.model(script) as server:
        stopped = program("run", "Fix the discount", "--autonomy", "full", "--land", "--json")
        stops(stopped, 1, "the model refused (bio)")
        assert [one["state"] for one in stopped.json["tasks"]] == ["failed"]
        resumed = program("resume", "--headless", "--json")
    well_formed(server)
    assert resumed.code == 0, resumed.err
    assert resumed.json["landed"] and resumed.json["usage"]["requests"] == 1 + 4
    assert "I will not" not in str(asked(server)[-1]["messages"]), (
        "a refused reply is not part of the history"
    )
    program.clean()


def test_a_conversation_that_grew_too_long_is_compacted_and_goes_on(program: Program) -> None:
    exceeded = reply(text="So far", stop="model_context_window_exceeded")
    refused = {"status": 400, "message": "prompt is too long: 210000 tokens > 200000 maximum"}
    before = agent(
        "Fix the discount", reply(READ, thinking="Look."), reply(EDIT), reply(FINISH, faults=[exceeded])
    )
    after = {"match": CONTINUED, "replies": [reply(READ), reply(FINISH, faults=[{"status": 413}, refused])]}
    script = {"conversations": [after, plan(task("fix", "Fix the discount")), before]}
    with program.model(script) as server:
        ended = program("run", "Fix the discount", "--autonomy", "full", "--land", "--json")
    well_formed(server)
    assert ended.code == 0, ended.err
    assert ended.json["landed"] and ended.json["usage"]["requests"] == 1 + 3 + 2 + 2 + 2
    told = str(asked(server)[-1]["messages"][0])
    assert "Files you changed" in told and "shop/prices.py" in told and "Fix the discount" in told
    assert len(asked(server)[-1]["messages"]) == 3, "only what came after the last compaction is sent"
    program.clean()


def test_what_never_fits_is_given_up_at_once(unsandboxed: Program) -> None:
    program = unsandboxed
    never = [reply(text="So far", stop="model_context_window_exceeded")]
    script = {
        "conversations": [
            {"match": CONTINUED, "replies": never, "repeat_last": True},
            {"match": PLANNER, "replies": never, "repeat_last": True},
        ]
    }
    with program.model(script) as server:
        ended = program("run", "Fix the discount", "--json", timeout_s=60)
    stops(ended, 1, "does not fit into the model's window")
    assert len(asked(server)) <= 3


def test_nobody_listening_is_said_and_resumed_when_somebody_does(unsandboxed: Program) -> None:
    program = unsandboxed
    program.environment |= {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    ended = program("plan", "Fix the discount", "--json")
    assert ended.code == 1
    assert "refused" in ended.json["error"] and "ANTHROPIC_BASE_URL" in ended.json["error"]
    with program.model(bug_fix()) as server:
        resumed = program("resume", "--headless", "--json")
    well_formed(server)
    assert resumed.code == 3 and resumed.json["approvals"][0]["kind"] == "plan"
    assert resumed.json["usage"]["retries"] == 2
