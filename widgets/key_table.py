"""The key table: every binding with its context, id, words and place in the footer (UI §4.2).

Contexts inherit: everywhere → panes → a pane's own row. Text fields have only what holds everywhere and their
own row. Where a row repeats a pane's key it narrows its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass

ARROWS = {"h": "left", "j": "down", "k": "up", "l": "right"}
"""Arrows work wherever these letters do."""

FORBIDDEN = frozenset(
    {
        "ctrl+left_square_bracket", "ctrl+i", "ctrl+m", "ctrl+h", "ctrl+b", "ctrl+s", "ctrl+backslash",
        "ctrl+at", "ctrl+t", "ctrl+n", "ctrl+w", "f10", "f11", "ctrl+enter", "shift+enter", "ctrl+a",
    }
)  # fmt: skip
"""Keys that another program keeps, or that arrive as another key (UI §4.1)."""

NAMES = {
    "question_mark": "?", "colon": ":", "slash": "/", "ampersand": "&", "left_square_bracket": "[",
    "right_square_bracket": "]", "minus": "-", "plus": "+", "full_stop": ".", "comma": ",",
    "equals_sign": "=", "less_than_sign": "<", "greater_than_sign": ">", "exclamation_mark": "!",
    "escape": "esc", "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip
"""Textual's name of a key → what is printed on it."""


@dataclass(frozen=True)
class Key:
    """One row of the table. `keys` are alternatives; the first one is shown."""

    context: str
    keys: str
    action: str
    words: str
    """Verb first, as the footer and the help show it."""
    rank: int = 0
    """Place in the footer from 1; 0: only in the help."""
    name: str = ""
    """The binding's id within its context, where the action alone does not tell bindings apart."""
    priority: bool = False

    @property
    def id(self) -> str:
        """The binding's id, by which it is remapped: `review.accept`."""
        return f"{self.context}.{self.name or self.action.split('.')[-1].split('(')[0]}"

    @property
    def all_keys(self) -> list[str]:
        """Every key that calls it, arrows included."""
        keys = self.keys.split(" ")
        return keys + [ARROWS[key] for key in keys if key in ARROWS and self.context not in TEXT_CONTEXTS]

    @property
    def shown(self) -> str:
        """The key as it is printed."""
        first = self.keys.split(" ")[0]
        return NAMES.get(first, first)


TEXT_CONTEXTS = ("composer", "comment", "editor", "field", "secret")
"""Where letters type."""


def _key(context: str, keys: str, action: str, words: str, rank: int = 0, name: str = "") -> Key:
    return Key(context, keys, action, words, rank, name)


EVERYWHERE = [
    _key("everywhere", "ctrl+c", "app.interrupt", "copy the selection, else interrupt the agent in front"),
    Key("everywhere", "ctrl+q", "app.leave", "leave", priority=True),
    Key("everywhere", "ctrl+p", "app.palette", "command palette", priority=True),
    _key("everywhere", "ctrl+g", "screen.edit_outside", "this text in $EDITOR"),
    _key("everywhere", "ctrl+l", "app.redraw", "redraw"),
    _key("everywhere", "tab", "screen.next_pane", "next pane"),
    _key("everywhere", "shift+tab", "screen.previous_pane", "previous pane"),
    _key("everywhere", "escape", "screen.back", "back"),
    _key("everywhere", "f1", "app.keys", "keys"),
    _key("everywhere", "pageup", "screen.page(-1)", "scroll up", name="page_up"),
    _key("everywhere", "pagedown", "screen.page(1)", "scroll down", name="page_down"),
]

