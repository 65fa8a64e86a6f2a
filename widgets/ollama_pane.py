"""Models of this machine: how Ollama is started, what it has, which can do this work (UI §2, §3.7)."""

from __future__ import annotations

import os
from typing import Any

from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.models_pane import ModelsPane
from widgets.table_pane import TableRow, told

SUGGESTED = "qwen3"
"""Calls tools, and there are small ones of it (field/models.md §C)."""
ADDRESS = "localhost:11434"
"""Where Ollama listens where OLLAMA_HOST says nothing."""
_STEP = 20


class OllamaPane(ModelsPane):
    """Says what to do until there is a model, then lets one be chosen."""

    def title(self) -> tuple[Line, Line]:
        """Where it is looked for."""
        told = self.answer.facts.get("ollama") if self.answer else ""
        where = visible(str(told or os.environ.get("OLLAMA_HOST") or ADDRESS), keep="")
        return [("Use Ollama", "text")], [("at ", "muted"), (where, "data-muted")]

    def _models(self) -> list[dict[str, Any]]:
        return [row for row in super()._models() if row.get("local") and row.get("provider") == "ollama"]

    def build(self, width: int) -> list[TableRow]:
        """The models, those that can call tools first; else the steps to one."""
        rows = self._models()
        if not rows:
            return self._steps(width)
        built: list[TableRow] = []
        able = [row for row in rows if row.get("ready") and row.get("tools")]
        as_text = [row for row in rows if row.get("ready") and not row.get("tools")]
        rest = [row for row in rows if not row.get("ready")]
        for name, group in (("can do this work", able), ("may do it", as_text), ("cannot do it", rest)):
            if group:
                built += [TableRow()] if built else []
                built += self._group(name, group, width, local=True)
        if not able:
            built += [TableRow(), self._command("another one", f"ollama pull {SUGGESTED}")]
        return built

    def _steps(self, width: int) -> list[TableRow]:
        facts = self.answer.facts if self.answer else {}
        why = str(
            facts.get("ollama_problem")
            or "no model of this machine is known: nothing answers, or it has none"
        )
        return [
            *told("!", "asks", why, width),
            TableRow(),
            self._command("install it, once", "see ollama.com/download"),
            self._command("start it", "ollama serve"),
            self._command("get a model", f"ollama pull {SUGGESTED}"),
            TableRow(),
            *told("·", "muted", "looked for again every few seconds while this is open", width),
        ]

    @staticmethod
    def _command(what: str, command: str) -> TableRow:
        return TableRow([(f"   {what:<{_STEP}}", "text"), (command, "bold")])

    def chosen(self) -> None:
        """One is chosen: a goal is next."""
        super().chosen()
        self.app.call_later(self._back)

    async def _back(self) -> None:
        await self.run_action("screen.close")
        await self.run_action("screen.type")
