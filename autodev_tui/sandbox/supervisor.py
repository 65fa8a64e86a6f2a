"""The process between the spawner and one command: starts it, confines it, and ends its whole tree.

Where the Landlock rung has namespaces it is the first process of its own (when it ends, the kernel ends all
others); elsewhere it is the one to which orphans fall, and kills every descendant. It ends when the spawner
does, because it then reads the end of the control pipe. Bubblewrap needs it too: --die-with-parent takes hold
only when bwrap has set everything up, and an owner that dies before leaves the command running for good.
"""

from __future__ import annotations

# The plain module: `signal` turns every number into an enum, which took 2 ms a command.
import _signal  # type: ignore[import-not-found]
import json
import os
import resource
import select
import signal
import time
from typing import Any, NoReturn

from autodev_tui.sandbox import kernel, landlock, namespaces, seccomp
from autodev_tui.sandbox.processes import descendants
from autodev_tui.sandbox.view import Entry

TERM, KILL = b"T", b"K"
END_S = 5.0
"""How long to go on killing; all but processes of other users are gone at the first round."""
BUBBLEWRAP_S = 0.02
"""How long what bwrap killed may take to be gone; looking for it costs more than waiting."""
MAX_FDS = 4096
"""The spawner lowers its own limit to this, so that closing all descriptors is quick."""

_OURS = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP}
_CHANGED = [
    int(number)
    for number in signal.valid_signals()
    if number in _OURS or signal.getsignal(number) not in (signal.SIG_DFL, None)
]
"""Signals that are not as a fresh program expects: our own, Python's, and what we inherited."""
_DEFAULT = int(signal.SIG_DFL)


class Launch:
    """All that a started process needs, made ready by the spawner."""

    def __init__(self, request: dict[str, Any], env: dict[str, str]) -> None:
        self.request = request
        self.argv: list[str] = list(request["argv"])
        self.env = env
        self.view: list[Entry] = []
        self.protected: list[str] = []
        self.confined = False
        self.namespaces = False
        self.passed: tuple[int, ...] = ()
        """Descriptors that the program gets besides the standard three."""
        self.open_files = (MAX_FDS, MAX_FDS)
        self.spawner = os.getpid()


def keep_only(*kept: int) -> None:
    """Closes all descriptors but the standard three and `kept`: a fork has the pipes of all commands."""
    start = 3
    for fd in sorted(kept):
        os.closerange(start, fd)
        start = fd + 1
    os.closerange(start, MAX_FDS)


def reset_signals() -> None:
    """Every signal as a fresh program expects it."""
    signal.set_wakeup_fd(-1)
    for number in _CHANGED:
        _signal.signal(number, _DEFAULT)


def set_limits(limits: dict[str, Any], open_files: tuple[int, int]) -> None:
    """The command's resource limits; never above the hard limits that hold already."""
    wanted: list[tuple[int, int | None]] = [
        (resource.RLIMIT_FSIZE, limits["file_size_bytes"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_CPU, limits["cpu_s"]),
        (resource.RLIMIT_CORE, 0),
    ]
    for which, value in wanted:
        if value is not None:
            hard = resource.getrlimit(which)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (bound, bound))
    resource.setrlimit(resource.RLIMIT_NOFILE, open_files)


def supervise(launch: Launch, control: int, status: int, output: int) -> NoReturn:
    """Runs in the spawner's fork until nothing of the command is left; never returns."""
    try:
        reset_signals()
        os.setsid()
        keep_only(control, status, output, *launch.passed)
        if launch.namespaces:
            kernel.die_with(launch.spawner)
            namespaces.enter(network=launch.request["network"])
            first = os.fork()
            if first:
                keep_only()
                os.waitpid(first, 0)
                os._exit(0)
            kernel.die_with(0)
            namespaces.show(launch.view, launch.protected, network=launch.request["network"])
        elif kernel.LINUX:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        _watch(launch, control, status, output)
    except BaseException as error:
        _report(status, {"error": str(error) or type(error).__name__})
    finally:
        os._exit(1)


def _watch(launch: Launch, control: int, status: int, output: int) -> None:
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker)
    me = os.getpid()
    command = os.fork()
    if command == 0:
        _become(launch, me, status, output)
    for fd in {output, *launch.passed} - {status}:
        os.close(fd)
    owned = True
    while True:
        ready, _, _ = select.select([wake, control] if owned else [wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
        if control in ready:
            word = os.read(control, 1)
            if word == TERM:
                _signal_group(command, signal.SIGTERM)
            else:  # asked to, or the spawner is gone
                owned = bool(word)
                _kill_all(launch.namespaces)
        result = _reap(command)
        if result is not None:
            _end_tree(launch.namespaces, patience=BUBBLEWRAP_S if launch.passed else 0)
            if owned:
                _report(status, {"status": result})
            os._exit(0)


def _reap(command: int) -> int | None:
    """Collects what has ended; the command's wait status once it has."""
    result = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return result
        if pid == 0:
            return result
        if pid == command:
            result = status


def _signal_group(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        pass


def _kill_all(own_namespace: bool) -> None:
    """Kills all below this process; without a namespace, what is forked meanwhile escapes one call."""
    for pid in [-1] if own_namespace else descendants(os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _end_tree(own_namespace: bool, patience: float) -> None:
    """Reaps and, after `patience`, kills until nothing is left.

    Gives up on what may not be killed (sudo, outside a sandbox).
    """
    start = time.monotonic()
    while (passed := time.monotonic() - start) < END_S:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                if passed >= patience:
                    _kill_all(own_namespace)
                time.sleep(0.0005)
        except ChildProcessError:
            return


def _report(status: int, message: dict[str, Any]) -> None:
    try:
        os.write(status, json.dumps(message).encode() + b"\n")
    except OSError:  # nobody is left to be told
        pass


def _become(launch: Launch, parent: int, status: int, output: int) -> NoReturn:
    """The command's own process: confined first, then executed. Whatever fails before ends it."""
    request = launch.request
    try:
        reset_signals()
        kernel.die_with(parent)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, nothing), (1, output), (2, output)):
            os.dup2(source, target)
        os.chdir(request["cwd"])
        for fd in launch.passed:
            os.set_inheritable(fd, True)
        set_limits(request["limits"], launch.open_files)
        if launch.confined:
            confine(launch)
    except BaseException as error:
        _report(status, {"error": str(error) or type(error).__name__})
        os._exit(126)
    execute(launch.argv, launch.env)


def confine(launch: Launch) -> None:
    """Landlock, no capabilities, the filter: in this order, each closing the way back."""
    landlock.restrict(launch.view, mounted=launch.namespaces)
    kernel.drop_capabilities()
    alone = not launch.namespaces and not launch.request["network"]
    kernel.load_filter(seccomp.build(tracing=True, inet=alone, connect=alone))


def execute(argv: list[str], env: dict[str, str]) -> NoReturn:
    """Becomes the program; says why not, with a shell's exit codes, when it cannot.

    Searches by itself: os.execvpe imports modules, which a confined process can no longer read.
    """
    folders = [""] if "/" in argv[0] else env.get("PATH", os.defpath).split(":")
    code, why = 127, "not found"
    for folder in folders:
        try:
            os.execve(os.path.join(folder, argv[0]), argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            code, why = 126, error.strerror or str(error)
    os.write(2, os.fsencode(f"{argv[0]}: {why}\n"))
    os._exit(code)
