"""All agents: tiles while they have room, else one in front and the others as tabs (UI §6, §7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Region

from widgets.agent_title import OVER, PLANNER, WORKING, begun, word_of
from widgets.line_pane import LinePane, Now

if TYPE_CHECKING:
    from autodev_tui.domain.mirror import Mirror
    from widgets.agent_log_pane import LogPane
    from widgets.agent_pane import AgentPane
    from widgets.cells import Line

TILES = 4
FRAMES = 20
"""Repaints in a second, at most."""
LEAST_ROWS = 6
"""Of a tile, its rule included."""
MOST_ROWS = 8
"""Of a tile that is not in front, where there are rows to spare."""


def layout_for(width: int, height: int) -> int:
    """How many tiles have room; with one, the others are tabs."""
    return max(min(height // LEAST_ROWS, TILES), 1) if width else 1


def chosen(
    agents: Sequence[str], working: Sequence[str], shown: Sequence[str], front: str | None, room: int
) -> list[str]:
    """Which agents are shown: who works, who was shown already while there is room, and always the front."""
    kept = [agent for agent in shown if agent in agents]
    kept += [agent for agent in working if agent not in kept]
    if front is not None and front in agents and front not in kept:
        kept.append(front)
    for agent in [*(one for one in kept if one not in working), *reversed(kept)]:
        if len(kept) > room and agent != front and agent in kept:
            kept.remove(agent)
    return [agent for agent in agents if agent in kept]


def heights(count: int, front: int, rows: int) -> list[int]:
    """Rows of each tile: those behind have at most MOST_ROWS, the front one has the rest."""
    others = min(max(rows // count, LEAST_ROWS), MOST_ROWS) if count > 1 else 0
    return [rows - others * (count - 1) if at == front else others for at in range(count)]


class Nobody(LinePane):
    """Stands where agents will be."""

    EMPTY = "Nobody works. Agents show here when the plan is approved."

    def title(self) -> tuple[Line, Line]:
        """The pane's number and name."""
        return [("2 Agents", "bold")], []


