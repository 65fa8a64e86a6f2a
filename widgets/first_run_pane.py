"""The first run: what is missing here, and an action for each of it (UI §3.7)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodev_tui.domain.commands import InitRepository
from autodev_tui.domain.requests import GetDoctor, Request
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, pad
from widgets.keys import bindings
from widgets.messages import CommandGiven, SheetOpened, WentTo
from widgets.secret_words import KeyAsking
from widgets.table_pane import TableRow

ALWAYS = ("git", "repository", "sandbox", "model", "trust")
"""Findings that are always told; of the others only what keeps anything from working."""
_NAMES = 14
_ACTIONS = 29


class FirstRunPane(KeyAsking):
    """Says what is missing and does it; every line below is an action."""

    CONTEXT = "choices"
    BARE = True
    BINDINGS = bindings("choices")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._actions: dict[str, Callable[[], None]] = {}

    def request(self) -> Request:
        """What works here and what does not."""
        return GetDoctor()

    def stamp(self) -> Any:
        """Looked at again whenever one of these has changed."""
        facts = self.mirror.facts
        return facts.model, facts.sandbox, facts.sandbox_problem, facts.repository, tuple(facts.untrusted)

    def build(self, width: int) -> list[TableRow]:
        """A sentence, the findings, the actions."""
        findings = self._findings()
        rows = [
            TableRow([(" Hand a goal to coding agents, read every change, stay in command.", "text")]),
            TableRow(),
        ]
        for finding in findings:
            good = finding["state"] == "ok"
            line: Line = [(" ✓ " if good else " ! ", "done" if good else "asks")]
            line.append((pad(str(finding["name"]), _NAMES - 1), "text" if good else "bold"))
            text = cut(visible(str(finding["text"]), keep=""), width - _NAMES - 2)
            rows.append(TableRow([*line, (text, "text")]))
        rows.append(TableRow())
        self._actions = {}
        for name, words, action in self._wanted(
            [str(one["name"]) for one in findings if one["state"] != "ok"]
        ):
            self._actions[name] = action
            line = [(" ", "text"), (pad(name, _ACTIONS), "bold"), (words, "muted")]
            rows.append(TableRow(line, key=name))
        return rows

    def _findings(self) -> list[dict[str, Any]]:
        rows = self.answer.rows if self.answer else []
        git = next((row for row in rows if row["name"] == "git" and row["state"] == "ok"), None)
        found: list[dict[str, Any]] = []
        for row in rows:
            if row["name"] == "repository" and row["state"] == "ok" and git:
                # One line for both where both are well.
                found.remove(git)
                row = {**git, "text": f"{git['text']}, repository {row['text']}"}
            if row["name"] in ALWAYS or row["state"] == "bad":
                found.append(row)
        return found

    def _wanted(self, missing: list[str]) -> list[tuple[str, str, Callable[[], None]]]:
        """An action for everything that is missing; those of the doctor share one."""
        actions: list[tuple[str, str, Callable[[], None]]] = []
        own = {"model", "repository", "trust"}
        if "repository" in missing:
            actions.append(("git init here", "makes this folder a repository; asks first", self._init))
        if "model" in missing:
            words = "pasted hidden; kept 0600, never in this folder"
            actions.append(("Set a key for Anthropic", words, self.ask_key))
        if "trust" in missing:
            words = "shown as text first; until then it is ignored"
            actions.append(("Read what it brings, trust", words, lambda: self._go("trust")))
        if set(missing) - own:
            actions.append(("Open the doctor", "what is wrong and what to do about it", self._doctor))
        actions.append(("Type a goal", "i", self._type))
        return actions

    # -- what the actions do

    def action_open(self) -> None:
        """Do what the cursor is on."""
        if action := self._actions.get(self.key):
            action()

    def _go(self, pane: str) -> None:
        self.post_message(WentTo(pane))

    def _doctor(self) -> None:
        self._go("doctor")

    def _type(self) -> None:
        self.app.call_later(self.run_action, "screen.type")

    def _init(self) -> None:
        rows = ["Makes the folder that autodev was started in a git repository, with a first commit."]
        given = CommandGiven(InitRepository(), "this folder is a git repository now", then=self.ask)

        def confirmed() -> None:
            self.post_message(given)

        self.post_message(SheetOpened("git init", rows, yes="make it a repository", confirmed=confirmed))
