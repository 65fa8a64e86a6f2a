"""The first screen: what is missing here, an action for each of it, goals to begin with (UI §3.7)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from textual.message import Message

from autodev_tui.domain.commands import InitRepository, SetOption
from autodev_tui.domain.requests import Answer, GetDoctor, GetExamples, OutlinedTask, Request, RowsAnswer
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, fit, pad, spread, width_of, wrap
from widgets.keys import bindings
from widgets.messages import Asked, CommandGiven, SheetOpened, WentTo
from widgets.model_words import RULES, is_model
from widgets.secret_words import KeyAsking
from widgets.table_pane import TableRow, more, told

ALWAYS = ("git", "repository", "sandbox", "model", "trust")
"""Findings that are always told; of the others only what keeps anything from working."""
RULES_CAN = "rules plan, heal what is red, write changelog and API docs; the rest is left as TODOs"
MOST_OUTLINED = 6
LEAST_WHY = 13
"""Cells from which it is worth saying why a goal fits."""
NO_MODEL = "none: no key, and no model of this machine"
_NAMES = 14
_ACTIONS = 29
_EXAMPLE = "example:"
_GOAL = "Type a goal"


class FirstRunPane(KeyAsking):
    """Says what is missing and does it; every line below is an action."""

    CONTEXT = "choices"
    BARE = True
    BINDINGS = bindings("choices")

    class Found(Message):
        """Goals that fit this repository."""

        def __init__(self, goals: list[str]) -> None:
            super().__init__()
            self.goals = goals

    class Taken(Message):
        """This goal is wanted: it is to stand in the composer."""

        def __init__(self, goal: str) -> None:
            super().__init__()
            self.goal = goal

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._actions: dict[str, Callable[[], None]] = {}
        self._examples: list[dict[str, Any]] | None = None
        """None: not known yet."""
        self._looked_for: tuple[str, str] | None = None
        self._without = False
        """The human goes on without a model."""
        self._outline: Sequence[OutlinedTask] = ()
        """What the goal that is typed would become."""

    def request(self) -> Request:
        """What works here and what does not."""
        return GetDoctor()

    def stamp(self) -> Any:
        """Looked at again whenever one of these has changed."""
        facts = self.mirror.facts
        return facts.model, facts.sandbox, facts.sandbox_problem, facts.repository, tuple(facts.untrusted)

    @property
    def has_model(self) -> bool:
        """Whether somebody can be asked."""
        return is_model(self.mirror.facts.model)

    @property
    def ready(self) -> bool:
        """Whether only a goal is missing: it goes on without a model where that was chosen."""
        facts = self.mirror.facts
        chosen = self._without or facts.settings.get("model") == RULES
        return bool(facts.repository) and (self.has_model or (facts.model == RULES and chosen))

    def rebuild(self) -> None:
        """The rows anew; the goals are asked for once it is known where they would come from."""
        facts = self.mirror.facts
        if self.is_mounted and facts.repository and self._looked_for != (facts.root, facts.branch):
            self._looked_for = (facts.root, facts.branch)
            self.post_message(Asked(GetExamples(), self._examples_known))
        super().rebuild()

    def on_show(self) -> None:
        """Shown again: other goals may fit by now."""
        self._looked_for = None
        super().on_show()

    def _examples_known(self, answer: Answer) -> None:
        self._examples = answer.rows if isinstance(answer, RowsAnswer) else []
        self.post_message(self.Found([str(row["goal"]) for row in self._examples]))
        at_rest = not self.has_focus or self.key in ("", _GOAL)
        self.rebuild()
        if at_rest:
            self.move_to(0, 1)

    def outline(self, tasks: Sequence[OutlinedTask]) -> None:
        """The goal that is typed would become these tasks: they stand where goals to take stood."""
        if list(tasks) != list(self._outline):
            self._outline = tasks
            self.rebuild()

    # -- what is shown

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
            # What is well is told in short; the doctor has all of it.
            text = str(finding["text"]).split("; ")[0] if good else str(finding["text"])
            texts = wrap(visible(text, keep=""), max(width - _NAMES - 3, 8))
            rows.append(TableRow([*line, (texts[0], "text")]))
            rows += [more(one, _NAMES + 2) for one in texts[1:]]
        rows.append(TableRow())
        self._actions = {}
        if self.ready:
            rows += self._begin(width)
        missing = [str(one["name"]) for one in findings if one["state"] != "ok"]
        for name, words, action in self._wanted(missing):
            self._actions[name] = action
            told = cut(words, width - _ACTIONS - 1)
            rows.append(TableRow([(" ", "text"), (pad(name, _ACTIONS), "bold"), (told, "muted")], key=name))
        return rows

    def _begin(self, width: int) -> list[TableRow]:
        """How to begin, and goals to take."""
        rows: list[TableRow] = []
        if not self.has_model:
            rows += [*told("·", "muted", RULES_CAN, width), TableRow()]
        if self._outline:
            return [*rows, *self._outlined(width), TableRow()]
        if not self._examples:
            words = "Say what you want." if self._examples is not None else "Say what you want. …"
            return [*rows, TableRow([(f" {words}", "text")]), TableRow()]
        rows.append(
            TableRow(
                [
                    (" Say what you want, or take one of these: ", "text"),
                    ("down", "key"),
                    (" in the field", "muted"),
                ]
            )
        )
        goals = [visible(str(row["goal"]), keep="") for row in self._examples]
        room = max(len(goal) for goal in goals) + 2
        for number, (goal, row) in enumerate(zip(goals, self._examples, strict=True), 1):
            key = f"{_EXAMPLE}{number}"
            self._actions[key] = partial(self._take, str(row["goal"]))
            line: Line = [(f"  {number}  ", "muted"), *fit([(goal, "data-bold")], min(room, width - 6))]
            if width - width_of(line) > LEAST_WHY:
                line.append((visible(str(row["why"]), keep=""), "data-muted"))
            rows.append(TableRow(line, key=key))
        return [*rows, TableRow()]

    def _outlined(self, width: int) -> list[TableRow]:
        """The tasks that the rules see; a model may plan otherwise."""
        by = "Rules make of it:" if not self.has_model else "Seen in it; the model plans by itself:"
        rows = [TableRow([(f" {by}", "text")])]
        for number, task in enumerate(self._outline[:MOST_OUTLINED], 1):
            lacks = not self.has_model and task.needs_model
            left: Line = [(f"  T{number}  ", "muted"), (visible(task.title, keep=""), "data")]
            right: Line = [("needs a model", "asks"), (" ", "text")] if lacks else []
            rows.append(TableRow(spread(left, right, width)))
        if (more := len(self._outline) - MOST_OUTLINED) > 0:
            rows.append(TableRow([(f"      … {more} more", "muted")]))
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
            elif row["name"] == "model" and row["state"] == "ok" and self.mirror.facts.model == RULES:
                chosen = self.mirror.facts.settings.get("model") == RULES
                text = "none, as you chose: rules work · /models gives one" if chosen else NO_MODEL
                row = {**row, "state": "warn", "text": text}
            if row["name"] in ALWAYS or row["state"] == "bad":
                found.append(row)
        return found

    def _wanted(self, missing: list[str]) -> list[tuple[str, str, Callable[[], None]]]:
        """An action for everything that is missing; those of the doctor share one."""
        actions: list[tuple[str, str, Callable[[], None]]] = []
        own = {"model", "repository", "trust"}
        here = bool(self.mirror.facts.repository)
        if getattr(self.app, "offers_demo", False):
            words = "offline, a sample repository, a recorded model"
            actions.append(("Try the demo", words, lambda: self._run("app.demo")))
        if "repository" in missing:
            actions.append(("git init here", "makes this folder a repository; asks first", self._init))
        if "model" in missing:
            words = "pasted hidden; kept 0600, never in this folder"
            actions.append(("Set a key for Anthropic", words, self.ask_key))
            words = "shows how to start it, then looks again"
            actions.append(("Use Ollama", words, lambda: self._go("ollama")))
            if here and not self.ready:
                words = "plans and repairs by rules, the rest as TODOs"
                actions.append(("Go on without a model", words, self._go_on_without))
        if "trust" in missing:
            words = "shown as text first; until then it is ignored"
            actions.append(("Read what it brings, trust", words, lambda: self._go("trust")))
        if set(missing) - own:
            actions.append(("Open the doctor", "what is wrong and what to do about it", self._doctor))
        actions.append((_GOAL, "i", self._type))
        return actions

    # -- what the actions do

    def _key_kept(self) -> None:
        """There is a model: a goal is next."""
        super()._key_kept()
        self._type()

    def action_open(self) -> None:
        """Do what the cursor is on."""
        if action := self._actions.get(self.key):
            action()

    def _take(self, goal: str) -> None:
        self.post_message(self.Taken(goal))

    def _go(self, pane: str) -> None:
        self.post_message(WentTo(pane))

    def _run(self, action: str) -> None:
        self.app.call_later(self.run_action, action)

    def _doctor(self) -> None:
        self._go("doctor")

    def _type(self) -> None:
        self._run("screen.type")

    def _go_on_without(self) -> None:
        if self.mirror.facts.model == RULES:
            self._without = True
            self.rebuild()
            self._type()
            return
        words = "without a model · /models chooses one later"
        self.post_message(CommandGiven(SetOption(name="model", value=RULES), words, then=self._type))

    def _init(self) -> None:
        rows = ["Makes the folder that autodev was started in a git repository, with a first commit."]
        given = CommandGiven(InitRepository(), "this folder is a git repository now", then=self.ask)

        def confirmed() -> None:
            self.post_message(given)

        self.post_message(SheetOpened("git init", rows, yes="make it a repository", confirmed=confirmed))

    # -- keeping how it looks

    def state(self) -> dict[str, object]:
        """Whether it goes on without a model, too."""
        return {**super().state(), "without": self._without}

    def restore(self, state: dict[str, object]) -> None:
        """As it was left."""
        self._without = bool(state.get("without"))
        super().restore(state)
