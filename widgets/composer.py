"""The composer: goals, messages to agents, `/commands` and `!commands`, at the foot of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import TextArea

from autodev_tui import domain
from autodev_tui.domain.mirror import Mirror
from widgets import completion
from widgets import composer_messages as messages
from widgets import composer_offers as offers
from widgets.composer_aim import ALL, GOAL, PLANNER, aim_line, aimed, default_target
from widgets.composer_parts import ComposerPrompt, ComposerRule
from widgets.composer_popup import MOST_ROWS, ComposerPopup, Offer
from widgets.composer_text import ComposerText
from widgets.history import History
from widgets.messages import Asked, EditedOutside, Said

if TYPE_CHECKING:
    from autodev_tui.domain.requests import Answer
    from widgets.completion import Begun

HINT = Content("say what you want   (/ commands, @ files, ! shell)")
ADVICE_AFTER_S = 0.4
"""Without a key, before the rules are asked about a goal."""


class Composer(Vertical):
    """Says what was typed and for whom; whoever hears it carries it out, and gives it back when refused."""

    DEFAULT_CSS = """
    Composer { height: auto; width: 1fr; }
    Composer > Horizontal { height: auto; }
    """

    Sent: TypeAlias = messages.Sent
    ShellRun: TypeAlias = messages.ShellRun
    CommandRun: TypeAlias = messages.CommandRun
    TakenBack: TypeAlias = messages.TakenBack
    DeliverNow: TypeAlias = messages.DeliverNow
    DraftChanged: TypeAlias = messages.DraftChanged
    Advised: TypeAlias = messages.Advised
    Left: TypeAlias = messages.Left

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.mirror = Mirror()
        self.history = History()
        self.text_field = ComposerText()
        self._rule = ComposerRule()
        self._popup = ComposerPopup()
        self.examples: list[str] = []
        """Goals that fit this repository: they stand after the newest entry of what was typed."""
        self._front = PLANNER
        self._goal_next = False
        self._frozen: str | None = None
        self._draft = ""
        self._recalled: str | None = None
        """The entry of the history that stands in the field, until it is changed."""
        self._searching = False
        self._set_aside = ""
        """The draft, while the history is searched."""
        self._dismissed = ""
        """What was begun when the list was closed by hand."""
        self._paths: list[str] | None = None
        self._advice_timer: Timer | None = None
        self._advised = False

    def compose(self) -> ComposeResult:
        """The rule with the list on it, the sign, the field."""
        yield self._popup
        yield self._rule
        with Horizontal():
            yield ComposerPrompt()
            yield self.text_field

    def on_mount(self) -> None:
        """Say whom the text is for."""
        self._draw_rule()

    # -- what the screen says

    def show(self, mirror: Mirror) -> None:
        """What is known has changed."""
        self.mirror = mirror
        self._draw_rule()

    def aim(self, front: str) -> None:
        """Another agent is in front, or GOAL: the next text is one, whatever goes on.

        A text that was begun stays with whom it was begun for.
        """
        if front == GOAL:
            self._goal_next = True
        else:
            self._front = front
        self._draw_rule()

    def focus_field(self) -> None:
        """Type. At once: a focus that comes later could take away what came between."""
        self.screen.set_focus(self.text_field, scroll_visible=False)

    @property
    def text(self) -> str:
        """What is typed."""
        return self._set_aside if self._searching else self.text_field.text

    def give_back(self, text: str, target: str | None = None) -> None:
        """What was sent was refused: it stands here again, for whom it was, before what was begun since."""
        self.put(f"{text}\n{self.text}" if self.text.strip() else text, target)

    def put(self, text: str, target: str | None = None) -> None:
        """Another text; for this target, which stays while it is there."""
        self._end_search()
        if target is not None:
            self._frozen = target
        self.text_field.put(text)

    def state(self) -> dict[str, Any]:
        """What is typed and was typed, for the next start."""
        return {"text": self.text, "target": self._frozen, "history": self.history.entries}

    def restore(self, state: dict[str, Any]) -> None:
        """As it was left; what was typed since stays, and the draft is an entry then."""
        self.history = History(str(one) for one in state.get("history", []))
        draft, target = str(state.get("text", "")), state.get("target")
        if self.text.strip():
            if draft.strip():
                self.history.add(draft)
            return
        self._frozen = str(target) if target is not None else None
        self._draft = draft
        self.text_field.put(draft)
        self._draw_rule()

    def edit_outside(self) -> None:
        """The text in the user's own editor."""
        self.post_message(EditedOutside(text=self.text, suffix=".md", edited=self.put))

    # -- whom it is for

    @property
    def target(self) -> str:
        """Whom the text is for, its own `@T4` left aside: GOAL, PLANNER or a task."""
        if self._frozen is not None:
            return self._frozen
        return GOAL if self._goal_next else default_target(self.mirror, self._front)

    def _aimed(self) -> tuple[completion.Typed, str]:
        return aimed(self.text, self.target, self.mirror)

    def _draw_rule(self) -> None:
        left, right = aim_line(*self._aimed(), self.mirror)
        if self._searching:
            left, right = [("search what was typed", "asks")], []
        self._rule.set(left, right, self.text_field.has_focus)
        self.text_field.placeholder = HINT if self.target == GOAL and not self._searching else Content("")

    def on_descendant_focus(self) -> None:
        """The rule turns heavy."""
        self._draw_rule()

    def on_descendant_blur(self) -> None:
        """The rule turns light; the list closes."""
        self._popup_show([])
        self._draw_rule()

    # -- keys

    def on_composer_text_pressed(self, event: ComposerText.Pressed) -> None:
        """A key of the field."""
        event.stop()
        match event.what:
            case "send":
                self._take_found() if self._searching else self._send()
            case "complete":
                self._complete()
            case "search":
                self._search()
            case "leave":
                self._leave()
            case "earlier" | "later":
                self._step(-1 if event.what == "earlier" else 1)

    def _leave(self) -> None:
        if self._searching:
            self._end_search()
        elif self._popup.open:
            self._dismissed = self.text_field.before
            self._popup_show([])
        else:
            if not self.text:
                self._goal_next = False
            self.post_message(self.Left())

    def _send(self) -> None:
        typed, target = self._aimed()
        match typed.kind:
            case "nothing":
                if target not in (GOAL, ALL) and self.mirror.queued(target or None):
                    self.post_message(self.DeliverNow(target or None))
                return
            case "shell" if not typed.text:
                self.post_message(Said("! and a command runs it sandboxed"))
                return
            case "command" if problem := offers.problem(typed):
                self.post_message(Said(problem, role="asks"))
                return
            case "words" if not typed.text:
                self.post_message(Said("say something after the name"))
                return
        self.history.add(self.text.strip("\n"))
        self._goal_next = False
        self.text_field.put("")
        match typed.kind:
            case "shell":
                self.post_message(self.ShellRun(typed.text, target if target in self.mirror.tasks else None))
            case "command":
                self.post_message(self.CommandRun(typed.name, typed.text))
            case _:
                self.post_message(self.Sent(typed.text, target))

    def _step(self, step: int) -> None:
        if self._popup.open:
            self._popup.move(step)
            return
        target = self.target
        if step < 0 and not self.text and target != GOAL and (queued := self.mirror.queued(target or None)):
            self.put(queued[-1].text, target)
            self.post_message(self.TakenBack(queued[-1].id))
            return
        found = self._example(step)
        if found is None:
            found = self.history.earlier(self.text) if step < 0 else self.history.later()
        if found is not None:
            self._recalled = found
            self.text_field.put(found)
            # What was sent begins with its own `@` or `/`: no list for it until it is changed.
            self._dismissed = self.text_field.before

    def _example(self, step: int) -> str | None:
        """The next or previous goal that fits this repository, where a goal is to be typed."""
        if not self.examples or self.target != GOAL:
            return None
        if self.text in self.examples:
            place = self.examples.index(self.text) + step
            return "" if place < 0 else self.examples[min(place, len(self.examples) - 1)]
        return self.examples[0] if step > 0 and not self.text and self.history.at_end else None

    # -- what could stand here

    def _complete(self) -> None:
        if self._searching:
            self._take_found()
        elif not self.text:
            self.post_message(self.Left(to_need=True))
        elif offer := self._popup.chosen:
            self._accept(offer)
        else:
            self._dismissed = ""
            self._offer()

    def _accept(self, offer: Offer) -> None:
        found = self._begun()
        if found is None:
            return
        row, column = self.text_field.cursor_location
        self.text_field.replace(f"{offer.text} ", (row, column - len(found.text)), (row, column))

    def _offer(self) -> None:
        """Offer what fits what is begun at the cursor."""
        found = self._begun()
        before = self.text_field.before
        if found is None or not self.text_field.has_focus or (self._dismissed and before == self._dismissed):
            self._popup_show([])
            return
        self._dismissed = ""
        if found.kind != "name":
            self._popup_show(offers.commands(found))
            return
        known = offers.agents(found, self.mirror)
        if self._paths is None:
            self._popup_show(known)
            self.post_message(Asked(domain.requests.GetPaths(), self._paths_known))
        else:
            self.run_worker(self._rank(found, known, self._paths), exclusive=True, group="paths")

    async def _rank(self, found: Begun, known: list[Offer], paths: Sequence[str]) -> None:
        ranked = await completion.best_of_many(found.text, paths, MOST_ROWS)
        if self._begun() == found:
            self._popup_show(offers.with_paths(known, ranked))

    def _begun(self) -> Begun | None:
        return completion.begun(self.text_field.before, self.text_field.cursor_location[0])

    def _paths_known(self, answer: Answer) -> None:
        if isinstance(answer, domain.requests.PathsAnswer):
            self._paths = answer.paths
            self._offer()

    def _popup_show(self, found: list[Offer]) -> None:
        self._popup.show(found)
        self.text_field.popup_open = self._popup.open

    # -- what was typed before

    def _search(self) -> None:
        if self._searching:
            self._popup.move(1)
            return
        self._set_aside, self._searching = self.text_field.text, True
        self.text_field.put("")
        self._offer_found()
        self._draw_rule()

    def _offer_found(self) -> None:
        self._popup_show([Offer(text) for text in self.history.search(self.text_field.text, MOST_ROWS)])

    def _take_found(self) -> None:
        if offer := self._popup.chosen:
            if self._set_aside.strip():
                self.history.add(self._set_aside)
            self._set_aside = offer.text
            self._end_search()
        else:
            self.post_message(Said("nothing typed before has these words"))

    def _end_search(self) -> None:
        if self._searching:
            self._searching = False
            self._popup_show([])
            self.text_field.put(self._set_aside)
            self._dismissed = self.text_field.before

    # -- what changes with every letter

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        """Freeze or free the target, offer what fits, ask the rules about a goal."""
        event.stop()
        if self._searching:
            self._offer_found()
            return
        text = self.text_field.text
        if text == self._draft:
            self._draw_rule()
            return
        if self._recalled is not None and text != self._recalled:
            self.history.edited()
            self._recalled = None
        if not text:
            self._frozen, self._paths, self._dismissed = None, None, ""
        elif self._frozen is None:
            self._frozen = self.target
        self._draft = text
        self._offer()
        self._draw_rule()
        self._ask_advice()
        self.post_message(self.DraftChanged())

    def _ask_advice(self) -> None:
        if self._advice_timer:
            self._advice_timer.stop()
            self._advice_timer = None
        typed, target = self._aimed()
        if target == GOAL and typed.kind == "words" and " " in typed.text:
            self._advice_timer = self.set_timer(ADVICE_AFTER_S, lambda: self._ask_rules(typed.text))
        elif self._advised:
            self._advised = False
            self.post_message(self.Advised(""))

    def _ask_rules(self, goal: str) -> None:
        def answered(answer: Answer) -> None:
            if isinstance(answer, domain.requests.AdviceAnswer) and self._aimed()[0].text == goal:
                self._advised = True
                self.post_message(self.Advised(offers.advice_words(answer, self.mirror), answer.outline))

        self.post_message(Asked(domain.requests.GetGoalAdvice(goal=goal), answered))
