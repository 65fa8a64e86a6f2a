"""Where everything stands at a given size (UI §6): pure arithmetic, so that every size can be tried."""

from __future__ import annotations

from dataclasses import dataclass, replace

SMALLEST = (60, 18)
FULL_ROWS = 24
"""From here on the autonomy row stands by itself, and agents are tiles."""


@dataclass(frozen=True)
class Arrangement:
    """Columns and rows of the body's parts; 0 is not shown. Rows of the body are `body`."""

    fits: bool
    body: int = 0
    strip: bool = False
    """One row of tasks in the place of the panes that gave way."""
    tasks: int = 0
    """Columns of the task tree."""
    agents: tuple[int, int] = (0, 0)
    """Columns and rows."""
    desk: tuple[int, int] = (0, 0)
    beside: bool = False
    """The desk stands beside the agents, not below them."""
    autonomy: bool = True
    """The autonomy row is a row of its own."""
    facts: bool = True
    """Facts of the task under the cursor stand below the tree."""
    tiles: int = 4
    """Agents side by side; 1: tabs."""
    footer_keys: int = 8


def arrange(
    width: int, height: int, *, desk: bool, front: str, zoomed: bool = False, whole: bool = False
) -> Arrangement:
    """The arrangement at this size.

    `front` is the pane in use (`tasks`, `agents` or `desk`), which decides where only one has room. `whole`
    is a desk that always takes the body, such as the first run.
    """
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Arrangement(fits=False)
    low = height < FULL_ROWS
    body = height - (5 if low else 6)
    base = Arrangement(fits=True, body=body, autonomy=not low, facts=not low)
    if whole:
        return replace(base, desk=(width, body))
    if zoomed or width < 80:
        shown = front if desk or front != "desk" else "tasks"
        rows = body - 1
        tiles = 1 if low or width < 80 else max(min(rows // 6, 4), 1)
        return replace(
            base,
            strip=True,
            tasks=width if shown == "tasks" else 0,
            agents=(width, rows) if shown == "agents" else (0, 0),
            desk=(width, rows) if shown == "desk" else (0, 0),
            tiles=tiles,
            footer_keys=4 if width < 80 else 8,
        )
    if width < 100:
        if desk and front == "desk":
            return replace(base, strip=True, desk=(width, body - 1))
        tiles = 1 if low else max(min(body // 6, 4), 1)
        return replace(base, tasks=29, agents=(width - 30, body), tiles=tiles)
    tasks = 34 if width < 160 else 38
    right = width - tasks - 1
    if width >= 160:
        if not desk:
            return replace(base, tasks=tasks, agents=(right, body), tiles=1 if low else 4)
        left = max((right - 1) * 2 // 5, 40)
        return replace(
            base,
            tasks=tasks,
            agents=(left, body),
            desk=(right - 1 - left, body),
            beside=True,
            tiles=1 if low else 4,
        )
    if not desk:
        return replace(base, tasks=tasks, agents=(right, body), tiles=1 if low else 4)
    # The review has two parts of three, the agents one, but never so few rows that they say nothing.
    agents = max(body // 3 - 2, 8 if height >= 36 else 6)
    return replace(base, tasks=tasks, agents=(right, agents), desk=(right, body - agents), tiles=1)
