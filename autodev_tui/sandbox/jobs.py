"""One running command inside the spawner: its process, pipes, spool, guards, and its end."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from typing import Any

from autodev_tui.sandbox import bubblewrap, seccomp, supervisor
from autodev_tui.sandbox.guard import Guards
from autodev_tui.sandbox.spool import Spool, read_output
from autodev_tui.sandbox.supervisor import Launch
from autodev_tui.sandbox.view import below, build

GRACE_S = 0.4
"""Between TERM and KILL: a cancelled tree must be gone within a second."""
LIVE_BYTES = 64 * 1024
"""Live output kept per command between two notifications; older bytes are dropped, the spool has them."""

_READ_BYTES, _READS = 256 * 1024, 4
_F_SETPIPE_SZ = 1031


class Refused(Exception):
    """The command cannot be started as asked."""


class Job:
    """A started command. When its supervisor, `pid`, has ended, nothing of it is left."""

    def __init__(self, request: dict[str, Any], settings: dict[str, Any], guards: Guards) -> None:
        self.request = request
        self.id: int = request["id"]
        self.guards = guards
        self.live = b""
        self.live_at = 0.0
        self.timed_out = self.cancelled = False
        self.kill_at: float | None = None
        self.pid = 0
        self.exit_status: int | None = None
        self.problem = ""
        self.private = ""
        self._status = b""
        self._guarded = False
        self._control = -1
        self._inner: int | None = None
        self._check_places()
        self.sandboxed = bool(request["sandboxed"]) and settings["rung"] != "none"
        self.bubblewrap = self.sandboxed and settings["rung"] == "bubblewrap"
        if request["sandboxed"] and settings["rung"] == "none":
            raise Refused("a sandbox was asked for, but none works here")
        if not os.path.isdir(request["cwd"]):
            raise Refused(f"working directory does not exist: {request['cwd']}")
        self.started = time.monotonic()
        self.deadline = self.started + request["timeout_s"]
        self.spool = Spool(request["spool"])
        self.output, output = os.pipe()
        self.status, status = os.pipe()
        try:
            self._start(settings, output, status)
        except BaseException:
            self.release()
            raise
        finally:
            os.close(output)
            os.close(status)
        for fd in (self.output, self.status):
            os.set_blocking(fd, False)

    def _check_places(self) -> None:
        """A command that could write its own result would be believed."""
        if not self.request["sandboxed"]:
            return
        for name in ("spool", "exit_file"):
            place = os.path.realpath(self.request[name])
            for root in (*self.request["writable"], *self.request["readable"]):
                if below(place, os.path.realpath(root)):
                    raise Refused(f"{name} lies where the command can see it: {place}")

    def _start(self, settings: dict[str, Any], output: int, status: int) -> None:
        request = self.request
        try:
            fcntl.fcntl(output, _F_SETPIPE_SZ, _READ_BYTES)
        except OSError:  # not Linux, or the user's share of pipe memory is used up
            pass
        launch = Launch(request, dict(request["env"]))
        launch.open_files = tuple(settings["open_files"])
        if self.sandboxed:
            self._prepare(launch, settings)
        if self.bubblewrap:
            self._bubblewrap(launch, settings["bwrap"], status)
        control, self._control = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            supervisor.supervise(launch, control, status, output)
        os.close(control)
        for fd in launch.passed:
            if fd != status:
                os.close(fd)

    def _prepare(self, launch: Launch, settings: dict[str, Any]) -> None:
        request = self.request
        launch.confined = settings["rung"] == "landlock"
        launch.namespaces = launch.confined and settings["namespaces"]
        self.private = os.path.join(settings["base"], str(self.id))
        for name in ("", "tmp", "home", "tmp/home"):
            os.mkdir(os.path.join(self.private, name), 0o700)
        places = [os.path.dirname(os.path.realpath(request[name])) for name in ("spool", "exit_file")]
        launch.view, home = build(
            writable=request["writable"],
            readable=request["readable"],
            hidden=[*settings["hidden"], *places, settings["base"]],
            home=settings["home"],
            private=self.private,
            network=request["network"],
        )
        mounted = not launch.confined or launch.namespaces
        launch.protected = self.guards.begin(request["protected"], request["writable"], stubs=mounted)
        self._guarded = True
        temporary = "/tmp"
        if not mounted:
            home, temporary = os.path.join(self.private, "home"), os.path.join(self.private, "tmp")
        launch.env |= {"HOME": home, "TMPDIR": temporary}

    def _bubblewrap(self, launch: Launch, program: str, status: int) -> None:
        """Has the supervisor execute bwrap instead, its options in a descriptor that no one else sees."""
        filter_fd = _in_memory("filter", seccomp.build(tracing=False, inet=False, connect=False))
        words = bubblewrap.arguments(
            launch.view,
            launch.protected,
            cwd=self.request["cwd"],
            env=launch.env,
            network=self.request["network"],
            filter_fd=filter_fd,
            status_fd=status,
        )
        words_fd = _in_memory("arguments", words)
        launch.argv = [program, "--args", str(words_fd), "--", *launch.argv]
        launch.env = {}
        launch.passed = (filter_fd, words_fd, status)

    def pump(self, *, drain: bool = False) -> bool:
        """Moves output from the pipe to the spool; False at its end. `drain`: all that is there."""
        reads = 0
        while drain or reads < _READS:
            reads += 1
            try:
                data = os.read(self.output, _READ_BYTES)
            except BlockingIOError:
                return True
            if not data:
                return False
            self.spool.write(data)
            self.live = (self.live + data[-LIVE_BYTES:])[-LIVE_BYTES:]
        return True

    def hear(self) -> bool:
        """Reads what bubblewrap or the supervisor reports; False at its end."""
        while True:
            try:
                data = os.read(self.status, 65536)
            except BlockingIOError:
                return True
            if not data:
                return False
            self._status += data
            *lines, self._status = self._status.split(b"\n")
            for line in lines:
                self._understand(json.loads(line))

    def _understand(self, message: dict[str, Any]) -> None:
        if "error" in message:
            self.problem = str(message["error"])
        if "child-pid" in message:
            self._inner = int(message["child-pid"])
        if "status" in message and not self.bubblewrap:
            self.exit_status = int(message["status"])
        if "exit-code" in message:
            self.exit_status = int(message["exit-code"]) << 8

    def stop(self, *, at_once: bool = False) -> None:
        """TERM now and KILL after the grace; or KILL now."""
        if at_once or self.kill_at is not None:
            self.kill_at = float("inf")
            self._order(supervisor.KILL)
            return
        self.kill_at = time.monotonic() + GRACE_S
        if not self.bubblewrap:
            self._order(supervisor.TERM)
        elif self._inner is not None:  # bwrap itself would take a TERM for the end of everything
            try:
                os.killpg(self._inner, signal.SIGTERM)
            except (ProcessLookupError, PermissionError):
                pass

    def _order(self, word: bytes) -> None:
        try:
            os.write(self._control, word)
        except OSError:  # it is ending by itself
            pass

    def result(self) -> dict[str, Any]:
        """How it ended, as the exit file and the engine get it.

        Raises:
            Refused: if the command was never executed.
        """
        status = self.exit_status
        if status is None and not (self.timed_out or self.cancelled):
            head, _, tail = read_output(self.spool.path, 1000, 1000)
            said = (head + tail).decode(errors="replace").strip()
            if not said.startswith("bwrap: execvp "):
                raise Refused(self.problem or said or "ended without a result: it was killed from outside")
            status = 127 << 8  # as a shell and the other rungs say it
        code = os.waitstatus_to_exitcode(signal.SIGKILL if status is None else status)
        if self.kill_at is not None and code in (128 + 9, 128 + 15):  # bubblewrap's way to say it
            code = 128 - code
        return {
            "code": code if code >= 0 else None,
            "signal": -code if code < 0 else None,
            "timed_out": self.timed_out,
            "cancelled": self.cancelled,
            "duration_s": round(time.monotonic() - self.started, 6),
            "output_bytes": self.spool.total,
            "spooled_bytes": self.spool.kept,
            "violations": self.unguard(),
            "problem": self.spool.error,
        }

    def unguard(self) -> list[str]:
        """Puts protected paths back and removes stubs."""
        if not self._guarded:
            return []
        self._guarded = False
        return self.guards.end(self.request["protected"], self.request["writable"])

    def release(self) -> None:
        """Closes everything; protected paths too are put back if they were not."""
        self.spool.close()
        for fd in (self.output, self.status, self._control):
            if fd >= 0:
                os.close(fd)
        self.output = self.status = self._control = -1
        self.unguard()


def write_exit_file(path: str, result: dict[str, Any]) -> None:
    """Durable and whole or not there: a temporary file, fsync, rename, fsync of the directory."""
    folder = os.path.dirname(path)
    temporary = f"{path}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, 0o600)
    try:
        os.write(fd, json.dumps(result).encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(temporary, path)
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _in_memory(name: str, content: bytes) -> int:
    fd = os.memfd_create(name)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
