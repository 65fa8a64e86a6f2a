"""When something was: how long ago, or by the clock, as the settings have it."""

from __future__ import annotations

from datetime import datetime

HOUR_S, DAY_S = 3_600, 86_400


def moment(at: float, now: float, times: object = "ago") -> str:
    """`12 s ago`, `3 days ago`; by the clock `14:05`, `11-26 14:05`. Both times in seconds since 1970."""
    if times == "clock":
        then, today = datetime.fromtimestamp(at), datetime.fromtimestamp(now)
        return then.strftime("%H:%M" if then.date() == today.date() else "%m-%d %H:%M")
    seconds = max(now - at, 0.0)
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < HOUR_S:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 2 * DAY_S:
        return f"{seconds / HOUR_S:.0f} h ago"
    return f"{seconds // DAY_S:.0f} days ago"
