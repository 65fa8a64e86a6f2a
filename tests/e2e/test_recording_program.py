"""`run --record FILE` and `--model replay:FILE`: recorded over the wire, replayed with no model at all."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

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


def reject(one: Program, *options: str) -> Result:
    """Say yes to the plan and no to the change; what comes of that."""
    assert one.run("collaborative", *options).code == 3
    options = options if "--record" in options else ()
    assert one.approve(one.only_question()).code == 0
    assert one.resume(*options).code == 3
    assert one.reject(one.only_question(), "--reason", "say how it rounds").code == 0
    return one.resume(*options)


def accept(one: Program) -> str:
    """Say yes to what is asked; the tree that is ready to land then."""
    assert one.approve(one.only_question()).code == 0
    ready = one.resume()
    assert ready.code == 0, ready.err
    return tree(one, ready.json["branch"])


def tree(one: Program, branch: str = "main") -> str:
    return git(one.repository, "rev-parse", f"{branch}^{{tree}}")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What a run over the wire recorded, and the tree that it landed."""
    place = tmp_path_factory.mktemp("recorded")
    first, tape = offline(place / "first"), place / "words.jsonl"
    with first.model(SCRIPT) as server:
        assert first.run("full", "--land", "--record", str(tape)).code == 0
        assert len(server.requests) == 5
    return tape, tree(first)


def test_what_was_recorded_over_the_wire_lands_the_same_tree_without_a_model(
    recorded: tuple[Path, str], tmp_path: Path
) -> None:
    tape, landed = recorded
    assert read_recording(tape).count == 5
    assert "test-key-of-nobody" not in tape.read_text()
    second = offline(tmp_path / "second")
    done = second.run("full", "--land", "--model", f"replay:{os.path.relpath(tape, second.place)}")
    assert done.code == 0, done.err
    assert tree(second) == landed
    assert (done.json["usage"]["requests"], done.json["usage"]["cost_usd"]) == (5, 0)
    second.clean()


@pytest.mark.soak
def test_another_decision_ends_honestly_until_it_is_recorded_too(
    recorded: tuple[Path, str], tmp_path: Path
) -> None:
    tape = tmp_path / "words.jsonl"
    tape.write_bytes(recorded[0].read_bytes())
    second = offline(tmp_path / "second")
    ended = reject(second, "--model", f"replay:{tape}")
    assert ended.code == 1
    assert "the recording ends here: nothing is recorded for development T1, turn 1 after reject" in ended.err
    assert "autodev resume" in ended.err
    # Recorded once more with that decision: only what is new is asked of the model.
    third = offline(tmp_path / "third")
    with third.model(SCRIPT) as server:
        assert reject(third, "--record", str(tape)).code == 3
        assert len(server.requests) == 3
    assert read_recording(tape).count == 8
    # The session that had come to the end of it goes on, and both branches lead to their own tree.
    assert second.resume().code == 3
    assert accept(second) == accept(third) != recorded[1]


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


@pytest.mark.soak
def test_killed_while_it_replays_and_resumed_it_lands_the_same_tree(
    recorded: tuple[Path, str], tmp_path: Path
) -> None:
    tape = tmp_path / "words.jsonl"
    # Slow enough to be killed in the middle of a reply.
    words = recorded[0].read_text().splitlines()
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
        assert tree(second) == recorded[1]
        assert second.durable_turns() == {None: 1, "T1": 4}
        second.clean()
    finally:
        second.zygote.close()
