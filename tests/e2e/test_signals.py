"""Signals, a closed terminal, limits, and other calls beside a running engine, to the real program."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.program import FIX, Program, agent, call, plan, reply, task

GOAL = ("run", "Fix the discount", "--autonomy", "full", "--land")
MARK = "begun.txt"
PATIENCE_S = 60


def script(*first: dict[str, Any]) -> dict[str, Any]:
    """The fix, after these replies."""
    return {"conversations": [plan(task("fix", "Fix the discount")), agent("Fix the discount", *first, *FIX)]}


SLOW_COMMAND = script(reply(call("run_command", command=f"touch {MARK}; sleep 60")))
SLOW_MODEL = script(
    reply(call("list_files"), faults=[{"text": "thinking", "hang": {"after": 3, "pings": True}}])
)


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    place = tmp_path / "place"
    place.mkdir()
    made = Program(place)
    # The spawner gets little else from us: by its PATH it is told from those of other tests.
    made.environment["PATH"] = f"{os.environ['PATH']}:{place}"
    yield made
    for pid in pids(made):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def pids(program: Program) -> list[int]:
    place, found = os.fsencode(program.place), []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and place in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def until(holds: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"never came: {what}"
        time.sleep(0.05)


def in_command(program: Program) -> None:
    """Wait until the slow command runs."""
    until(lambda: list(program.state_root.glob(f"**/worktrees/*/{MARK}")), "the command")


def in_model_call(server: FakeAnthropic) -> None:
    """Wait until the developer's first reply hangs in its stream."""
    server.wait_for(
        lambda: any(one.get("turn", "").startswith("1:") and "status" in one for one in server.requests), 60
    )


def goes_on(program: Program, *, choice: str | None) -> None:
    """What was stopped lands when it is resumed; `choice` answers the question about the slow command."""
    if choice:
        waiting = program.resume()
        assert waiting.code == 3, waiting.err
        question = program.only_question()
        assert question["kind"] == "escalation"
        assert program.answer(question, "--choice", choice).code == 0
    ended = program.resume()
    assert ended.code == 0, ended.err
    assert ended.json["landed"] == program.head()


def interrupted(program: Program, code: int = 130) -> None:
    """The state says so, and nothing is alive."""
    until(lambda: not pids(program), "the end of all processes")
    status = program.status()
    assert (status["state"], status["code"]) == ("interrupted", code), status


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, *(pytest.param(one, marks=pytest.mark.soak) for one in (signal.SIGINT, signal.SIGHUP))],
)
def test_a_signal_in_a_command(program: Program, number: signal.Signals) -> None:
    with program.model(SLOW_COMMAND):
        running = program.start(*GOAL)
        in_command(program)
        began = time.monotonic()
        running.send_signal(number)
        _, err = running.communicate(timeout=PATIENCE_S)
        assert time.monotonic() - began < 15
        assert running.returncode == 130, err
        assert "autodev resume" in err and "Traceback" not in err
        interrupted(program)
        if number is not signal.SIGINT:
            return
        goes_on(program, choice="skip")
        (program.repository / MARK).unlink()  # what the command did before it was stopped has landed with it
        program.no_process_is_left()


def test_a_signal_in_a_model_call(program: Program) -> None:
    with program.model(SLOW_MODEL) as server:
        running = program.start(*GOAL)
        in_model_call(server)
        running.send_signal(signal.SIGINT)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 130, err
        interrupted(program)
        assert program.status()["usage"]["at_least"] is True
        goes_on(program, choice=None)
        program.clean()


def test_a_storm_of_signals_while_it_ends(program: Program) -> None:
    with program.model(SLOW_COMMAND):
        running = program.start(*GOAL)
        in_command(program)
        while running.poll() is None:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                running.send_signal(number)
            time.sleep(0.01)
        _, err = running.communicate()
        # Once the program's own work is over, the interpreter ends without handlers.
        assert running.returncode in (130, -signal.SIGTERM, -signal.SIGHUP, -signal.SIGINT), err
        interrupted(program)


