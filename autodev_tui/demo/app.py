"""The workbench of a demo: the goal is typed already."""

from __future__ import annotations

from autodev_tui.app import Autodev
from autodev_tui.bridge import EngineThread
from autodev_tui.demo.guide import hint
from autodev_tui.demo.place import Place
from autodev_tui.demo.script import GOAL
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState
from autodev_tui.domain.updates import Update
from widgets.cells import Line

HUSH_S = 4.0
"""What the last key did is told so long: then the guide says what is next."""
OVER = (SessionState.FAILED, SessionState.CANCELLED)


class Demo(Autodev):
    """One window on the sample."""

    def __init__(self, place: Place) -> None:
        super().__init__(EngineThread(place.repository, place.environment, place.options, hint))
        self._typed_for = ""
        """The session after which the goal was typed again."""
        self._said: Line = []
        self._said_at = 0.0

    def on_mount(self) -> None:
        """The goal is there with the first picture; the application's own handler runs besides."""
        self.call_after_refresh(self._type_goal)
        self.set_interval(HUSH_S / 4, self._hush)

    def _hush(self) -> None:
        said = self.bench.needs_row.said
        if said != self._said:
            self._said, self._said_at = said, self.now()
        elif said and self.now() - self._said_at > HUSH_S:
            self.bench.hush()
            self.bench.draw()

    def _type_goal(self) -> None:
        if not self.bench.composer.text:
            self.bench.composer.put(GOAL, "goal")

    async def _show(self, update: Update) -> None:
        await super()._show(update)
        session = self.mirror.session
        if session and self._typed_for != session.id and self._over(session):
            # Off the recording, or no longer wanted: from here the recorded goal leads on.
            self._typed_for = session.id
            self._type_goal()

    def _over(self, session: Session) -> bool:
        """Whether it ended without a landing."""
        kept_nothing = session.state is SessionState.REVIEWING and session.head_commit == session.base_commit
        return session.state in OVER or (kept_nothing and not self.mirror.facts.busy)
