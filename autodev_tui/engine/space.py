"""Whether the disk has space to record what agents do."""

from __future__ import annotations

import shutil
from pathlib import Path

ROOM = 200 << 20
"""Bytes that must be free before agents go on after the disk was full; on a small disk a twentieth of it."""


def missing_space(state: Path) -> str:
    """What to do before agents can go on, in words; empty when there is space. Sync."""
    disk = shutil.disk_usage(state)
    wanted = min(ROOM, disk.total // 20)
    if disk.free >= wanted:
        return ""
    mount = next(folder for folder in (state, *state.parents) if folder.is_mount())
    return (
        f"disk full: {mount} has {_size(disk.free)} · agents paused before their next step"
        f" · free {_size(wanted - disk.free)}"
    )


def _size(count: int) -> str:
    if count < 1 << 20:
        return f"{count >> 10} KB" if count >= 1 << 10 else f"{count} B"
    return f"{count >> 20} MB"
