"""The spawner: one small single-threaded process per engine that starts every command.

Run by path with `python -I -S`: nothing but the standard library and the modules beside this file is
imported, and `sys.path` is left alone. Descriptor 0 is a socket to the engine on which JSON lines go both
ways; when it ends, the engine is gone, and everything is killed.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":  # our own package by its place, without running its __init__ or searching for it
    _here = __file__.rpartition("/")[0]
    for _name, _path in (("autodev_tui", _here.rpartition("/")[0]), ("autodev_tui.sandbox", _here)):
        _package = type(sys)(_name)
        _package.__path__ = [_path]
        sys.modules[_name] = _package

import binascii
import json
import os
import resource
import select
import signal
import time
from typing import Any

from autodev_tui.sandbox import kernel, namespaces, processes, supervisor
from autodev_tui.sandbox.guard import Guards, remove_tree
from autodev_tui.sandbox.jobs import Job, Refused, write_exit_file

LIVE_EVERY_S = 0.05
BACKLOG_BYTES = 256 * 1024
"""Live output is dropped while so much waits for a slow engine; results never are."""
SHUTDOWN_S = 3.0


class Spawner:
    """The loop and all that it holds."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.guards = Guards()
        self.settings: dict[str, Any] = {}
        self.incoming = b""
        self.outgoing = b""
        self.ending = False
        self.poll = select.poll()
        self.by_fd: dict[int, Job] = {}

    def main(self) -> None:
        """Until the engine is gone or asks for the end."""
        if kernel.LINUX:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])  # commands inherit it
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)  # the engine decides what these mean
        wake, waker = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._on_term)
        signal.set_wakeup_fd(waker)
        os.set_blocking(0, False)
        self.poll.register(0, select.POLLIN)
        self.poll.register(wake, select.POLLIN)
        try:
            while not self.ending:
                for fd, what in self.poll.poll(self._wait_ms()):
                    if fd == 0:
                        self._talk(what)
                    elif fd == wake:
                        _drain(wake)
                    else:
                        self._read(fd)
                self._reap()
                self._due()
        finally:
            self._shut_down()

    def _on_term(self, *_: object) -> None:
        self.ending = True

    def _talk(self, what: int) -> None:
        if what & select.POLLOUT:
            self._flush()
        if not what & ~select.POLLOUT:
            return
        try:
            data = os.read(0, 1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.ending = True
            return
        self.incoming += data
        *lines, self.incoming = self.incoming.split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        name = order["op"]
        if name == "run":
            try:
                job = Job(order, self.settings, self.guards)
            except (Refused, OSError) as error:
                self._remove_private(os.path.join(self.settings["base"], str(order["id"])))
                self._send({"event": "failed", "id": order["id"], "error": str(error)})
                return
            self.jobs[job.id] = job
            for fd in (job.output, job.status):
                self.by_fd[fd] = job
                self.poll.register(fd, select.POLLIN)
        elif name == "cancel" and order["id"] in self.jobs:
            self.jobs[order["id"]].cancelled = True
            self.jobs[order["id"]].stop()
        elif name == "settings":
            self._configure(order)

    def _configure(self, order: dict[str, Any]) -> None:
        self.settings = order
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        order["open_files"] = (soft, hard)
        limit = supervisor.MAX_FDS if soft == resource.RLIM_INFINITY else min(soft, supervisor.MAX_FDS)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        for name in os.listdir(order["temporary"]):
            self._remove_stale(order["temporary"], name)
        me = f"autodev-{os.getpid()}-{processes.start_time(os.getpid())}-{os.urandom(4).hex()}"
        order["base"] = os.path.join(order["temporary"], me.replace(" ", ""))
        os.mkdir(order["base"], 0o700)
        wanted = order["namespaces"] and order["rung"] == "landlock"
        order["namespaces"] = wanted and namespaces.available()
        self._send(
            {"event": "ready", "pid": os.getpid(), "namespaces": order["namespaces"], "base": order["base"]}
        )

    def _remove_stale(self, folder: str, name: str) -> None:
        """Deletes what a killed spawner of this user left behind."""
        words = name.split("-")
        if len(words) != 4 or words[0] != "autodev" or not words[1].isdigit():
            return
        path = os.path.join(folder, name)
        try:
            owned = os.lstat(path).st_uid == os.geteuid()
        except OSError:
            return
        started = processes.start_time(int(words[1]))
        if owned and (started is None or started.replace(" ", "") != words[2]):
            self._remove_private(path)

    def _read(self, fd: int) -> None:
        job = self.by_fd[fd]
        alive = job.pump() if fd == job.output else job.hear()
        if not alive:
            self.poll.unregister(fd)
            del self.by_fd[fd]

    def _reap(self) -> None:
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            owner = next((job for job in self.jobs.values() if pid == job.pid), None)
            if owner is not None:
                self._finish(owner)

    def _finish(self, job: Job) -> None:
        job.hear()
        if job.exit_status is None:
            self._kill_strays(job)
        job.pump(drain=True)
        self._notify(job)
        del self.jobs[job.id]
        for fd in (job.output, job.status):
            if self.by_fd.pop(fd, None):
                self.poll.unregister(fd)
        try:
            result = job.result()
            try:
                write_exit_file(job.request["exit_file"], result)
            except OSError as error:
                result["problem"] = f"exit file: {error.strerror}"
            self._send({"event": "exited", "id": job.id, "result": result})
        except Refused as error:
            self._send({"event": "failed", "id": job.id, "error": str(error)})
        finally:
            job.release()
            if job.private:
                self._remove_private(job.private)

    def _kill_strays(self, ended: Job | None = None) -> None:
        """Without a supervisor's word its orphans may be here: all below us that belongs to no other job."""
        known = {job.pid for job in self.jobs.values() if job is not ended}
        for pid in list(known) if ended else []:
            known |= {pid, *processes.descendants(pid)}
        for pid in processes.descendants(os.getpid()):
            if pid not in known:
                try:
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass

    def _remove_private(self, path: str) -> None:
        """At once when empty, as mostly; else in a process of its own, for it may take long."""
        for name in ("tmp/home", "tmp", "home", ""):
            try:
                os.rmdir(os.path.join(path, name))
            except OSError:  # missing, or not empty
                continue
        if os.path.lexists(path) and os.fork() == 0:
            try:
                remove_tree(path)
            finally:
                os._exit(0)

    def _due(self) -> None:
        now = time.monotonic()
        for job in list(self.jobs.values()):
            if job.live and now - job.live_at >= LIVE_EVERY_S:
                self._notify(job)
                job.live_at = now
            if job.kill_at is not None and now >= job.kill_at:
                job.stop(at_once=True)
            elif job.kill_at is None and now >= job.deadline:
                job.timed_out = True
                job.stop()

    def _wait_ms(self) -> int | None:
        now = time.monotonic()
        moments = [job.kill_at if job.kill_at is not None else job.deadline for job in self.jobs.values()]
        moments += [job.live_at + LIVE_EVERY_S for job in self.jobs.values() if job.live]
        soonest = min(moments, default=float("inf"))
        return None if soonest == float("inf") else max(0, int((soonest - now) * 1000) + 1)

    def _notify(self, job: Job) -> None:
        if job.live and len(self.outgoing) < BACKLOG_BYTES:
            data = binascii.b2a_base64(job.live, newline=False).decode()
            self._send({"event": "output", "id": job.id, "data": data})
        job.live = b""

    def _send(self, event: dict[str, Any]) -> None:
        self.outgoing += json.dumps(event).encode() + b"\n"
        self._flush()

    def _flush(self) -> None:
        try:
            while self.outgoing:
                self.outgoing = self.outgoing[os.write(0, self.outgoing) :]
        except BlockingIOError:
            pass
        except OSError:
            self.ending = True
            self.outgoing = b""
        self.poll.modify(0, select.POLLIN | (select.POLLOUT if self.outgoing else 0))

    def _shut_down(self) -> None:
        """Kills all, writes no result: what was cut off here is unknown, and a human decides."""
        for job in self.jobs.values():
            job.stop(at_once=True)
        give_up = time.monotonic() + SHUTDOWN_S
        while time.monotonic() < give_up:
            try:
                if os.waitpid(-1, os.WNOHANG)[0] == 0:
                    self._kill_strays()
                    time.sleep(0.002)
            except ChildProcessError:
                break
        for job in self.jobs.values():
            job.release()
        if "base" in self.settings:
            remove_tree(self.settings["base"])


def _drain(fd: int) -> None:
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


if __name__ == "__main__":
    Spawner().main()
