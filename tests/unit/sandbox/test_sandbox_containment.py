from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import pytest

from autodev_tui.sandbox.spec import SandboxError


@pytest.fixture
def outsider():
    """A process of the same user outside every sandbox, with a secret in its environment."""
    process = subprocess.Popen(["/bin/sleep", "600"], env={"SECRET": "in-the-environment"})
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "script",
    [
        "echo evil > ../../state.json",
        "echo evil > {state}/exit",
        "echo evil > {home}/new",
        "echo evil >> {home}/secret",
        "ln -s {home} l; echo evil > l/new; echo evil > l/secret",
        "ln -s {home}/secret s; echo evil > s; chmod 777 s",
        "ln {home}/secret hard && echo evil > hard",
        "mv {home}/secret here",
        "rm -rf {home} {state}/state.json",
        "cd {home} && echo evil > new",
        "mkdir d; cd d; rmdir ../d; echo evil > {home}/new",
        "truncate -s 0 {home}/secret",
        "cp /bin/true {home}/new; mkdir {home}/d; mkfifo {home}/f",
        "exec 9<>{home}/secret; echo evil >&9",
        "mount --bind {home} . ; echo evil > secret",
        "unshare -Urm sh -c 'mount --bind {home} /mnt; echo evil > /mnt/new'",
        "echo evil > /proc/1/root{home}/new; echo evil > /proc/self/root{home}/secret",
        "echo core > /proc/sys/kernel/core_pattern",
    ],
)
async def test_nothing_outside_can_be_written(jail, script):
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    await jail.sh(script.format(home=jail.home, state=jail.state))
    assert {path.name: path.read_text() for path in jail.home.iterdir()} == {"secret": "the key"}
    assert (jail.state / "state.json").read_text() == "the state"
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before
    assert b"evil" not in (jail.state / "exit").read_bytes()


@pytest.mark.parametrize(
    "script",
    [
        "cat {home}/secret",
        "cat ../../state.json",
        "ln -s {home} l; cat l/secret",
        "cp {home}/secret copy && cat copy",
        "tar cf - {home} | strings",
        "cat /proc/*/root{home}/secret",
        "cat /proc/*/cwd/secret",
        "for f in /proc/[0-9]*/fd/[0-9]*; do timeout 0.05 head -c 100 $f; done",
        "cat {state}/spool | head -c 0; ls {state} | grep state.json && cat {state}/state.json",
    ],
)
async def test_nothing_hidden_can_be_read(jail, script):
    _, text = await jail.sh(script.format(home=jail.home, state=jail.state), timeout_s=3)
    assert "the key" not in text and "the state" not in text


async def test_other_processes_cannot_be_looked_into_or_signalled(jail, outsider):
    engine = os.getpid()
    script = (
        f"kill -9 {outsider.pid}; kill -9 {engine}; kill -9 {jail.spawner.pid}; kill -9 $PPID; kill -9 -1;"
        f"true"
    )
    await jail.sh(script)
    _, text = await jail.sh("cat /proc/*/environ /proc/*/task/*/environ; cat /proc/*/mem | head -c 9")
    assert outsider.poll() is None and "in-the-environment" not in text
    exited, text = await jail.sh("echo alive")
    assert exited.code == 0 and text == "alive\n"


CONNECT = """
import socket, sys
def attempt(name, fn):
    try: fn()
    except OSError: return
    print(name)
port = int(sys.argv[1])
attempt("tcp", lambda: socket.create_connection(("127.0.0.1", port), 1))
attempt("tcp6", lambda: socket.create_connection(("::1", port), 1))
to = ("127.0.0.1", int(sys.argv[2]))
attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", to))
attempt("dns", lambda: socket.getaddrinfo("example.org", 80))
attempt("unix", lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[3]))
attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect(chr(0) + sys.argv[4]))
attempt("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW).bind(("lo", 0)) )
a, b = socket.socketpair(); a.send(b"x"); print("pair", b.recv(1))
"""


