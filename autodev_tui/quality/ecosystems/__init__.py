"""Ecosystems beside Python: what of each a tree has."""

from __future__ import annotations

from autodev_tui.quality.ecosystems import cargo, golang, make, node
from autodev_tui.quality.ecosystems.model import Look, Part
from autodev_tui.quality.ecosystems.showing import show

__all__ = ["Look", "Part", "look_at", "show"]


def look_at(at: Look) -> list[Part]:
    """The parts of a tree, in a fixed order. Sync: reads manifests and lock files."""
    found = [one for one in (node.look(at), cargo.look(at), golang.look(at)) if one]
    made = make.look(at)
    return [*found, *([made] if made else [])]