class AgentsView(Vertical):
    """The agents' panes. The one in front is the human's choice: no event exchanges it for another."""

    DEFAULT_CSS = """
    AgentsView { width: 1fr; height: 1fr; }
    """

    def __init__(self, now: Now, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.most_tiles = TILES
        """How many tiles the arrangement of the screen allows; 1: tabs."""
        self._now = now
        self._mirror: Mirror | None = None
        self._panes: dict[str, AgentPane] = {}
        self._nobody = Nobody()
        self._ticking = False
        self._session = ""
        self._shown: list[str] = []
        self._front: str | None = None
        self._chosen = False
        """The human chose the agent in front, or looked at it."""
        self._mode: Literal["", "tiles", "tabs"] = ""
        """What `t` asked for; "" is by room."""
        self._states: dict[str, dict[str, Any]] = {}
        """How agents are looked at whose panes do not exist yet."""

    def compose(self) -> ComposeResult:
        """Nobody, at first."""
        yield self._nobody

    # -- what the screen around asks and tells

    @property
    def front(self) -> str | None:
        """The agent in front ("": the planner); None while there is none."""
        return self._front

    @property
    def front_pane(self) -> LinePane:
        """What has the keys when the agents have the focus."""
        return self._panes.get(self._front, self._nobody) if self._front is not None else self._nobody

    def show(self, mirror: Mirror, changed: set[str] | None = None) -> None:
        """Take over what is known; `changed` names the agents whose log changed, None means all may have."""
        self._mirror = mirror
        session = mirror.session.id if mirror.session else ""
        if session != self._session and self._session:
            self._forget()
        self._session = session
        self._arrange()
        for agent in self._shown:
            if changed is None or agent in changed:
                self._panes[agent].show(mirror)
            else:
                self._panes[agent].refresh(Region(0, 0, self.size.width, 1))
        if not self._ticking:
            self._frame()

    def _forget(self) -> None:
        """Another session: its agents have names that were known, and nothing else in common with them."""
        for pane in self._panes.values():
            pane.remove()
        self._panes, self._shown, self._states = {}, [], {}
        self._front, self._chosen, self._mode = None, False, ""

    def bring(self, agent: str, step: str = "") -> None:
        """Put this agent in front, at a step of it."""
        if self._mirror is None or agent not in list(self._mirror.agents()):
            return
        self._front, self._chosen = agent, True
        self._arrange()
        if step:
            self._panes[agent].go_to(step)

    def focus_front(self) -> None:
        """Give the agent in front the keys."""
        self.front_pane.focus()

    # -- frames: one timer for all panes, so that one repaint serves them all

    def on_mount(self) -> None:
        """The timer of frames runs only while there is something to draw."""
        self._frames = self.set_interval(1 / FRAMES, self._frame, pause=True)
        self.set_interval(1.0, self._second)

    def _frame(self) -> None:
        drawn = [self._panes[agent].frame() for agent in self._shown]
        self._ticking = any(drawn)
        if self._ticking:
            self._frames.resume()
        else:
            self._frames.pause()

    def _second(self) -> None:
        """Times that are shown go on by themselves."""
        if self._mirror is not None and self._mirror.facts.busy and self.display:
            self.show(self._mirror)

    def on_log_pane_stale(self, event: LogPane.Stale) -> None:
        """A pane has got what it asked for."""
        event.stop()
        if not self._ticking:
            self._frame()

    # -- who is shown where

    def _arrange(self) -> None:
        mirror = self._mirror
        if mirror is None:
            return
        agents = [agent for agent in mirror.agents() if begun(mirror, agent) or agent == PLANNER]
        working = [agent for agent in agents if word_of(mirror, agent) in WORKING]
        self._keep_front(mirror, agents, working)
        room = min(layout_for(self.size.width, self.size.height), self.most_tiles)
        tiled = len(working) <= room if not self._mode else self._mode == "tiles"
        if not self.size.height:
            # Hidden: who was shown will be shown again.
            room, tiled = max(len(self._shown), 1), True
        shown = chosen(agents, working, self._shown, self._front, room if tiled and room > 1 else 1)
        behind: list[str] = []
        if len(shown) == 1:
            behind = chosen(agents, working, [], self._front, len(agents))
            at = behind.index(shown[0])
            behind = [*behind[at + 1 :], *behind[:at]]
        self._place(shown, behind)

    def _keep_front(self, mirror: Mirror, agents: list[str], working: list[str]) -> None:
        """The front stays; only one that has ended and that nobody ever looked at gives way."""
        gone = self._front is None or self._front not in agents
        ended = not gone and word_of(mirror, self._front or PLANNER) in OVER and self._front not in working
        if gone or (ended and working and not self._chosen):
            asking = [agent for agent in working if word_of(mirror, agent) == "asks"]
            self._front = next(iter([*asking, *working, *reversed(agents)]), None)
            self._chosen = False

    def _place(self, shown: list[str], behind: list[str]) -> None:
        rows = heights(len(shown), shown.index(self._front), self.size.height) if self._front in shown else []
        before = list(self._shown)
        self._shown = shown
        self._nobody.display = not shown
        for agent in before:
            if agent not in shown and agent in self._panes:
                self._panes[agent].display = False
        for at, agent in enumerate(shown):
            pane = self._panes.get(agent) or self._mounted(agent)
            if (pane.first, pane.tabs) != (at == 0, behind):
                pane.first, pane.tabs = at == 0, behind
                pane.refresh()
            pane.display = True
            pane.styles.height = max(rows[at], 1)

    def _mounted(self, agent: str) -> AgentPane:
        from widgets.agent_pane import AgentPane

        pane = self._panes[agent] = AgentPane(agent, self._now)
        if agent in self._states:
            pane.restore(self._states.pop(agent))
        order = list(self._mirror.agents()) if self._mirror else []
        later = [self._panes[one] for one in order[order.index(agent) + 1 :] if one in self._panes]
        if self._mirror is not None:
            pane.show(self._mirror)
        self.mount(pane, before=later[0] if later else None)
        return pane

    def on_resize(self) -> None:
        """Tiles need rows."""
        self._arrange()

    # -- what the panes say

    def on_agent_pane_focused(self, event: AgentPane.Focused) -> None:
        """The agent that is looked at is in front."""
        event.stop()
        self._chosen = True
        if event.agent != self._front:
            self._front = event.agent
            self._arrange()

    def on_agent_pane_passed(self, event: AgentPane.Passed) -> None:
        """Another agent to the front."""
        event.stop()
        if self._mirror is None or self._front is None:
            return
        agents = [agent for agent in self._mirror.agents() if begun(self._mirror, agent) or agent == PLANNER]
        at = (agents.index(self._front) + event.step) % len(agents)
        self.bring(agents[at])
        self.call_after_refresh(self.focus_front)

    def on_agent_pane_layout_toggled(self, event: AgentPane.LayoutToggled) -> None:
        """Tiles instead of tabs, or tabs instead of tiles."""
        event.stop()
        self._mode = "tabs" if len(self._shown) > 1 else "tiles"
        self._arrange()
        if self._mirror is not None:
            self.show(self._mirror)

    # -- over a restart

    def state(self) -> dict[str, Any]:
        """Who is in front, what is shown and how each is looked at, as JSON."""
        agents = self._states | {agent: pane.state() for agent, pane in self._panes.items()}
        return {
            "front": self._front,
            "chosen": self._chosen,
            "mode": self._mode,
            "shown": self._shown,
            "agents": agents,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Look at the agents as they were looked at."""
        self._front = state.get("front")
        self._chosen = bool(state.get("chosen"))
        mode = state.get("mode")
        self._mode = mode if mode in ("tiles", "tabs") else ""
        self._states = dict(state.get("agents", {}))
        for agent, pane in self._panes.items():
            if agent in self._states:
                pane.restore(self._states.pop(agent))
        self._shown = [str(agent) for agent in state.get("shown", ())]
        if self._mirror is not None:
            self.show(self._mirror)
