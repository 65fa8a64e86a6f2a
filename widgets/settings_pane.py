"""Every option with its help: choices are chosen, values are typed, the file need not be edited."""

from __future__ import annotations

import json
from typing import Any

from autodev_tui.domain.commands import SetOption
from autodev_tui.domain.requests import GetSettings, Request
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, wrap
from widgets.completion import best
from widgets.keys import bindings
from widgets.messages import CommandGiven
from widgets.secret_words import KeyAsking
from widgets.table_columns import Cell, columns
from widgets.table_pane import TableRow, told

HELP_ROWS = 3
"""At the bottom, for the option under the cursor."""
_NAMES = 30


class SettingsPane(KeyAsking):
    """What is chosen or typed here is written to the user's own file, its comments kept."""

    CONTEXT = "settings"
    BINDINGS = bindings("settings")

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.opened = ""
        """The option whose choices are shown."""
        self._wanted = ""

    def request(self) -> Request:
        """Every option."""
        return GetSettings()

    def stamp(self) -> Any:
        """Asked again when settings or trust have changed."""
        facts = self.mirror.facts
        return repr(sorted(facts.settings.items())), tuple(facts.untrusted), tuple(facts.problems)

    def title(self) -> tuple[Line, Line]:
        """Where they are written."""
        file = str(self.answer.facts.get("file", "")) if self.answer else ""
        return [("Settings", "text")], [(visible(file, keep=""), "data-muted")] if file else []

    def build(self, width: int) -> list[TableRow]:
        """Options in their groups; the choices of one below it while they are shown."""
        if self.answer is None:
            return []
        facts = self.answer.facts
        rows: list[TableRow] = []
        if facts.get("problem"):
            rows += told("✗", "failed", str(facts["problem"]), width)
        for notice in facts.get("notices", []):
            rows += told("!", "asks", str(notice), width)
        group = ""
        for option in self.answer.rows:
            own = "" if option["group"] == option["name"] else option["group"]
            if own != group:
                group = own
                rows += [TableRow(), *([TableRow([(f" {group}", "bold")])] if group else [])]
            rows.append(self._option(option, width))
            if option["name"] == self.opened:
                rows += [self._choice(option, str(choice)) for choice in option["choices"]]
        return rows

    def stand_at(self, option: str = "", **_: object) -> None:
        """At the option of this name, or at the first one whose name has it in it."""
        self._wanted = option
        self.rebuild()

    def rebuild(self) -> None:
        """The rows anew, at the option that was asked for."""
        super().rebuild()
        if self._wanted and self.answer is not None:
            wanted, self._wanted = self._wanted, ""
            names = [row.key for row in self.rows]
            found = best(wanted, [name for name in names if name], 1)
            if found:
                self.cursor = names.index(found[0])

    def _option(self, option: dict[str, Any], width: int) -> TableRow:
        own = option["source"] not in ("default", "")
        source = "" if not own else str(option["source"])
        line = columns(
            [
                Cell(str(option["name"]), "text" if option["writable"] else "muted", _NAMES),
                Cell(shown(option["value"]), "data-bold" if own else "data"),
                Cell(source, "muted", 12, goes=1),
            ],
            width - 2,
        )
        return TableRow([(" ", "text"), *line], key=str(option["name"]))

    def _choice(self, option: dict[str, Any], choice: str) -> TableRow:
        here = choice == str(option["value"])
        sign: Line = [("     ✓ ", "done") if here else ("     ○ ", "muted")]
        return TableRow([*sign, (choice, "bold" if here else "text")], key=f"{option['name']}={choice}")

    @property
    def own_foot(self) -> int:
        """Help for the option under the cursor."""
        return max(super().own_foot, HELP_ROWS + 1 if self.answer and self.size.height > 12 else 0)

    def foot_row(self, index: int) -> Line:
        """What the option is for, its bounds and its default."""
        option = self._current()
        if index == 0:
            return [("─" * self.size.width, "rule")]
        if option is None:
            return []
        default = f"default {shown(option['default']) or 'empty'}"
        rest = " · ".join(part for part in (default, str(option["bounds"])) if part)
        texts = wrap(visible(" ".join(str(option["help"]).split()), keep=""), max(self.body_width - 2, 8))
        texts = [*texts[: HELP_ROWS - 1], rest]
        return [(f" {cut(texts[index - 1], self.body_width - 2)}", "muted")] if index <= len(texts) else []

    def watch_cursor(self, old: int, new: int) -> None:
        """Help speaks of the option under the cursor."""
        super().watch_cursor(old, new)
        self.refresh()

    def _current(self) -> dict[str, Any] | None:
        name = self.key.partition("=")[0]
        rows = self.answer.rows if self.answer else []
        return next((row for row in rows if row["name"] == name), None)

    def action_open(self) -> None:
        """Show the choices, take the one under the cursor, or type a value."""
        option = self._current()
        if option is None:
            return
        name, choosing, choice = self.key.partition("=")
        if choosing:
            self.opened = ""
            self.cursor = next(at for at, row in enumerate(self.rows) if row.key == name)
            self._set(name, choice)
            self.rebuild()
        elif option["choices"]:
            self.opened = "" if self.opened == name else name
            self.rebuild()
            if self.opened:
                self.cursor += 1 + option["choices"].index(str(option["value"]))
        else:
            self.action_edit()

    def action_edit(self) -> None:
        """Type a value."""
        option = self._current()
        if option is None:
            return
        if option["kind"] == "secret":
            self.ask_key()
        elif not option["writable"]:
            self.ignore("this one has parts of its own: edit the file named above")
        else:
            name = str(option["name"])
            bounds = f", {option['bounds']}" if option["bounds"] else ""
            label = f"{name}{bounds} · empty: the default"
            self.ask_words(
                f"option:{name}", label, lambda text: self._typed(option, text), text=shown(option["value"])
            )

    def _typed(self, option: dict[str, Any], text: str) -> str | None:
        try:
            value = parsed(str(option["kind"]), text)
        except ValueError as error:
            return str(error)
        self._set(str(option["name"]), value, typed=True)
        return "being written …"

    def _set(self, name: str, value: Any, *, typed: bool = False) -> None:
        def refused(reason: str, moved: list[str]) -> None:
            if typed and self._words:
                self._words.label.say(visible(reason, keep=""))

        def taken() -> None:
            if typed and self._words:
                self.drafts.pop(self._words.key, None)
                self._end_words()
            self.ask()

        done = f"{name}: {shown(value)}" if value is not None else f"{name}: the default"
        self.post_message(CommandGiven(SetOption(name=name, value=value), done, refused=refused, then=taken))


def shown(value: Any) -> str:
    """A value as it is shown and typed."""
    if value is None:
        return ""
    if isinstance(value, str):
        return visible(value, keep="")
    if isinstance(value, bool | int | float):
        return f"{value:g}" if isinstance(value, float) else str(value).lower()
    return visible(json.dumps(value, ensure_ascii=False), keep="")


def parsed(kind: str, text: str) -> Any:
    """What was typed, as the option's kind; None for nothing. Raises ValueError in words."""
    text = text.strip()
    if not text:
        return None
    try:
        return {"whole": int, "number": float}.get(kind, str)(text)
    except ValueError:
        raise ValueError("this takes a whole number" if kind == "whole" else "this takes a number") from None
