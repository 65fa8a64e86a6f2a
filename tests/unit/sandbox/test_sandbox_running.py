from __future__ import annotations

import asyncio
import json
import os
import signal
import time
import uuid
from pathlib import Path

import pytest

from autodev_tui.sandbox.client import read_exit
from autodev_tui.sandbox.spec import Limits, SandboxError
from autodev_tui.sandbox.spool import read_output


async def test_result_and_exit_file_agree(box):
    exited, text = await box.sh("echo out; echo err >&2; exit 3")
    assert (exited.code, exited.signal, exited.timed_out, exited.cancelled) == (3, None, False, False)
    assert sorted(text.split()) == ["err", "out"] and exited.output_bytes == exited.spooled_bytes == 8
    assert read_exit(box.state / "exit") == exited
    assert not (box.state / "exit.tmp").exists() and exited.problem == ""


async def test_death_by_signal(box):
    exited, _ = await box.sh("kill -9 $$")
    if box.kind == "bubblewrap":
        assert exited.code == 137
    else:
        assert exited.signal == signal.SIGKILL and exited.code is None


async def test_missing_program_is_a_shells_127(box):
    exited = await box.spawner.run(box.command("no-such-program"))
    assert exited.code != 0 and "no-such-program" in box.output(box.command("x"))


async def test_programs_are_found_on_the_commands_own_path(box):
    tool = box.worktree / "bin" / "greet"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho hello\n")
    tool.chmod(0o755)
    path = f"{tool.parent}:/usr/bin:/bin"
    exited = await box.spawner.run(box.command("greet", env={"PATH": path}))
    assert exited.code == 0 and box.output(box.command("x")) == "hello\n"


async def test_environment_is_exactly_what_was_given(box, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-secret")
    _, text = await box.sh("env")
    names = {line.split("=", 1)[0] for line in text.splitlines()}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_", "HOME", "TMPDIR"} == {"PATH", "LANG"}
    assert "sk-secret" not in text


async def test_standard_input_is_empty_and_no_terminal_can_be_had(box):
    exited, text = await box.sh(
        "cat; (exec 3<>/dev/tty) 2>&1 && echo got a terminal; readlink /proc/self/fd/0"
    )
    assert exited.code == 0 and "got a terminal" not in text and text.endswith("/dev/null\n")


async def test_only_the_standard_descriptors_are_open(box):
    _, text = await box.sh("for f in /proc/$$/fd/*; do echo ${f##*/}; done")
    assert set(text.split()) <= {"0", "1", "2", "3", "10"}  # dash opens its own


async def test_signals_are_as_a_fresh_program_expects(box):
    _, text = await box.sh("grep -E '^Sig(Ign|Blk)' /proc/self/status")
    # Signals 32 and 33 are the C library's own: it lets nobody change them, so they are inherited.
    own = 0b11 << 31
    masks = [int(line.split()[1], 16) & ~own for line in text.splitlines()]
    assert masks == [0, 0]


async def test_limits_hold(box):
    script = "ulimit -c; dd if=/dev/zero of=big bs=1k count=64 2>/dev/null; echo $?; stat -c %s big"
    _, text = await box.sh(script, limits=Limits(file_size_bytes=10240, processes=512))
    core, status, size = text.split()
    assert core == "0" and status != "0" and int(size) == 10240


async def test_timeout_kills_what_ignores_term(box, living, until):
    marker = uuid.uuid4().hex
    start = time.monotonic()
    exited, text = await box.sh(
        f"trap '' TERM; echo on; while :; do sleep 0.05; done; : {marker}", timeout_s=0.3
    )
    assert exited.timed_out and not exited.cancelled and text == "on\n"
    assert time.monotonic() - start < 1.5
    await until(lambda: not living(marker))


async def test_term_comes_first_so_that_a_command_may_tidy_up(box):
    script = "trap 'echo tidied; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
    exited, text = await box.sh(script, timeout_s=0.3)
    assert exited.timed_out and "tidied" in text


@pytest.mark.parametrize(
    "script",
    [
        "sleep 600",
        "trap '' TERM HUP INT; while :; do sleep 600; done",
        "setsid sh -c 'trap \"\" TERM; while :; do sleep 600; done' & wait",
        "(setsid setsid sleep 600 &) & sleep 600",
        "while :; do (sleep 600 &) ; sleep 0.01; done",
        "yes",
    ],
)
async def test_cancel_ends_the_whole_tree_within_a_second(box, living, until, script):
    marker = uuid.uuid4().hex
    started = asyncio.Event()
    command = box.command("/bin/bash", "-c", f"echo {marker}; {script}; :", marker)
    running = asyncio.create_task(box.spawner.run(command, lambda _: started.set()))
    await asyncio.wait_for(started.wait(), 5)
    before = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - before < 1.0
    assert not living(marker), "something of the command is alive after the cancel returned"
    exited = read_exit(box.state / "exit")
    assert exited is not None and exited.cancelled


async def test_nothing_outlives_a_command_that_ends_by_itself(box, living):
    marker = uuid.uuid4().hex
    script = f"setsid sh -c 'echo $$ > pid; sleep 600; : {marker}' & while ! [ -s pid ]; do sleep 0.01; done"
    exited, _ = await box.sh(script)
    assert exited.code == 0 and not living(marker)


async def test_commands_run_side_by_side(box):
    async def one(number: int) -> str:
        spool, exit_file = str(box.state / f"spool{number}"), str(box.state / f"exit{number}")
        command = box.command("/bin/sh", "-c", f"sleep 0.3; echo {number}", spool=spool, exit_file=exit_file)
        await box.spawner.run(command)
        return box.output(command)

    start = time.monotonic()
    assert await asyncio.gather(*map(one, range(6))) == [f"{number}\n" for number in range(6)]
    assert time.monotonic() - start < 1.5


async def test_live_output_arrives_while_it_runs_and_is_bounded(box):
    chunks: list[bytes] = []
    arrived = asyncio.Event()

    def hear(data: bytes) -> None:
        chunks.append(data)
        arrived.set()

    command = box.command(
        "/bin/sh", "-c", "echo first; while ! [ -e go ]; do sleep 0.01; done; yes | head -c 20000000"
    )
    running = asyncio.create_task(box.spawner.run(command, hear))
    await asyncio.wait_for(arrived.wait(), 5)
    assert chunks == [b"first\n"] and not running.done()
    (box.worktree / "go").touch()
    exited = await running
    assert exited.output_bytes == 20000006 and max(map(len, chunks)) <= 65536
    assert sum(map(len, chunks)) < 20000006
    assert b"".join(chunks).endswith(b"y\ny\n")


@pytest.mark.parametrize("content", [b"\0\xff\xfe\x1b[2J\r", b"x"])
async def test_binary_and_endless_lines_come_through_unchanged(box, content):
    script = "import sys; d=bytes.fromhex(sys.argv[1]); [sys.stdout.buffer.write(d*65536) for _ in range(8)]"
    exited, _ = await box.python(script, content.hex())
    head, elided, tail = read_output(box.state / "spool", 1 << 22, 1 << 22)
    assert exited.code == 0 and elided == 0 and head + tail == content * 65536 * 8


async def test_names_that_are_no_text(box):
    folder = Path(os.fsdecode(bytes(box.worktree) + b"/\xff\n \xe4"))
    folder.mkdir()
    exited, text = await box.sh("pwd; ls -d .", cwd=str(folder))
    assert exited.code == 0 and text.startswith(str(folder))


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"cwd": "/no/such/place"}, "working directory"), ({"spool": "/no/such/place/spool"}, "No such file")],
)
async def test_what_cannot_start_says_why_and_the_spawner_lives(box, changes, why):
    with pytest.raises(SandboxError, match=why):
        await box.sh("true", **changes)
    exited, _ = await box.sh("true")
    assert exited.code == 0