def test_the_terminal_is_closed(program: Program) -> None:
    with program.model(SLOW_COMMAND):
        pid, master = pty.fork()
        if not pid:
            os.chdir(program.place)
            os.execve(program.argv[0], [*program.argv, "-C", str(program.repository), *GOAL], program.env)
        in_command(program)
        os.close(master)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == 130
        interrupted(program)


def test_control_c_twice_in_a_terminal(program: Program) -> None:
    with program.model(SLOW_COMMAND):
        pid, master = pty.fork()
        if not pid:
            os.chdir(program.place)
            os.execve(program.argv[0], [*program.argv, "-C", str(program.repository), *GOAL], program.env)
        in_command(program)
        os.write(master, b"\x03\x03")
        said = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while data := os.read(master, 65536):
                said += data
        _, status = os.waitpid(pid, 0)
        os.close(master)
        assert os.waitstatus_to_exitcode(status) == 130
        assert b"autodev resume" in said and b"Traceback" not in said
        interrupted(program)


def test_a_signal_that_the_caller_ignores(program: Program) -> None:
    """As under `nohup`: a hang-up does not stop it."""
    with program.model(SLOW_COMMAND):
        running = program.start(*GOAL, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        in_command(program)
        running.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(1)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 130, err


def test_beside_a_running_engine(program: Program) -> None:
    """Others are refused and told who has it; `stop` ends it."""
    asking = script(reply(call("ask_user", question="Which rounding?")))
    with program.model(asking):
        waiting = program("run", "Fix the discount", "--autonomy", "supervised", "--json")
        assert waiting.code == 3, waiting.err
        question = program.only_question()
    with program.model(SLOW_COMMAND):
        running = program.start(*GOAL)
        in_command(program)
        for words in (
            ("run", "another goal"),
            ("resume", "--headless"),
            ("answer", question["id"], "--hash", question["hash"], "--text", "down"),
            ("reject", question["id"], "--hash", question["hash"]),
        ):
            refused = program(*words)
            assert refused.code == 5, refused.err
            assert f"process {running.pid}" in refused.err
        assert program.status()["state"] == "running"
        stopped = program("stop")
        assert stopped.code == 0 and str(running.pid) in stopped.out
        _, err = running.communicate(timeout=PATIENCE_S)
        assert running.returncode == 130, err
        interrupted(program)
        nobody = program("stop")
        assert nobody.code == 2 and "no engine runs" in nobody.err


def test_stop_sends_no_signal_to_a_stranger(program: Program) -> None:
    """A lock held by a process that it does not name: nobody is killed for it."""
    with program.model(SLOW_COMMAND):
        running = program.start(*GOAL)
        in_command(program)
        lock = next(program.state_root.glob("**/state.json.lock"))
        named = json.loads(lock.read_text())
        for text in ("", json.dumps(named | {"started": "1"}), json.dumps(named | {"boot_id": "other"})):
            lock.write_text(text)
            stopped = program("stop")
            assert stopped.code == 5, (text, stopped.out, stopped.err)
        assert running.poll() is None
        running.terminate()
        running.communicate(timeout=PATIENCE_S)


def test_timeout_in_a_command(program: Program) -> None:
    with program.model(SLOW_COMMAND):
        ended = program.run("full", "--land", "--timeout", "6")  # or before it, on a very slow machine
        assert ended.code == 4, ended.err
        assert "--timeout 6 s" in ended.json["error"]
        interrupted(program, 4)


def test_timeout_in_a_model_call(program: Program) -> None:
    with program.model(SLOW_MODEL):
        ended = program.run("full", "--land", "--timeout", "5")
        assert ended.code == 4, ended.err
        interrupted(program, 4)
        goes_on(program, choice=None)
        program.clean()


def test_max_turns(program: Program) -> None:
    program.environment["AUTODEV_MAX_TURNS"] = "2"
    with program.model(script()):
        ended = program.run("full", "--land")
        assert ended.code == 4, ended.err
        assert "max_turns is 2" in ended.json["error"]
        interrupted(program, 4)
        program.environment["AUTODEV_MAX_TURNS"] = "20"
        goes_on(program, choice=None)
        program.clean()
