"""The system call filter as a BPF program, for x86_64 and aarch64.

Always refused: new namespaces and mounts, io_uring (it evades filters), kernel keyrings, bpf, perf,
userfaultfd, opening by handle, pushing input into a terminal. `tracing`: ptrace and its kin. `inet`: every
socket that is not AF_UNIX, so TCP, UDP, DNS, netlink and raw. `connect`: connecting to any socket in the
file system and datagram sockets (which need no connect), so no session bus, container daemon or agent socket
can be reached.
"""

from __future__ import annotations

import os
import struct

_EPERM, _ENOSYS = 1, 38
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_LOAD, _JEQ, _JGE, _JSET, _RETURN, _AND = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
_NR, _ARCH, _ARGUMENTS = 0, 4, 16
_NEW_NAMESPACES = 0x7E020000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _SOCK_STREAM, _SOCK_SEQPACKET = 1, 1, 5

_ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED = {  # name: (x86_64, aarch64)
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "open_by_handle_at": (304, 265),
}
_TRACING = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
}
_MISSING = {  # answered as if the kernel did not have them, so that programs fall back
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "clone3": (435, 435),  # its flags lie in memory, where a filter cannot look
}
_IOCTL, _CLONE, _SOCKET, _SOCKETPAIR, _CONNECT = (16, 29), (56, 220), (41, 198), (53, 199), (42, 203)


def supported() -> bool:
    """Whether there is a filter for this machine."""
    return os.uname().machine in _ARCHES


def _op(code: int, value: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("HBBI", code, true, false, value)


def _when(number: int, *body: bytes) -> list[bytes]:
    """`body`, which must end in a return, for one system call."""
    return [_op(_JEQ, number, 0, len(body)), *body]


def build(*, tracing: bool, inet: bool, connect: bool) -> bytes:
    """The program; each flag says what is refused besides the constant list.

    Raises:
        OSError: on a machine for which there are no numbers.
    """
    machine = os.uname().machine
    if machine not in _ARCHES:
        raise OSError(_ENOSYS, f"no system call filter for {machine}")
    column = 0 if machine == "x86_64" else 1
    refuse, allow = _op(_RETURN, _ERRNO | _EPERM), _op(_RETURN, _ALLOW)
    program = [_op(_LOAD, _ARCH), _op(_JEQ, _ARCHES[machine], 1, 0), _op(_RETURN, _KILL), _op(_LOAD, _NR)]
    if column == 0:  # the x32 numbers would reach the same calls by other names
        program += [_op(_JGE, 0x40000000, 0, 1), _op(_RETURN, _ERRNO | _ENOSYS)]
    refused = _REFUSED | (_TRACING if tracing else {})
    for numbers in refused.values():
        program += _when(numbers[column], refuse)
    for numbers in _MISSING.values():
        program += _when(numbers[column], _op(_RETURN, _ERRNO | _ENOSYS))
    program += _when(_CLONE[column], _argument(0), _op(_JSET, _NEW_NAMESPACES, 0, 1), refuse, allow)
    program += _when(
        _IOCTL[column],
        _argument(1),
        _op(_JEQ, _TIOCSTI, 1, 0),
        _op(_JEQ, _TIOCLINUX, 0, 1),
        refuse,
        allow,
    )
    if connect:
        program += _when(_CONNECT[column], refuse)
    if inet or connect:
        body = [_argument(0), _op(_JEQ, _AF_UNIX, 1, 0), refuse if inet else allow]
        if connect:
            body += [_argument(1), _op(_AND, 0xF)]
            body += [_op(_JEQ, _SOCK_STREAM, 2, 0), _op(_JEQ, _SOCK_SEQPACKET, 1, 0), refuse]
        body.append(allow)
        program += _when(_SOCKET[column], *body) + _when(_SOCKETPAIR[column], *body)
    program.append(allow)
    return b"".join(program)


def _argument(index: int) -> bytes:
    """Loads the low half of an argument; the kernel uses no more of these."""
    return _op(_LOAD, _ARGUMENTS + 8 * index)