PANES = [
    _key("pane", "1", "screen.go('tasks')", "tasks", name="go_tasks"),
    _key("pane", "2", "screen.go('agents')", "agents", name="go_agents"),
    _key("pane", "3", "screen.go('review')", "review", name="go_review"),
    _key("pane", "4", "screen.go('questions')", "questions", name="go_questions"),
    _key("pane", "5", "screen.go('checkpoints')", "checkpoints", name="go_checkpoints"),
    _key("pane", "6", "screen.go('usage')", "usage", name="go_usage"),
    _key("pane", "7", "screen.go('sessions')", "sessions", name="go_sessions"),
    _key("pane", "i", "screen.type", "type", 90),
    _key("pane", "question_mark", "app.keys", "keys"),
    _key("pane", "colon", "app.palette", "command palette"),
    _key("pane", "j", "move(1)", "next row", name="down"),
    _key("pane", "k", "move(-1)", "previous row", name="up"),
    _key("pane", "g home", "top", "top"),
    _key("pane", "G end", "end", "end"),
    _key("pane", "ctrl+d", "half_page(1)", "half a page down", name="half_down"),
    _key("pane", "ctrl+u", "half_page(-1)", "half a page up", name="half_up"),
    _key("pane", "space", "fold", "open or close the fold, page down"),
    _key("pane", "enter", "open", "look closer"),
    _key("pane", "slash", "find", "find", 95),
    _key("pane", "n", "next(1)", "next", name="next"),
    _key("pane", "p N", "next(-1)", "previous", name="previous"),
    _key("pane", "y", "copy", "copy"),
    _key("pane", "u", "screen.undo", "undo"),
    _key("pane", "U", "screen.redo", "redo"),
    _key("pane", "z", "screen.zoom", "zoom"),
    _key("pane", "left_square_bracket", "screen.slide(-1)", "less autonomy", name="less"),
    _key("pane", "right_square_bracket", "screen.slide(1)", "more autonomy", name="more"),
    _key("pane", "minus", "screen.fewer(-1)", "fewer agents at once", name="fewer"),
    _key("pane", "plus", "screen.fewer(1)", "more agents at once", name="more_agents"),
    _key("pane", "q", "screen.close", "close"),
    _key("pane", "ctrl+z", "app.suspend", "suspend to the shell"),
]

TASKS = [
    _key("tasks", "enter", "open", "show", 1),
    _key("tasks", "x", "hold", "pause", 2),
    _key("tasks", "P", "pin", "pin level", 3),
    _key("tasks", "h", "unfold(False)", "close branch", name="close_branch"),
    _key("tasks", "l", "unfold(True)", "open branch", name="open_branch"),
    _key("tasks", "w", "why", "its review"),
    _key("tasks", "a", "approve", "approve the plan that waits"),
    _key("tasks", "X", "cancel", "cancel", 7),
    _key("tasks", "C", "criteria", "criteria"),
    _key("tasks", "M", "model", "model of this task…"),
    _key("tasks", "c", "note", "note to the agent"),
    _key("tasks", "e", "edit", "edit"),
    _key("tasks", "I", "insert", "insert"),
    _key("tasks", "s", "split", "split"),
    _key("tasks", "m", "merge", "merge with next"),
    _key("tasks", "d", "delete", "delete"),
    _key("tasks", "J", "shift(1)", "move down", name="move_down"),
    _key("tasks", "K", "shift(-1)", "move up", name="move_up"),
    _key("tasks", "b", "blocked_by", "blocked by…"),
    _key("tasks", "greater_than_sign", "indent(1)", "needs the task above", name="indent"),
    _key("tasks", "less_than_sign", "indent(-1)", "needs one task less", name="outdent"),
    _key("tasks", "u", "undo", "undo"),
    _key("tasks", "U", "redo", "redo"),
]

