"""`run --record FILE` and `--model replay:FILE`: recorded over the wire, replayed with no model at all."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from autodev_tui.providers.recorded import read_recording
from tests.fakes.crashes import Crashing
from tests.fakes.program import (
    FIX,
    KNOWN_CHECK,
    OLD,
    Program,
    Result,
    agent,
    call,
    git,
    plan,
    reply,
    task,
)
from tests.fakes.zygote import Zygote

BETTER = "    return sum(prices) * (100 - discount_percent) // 100  # rounded down\n"
AFTER_REJECTION = (
    reply(call("read_file", path="shop/prices.py"), text="Then with a word on rounding."),
    reply(call("edit_file", path="shop/prices.py", old_text=OLD, new_text=BETTER)),
    reply(call("finish", summary="It says how it rounds.")),
)
START = ("run", "The discount is taken as cents. Fix it.", "--autonomy", "full", "--land")
SCRIPT = {
    "conversations": [
        plan(task("fix", "Fix the discount")),
        agent("Fix the discount", *FIX, *AFTER_REJECTION),
    ]
}


def offline(place: Path) -> Program:
    """Without a key, and with an address where nobody listens."""
    place.mkdir()
    return Program(place, settings=KNOWN_CHECK, environment={"ANTHROPIC_BASE_URL": "http://127.0.0.1:9"})


def carry_out(one: Program, verdict: str, *options: str) -> Result:
    """Say yes to the plan, `verdict` to the change and yes to the next; how it ends before it lands."""
    assert one.run("collaborative", *options).code == 3
    options = options if "--record" in options else ()
    assert one.approve(one.only_question()).code == 0
    assert one.resume(*options).code == 3
    if verdict == "reject":
        assert one.reject(one.only_question(), "--reason", "say how it rounds").code == 0
        if (result := one.resume(*options)).code != 3:
            return result
    assert one.approve(one.only_question()).code == 0
    return one.resume(*options)


def tree(one: Program, branch: str = "main") -> str:
    return git(one.repository, "rev-parse", f"{branch}^{{tree}}")


def test_what_was_recorded_over_the_wire_lands_the_same_tree_without_a_model(tmp_path: Path) -> None:
    tape = tmp_path / "words.jsonl"
    record = ("--record", str(tape))
    first = offline(tmp_path / "first")
    with first.model(SCRIPT) as server:
        accepted = carry_out(first, "accept", *record)
        assert accepted.code == 0
        assert len(server.requests) == 5
    assert read_recording(tape).count == 5
    assert "test-key-of-nobody" not in tape.read_text()
    # A decision that nobody recorded: an honest end that can be gone on from.
    second = offline(tmp_path / "second")
    replay = ("--model", f"replay:{os.path.relpath(tape, second.place)}")
    ended = carry_out(second, "reject", *replay)
    assert ended.code == 1
    assert "the recording ends here: nothing is recorded for development T1, turn 1 after reject" in ended.err
    assert "autodev resume" in ended.err
    # Recorded once more with that decision: only what is new is asked of the model.
    third = offline(tmp_path / "third")
    with third.model(SCRIPT) as server:
        rejected = carry_out(third, "reject", *record)
        assert rejected.code == 0
        assert len(server.requests) == 3
    assert read_recording(tape).count == 8
    # The session that had come to the end of it goes on, and both branches lead to their own tree.
    assert second.resume().code == 3
    assert second.approve(second.only_question()).code == 0
    assert second.resume().code == 0
    landed = second("land", "--hash", second.only_question()["hash"], "--json")
    assert landed.code == 0
    assert tree(second) == tree(third, rejected.json["branch"]) != tree(first, accepted.json["branch"])
    assert landed.json["usage"]["cost_usd"] == 0
    second.clean()


def test_a_file_that_is_no_recording_of_this_is_refused_before_anything_begins(tmp_path: Path) -> None:
    one = offline(tmp_path / "one")
    tape = tmp_path / "words.jsonl"
    tape.write_text('{"autodev_recording": 2}\n')
    replayed = one.run("full", "--model", f"replay:{tape}")
    assert (replayed.code, replayed.json["code"]) == (2, 2)
    assert "version 2 is not known: this autodev reads version 1" in replayed.json["error"]
    tape.write_text("my diary\n")
    with one.model(SCRIPT) as server:
        recorded = one.run("full", "--record", str(tape))
        assert recorded.code == 2 and not server.requests
    assert "nothing is written over a file that is no recording" in recorded.json["error"]
    assert tape.read_text() == "my diary\n"
    assert one("status", "--json").json["session"] is None


def test_killed_while_it_replays_and_resumed_it_lands_the_same_tree(tmp_path: Path) -> None:
    tape = tmp_path / "words.jsonl"
    first = offline(tmp_path / "first")
    with first.model(SCRIPT):
        assert first.run("full", "--land", "--record", str(tape)).code == 0
    # Slow enough to be killed in the middle of a reply.
    words = tape.read_text().splitlines()
    words[0] = json.dumps(json.loads(words[0]) | {"pace": 40})
    words[3] = json.dumps(json.loads(words[3]) | {"text": "I look at the sum and at the discount. " * 4})
    tape.write_text("\n".join([*words, ""]))
    (tmp_path / "second").mkdir()
    second = Crashing(tmp_path / "second", settings=KNOWN_CHECK)
    second.zygote = Zygote()
    try:
        running = second.fork(*START, "--model", f"replay:{tape}")
        end = time.monotonic() + 60
        while second.durable_turns()["T1"] < 1:
            assert time.monotonic() < end
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        assert running.result().code == -9
        assert second.durable_turns()["T1"] == 1, "it was killed inside the second reply"
        done = second("resume", "--headless", "--json")
        assert done.code == 0, done.err
        assert tree(second) == tree(first)
        assert second.durable_turns() == {None: 1, "T1": 4}
        second.clean()
    finally:
        second.zygote.close()
