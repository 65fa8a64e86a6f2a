"""The models that can be asked, hosted and local ones: what each can do and costs; `enter` chooses one."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.commands import SetOption, SetTaskModel
from autodev_tui.domain.requests import GetModels, Request
from autodev_tui.domain.task import Task
from autodev_tui.domain.text import visible
from widgets.cells import Line
from widgets.keys import bindings
from widgets.messages import CommandGiven
from widgets.model_words import AS_TEXT, RULES, here, model_of, price_words, short, spec_of, tools_word
from widgets.table_columns import Cell, columns
from widgets.table_pane import TablePane, TableRow, told
from widgets.wording import plural, size_words, tokens

ROOM = 44
"""Cells beside a model's name; without the room for its provider the name alone says which."""
LOOKS_EVERY_S = 3.0
"""While it is open it is looked again: a model may be loaded, a server may have been started."""
SESSIONS = "the session's"
"""The first choice for a task: none of its own."""


class ModelsPane(TablePane):
    """The list for new goals; for one task, where it was asked for with one."""

    CONTEXT = "models"
    EMPTY = "No model is known here."
    BINDINGS = bindings("models")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.about = ""
        """Whose model is chosen; "": that of new goals."""

    def on_mount(self) -> None:
        """Ask, and go on looking while it is seen."""
        super().on_mount()
        self.set_interval(LOOKS_EVERY_S, self._look_again)

    def _look_again(self) -> None:
        if self.is_on_screen and self.display:
            self.ask()

    def request(self) -> Request:
        """All of them."""
        return GetModels()

    def stamp(self) -> Any:
        """Asked again when another one holds."""
        facts = self.mirror.facts
        return facts.model, facts.model_problem, facts.settings.get("model")

    def stand_at(self, task: str = "", approval: str = "", step: str = "") -> None:
        """For this task; without one, for new goals."""
        self.about = task
        self.rebuild()
        if (place := self._chosen_row()) is not None:
            self.cursor = place

    # -- what is shown

    def title(self) -> tuple[Line, Line]:
        """For whom one is chosen, and how many there are."""
        task = self._about()
        left: Line = [("Models", "text")]
        if task:
            left = [("Model of ", "text"), (visible(f"{task.id} {task.title}", keep=""), "data")]
        rows = self._models()
        return left, [(plural(len(rows), "model"), "text")] if rows else []

    def build(self, width: int) -> list[TableRow]:
        """Hosted ones, those on this machine, and none at all."""
        rows = self._models()
        hosted = [row for row in rows if not row.get("local") and spec_of(row) != RULES]
        local = [row for row in rows if row.get("local") and spec_of(row) != RULES]
        rules = [row for row in rows if spec_of(row) == RULES]
        built: list[TableRow] = []
        if self._about():
            built.append(self._sessions(width))
        for name, group in (("hosted", hosted), ("on this machine", local), ("without a model", rules)):
            if group:
                built += [TableRow()] if built else []
                built += self._group(name, group, width, local=name != "hosted")
        return built

    def _models(self) -> list[dict[str, Any]]:
        return self.answer.rows if self.answer else []

    def _about(self) -> Task | None:
        return self.mirror.tasks.get(self.about)

    def _sessions(self, width: int) -> TableRow:
        session = self.mirror.session
        words = visible(session.model if session else "", keep="")
        mark = self._mark(SESSIONS)
        return TableRow([*mark, (f"{SESSIONS}  ", "text"), (words, "data-muted")], key=SESSIONS)

    def _group(self, name: str, rows: list[dict[str, Any]], width: int, *, local: bool) -> list[TableRow]:
        if not rows:
            return []
        third = ("size", "") if local else ("$ in", "$ out")
        bare = all(spec_of(row) == RULES for row in rows)
        columns = ("", ("", ""), "") if bare else ("context", third, "tools")
        head = TableRow([("  ", "text"), *self._columns(name, "muted", *columns, "", width)])
        whys = {str(row.get("why") or "") for row in rows if not row.get("ready", True)}
        once = len(whys) == 1 and "" not in whys and len(rows) > 1 and not any(map(_ready, rows))
        shown = [one for row in rows for one in self._row(row, width, local, why=not once)]
        return [head, *shown, *(_why(whys.pop(), width, ready=False) if once else [])]

    def _row(self, row: dict[str, Any], width: int, local: bool, *, why: bool = True) -> list[TableRow]:
        spec = spec_of(row)
        room = row.get("window") or row.get("context")
        context = tokens(int(room)) if room else ""
        costs = (size_words(row.get("size_bytes")), "") if local else price_words(row)
        state = "loaded" if row.get("loaded") else ""
        if spec == self._holds() and not self.about:
            state = "new goals" if not state else f"{state}, new goals"
        line = self._columns(
            visible(spec, keep="") if len(spec) <= width - ROOM else short(spec),
            "data" if row.get("ready", True) else "data-muted",
            context,
            costs,
            tools_word(row),
            state,
            width,
        )
        found = [TableRow([*self._mark(spec), *line], key=spec)]
        if why and (words := str(row.get("why") or "")):
            found += _why(words, width, ready=_ready(row))
        return found

    def _columns(
        self, name: str, role: str, context: str, costs: tuple[str, str], tools: str, state: str, width: int
    ) -> Line:
        muted = "muted"
        return columns(
            [
                Cell(name, role),
                Cell(context, muted if role == muted else "text", -7, 2),
                # Both or none: one price alone says nothing.
                Cell(f"{costs[0]:>7}  {costs[1]:>6}", muted if role == muted else "text", -15, 3),
                Cell(tools, "asks" if tools == AS_TEXT else muted, 8),
                Cell(state, muted, 10, 1),
            ],
            width - 3,
        )

    def _mark(self, spec: str) -> Line:
        return [("◆ ", "bold")] if spec == self._holds() else [("◇ ", "muted")]

    def _holds(self) -> str:
        """What is chosen now."""
        task = self._about()
        if task:
            return model_of(task) or SESSIONS
        rows = self._models()
        return next((spec_of(row) for row in rows if row.get("default")), self.mirror.facts.model)

    def _chosen_row(self) -> int | None:
        return next((at for at, row in enumerate(self.rows) if row.key and row.key == self._holds()), None)

    # -- what the keys do

    def action_open(self) -> None:
        """Take the one under the cursor."""
        if not self.key:
            return
        row = next((one for one in self._models() if spec_of(one) == self.key), {})
        if row and not row.get("ready", True):
            self.ignore(f"{visible(self.key, keep='')} cannot be asked now: {row.get('why') or 'not ready'}")
        elif task := self._about():
            chosen = None if self.key == SESSIONS else self.key
            words = here(self.mirror, task) if chosen is None else visible(self.key, keep="")
            done = f"{task.id} works with {words}"
            self.post_message(CommandGiven(SetTaskModel(task=task.id, model=chosen), done, then=self.chosen))
        else:
            done = f"new goals work with {visible(self.key, keep='')}"
            command = SetOption(name="model", value=self.key)
            self.post_message(CommandGiven(command, done, then=self.chosen))

    def chosen(self) -> None:
        """It holds: what is listed says so."""
        self.ask()

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """Whose model it is about, too."""
        return {**super().state(), "task": self.about}

    def restore(self, state: dict[str, object]) -> None:
        """For whom it was left."""
        task = state.get("task")
        self.about = task if isinstance(task, str) else ""
        super().restore(state)


def _ready(row: dict[str, Any]) -> bool:
    return bool(row.get("ready", True))


def _why(words: str, width: int, *, ready: bool) -> list[TableRow]:
    """Why it cannot be used, or what is special about it."""
    lines = told("·" if ready else "!", "muted" if ready else "asks", words, width - 4)
    return [TableRow([("   ", "text"), *one.line], belongs=True) for one in lines]
