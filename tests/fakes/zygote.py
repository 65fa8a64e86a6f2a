"""The loaded program, forked for each call: what takes a crash test seconds is the loading.

A process of its own with one thread, for only such a one may fork. It is asked over a socket: a JSON line for
a call, with two files for its output, answered by the pid; and one to wait, answered by the exit code.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from tests.fakes.program import ROOT, Program, Result

MAX_LINE = 1 << 20
LOADED = (
    "anthropic",
    "anyio._backends._asyncio",
    "ollama",
    "tree_sitter_bash",
    "autodev_tui.bridge",
    "autodev_tui.cli_answers",
    "autodev_tui.cli_run",
    "autodev_tui.cli_show",
    "autodev_tui.engine.engine",
    "autodev_tui.engine.queries",
    "autodev_tui.providers.anthropic",
    "autodev_tui.providers.ollama",
    "autodev_tui.providers.registry",
    "autodev_tui.rules.provider",
    "autodev_tui.sandbox.probe",
)


class Zygote:
    """One such process; it ends with the process that made it."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
        )
        theirs.close()

    def start(self, argv: list[str], env: dict[str, str], cwd: Path) -> Forked:
        """Begin `autodev ARGV`."""
        out, err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115
        order = json.dumps({"argv": argv, "env": env, "cwd": str(cwd)}).encode()
        socket.send_fds(self._ours, [order], [out.fileno(), err.fileno()])
        return Forked(self, json.loads(self._ours.recv(MAX_LINE))["pid"], out, err)

    def wait(self, pid: int, timeout_s: float) -> int:
        """The exit code, negative for a signal. Raises TimeoutError."""
        self._ours.sendall(json.dumps({"wait": pid}).encode())
        self._ours.settimeout(timeout_s)
        try:
            answer = self._ours.recv(MAX_LINE)
        except TimeoutError:
            os.kill(pid, 9)
            self._ours.settimeout(None)
            self._ours.recv(MAX_LINE)
            raise
        self._ours.settimeout(None)
        return int(json.loads(answer)["code"])

    def close(self) -> None:
        """End it."""
        self._ours.close()
        self._process.wait(10)


class Forked:
    """One call of the program."""

    def __init__(self, zygote: Zygote, pid: int, out: IO[bytes], err: IO[bytes]) -> None:
        self._zygote, self.pid, self._out, self._err = zygote, pid, out, err

    def result(self, timeout_s: float = 120) -> Result:
        """Wait for its end."""
        code = self._zygote.wait(self.pid, timeout_s)
        texts = []
        for file in (self._out, self._err):
            file.seek(0)
            texts.append(file.read().decode())
            file.close()
        return Result(code, *texts)


class ForkedProgram(Program):
    """The program whose calls are forks."""

    zygote: Zygote

    def fork(self, *arguments: str, **variables: str) -> Forked:
        """Begin a call."""
        argv = ["-C", str(self.repository), *arguments]
        return self.zygote.start(argv, self.env | variables, self.place)

    def __call__(self, *arguments: str, timeout_s: float = 120) -> Result:
        """Run the program to its end."""
        return self.fork(*arguments).result(timeout_s)


def _serve(control: socket.socket) -> None:
    _load()
    while True:
        line, files, _, _ = socket.recv_fds(control, MAX_LINE, 2)
        if not line:
            return
        order = json.loads(line)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            control.sendall(json.dumps({"code": os.waitstatus_to_exitcode(status)}).encode())
            continue
        pid = os.fork()
        if not pid:
            control.close()
            _become(order, files)
        for file in files:
            os.close(file)
        control.sendall(json.dumps({"pid": pid}).encode())


def _load() -> None:
    for name in LOADED:
        importlib.import_module(name)
    from autodev_tui.domain.base import Frozen
    from autodev_tui.domain.commands import COMMAND
    from autodev_tui.domain.events import EVENT

    # What the program builds at its first use is built once for all.
    waiting = [Frozen]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        model.model_rebuild(raise_errors=False)
    COMMAND.rebuild(raise_errors=False)
    EVENT.rebuild(raise_errors=False)


def _become(order: dict[str, Any], files: list[int]) -> None:
    """The forked process is the program from here on."""
    from autodev_tui.__main__ import main
    from autodev_tui.engine import boundaries

    os.setsid()
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = ["autodev", *order["argv"]]
    boundaries.arm()
    code: Any = 0
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
