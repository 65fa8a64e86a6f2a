"""One running command inside the spawner: its process, pipes, spool, guards, and its end."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from typing import Any

from autodev_tui.sandbox import bubblewrap, kernel, seccomp, supervisor
from autodev_tui.sandbox.guard import Guards
from autodev_tui.sandbox.spool import Spool
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
    """A started command. `pids` are to be reaped before it counts as ended."""

    def __init__(self, request: dict[str, Any], settings: dict[str, Any], guards: Guards) -> None:
        self.request = request
        self.id: int = request["id"]
        self.guards = guards
        self.live = b""
        self.live_at = 0.0
        self.timed_out = self.cancelled = False
        self.kill_at: float | None = None
        self.pids: set[int] = set()
        self.exit_status: int | None = None
        self.problem = ""
        self.private = ""
        self._status = b""
        self._guarded = False
        self._control = -1
        self._inner: int | None = None
        self._check_places()
        self.sandboxed = bool(request["sandboxed"]) and settings["rung"] != "none"
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
        launch = Launch(request, dict(request["env"]), [], [])
        launch.open_files = tuple(settings["open_files"])
        if self.sandboxed:
            self._prepare(launch, settings)
        if self.sandboxed and settings["rung"] == "bubblewrap":
            self._bubblewrap(launch, settings["bwrap"], output, status)
            return
        control, self._control = os.pipe()
        pid = os.fork()
        if pid == 0:
            supervisor.supervise(launch, control, status, output)
        os.close(control)
        self.pids.add(pid)

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

    def _bubblewrap(self, launch: Launch, program: str, output: int, status: int) -> None:
        request = self.request
        filter_fd = os.memfd_create("filter", 0)
        os.write(filter_fd, seccomp.build(tracing=False, inet=False, connect=False))
        os.lseek(filter_fd, 0, os.SEEK_SET)
        words = bubblewrap.arguments(
            launch.view,
            launch.protected,
            cwd=request["cwd"],
            env=launch.env,
            network=request["network"],
            filter_fd=filter_fd,
            status_fd=status,
        )
        words_fd = os.memfd_create("arguments", 0)
        os.write(words_fd, words)
        os.lseek(words_fd, 0, os.SEEK_SET)
        pid = os.fork()
        if pid == 0:
            self._become_bubblewrap(program, launch, output, (filter_fd, status, words_fd))
        os.close(filter_fd)
        os.close(words_fd)
        self.pids.add(pid)

    def _become_bubblewrap(
        self, program: str, launch: Launch, output: int, passed: tuple[int, int, int]
    ) -> None:
        try:
            supervisor.reset_signals()
            kernel.die_with(launch.spawner)
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            for fd in passed:
                os.set_inheritable(fd, True)
            supervisor.set_limits(self.request["limits"], launch.open_files)
            os.execve(program, [program, "--args", str(passed[2]), "--", *self.request["argv"]], {})
        except BaseException as error:
            os.write(2, f"{program}: {error}\n".encode())
        finally:
            os._exit(126)

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
        if "status" in message:
            self.exit_status = int(message["status"])
        if "exit-code" in message:
            self.exit_status = int(message["exit-code"]) << 8

    def reaped(self, pid: int, orphans: set[int]) -> bool:
        """Notes the end of one of its processes; True when nothing of the command is left."""
        self.pids.discard(pid)
        if self.pids:
            return False
        self.hear()
        if self._inner is not None and self._inner not in orphans and _is_child(self._inner):
            self.pids.add(self._inner)
            os.kill(self._inner, signal.SIGKILL)
            self._inner = None
            return False
        return True

    def stop(self, *, at_once: bool = False) -> None:
        """TERM now and KILL after the grace; or KILL now."""
        if at_once or self.kill_at is not None:
            self._kill()
        else:
            self.kill_at = time.monotonic() + GRACE_S
            if self._control >= 0:
                self._order(supervisor.TERM)
            elif self._inner is not None:
                _signal(-self._inner, signal.SIGTERM)
            else:
                self._kill()

    def _kill(self) -> None:
        self.kill_at = None if self.kill_at is None else float("inf")
        if self._control >= 0:
            self._order(supervisor.KILL)
        for pid in [self._inner] if self._inner is not None else self.pids if self._control < 0 else []:
            _signal(pid, signal.SIGKILL)

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
            tail = self.live[-2000:].decode(errors="replace").strip()
            raise Refused(self.problem or tail or "ended without a result: it was killed from outside")
        code = os.waitstatus_to_exitcode(-9 if status is None else status) if status is not None else -9
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


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