PLAN = [
    _key("plan", "a", "approve", "approve", 1),
    _key("plan", "r", "replan", "re-plan", 2),
    _key("plan", "e", "edit", "edit", 3),
    _key("plan", "I", "insert", "insert", 4),
    _key("plan", "s", "split", "split", 5),
    _key("plan", "d", "delete", "delete", 6),
    _key("plan", "P", "pin", "level", 7),
    _key("plan", "m", "merge", "merge with next"),
    _key("plan", "M", "model", "model of this task…"),
    _key("plan", "J", "shift(1)", "move down", name="move_down"),
    _key("plan", "K", "shift(-1)", "move up", name="move_up"),
    _key("plan", "b", "blocked_by", "blocked by…"),
    _key("plan", "greater_than_sign", "indent(1)", "needs the task above", name="indent"),
    _key("plan", "less_than_sign", "indent(-1)", "needs one task less", name="outdent"),
    _key("plan", "u", "undo", "undo"),
    _key("plan", "U", "redo", "redo"),
    _key("plan", "c", "note", "note to whoever does it"),
    _key("plan", "enter", "open", "read in full"),
]

AGENTS = [
    _key("agents", "enter", "open", "block in full", 1),
    _key("agents", "space", "fold", "fold", 2),
    _key("agents", "f", "follow", "follow", 3),
    _key("agents", "x", "hold", "pause", 4),
    _key("agents", "c", "message", "message", 5),
    _key("agents", "h", "other(-1)", "previous agent", name="previous_agent"),
    _key("agents", "l", "other(1)", "next agent", name="next_agent"),
    _key("agents", "J", "turn(1)", "next turn", name="next_turn"),
    _key("agents", "K", "turn(-1)", "previous turn", name="previous_turn"),
    _key("agents", "ampersand", "filter", "show only…"),
    _key("agents", "v", "range", "range of rows"),
    _key("agents", "w", "where", "the hunk this step made"),
    _key("agents", "o", "outside", "open the file in $EDITOR"),
    _key("agents", "X", "cancel", "cancel"),
    _key("agents", "T", "times", "times"),
    _key("agents", "W", "wrap", "wrap"),
    _key("agents", "H", "sideways(-1)", "scroll left", name="left"),
    _key("agents", "L", "sideways(1)", "scroll right", name="right"),
    _key("agents", "t", "layout", "tiles or tabs, source"),
]

REVIEW = [
    _key("review", "a", "accept", "accept", 1),
    _key("review", "r", "reject", "reject", 2),
    _key("review", "e", "edit", "edit", 3),
    _key("review", "c", "comment", "comment", 4),
    _key("review", "n", "next(1)", "n p hunk", 5, "next"),
    _key("review", "enter", "submit", "submit", 6),
    _key("review", "h", "hunk(-1)", "previous hunk", name="previous_hunk"),
    _key("review", "l", "hunk(1)", "next hunk", name="next_hunk"),
    _key("review", "J", "file(1)", "next file", name="next_file"),
    _key("review", "K", "file(-1)", "previous file", name="previous_file"),
    _key("review", "full_stop", "next_open(1)", "next open hunk", name="next_open"),
    _key("review", "comma", "next_open(-1)", "previous open hunk", name="previous_open"),
    _key("review", "A", "accept_file", "accept the rest of the file"),
    _key("review", "R", "reject_file", "reject the rest of the file"),
    _key("review", "u", "undo", "undo"),
    _key("review", "U", "redo", "redo"),
    _key("review", "f", "files", "files"),
    _key("review", "w", "where", "which step wrote this"),
    _key("review", "o", "outside", "open the file in $EDITOR"),
    _key("review", "W", "wrap", "wrap"),
    _key("review", "H", "sideways(-1)", "scroll left", name="left"),
    _key("review", "L", "sideways(1)", "scroll right", name="right"),
    _key("review", "C", "criteria", "criteria"),
    _key("review", "v", "range", "range of lines"),
    _key("review", "ampersand", "choose", "choose what is shown"),
    _key("review", "B", "blanks", "hide what changes only blanks"),
    _key("review", "equals_sign", "compare", "since my review, since a checkpoint"),
]

