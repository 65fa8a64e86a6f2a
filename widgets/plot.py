"""Numbers as bars of eighths of a cell; in ASCII a few heights are left of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"


def spark(values: Sequence[float]) -> str:
    """One bar a value in one row; whatever is more than nothing is seen."""
    return bars(values, 1)[0] if values else ""


def bars(values: Sequence[float], height: int, gap: int = 0) -> list[str]:
    """One bar a value, `height` rows high, the top row first; `gap` blanks behind each bar."""
    most = max(values, default=0.0)
    steps = [_steps(value, most, height) for value in values]
    rows = []
    for row in range(height - 1, -1, -1):
        cells = (EIGHTHS[min(max(one - row * 8, 0), 8)] + " " * gap for one in steps)
        rows.append("".join(cells))
    return rows


def _steps(value: float, most: float, height: int) -> int:
    if value <= 0 or most <= 0:
        return 0
    return max(round(value / most * height * 8), 1)
