"""The command palette: everything there is to do, as `noun: verb`, what fits the cursor first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import Input, OptionList

from widgets.commands_table import COMMANDS
from widgets.keys import Key, reachable

if TYPE_CHECKING:
    from screens.workbench import Workbench

NOT_LISTED = frozenset({"move", "top", "end", "half_page", "page", "sideways", "next", "fold"})
"""Moves of the cursor: nobody looks for them by name."""


class Palette(CommandPalette):
    """Runs one command: a second `enter` that was pressed with the first finds it closed."""

    @on(Input.Submitted)
    @on(OptionList.OptionSelected)
    def _once(self, event: Input.Submitted | OptionList.OptionSelected) -> None:
        if not self.is_active:
            event.stop()
            event.prevent_default()


class WorkbenchCommands(Provider):
    """Keys of the pane in use, then the commands that also the composer knows."""

    @property
    def _bench(self) -> Workbench:
        return cast("Workbench", self.screen)

    def _entries(self) -> list[tuple[str, str, partial[None]]]:
        bench = self._bench
        context, pane = bench.context()
        found: list[tuple[str, str, partial[None]]] = []
        for key in reachable(context):
            if key.action.split(".")[-1].split("(")[0] in NOT_LISTED or not bench.works(pane, key):
                continue
            found.append((f"{key.context}: {key.words}", f"key {key.shown}", partial(self._press, key)))
        for command in COMMANDS:
            found.append(
                (f"{command.name}: {command.words}", f"/{command.name}", partial(self._command, command.name))
            )
        return found

    def _press(self, key: Key) -> None:
        bench = self._bench
        _, pane = bench.context()
        bench.app.call_later(bench.app.run_action, key.action, pane or bench)

    def _command(self, name: str) -> None:
        bench = self._bench
        bench.app.call_later(bench.run_command, name)

    async def discover(self) -> Hits:
        """Everything, while nothing is typed."""
        for name, help_text, run in self._entries():
            yield DiscoveryHit(name, run, help=help_text)

    async def search(self, query: str) -> Hits:
        """What fits the letters."""
        matcher = self.matcher(query)
        for name, help_text, run in self._entries():
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, matcher.highlight(name), run, help=help_text)
