"""What a sandboxed command sees of the file system, as data that every rung carries out in its own way.

A path's nearest entry decides: a hidden directory may lie in a readable one, a writable one in a hidden one.
Imported by the spawner: only `os` here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix",
    "/gnu/store",
    "/run/current-system",
    "/sys/devices/system",
    "/var/lib/ca-certificates",
)
"""Where programs, libraries and their configuration lie on Linux distributions; no user's data."""

RESOLVER = ("/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf")
"""Where /etc/resolv.conf may point; of use only with network."""

SECRET = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d")
"""Readable only when the user is root, who would otherwise show them to commands."""


class Entry(NamedTuple):
    """One path of the view: kind is ro, rw, private (`source` is bound there), hide or link (to `source`)."""

    path: str
    kind: str
    source: str


def below(path: str, parent: str) -> bool:
    """Whether `path` lies strictly below `parent`; both absolute and normal."""
    return path != parent and path.startswith(parent if parent.endswith("/") else parent + "/")


def nearest(path: str, entries: Iterable[Entry]) -> Entry | None:
    """The entry that decides about `path`, itself excluded."""
    found = [entry for entry in entries if below(path, entry.path)]
    return max(found, key=lambda entry: len(entry.path), default=None)


def build(
    *,
    writable: Sequence[str],
    readable: Sequence[str],
    hidden: Sequence[str],
    home: str,
    private: str,
    network: bool,
) -> tuple[list[Entry], str]:
    """The view, parents before children, and the command's HOME.

    `private` holds two directories of this command alone, `tmp` and `home`, which appear at /tmp and at the
    user's home.

    Raises:
        FileNotFoundError: if a writable path is missing.
    """
    entries: dict[str, Entry] = {}

    def put(path: str, kind: str, source: str = "") -> None:
        real = os.path.realpath(path)
        entries[real] = Entry(real, kind, source or real)

    for path in SYSTEM + (RESOLVER if network else ()):
        if os.path.isdir(path):
            put(path, "ro")
    put("/tmp", "private", os.path.join(private, "tmp"))
    home = os.path.realpath(home)
    own_home = os.path.isdir(home) and not any(path == home or below(path, home) for path in SYSTEM)
    if own_home and home != "/tmp":
        put(home, "private", os.path.join(private, "home"))
    secret = [path for path in SECRET if os.access(path, os.R_OK)]
    for path in [*hidden, *secret]:
        if os.path.exists(path) and os.path.realpath(path) != home:
            put(path, "hide")
    for path in readable:
        if os.path.exists(path):
            put(path, "ro")
    for path in writable:
        if not os.path.exists(path):
            raise FileNotFoundError(2, f"writable path does not exist: {path}")
        put(path, "rw")
    view = sorted(entries.values(), key=lambda entry: (entry.path.count("/"), entry.path))
    view = [entry for entry in view if not _shown_anyway(entry, view)]
    if not any(entry.path == home and entry.kind == "private" for entry in view):
        home = "/tmp/home"
    links = _links([*SYSTEM, *readable, *writable], view)
    return sorted([*view, *links], key=lambda entry: (entry.path.count("/"), entry.path)), home


def _shown_anyway(entry: Entry, view: Sequence[Entry]) -> bool:
    """Whether its parent shows it alike, as /usr does /usr/lib, to which /lib leads."""
    owner = nearest(entry.path, view)
    return entry.kind == "ro" and owner is not None and owner.kind == "ro"


def _links(paths: Iterable[str], view: list[Entry]) -> list[Entry]:
    """The symbolic links on the way to `paths` that the view would not show by itself."""
    found: dict[str, Entry] = {}
    for path in paths:
        at = "/"
        for part in os.path.normpath(path).split("/")[1:]:
            at = os.path.join(at, part)
            if os.path.islink(at):
                owner = nearest(at, view)
                if owner is None or owner.kind in ("private", "hide"):
                    found[at] = Entry(at, "link", os.readlink(at))
                at = os.path.realpath(at)
    return list(found.values())
