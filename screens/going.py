"""From pane to pane: what `1` to `7`, `tab`, `q`, `escape` and `z` do, and what panes send one to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on

from autodev_tui import domain
from autodev_tui.domain.kinds import ApprovalKind
from screens.desk import PASSING
from screens.steering import Steering
from widgets.line_pane import LinePane
from widgets.messages import WentTo

if TYPE_CHECKING:
    from widgets.checkpoints_pane import CheckpointsPane

ORDER = ("tasks", "agents", "desk", "slider", "composer")


class Going(Steering):
    """Shows another pane and gives it the focus."""

    def _show(self, pane: LinePane) -> None:
        show = getattr(pane, "show", None)
        if show:
            show(self.mirror)

    async def action_go(self, name: str) -> None:
        """`1` to `7`."""
        if name == "tasks" and self.mirror.of_kind(ApprovalKind.PLAN) and self.desk.current != "plan":
            name = "plan"
        if name == "tasks" and self.mirror.of_kind(ApprovalKind.LAND):
            self.tasks.action_top()
        reviews, conflicts = (
            self.mirror.of_kind(kind) for kind in (ApprovalKind.CHANGES, ApprovalKind.MERGE)
        )
        if name == "review" and conflicts:
            # The row says where `3` goes; again it goes to the other of both.
            here = self.desk.current if self.front == "desk" else ""
            need = self.needs_row.need
            both = ["conflict", "review"] if need and need.pane == "conflict" else ["review", "conflict"]
            name = "conflict" if not reviews else both[1] if here == both[0] else both[0]
        await self.go(name)

    async def go(self, name: str, *, focus: bool = True, **at: Any) -> None:
        """Show the pane `name` and give it the focus; `at` is a task, question or step to stand at."""
        if name in ("tasks", "agents"):
            if self.desk.current == "first_run":
                await self.desk.close()
            self.front = name
            self.lay_out()
            if name == "agents" and at.get("task") is not None:
                self.agents.bring(at["task"], at.get("step", ""))
            self.focus_front()
            return
        pane = await self.desk.open(name)
        self.to_desk()
        self._show(pane)
        stand = getattr(pane, "stand_at", None)
        if stand:
            stand(**{key: value for key, value in at.items() if value})
        self.lay_out()
        if focus:
            self.call_after_refresh(self.focus_front)

    @on(WentTo)
    async def _went(self, event: WentTo) -> None:
        event.stop()
        if event.pane == "change":
            await self._whole_change()
        else:
            await self.go(
                event.pane, task=event.task, approval=event.approval, step=event.step, sheet=event.sheet
            )

    async def _whole_change(self) -> None:
        session = self.mirror.session
        if session is None:
            return
        await self.compare(session.base_commit, session.head_commit, "the whole change")

    async def on_checkpoints_pane_compared(self, event: CheckpointsPane.Compared) -> None:
        """What lies between two checkpoints."""
        event.stop()
        await self.compare(event.old, event.new, event.title)

    async def compare(self, old: str, new: str, title: str) -> None:
        """What lies between two trees, to look at."""
        answer = await self.port.ask(domain.requests.GetDiff(old=old, new=new))
        if not isinstance(answer, domain.requests.DiffAnswer):
            self.say(self.refusal(answer), "failed")
            return
        pane = await self.desk.open("change")
        pane.show_changes(answer.changes, title)  # type: ignore[attr-defined]
        self.look()

    async def action_close(self) -> None:
        """`q`: the pane gives way to what was there before."""
        if self.front != "desk":
            self.say("q closes reviews, questions and other desks · ctrl+q leaves", "muted")
            return
        if self.desk.current in ("first_run", "resume"):
            self.say("ctrl+q leaves", "muted")
            return
        looked_at = self.desk.current in PASSING
        shown = await self.desk.close()
        if looked_at and shown not in PASSING and (shown or self.came_from != "desk"):
            # Back to where it was called from: a letter must not decide in the pane that it covered.
            self.front = self.came_from
        elif not shown:
            self.front = "tasks"
        if self.desk.pane is not None:
            self._show(self.desk.pane)
        self.lay_out()
        self.focus_front()

    async def action_back(self) -> None:
        """`escape`: out of a find, a field, a looked-at pane; it decides nothing and stops nobody."""
        focused = self.focused
        if isinstance(focused, LinePane) and focused.finding:
            focused.end_find()
        elif self.typing:
            self.focus_front()
        elif self.zoomed:
            await self.action_zoom()
        elif self.front == "desk" and self.desk.current in PASSING:
            await self.action_close()
        elif self.front == "desk":
            self.focus_front()

    def action_next_pane(self) -> None:
        """`tab`."""
        self._turn(1)

    def action_previous_pane(self) -> None:
        """`shift+tab`."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        shown = {
            "tasks": self.tasks.display or self.app.size.width < 100,
            "agents": self.agents.display or self.app.size.width < 100,
            "desk": bool(self.desk.current),
            "slider": self.slider.display,
            "composer": True,
        }
        stops = [name for name in ORDER if shown[name]]
        here = "composer" if self.typing else "slider" if self.slider.has_focus else self.front
        place = stops.index(here) if here in stops else 0
        name = stops[(place + step) % len(stops)]
        if name == "composer":
            self.composer.focus_field()
        elif name == "slider":
            self.set_focus(self.slider, scroll_visible=False)
        else:
            self.front = name
            self.lay_out()
            self.focus_front()

    def action_type(self) -> None:
        """`i`: to the composer."""
        self.composer.focus_field()

    async def action_zoom(self) -> None:
        """One pane over the whole body, and back."""
        self.zoomed = not self.zoomed
        self.lay_out()
        self.focus_front()

    def action_page(self, direction: int) -> None:
        """Page keys scroll the pane; while typing, the pane above."""
        target = self.pane_in_front()
        if isinstance(target, LinePane):
            target.page(direction)
