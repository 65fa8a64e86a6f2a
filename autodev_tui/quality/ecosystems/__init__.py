"""Ecosystems beside Python: what of each a tree has."""

from __future__ import annotations

from collections.abc import Callable

from autodev_tui.quality.ecosystems import cargo, golang, make, node
from autodev_tui.quality.ecosystems.model import Look, Part
from autodev_tui.quality.ecosystems.showing import show

__all__ = ["Look", "Part", "look_at", "show"]


def look_at(at: Look) -> list[Part]:
    """The parts of a tree, in a fixed order. Sync: reads manifests and lock files."""
    looks = (node.look, cargo.look, golang.look, make.look)
    return [one for look in looks if (one := _readable(look, at))]


def _readable(look: Callable[[Look], Part | None], at: Look) -> Part | None:
    """What an ecosystem has, None where its files name what no file can be called or nest without end."""
    try:
        return look(at)
    except (OSError, ValueError, RuntimeError):
        return None