SUBMIT = [
    _key("submit", "enter", "send", "send what is decided", 1),
    _key("submit", "a", "accept_rest", "accept the rest and send", 2),
    _key("submit", "r", "reject_rest", "reject the rest", 3),
    _key("submit", "escape", "back", "back", 4),
]

CRITERIA = [
    _key("criteria", "a", "tick", "tick as seen", 1),
    _key("criteria", "r", "unmet", "not met", 2),
    _key("criteria", "enter", "evidence", "its evidence", 3),
    _key("criteria", "escape", "back", "back", 4),
]

CONFLICT = [
    _key("conflict", "a", "proposal", "proposal", 1),
    _key("conflict", "less_than_sign", "left", "left", 2),
    _key("conflict", "greater_than_sign", "right", "right", 3),
    _key("conflict", "b", "both", "both", 4),
    _key("conflict", "e", "edit", "edit", 6),
    _key("conflict", "r", "agent", "agent", 7),
    _key("conflict", "enter", "submit", "submit", 5),
    _key("conflict", "h", "hunk(-1)", "previous conflict", name="previous_conflict"),
    _key("conflict", "l", "hunk(1)", "next conflict", name="next_conflict"),
    _key("conflict", "d", "leave_out", "leave the task out"),
    _key("conflict", "f", "files", "next file"),
    _key("conflict", "u", "undo", "undo"),
    _key("conflict", "U", "redo", "redo"),
]

QUESTIONS = [
    _key("questions", "a", "approve", "approve", 1),
    _key("questions", "A", "remember", "remember…", 2),
    _key("questions", "e", "edit", "edit", 3),
    _key("questions", "r", "reject", "reject", 4),
    _key("questions", "d", "defer", "defer", 5),
    _key("questions", "n", "next(1)", "n p next", 6, "next"),
    _key("questions", "w", "where", "agent", 7),
    _key("questions", "c", "ask_back", "ask back"),
    _key("questions", "enter", "open", "full text"),
]

LANDING = [
    _key("landing", "a", "land", "land", 1),
    _key("landing", "e", "edit", "edit message", 2),
    _key("landing", "enter", "open", "see change", 3),
    _key("landing", "r", "send_back", "send back", 4),
    _key("landing", "d", "defer", "later", 5),
    _key("landing", "m", "how", "how", 6),
    _key("landing", "c", "comment", "comment"),
    _key("landing", "C", "criteria", "criteria"),
]

CHECKPOINTS = [
    _key("checkpoints", "enter", "open", "compare with now", 1),
    _key("checkpoints", "v", "mark", "mark the other end", 2),
    _key("checkpoints", "J", "by_task(1)", "next task", name="next_task"),
    _key("checkpoints", "K", "by_task(-1)", "previous task", name="previous_task"),
    _key("checkpoints", "q", "screen.close", "back", 3),
]

SESSIONS = [
    _key("sessions", "enter", "open", "open", 1),
    _key("sessions", "e", "rename", "rename", 2),
    _key("sessions", "x", "stop", "stop", 3),
    _key("sessions", "a", "archive", "archive", 4),
    _key("sessions", "d", "delete", "delete…", 5),
    _key("sessions", "ampersand", "filter", "archived too", 6),
    _key("sessions", "q", "screen.close", "back", 7),
]

CHOICES = [
    _key("choices", "enter", "open", "choose", 1),
    _key("choices", "j", "move(1)", "j k move", 2, "down"),
]

RESUME = [
    _key("resume", "enter", "open", "choose", 1),
    _key("resume", "a", "go_on", "go on", 2),
    _key("resume", "i", "new_goal", "new goal", 3),
    _key("resume", "7", "screen.go('sessions')", "sessions", 4, "sessions"),
]

TRUST = [
    _key("trust", "a", "trust", "trust", 1),
    _key("trust", "d", "ignore", "ignore", 2),
    _key("trust", "q", "screen.close", "not now", 3),
]