async def test_an_exit_file_that_cannot_be_written_is_told(box):
    (box.state / "exit").mkdir()
    exited, text = await box.sh("echo fine")
    assert exited.code == 0 and text == "fine\n" and exited.problem.startswith("exit file:")
    assert read_exit(box.state / "exit") is None


async def test_unsandboxed_commands_run_in_every_rung(box):
    exited, text = await box.sh(f"cat {box.home}/secret", sandboxed=False)
    assert exited.code == 0 and text == "the key"


async def test_scratch_directories_are_removed(box, until):
    await box.sh(
        "echo x > ${TMPDIR:-.}/file; mkdir -p $HOME/a/b; chmod 000 $HOME/a" if box.sandboxed else "true"
    )
    base = Path(box.spawner._scratch)
    await until(lambda: list(base.iterdir()) == [])
    await box.spawner.aclose()
    assert not base.exists()


def test_an_unreadable_exit_file_is_no_result(tmp_path):
    assert read_exit(tmp_path / "none") is None
    (tmp_path / "exit").write_text(json.dumps({"code": 0}))
    assert read_exit(tmp_path / "exit") is None
    (tmp_path / "exit").write_text("{")
    assert read_exit(tmp_path / "exit") is None


async def test_a_lost_spawner_is_an_unknown_outcome_not_a_hang(box):
    running = asyncio.create_task(box.sh("touch began; sleep 60"))
    async with asyncio.timeout(20):
        while not (box.worktree / "began").exists():
            await asyncio.sleep(0.01)
    os.kill(box.spawner.pid, signal.SIGKILL)
    with pytest.raises(SandboxError, match="unknown"):
        await asyncio.wait_for(running, 5)
    with pytest.raises(SandboxError, match="gone"):
        await box.sh("true")
    assert read_exit(box.state / "exit") is None