@pytest.fixture
def listeners(tmp_path):
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    name = f"autodev-test-{os.getpid()}"
    with tcp, udp, unix, abstract:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(("127.0.0.1", 0))
        unix.bind(str(tmp_path / "socket"))
        abstract.bind("\0" + name)
        for listener in (tcp, unix, abstract):
            listener.listen()
        udp.setblocking(False)
        yield tcp.getsockname()[1], udp, str(tmp_path / "socket"), name


async def test_without_network_nothing_of_this_machine_can_be_reached(jail, listeners):
    tcp, udp, unix, name = listeners
    arguments = [str(tcp), str(udp.getsockname()[1]), unix, name]
    exited, text = await jail.python(CONNECT, *arguments)
    assert exited.code == 0 and "pair b'x'" in text
    reached = set(text.split()) & {"tcp", "tcp6", "dns", "unix", "abstract"}
    assert not reached
    with pytest.raises(BlockingIOError):
        udp.recv(1)


async def test_with_network_loopback_can_be_reached(jail, listeners):
    tcp, udp, unix, name = listeners
    _, text = await jail.python(CONNECT, str(tcp), str(udp.getsockname()[1]), unix, name, network=True)
    assert "tcp" in text.split() and udp.recv(1) == b"x"
    # Bubblewrap alone does not scope abstract sockets: they belong to the network that was opened.
    assert "abstract" not in text.split() or jail.kind == "bubblewrap"


async def test_a_server_of_the_commands_own_works_where_the_network_is_its_own(jail):
    script = """
import shutil
import socket
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
print("connected")
"""
    exited, text = await jail.python(script)
    assert (exited.code == 0 and text == "connected\n") is jail.mounted


REFUSED = """
import ctypes, os, sys, fcntl, termios
libc = ctypes.CDLL(None, use_errno=True)
machine = os.uname().machine
def call(name, *numbers):
    libc.syscall(*numbers)
    print(name, ctypes.get_errno())
call("io_uring_setup", 425, 1, 0)
call("keyctl", 250 if machine == "x86_64" else 219, 0, -3, 0)
call("unshare", 272 if machine == "x86_64" else 97, 0x10000000)
call("bpf", 321 if machine == "x86_64" else 280, 0, 0, 0)
call("clone3", 435, 0, 0)
master, slave = os.openpty()
try:
    fcntl.ioctl(slave, termios.TIOCSTI, b"x")
    print("TIOCSTI 0")
except OSError as error:
    print("TIOCSTI", error.errno)
"""


async def test_dangerous_system_calls_are_refused(jail):
    exited, text = await jail.python(REFUSED)
    assert exited.code == 0, text
    errors = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()}
    assert errors == {"io_uring_setup": 38, "keyctl": 1, "unshare": 1, "bpf": 1, "clone3": 38, "TIOCSTI": 1}


