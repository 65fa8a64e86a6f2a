"""Finds out which rung really holds on this machine, by trying to break out of each.

A rung that lets a single attempt through is not used, whatever its version says.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.sandbox import kernel, seccomp
from autodev_tui.sandbox.client import Spawner, find_bubblewrap
from autodev_tui.sandbox.spec import Command, Rung, SandboxError
from autodev_tui.sandbox.spool import read_output

VARIABLE = "AUTODEV_SANDBOX"
LADDER = (Rung.BUBBLEWRAP, Rung.LANDLOCK)

_HOSTILE = Path(__file__).with_name("hostile.py")
_WANTED = "write in the worktree"
_TRY_S = 10.0
_DEATH_S = 3.0


@dataclass(frozen=True)
class ProbeResult:
    """The best rung that holds, and what became of each one tried: (rung, holds, why or why not)."""

    rung: Rung
    tried: tuple[tuple[Rung, bool, str], ...]


@functools.cache
def probe(forced: Rung | None = None) -> ProbeResult:
    """Tries the rungs from the best down and stops at the first that holds. Blocks for about half a second.

    `forced` and the variable AUTODEV_SANDBOX leave out the rungs above the lower one they name: they can take
    protection away but never claim any. Must not be called on an event loop's thread. Cached for the process.
    """
    return _probe(forced, os.environ)


def _probe(forced: Rung | None, env: Mapping[str, str]) -> ProbeResult:
    tried: list[tuple[Rung, bool, str]] = []
    top, why = _top(forced, env)
    for rung in LADDER:
        if _height(top) < _height(rung):
            tried.append((rung, False, why))
            continue
        problem = _missing(rung) or _broken(rung)
        tried.append((rung, not problem, problem or "every attempt to break out failed"))
        if not problem:
            return ProbeResult(rung, tuple(tried))
    return ProbeResult(Rung.NONE, tuple(tried))


def _height(rung: Rung) -> int:
    return [Rung.NONE, Rung.LANDLOCK, Rung.BUBBLEWRAP].index(rung)


def _top(forced: Rung | None, env: Mapping[str, str]) -> tuple[Rung, str]:
    """The highest rung to try, and why none above it is."""
    wanted = [(forced, f"not tried: {forced} was asked for")] if forced is not None else []
    if text := env.get(VARIABLE, "").strip().lower():
        try:
            wanted.append((Rung(text), f"not tried: {VARIABLE}={text}"))
        except ValueError:
            wanted.append((Rung.NONE, f"not tried: {VARIABLE}={text!r} is none of {', '.join(Rung)}"))
    return min(wanted, key=lambda choice: _height(choice[0]), default=(LADDER[0], ""))


def _missing(rung: Rung) -> str:
    """Why a rung cannot even be tried; empty if it can."""
    if not kernel.LINUX:
        return "needs Linux"
    if not seccomp.supported():
        return f"no system call filter for {os.uname().machine}"
    if rung is Rung.BUBBLEWRAP and find_bubblewrap() is None:
        return "bwrap is not installed (package bubblewrap)"
    if rung is Rung.LANDLOCK and kernel.landlock_abi() == 0:
        return "the kernel has no Landlock, or it is switched off"
    return ""


def _broken(rung: Rung) -> str:
    """What a rung let through, or why it does not start; empty if it holds."""
    with tempfile.TemporaryDirectory(prefix="autodev-probe.") as name, _listeners(Path(name)) as targets:
        try:
            return asyncio.run(_attack(rung, Path(name), targets))
        except (SandboxError, OSError, TimeoutError) as error:
            return f"does not start: {error}"


@dataclass(frozen=True)
class _Targets:
    tcp: int
    udp: int
    unix: str
    datagrams: socket.socket


@contextlib.contextmanager
def _listeners(directory: Path) -> Iterator[_Targets]:
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        for internet in (tcp, udp):
            internet.bind(("127.0.0.1", 0))
        path = str(directory / "socket")
        unix.bind(path)
        tcp.listen()
        unix.listen()
        udp.setblocking(False)
        yield _Targets(tcp.getsockname()[1], udp.getsockname()[1], path, udp)


async def _attack(rung: Rung, directory: Path, targets: _Targets) -> str:
    state, worktree = directory / "state", directory / "state" / "worktree"
    worktree.mkdir(parents=True)
    for path in (state / "secret", directory / "outside", worktree / "protected"):
        path.write_text("x")
    prefixes = {sys.prefix, sys.base_prefix, str(_HOSTILE.parent), str(Path(sys.executable).resolve().parent)}
    attempts = [state / "secret", directory / "outside", targets.tcp, os.getpid(), targets.udp, targets.unix]
    lock = worktree / "lock"
    command = Command(
        argv=(
            sys.executable,
            "-I",
            "-S",
            str(_HOSTILE),
            *map(str, attempts),
            str(worktree / "protected"),
            str(lock),
        ),
        cwd=str(worktree),
        env={"PATH": os.defpath},
        timeout_s=_TRY_S,
        spool=str(state / "spool"),
        exit_file=str(state / "exit"),
        writable=(str(worktree),),
        readable=tuple(sorted(prefixes)),
        protected=(str(worktree / "protected"),),
    )
    spawner = await Spawner.start(rung, [state])
    try:
        exited = await spawner.run(command)
        problem = _judge(exited.code, command.spool, targets)
        if not problem and not (worktree / "protected").exists():
            problem = "let through: change a protected file"
        if not problem and not await _died(lock):
            problem = "let through: a process that outlives its command"
        return problem or await _orphaned(spawner, command, lock)
    finally:
        await spawner.aclose()


def _judge(code: int | None, spool: str, targets: _Targets) -> str:
    output = read_output(spool, 65536, 0)[0].decode(errors="replace").strip()
    if code != 0:
        return f"does not start: {output[-300:] or 'no output'}"
    results: dict[str, bool] = json.loads(output)
    if not results.pop(_WANTED):
        return f"forbids what it must allow: {_WANTED}"
    results.pop("change a protected file")  # what counts is that it is there again afterwards
    results["send a datagram"] = _arrived(targets.datagrams)
    through = [name for name, worked in results.items() if worked]
    return f"let through: {', '.join(through)}" if through else ""


def _arrived(datagrams: socket.socket) -> bool:
    try:
        return bool(datagrams.recv(1))
    except BlockingIOError:
        return False


async def _orphaned(spawner: Spawner, command: Command, lock: Path) -> str:
    """Kills the spawner under a command that stays: nothing of it may live on."""
    lock.unlink(missing_ok=True)
    running = asyncio.create_task(
        spawner.run(Command(**{**command.__dict__, "argv": (*command.argv, "stay")}))
    )
    if not await _until(lambda: _locked(lock)):
        problem = "does not start a second command"
    else:
        os.kill(spawner.pid, signal.SIGKILL)
        problem = "" if await _died(lock) else "let through: a process that outlives the spawner"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return problem


async def _died(lock: Path) -> bool:
    return await _until(lambda: not _locked(lock))


async def _until(condition: Callable[[], bool]) -> bool:
    deadline = asyncio.get_running_loop().time() + _DEATH_S
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


def _locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
