from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from store.lock import LOCK_NAME, Left, Lock, boot_id, owner, start_time

ROOT = Path(__file__).parents[3]


def take(directory: Path, wait_s: float = 0) -> Lock:
    return Lock(directory, time.time, wait_s)


def test_the_owner_is_known_while_it_holds_and_not_after(tmp_path: Path) -> None:
    assert owner(tmp_path) is None
    lock = take(tmp_path)
    found = owner(tmp_path)
    assert found is not None
    assert (found.pid, found.alive, found.boot_id) == (os.getpid(), True, boot_id())
    assert found.started == start_time(os.getpid()) != ""
    for session in ("", "s-long-name", "s1"):
        lock.note(session)
        found = owner(tmp_path)
        assert found is not None
        assert (found.session, found.alive) == (session, True)
    lock.release()
    assert owner(tmp_path) is None


def test_who_was_killed_left_when_it_lived_and_for_what(tmp_path: Path) -> None:
    first = take(tmp_path)
    first.note("s1")
    first.alive()
    os.utime(first.file, (100.0, 100.0))
    os.close(first.fd)  # as the kernel does with the holder
    second = take(tmp_path)
    assert second.left == Left("s1", 100.0)
    second.alive()
    assert second.file.stat().st_mtime > 100.0
    second.release()
    third = take(tmp_path)
    assert third.left is None, "it ended in order"
    third.release()


def test_waiting_gets_the_lock_when_it_is_let_go(tmp_path: Path) -> None:
    lock = take(tmp_path)
    waiting = threading.Event()

    def let_go() -> None:
        waiting.wait()
        lock.release()

    thread = threading.Thread(target=let_go)
    thread.start()
    waiting.set()
    take(tmp_path, wait_s=30).release()
    thread.join()


@pytest.mark.parametrize("field", ["started", "boot_id"])
def test_another_process_of_the_same_pid_is_not_taken_for_the_owner(tmp_path: Path, field: str) -> None:
    lock = take(tmp_path)
    file = tmp_path / LOCK_NAME
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: "another"}))
    found = owner(tmp_path)
    assert found is not None
    assert not found.alive
    lock.release()


def test_garbage_in_the_lock_file_is_no_trouble(tmp_path: Path) -> None:
    file = tmp_path / LOCK_NAME
    file.write_bytes(b"\xff{not json")
    assert owner(tmp_path) is None
    with file.open("r+b") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        found = owner(tmp_path)
        assert found is not None
        assert not found.alive
    take(tmp_path).release()


def test_the_lock_dies_with_its_holder_though_a_forked_child_lives_on(tmp_path: Path) -> None:
    script = """
import os, sys, time
from pathlib import Path
from store.lock import Lock
lock = Lock(Path(sys.argv[1]), time.time, 0)
if os.fork() == 0:
    sys.stdout.write("child\\n"); sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "child\n"
        assert child.wait() == -9
        take(tmp_path, wait_s=0.0).release()
        assert child.stdin is not None
        child.stdin.close()