USAGE = [
    _key("usage", "enter", "open", "show task", 1),
    _key("usage", "t", "group", "by agent, model, day", 2),
    _key("usage", "y", "copy", "copy as text", 3),
    _key("usage", "q", "screen.close", "back", 4),
]

MODELS = [
    _key("models", "enter", "open", "choose", 1),
    _key("models", "y", "copy", "copy as text", 2),
    _key("models", "q", "screen.close", "back", 3),
]

DOCTOR = [
    _key("doctor", "enter", "open", "open what helps", 1),
    _key("doctor", "y", "copy", "copy as text", 2),
    _key("doctor", "q", "screen.close", "back", 3),
]

SETTINGS = [
    _key("settings", "enter", "open", "change", 1),
    _key("settings", "e", "edit", "edit value", 2),
    _key("settings", "y", "copy", "copy as text", 3),
    _key("settings", "q", "screen.close", "back", 4),
]

RULES = [
    _key("rules", "d", "revoke", "revoke", 1),
    _key("rules", "y", "copy", "copy as text", 2),
    _key("rules", "q", "screen.close", "back", 3),
]

PROMPTS = [
    _key("prompts", "enter", "open", "read it", 1),
    _key("prompts", "t", "layout", "filled in, source", 2),
    _key("prompts", "y", "copy", "copy as text", 3),
    _key("prompts", "q", "screen.close", "back", 4),
]

READING = [
    _key("reading", "y", "copy", "copy as text", 1),
    _key("reading", "q", "screen.close", "back", 2),
]

SLIDER = [
    _key("slider", "l right_square_bracket", "slide(1)", "more", 1, "more"),
    _key("slider", "h left_square_bracket", "slide(-1)", "less", 2, "less"),
    _key("slider", "enter", "apply", "apply", 3),
    _key("slider", "w", "reasons", "reasons", 4),
    _key("slider", "escape", "reset", "as it was", 5),
]

SHEET = [
    _key("sheet", "enter", "yes", "do it", 1),
    _key("sheet", "escape q", "no", "back", 2),
]

SECRET = [
    _key("secret", "enter", "keep", "keep", 1),
    _key("secret", "escape", "back", "back, nothing kept", 2),
]

COMPOSER = [
    _key("composer", "enter", "send", "send", 1),
    _key("composer", "ctrl+j", "new_line", "new line", 2),
    _key("composer", "up", "earlier", "earlier", 3),
    _key("composer", "down", "later", "later"),
    _key("composer", "tab", "complete", "complete", 4),
    _key("composer", "ctrl+r", "search", "search", 5),
    _key("composer", "escape", "leave", "to the panes", 6),
    _key("composer", "question_mark", "app.keys", "keys, in an empty field", name="keys"),
    _key("composer", "ctrl+d", "delete_right", "delete right"),
]

COMMENT = [
    _key("comment", "enter", "keep", "keep", 1),
    _key("comment", "ctrl+j", "new_line", "new line", 2),
    _key("comment", "up", "earlier", "earlier reasons", 3),
    _key("comment", "escape", "back", "back, draft kept", 4),
]

EDITOR = [
    _key("editor", "ctrl+o f2", "keep", "keep and accept", 1),
    _key("editor", "ctrl+g", "edit_outside", "in $EDITOR", 2),
    _key("editor", "escape", "back", "back, draft kept", 3),
]

KEYS: list[Key] = [
    *EVERYWHERE, *PANES, *TASKS, *PLAN, *AGENTS, *REVIEW, *SUBMIT, *CRITERIA, *CONFLICT, *QUESTIONS, *LANDING,
    *CHECKPOINTS, *SESSIONS, *CHOICES, *RESUME, *TRUST, *USAGE, *MODELS, *DOCTOR, *SETTINGS,
    *RULES, *PROMPTS, *READING, *SECRET, *SLIDER, *SHEET, *COMPOSER, *COMMENT, *EDITOR,
]  # fmt: skip