async def test_no_privilege_is_left(jail):
    _, text = await jail.sh("grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status")
    status = dict(line.split(":\t") for line in text.splitlines())
    assert {value for name, value in status.items() if name.startswith("Cap")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"


@pytest.mark.parametrize("script", ["cat /etc/shadow", "cat /etc/gshadow"])
async def test_password_hashes_stay_hidden_from_root_too(jail, script):
    assert os.access("/etc/shadow", os.R_OK) == (os.geteuid() == 0)
    _, text = await jail.sh(script + " 2>/dev/null")
    assert text == ""


async def test_home_and_temporary_directory_are_private_and_writable(jail):
    exited, text = await jail.sh(
        "echo x > $HOME/a && echo y > $TMPDIR/b && ls -A $HOME; ls -A /tmp/b* || true"
    )
    assert exited.code == 0 and "secret" not in text and text.startswith("a\n")
    exited, text = await jail.sh("ls -A $HOME $TMPDIR")
    assert "a" not in text.split() and not Path("/tmp/b").exists()


async def test_usual_work_in_the_worktree_is_allowed(jail):
    script = """
set -e
mkdir -p a/b; echo x > a/b/f; mv a/b/f a/g; ln -s g a/link; chmod +x a/g; touch -d 2001-01-01 a/g
ln a/g hard; cp -p a/g c; rm -r a/b; printf 'y\n' >> c; truncate -s 1 c; mkfifo p; ls -la . > listing
find . | sort | wc -l; date > /dev/null; head -c 4 /dev/urandom | wc -c
"""
    exited, text = await jail.sh(script)
    assert exited.code == 0, text
    assert (jail.worktree / "c").read_text() == "x"


async def test_multiprocessing_works_where_shared_memory_is_its_own(jail):
    script = "import multiprocessing as m; l = m.Lock(); print('locked', l.acquire())"
    exited, text = await jail.python(script)
    assert (exited.code == 0 and text == "locked True\n") is jail.mounted


async def test_a_tool_below_the_home_is_opened_by_readable(jail):
    tools = jail.home / ".pyenv" / "bin"
    tools.mkdir(parents=True)
    (tools / "tool").write_text("#!/bin/sh\necho from home\n")
    (tools / "tool").chmod(0o755)
    exited, text = await jail.sh(f"{tools}/tool; echo x > {tools}/tool", readable=(str(tools.parent),))
    assert text.startswith("from home\n") and exited.code != 0
    assert (tools / "tool").read_text().endswith("from home\n")
    _, text = await jail.sh(f"{tools}/tool; cat {jail.home}/secret")
    assert "from home" not in text and "the key" not in text


async def test_a_virtualenv_whose_interpreter_is_below_a_hidden_home(jail):
    environment = jail.home / "venvs" / "one"
    venv.create(environment, with_pip=False, symlinks=True)
    prefixes = (str(environment), sys.base_prefix)
    command = jail.command(
        str(environment / "bin/python"), "-c", "import sys, json; print(sys.prefix)", readable=prefixes
    )
    exited = await jail.spawner.run(command)
    assert exited.code == 0 and jail.output(command) == f"{environment}\n"


async def test_what_is_hidden_below_something_readable_stays_hidden(jail):
    inner = jail.home / "open" / "inner"
    inner.mkdir(parents=True)
    (inner / "file").write_text("hidden again")
    (jail.home / "open" / "file").write_text("shown")
    await jail.spawner.aclose()
    jail.spawner = await type(jail.spawner).start(
        {"bubblewrap": "bubblewrap"}.get(jail.kind, "landlock"),
        [jail.state, jail.home, inner],
        namespaces=jail.mounted,
        home=jail.home,
    )
    _, text = await jail.sh(f"cat {jail.home}/open/file {inner}/file", readable=(str(jail.home / "open"),))
    assert "shown" in text and "hidden again" not in text


async def test_paths_through_symbolic_links_work(jail, tmp_path):
    (tmp_path / "way").symlink_to(jail.state / "worktrees")
    worktree = str(tmp_path / "way" / "one")
    exited, text = await jail.sh(
        f"cd {worktree} && echo x > new && cat new", cwd=worktree, writable=(worktree,)
    )
    assert exited.code == 0 and text == "x\n" and (jail.worktree / "new").exists()


@pytest.mark.parametrize("name", ["spool", "exit_file"])
async def test_a_result_that_the_command_could_write_is_refused(jail, name):
    with pytest.raises(SandboxError, match="where the command can see it"):
        await jail.sh("true", **{name: str(jail.worktree / "x")})


async def test_a_sandbox_that_is_asked_for_but_missing_is_an_error(box):
    if box.kind == "none":
        with pytest.raises(SandboxError, match="none works here"):
            await box.sh("true", sandboxed=True)
    else:
        assert (await box.sh("true"))[0].code == 0


async def test_a_socket_anywhere_else_on_the_machine_cannot_be_reached(jail):
    """Not below a directory that is hidden for another reason."""
    folder = Path(tempfile.mkdtemp(dir="/var" if os.access("/var", os.W_OK) else "/var/tmp"))
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / "socket"))
            listener.listen()
            _, text = await jail.python(CONNECT, "9", "9", str(folder / "socket"), "none", network=False)
            assert "pair" in text and "unix" not in text.split()
    finally:
        shutil.rmtree(folder)
