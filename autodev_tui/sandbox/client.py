"""The engine's side of the spawner: starts it, sends commands, hears how they end."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autodev_tui.sandbox.guard import remove_tree
from autodev_tui.sandbox.spec import Command, Exited, Rung, SandboxError, SpawnerLost

READY_S = 10.0
CANCEL_S = 5.0
"""Far above the second that a cancel takes, for a machine that is busy."""

_LINE_BYTES = 4 * 1024 * 1024
_MAIN = Path(__file__).with_name("spawner_main.py")
_PASSED = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "LC_ALL")
"""What the interpreter may need; nothing else of our environment can be read from the spawner."""


class Spawner:
    """Talks to one spawner process. All methods belong to the event loop that called `start`."""

    def __init__(
        self, process: subprocess.Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Exited]] = {}
        self._listeners: dict[int, Callable[[bytes], None]] = {}
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._listen(), name="spawner")
        self._scratch = ""
        self.namespaces = False
        """Whether the Landlock rung has namespaces too."""

    @classmethod
    async def start(
        cls, rung: Rung, hidden: Sequence[Path], *, namespaces: bool = True, home: Path | None = None
    ) -> Spawner:
        """Starts the process.

        Args:
            hidden: no sandbox sees them, but for what a command's `writable` and `readable` open below them.
            namespaces: False keeps the Landlock rung from using any.
            home: the user's home, which commands see as a private empty directory; the real one by default.

        Raises:
            SandboxError: if it does not come up.
        """
        ours, theirs = socket.socketpair()
        env = {name: os.environ[name] for name in _PASSED if name in os.environ}
        try:
            process = await asyncio.to_thread(_start_process, theirs, env)
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=_LINE_BYTES)
        spawner = cls(process, reader, writer)
        spawner._send(
            {
                "op": "settings",
                "rung": str(rung),
                "bwrap": find_bubblewrap() or "",
                "hidden": [str(Path(path).absolute()) for path in hidden],
                "home": str(home or Path.home()),
                "temporary": os.path.realpath(tempfile.gettempdir()),
                "namespaces": namespaces,
            }
        )
        try:
            async with asyncio.timeout(READY_S):
                ready = await asyncio.shield(spawner._ready)
        except TimeoutError:
            await spawner.aclose()
            raise SandboxError(f"the spawner did not answer within {READY_S:.0f} s") from None
        spawner.namespaces, spawner._scratch = ready["namespaces"], ready["base"]
        return spawner

    @property
    def gone(self) -> bool:
        """Whether the process has ended, so that no command runs in it any more."""
        return self._task.done()

    @property
    def pid(self) -> int:
        """The spawner's process id."""
        return self._process.pid

    async def run(self, command: Command, on_output: Callable[[bytes], None] | None = None) -> Exited:
        """Runs one command to its end.

        `on_output` gets live output, at most 64 kB every 50 ms: the newest is kept, the rest is only in
        the spool. Cancelling the task kills the whole tree within a second; then the exit file says
        `cancelled`.
        Raises:
            SandboxError: if it was not executed, or the spawner was lost (then the outcome is unknown).
        """
        self._next += 1
        number = self._next
        if self.gone:
            raise SandboxError("the spawner is gone")
        ended: asyncio.Future[Exited] = asyncio.get_running_loop().create_future()
        self._waiting[number] = ended
        if on_output is not None:
            self._listeners[number] = on_output
        try:
            self._send({"op": "run", "id": number, **dataclasses.asdict(command)})
            return await asyncio.shield(ended)
        except asyncio.CancelledError:
            self._send({"op": "cancel", "id": number})
            await _settled(ended)
            raise
        finally:
            self._listeners.pop(number, None)
            self._waiting.pop(number, None)

    async def aclose(self) -> None:
        """Ends the spawner and every command that still runs; their trees are dead on return."""
        self._writer.close()
        try:
            await asyncio.to_thread(self._process.wait, CANCEL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
        await self._task
        if self._scratch and Path(self._scratch).exists():  # it was killed and could not tidy up
            await asyncio.to_thread(remove_tree, self._scratch)

    def _send(self, order: dict[str, Any]) -> None:
        if not self._writer.is_closing():
            self._writer.write(json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._hear(json.loads(line))
        except (ConnectionError, ValueError):
            pass
        last = self._last_words().rpartition("\n")[2]
        lost = SpawnerLost(f"the spawner ended; what became of the command is unknown{last and f': {last}'}")
        unfinished: list[asyncio.Future[Any]] = [self._ready, *self._waiting.values()]
        for waiting in unfinished:
            if not waiting.done():
                waiting.set_exception(lost)
                waiting.exception()  # asked for here, so that a cancelled caller leaves no warning

    def _last_words(self) -> str:
        """What a broken spawner printed; nothing is awaited."""
        assert self._process.stderr is not None
        os.set_blocking(self._process.stderr.fileno(), False)
        try:
            return (self._process.stderr.read() or b"").decode(errors="replace").strip()
        finally:
            self._process.stderr.close()

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == "ready":
            self._ready.set_result(event)
            return
        number = event["id"]
        if event["event"] == "output":
            if listener := self._listeners.get(number):
                listener(base64.b64decode(event["data"]))
            return
        waiting = self._waiting.get(number)
        if waiting is None or waiting.done():
            return
        if event["event"] == "exited":
            waiting.set_result(_exited(event["result"]))
        else:
            waiting.set_exception(SandboxError(event["error"]))
            waiting.exception()


def _start_process(stdin: socket.socket, env: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(_MAIN)],
        stdin=stdin.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        env=env,
    )


async def _settled(ended: asyncio.Future[Exited]) -> None:
    """Waits for the end of a cancelled command, whatever it is, and through further cancels."""
    deadline = asyncio.get_running_loop().time() + CANCEL_S
    while not ended.done() and (left := deadline - asyncio.get_running_loop().time()) > 0:
        try:
            await asyncio.wait([ended], timeout=left)
        except asyncio.CancelledError:
            continue


def find_bubblewrap() -> str | None:
    """bwrap on the system's own path, so that nothing on the user's can stand in for it."""
    return shutil.which("bwrap", path="/usr/bin:/bin:/usr/local/bin:/usr/sbin:/run/current-system/sw/bin")


def read_exit(path: Path) -> Exited | None:
    """How a command ended, by the file that the spawner left; None if there is none or it cannot be read."""
    try:
        return _exited(json.loads(path.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _exited(result: dict[str, Any]) -> Exited:
    names = [field.name for field in dataclasses.fields(Exited)]
    return Exited(
        **{name: result[name] for name in names if name != "violations"},
        violations=tuple(result["violations"]),
    )
