"""The desk: the one place where review, questions, plan, conflict, landing and the rest take turns."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Container

from widgets.sheet import Sheet

if TYPE_CHECKING:
    from widgets.line_pane import LinePane

PANES = {
    "plan": "plan_pane.PlanPane",
    "review": "review_pane.ReviewPane",
    "change": "review_pane.ReviewPane",
    "questions": "questions_pane.QuestionsPane",
    "conflict": "conflict_pane.ConflictPane",
    "landing": "landing_pane.LandingPane",
    "criteria": "criteria_pane.CriteriaPane",
    "checkpoints": "checkpoints_pane.CheckpointsPane",
    "usage": "usage_pane.UsagePane",
    "sessions": "sessions_pane.SessionsPane",
    "first_run": "first_run_pane.FirstRunPane",
    "resume": "resume_pane.ResumePane",
    "trust": "trust_pane.TrustPane",
    "models": "models_pane.ModelsPane",
    "ollama": "ollama_pane.OllamaPane",
    "doctor": "doctor_pane.DoctorPane",
    "settings": "settings_pane.SettingsPane",
    "rules": "rules_pane.RulesPane",
    "prompts": "prompts_pane.PromptsPane",
    "log": "log_pane.LogPane",
    "level": "level_sheet.LevelSheet",
    "keys": "key_help.KeyHelp",
    "text": "text_pane.TextPane",
}
"""Name → module and class below `widgets`: a pane is loaded when it is first wanted, not at the start."""
CLOCKED = frozenset(
    {
        "plan",
        "review",
        "change",
        "questions",
        "conflict",
        "landing",
        "criteria",
        "checkpoints",
        "sessions",
        "rules",
    }
)
"""Panes that tell times, and take the clock."""
WHOLE = frozenset({"first_run", "resume"})
"""Panes that take the whole body."""
PASSING = frozenset(
    {
        "level",
        "keys",
        "text",
        "change",
        "criteria",
        "trust",
        "models",
        "ollama",
        "doctor",
        "settings",
        "rules",
        "prompts",
        "log",
    }
)
"""Panes that are looked at and left: closing one brings back what was there before."""


class Desk(Container):
    """Holds its panes, made when they are first wanted; shows one of them, a sheet over it if need be."""

    DEFAULT_CSS = """
    Desk { width: 1fr; height: 1fr; layers: base sheet; }
    Desk > .-away { display: none; }
    """

    def __init__(self, now: Callable[[], float], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._now = now
        self.current = ""
        self.before: list[str] = []
        """What closing the present pane brings back, the last one first."""
        self.panes: dict[str, LinePane] = {}
        self._states: dict[str, dict[str, Any]] = {}

    def compose(self) -> ComposeResult:
        """Nothing before something is wanted."""
        yield from ()

    async def open(self, name: str) -> LinePane:
        """Show the pane `name`."""
        if name not in self.panes:
            module, _, cls = PANES[name].partition(".")
            pane: LinePane = getattr(import_module(f"widgets.{module}"), cls)(
                id=f"pane-{name}", **({"now": self._now} if name in CLOCKED else {})
            )
            self.panes[name] = pane
            await self.mount(pane)
            self._restore(name)
        if name != self.current:
            passing = name in PASSING and self.current
            left = [*self.before, self.current] if passing else []
            self.before = [other for other in left if other != name]
        return self._bring(name)

    def _bring(self, name: str) -> LinePane:
        self.current = name
        for other, pane in self.panes.items():
            pane.set_class(other != name, "-away")
        return self.panes[name]

    async def close(self) -> str:
        """Put the present pane away; the name of the one that is shown now, if any."""
        if self.before:
            name = self.before.pop()
            self._bring(name)
            return name
        if self.current:
            self.panes[self.current].add_class("-away")
        self.current = ""
        return ""

    @property
    def pane(self) -> LinePane | None:
        """The pane that is shown."""
        return self.panes.get(self.current)

    @property
    def sheet(self) -> Sheet | None:
        """The sheet that covers the desk, if any."""
        found = list(self.query(Sheet))
        return found[-1] if found else None

    def states(self) -> dict[str, dict[str, Any]]:
        """How each pane looks, for an exact restart."""
        now = {name: pane.state() for name, pane in self.panes.items() if hasattr(pane, "state")}
        return {**self._states, **now}

    def restore(self, states: dict[str, dict[str, Any]]) -> None:
        """Bring the panes back to how they looked."""
        self._states = dict(states)
        for name in self.panes:
            self._restore(name)

    def _restore(self, name: str) -> None:
        pane = self.panes[name]
        if hasattr(pane, "restore") and name in self._states:
            pane.restore(self._states[name])
