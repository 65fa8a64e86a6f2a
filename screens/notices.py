"""Bell, title and desktop notice: only when somebody is needed and nobody looks (UI §5)."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from autodev_tui.domain.states import SessionState
from autodev_tui.domain.text import visible
from widgets.needs import needs

if TYPE_CHECKING:
    from textual.app import App

    from autodev_tui.domain.mirror import Mirror

AT_MOST_EVERY_S = 30.0
_ENDS = (SessionState.LANDED, SessionState.FAILED)


class Notices:
    """Tells the terminal, once for a group of questions, at most one in 30 s."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.mode = "bell"
        """off, bell, desktop or both."""
        self._known: set[str] = set()
        self._last = float("-inf")
        self._title = ""
        self._state: SessionState | None = None

    def look(self, app: App[Any], mirror: Mirror) -> None:
        """Look whether somebody is needed now who was not before."""
        waiting = needs(mirror)
        self._set_title(app, mirror, len(waiting))
        fresh = {need.approval for need in waiting} - self._known
        self._known = {need.approval for need in waiting}
        state = mirror.session.state if mirror.session else None
        ended = state in _ENDS and state is not self._state and self._state is not None
        self._state = state
        if not (fresh or ended) or app.app_focus or self.mode == "off":
            return
        if self._now() - self._last < AT_MOST_EVERY_S:
            return
        self._last = self._now()
        if self.mode in ("bell", "both"):
            app.bell()
        if self.mode in ("desktop", "both"):
            words = "".join(text for text, _ in waiting[0].line) if waiting else f"session {state}"
            _write(app, f"\x1b]9;{visible(f'{mirror.facts.repository}: {words.strip()}', keep='')}\x07")

    def _set_title(self, app: App[Any], mirror: Mirror, waiting: int) -> None:
        name = visible(mirror.facts.repository or "autodev", keep="")
        title = f"◐ {waiting} {name}" if waiting else name
        if title != self._title:
            self._title = title
            _write(app, f"\x1b]2;{title}\x07")


def _write(app: App[Any], sequence: str) -> None:
    """A control sequence for the terminal; a screen in a browser or a test has none."""
    driver = app._driver
    if driver is None or app.is_headless or app.is_web:
        return
    if os.environ.get("TMUX") and sequence.startswith("\x1b]9"):
        sequence = f"\x1bPtmux;\x1b{sequence}\x1b\\"
    driver.write(sequence)
