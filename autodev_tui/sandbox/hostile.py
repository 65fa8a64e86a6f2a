"""Run inside a sandbox by the probe: tries what no command may do and prints what worked, as one JSON object.

Run by path with `python -I -S`. Arguments: a hidden file, a file outside, a TCP port on loopback, the id of a
process outside, a UDP port on loopback, the path of a listening socket outside, a protected file, a file in
the worktree to hold locked by a process that has left its session.
"""

from __future__ import annotations

import _socket
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable


def main() -> None:
    """Tries everything, prints, and ends at once; the locker stays behind."""
    hidden, outside, tcp, pid, udp, unix, protected, lock = sys.argv[1:9]
    print(
        json.dumps(
            {
                "read a hidden file": works(lambda: os.close(os.open(hidden, os.O_RDONLY))),
                "write a file outside": works(lambda: os.close(os.open(outside, os.O_WRONLY))),
                "truncate a file outside": works(lambda: os.truncate(outside, 0)),
                "connect to a port of this machine": works(
                    lambda: connect(_socket.AF_INET, ("127.0.0.1", int(tcp)))
                ),
                "send a datagram": works(lambda: datagram(int(udp))),
                "connect to a socket outside": works(lambda: connect(_socket.AF_UNIX, unix)),
                "signal a process outside": works(lambda: os.kill(int(pid), 0)) and outside_is(int(pid)),
                "read another process's environment": works(lambda: environment(int(pid))),
                "write in the worktree": works(lambda: os.close(os.open(lock, os.O_WRONLY | os.O_CREAT))),
                "change a protected file": works(lambda: os.unlink(protected)),
            }
        )
    )
    sys.stdout.flush()
    leave_behind(lock)


def works(attempt: Callable[[], object]) -> bool:
    """Whether it did not raise."""
    try:
        attempt()
    except OSError:
        return False
    return True


def connect(family: int, address: object) -> None:
    """Connects a stream."""
    _socket.socket(family, _socket.SOCK_STREAM).connect(address)  # type: ignore[arg-type]


def datagram(port: int) -> None:
    """Sends one; the probe looks whether it arrived."""
    _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))


def outside_is(pid: int) -> bool:
    """In a process namespace the same id may be one of ours; outside it belongs to another session."""
    return pid not in (os.getpid(), 1)


def environment(pid: int) -> None:
    """Reads the environment of a process that is not ours."""
    if pid == os.getpid():
        raise PermissionError
    with open(f"/proc/{pid}/environ", "rb") as file:
        file.read(1)


def leave_behind(lock: str) -> None:
    """A process of its own session, twice forked, that holds a lock for as long as it lives."""
    ready, done = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            fd = os.open(lock, os.O_RDWR | os.O_CREAT)
            fcntl.flock(fd, fcntl.LOCK_EX)
            os.write(done, b"x")
            time.sleep(600)
        os._exit(0)
    os.read(ready, 1)
    if len(sys.argv) > 9:
        time.sleep(600)


if __name__ == "__main__":
    main()
