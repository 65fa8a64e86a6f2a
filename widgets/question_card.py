"""A question as a card: what is asked in full, why, where, what it changes, who asks (UI §3.6). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.text import HIDDEN, visible
from widgets import budget_words
from widgets.cells import Line, wrap
from widgets.needs import asker

LABEL = 10
INDENT = 2

_CHANGES = {
    "check": "by-products of a check at most: it is known to check",
    "read-only": "nothing: it is known to read only",
    "other": "whatever it writes in the worktree; what that is cannot be told before",
    "network": "whatever it writes in the worktree, and whatever it reaches on the network",
    "push": "a place outside this machine: what is pushed cannot be taken back",
}
_TOLD = frozenset(
    {
        "command", "question", "diff", "options", "why_asked", "why", "where", "directory", "sandbox",
        "network", "class", "remember", "task", "tool", "path", "to", "new_text", "raise", "stop", "result",
        "args", "scope", "whose", "spent_usd", "budget_usd", "ahead_usd", "raise_usd", "next_usd", "cheaper",
    }
)  # fmt: skip
"""What is asked with these names has its own rows; everything else is listed as it is."""

_SUBJECTS = ("command", "path", "pattern", "question", "summary", "arguments")
"""Arguments that say what a call is about, the plainest first."""


@dataclass(frozen=True)
class Card:
    """The rows of one question."""

    rows: list[Line]
    options: dict[int, int]
    """Row → place of the choice that stands there."""


def headline(approval: Approval) -> str:
    """What is asked, in the rule above the card."""
    who = asker(approval)
    if approval.kind is ApprovalKind.COMMAND and approval.task:
        return f"{who} asks to run a command"
    if approval.kind is ApprovalKind.QUESTION:
        return f"{who} asks"
    if approval.kind is ApprovalKind.BUDGET:
        return "a budget is reached"
    return visible(approval.title, keep="")


def asked_text(approval: Approval) -> str:
    """The one thing that is asked, as it is stored."""
    ask = approval.ask
    for name in ("command", "question", "diff"):
        if ask.get(name):
            return str(ask[name])
    if approval.kind is ApprovalKind.ESCALATION:
        args = _args(ask)
        found = next((args[name] for name in _SUBJECTS if args.get(name)), "")
        return str(found or ask.get("tool") or ask.get("why") or approval.title)
    if approval.kind is ApprovalKind.BUDGET:
        return budget_words.headline(approval)
    return approval.title


def card(approval: Approval, width: int, choice: int) -> Card:
    """The card, `width` cells wide; `choice` is the place of the chosen answer."""
    rows: list[Line] = [[]]
    if approval.kind is ApprovalKind.EDIT:
        rows += [*_main(_edit_words(approval), width), []]
        rows += diff_rows(str(approval.ask.get("diff", "")), width)
    else:
        rows += _main(asked_text(approval), width)
    rows.append([])
    options: dict[int, int] = {}
    for place, name in enumerate(approval.choices):
        for more, line in enumerate(_option(approval, name, place == choice, width)):
            if not more:
                options[len(rows)] = place
            rows.append(line)
    if options:
        rows.append([])
    for name, text in _facts(approval):
        rows += fact(name, text, width)
    rows += fact("shown", shown_words(approval), width, "text")
    return Card(rows, options)


def rule_card(approval: Approval, width: int, choice: int) -> Card:
    """The rule that `A` would keep, in full, for each place where it may hold."""
    rows: list[Line] = [[], [("  Approve, and do not ask again where this rule holds:", "text")], []]
    options: dict[int, int] = {}
    for place, scope in enumerate(scopes(approval)):
        words = visible(str(approval.ask["remember"][scope]), keep="")
        for more, text in enumerate(wrap(words, max(width - INDENT - 1, 8))):
            if not more:
                options[len(rows)] = place
            rows.append([(" " * INDENT, "text"), (text, "data-bold" if place == choice else "data")])
        rows.append([])
    rows.append([("  enter saves it and approves · esc goes back · /rules takes a rule back", "muted")])
    return Card(rows, options)


def scopes(approval: Approval) -> list[str]:
    """Where a rule made of this answer may hold; none, where no rule may be made."""
    offered = approval.ask.get("remember")
    if approval.hard_gates or not isinstance(offered, dict):
        return []
    return [scope for scope in ("session", "repository") if offered.get(scope)]


def shown_words(approval: Approval) -> str:
    """How much was shown, how much of it hides, and the hash that an answer is bound to."""
    text = asked_text(approval)
    hidden = sum(character not in "\n\t" for character in HIDDEN.findall(text))
    disguised = visible(text).count("‹") - text.count("‹") - hidden
    more = f", {disguised} in disguise" if disguised else ""
    digest = f"{approval.shown_hash[:4]}…{approval.shown_hash[-4:]}"
    return f"{len(text):,} characters, {hidden} hidden{more} · sha256 {digest}"


def fact(name: str, text: str, width: int, role: str = "data") -> list[Line]:
    """One fact; further rows of it stand under its text."""
    head = " " * INDENT + f"{name:<{LABEL}}"
    room = max(width - len(head) - 1, 8)
    lines = wrap(visible(text, keep="\n").rstrip("\n"), room)
    return [[(head if not n else " " * len(head), "muted"), (line, role)] for n, line in enumerate(lines)]


def diff_rows(diff: str, width: int) -> list[Line]:
    """A diff in full, long lines over several rows."""
    roles = {"+": "added", "-": "removed", "@": "heading"}
    rows: list[Line] = []
    for line in diff.removesuffix("\n").split("\n"):
        heads = line.startswith(("+++", "---"))
        role = "muted" if heads else roles.get(line[:1], "code")
        text = visible(line.expandtabs(4), keep="")
        rows += [[(" " * INDENT, "text"), (piece, role)] for piece in pieces(text, max(width - INDENT, 8))]
    return rows


def pieces(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` cells, with nothing left out and nothing added."""
    found: list[str] = []
    piece, size = "", 0
    for character in text:
        cells = cell_len(character)
        if size + cells > width and piece:
            found.append(piece)
            piece, size = "", 0
        piece += character
        size += cells
    return [*found, piece]


def _main(text: str, width: int) -> list[Line]:
    """What is asked: a command wraps anywhere, so that every character of it is there."""
    room = max(width - INDENT - 1, 8)
    lines = visible(text, keep="\n").rstrip("\n").split("\n")
    return [[(" " * INDENT, "text"), (piece, "data-bold")] for line in lines for piece in pieces(line, room)]


def _edit_words(approval: Approval) -> str:
    ask = approval.ask
    return f"{ask.get('path', '')} → {ask['to']}" if ask.get("to") else str(ask.get("path", approval.title))


def _option(approval: Approval, name: str, chosen: bool, width: int) -> Iterator[Line]:
    """A choice, with what it means where that was told."""
    mark, role = ("◆", "data-bold") if chosen else ("◇", "data")
    budget = approval.kind is ApprovalKind.BUDGET
    words = budget_words.option_words(approval, name) if budget else visible(name, keep="")
    for number, text in enumerate(wrap(words, max(width - INDENT - 3, 8))):
        head = f"{' ' * INDENT}{mark} " if not number else " " * (INDENT + 2)
        yield [(head, "text"), (text, role)]


def _facts(approval: Approval) -> Iterator[tuple[str, str]]:
    """(name, text) of everything that is asked, besides the thing itself."""
    ask = approval.ask
    if why := ask.get("why_asked") or (ask.get("why") if approval.kind is not ApprovalKind.EDIT else ""):
        yield "why", str(why)
    if where := _where(approval):
        yield "where", where
    if approval.kind is ApprovalKind.COMMAND and (kind := str(ask.get("class", ""))):
        yield "changes", _CHANGES.get(kind, kind)
    if approval.kind is ApprovalKind.BUDGET:
        if left := budget_words.left_words(approval):
            yield "why", left
        yield "meanwhile", "every agent waits before its next call; nothing is half done"
    if approval.kind is ApprovalKind.ESCALATION:
        if ask.get("tool"):
            yield "call", "\n".join([str(ask["tool"]), *_flat(_args(ask)).splitlines()])
        if ask.get("result"):
            yield "result", str(ask["result"]).expandtabs(4)
    for name, value in ask.items():
        if name not in _TOLD and value not in ("", None, [], {}):
            unit = " s" if name.endswith("_s") else ""
            yield name.removesuffix("_s").replace("_", " "), f"{_flat(value)}{unit}"
    if approval.hard_gates:
        yield "always", f"asked at every level: {', '.join(approval.hard_gates)}"
    if approval.kind is not ApprovalKind.BUDGET:
        yield "asked", _asked_by(approval)


def _where(approval: Approval) -> str:
    ask = approval.ask
    if approval.kind is not ApprovalKind.COMMAND:
        return ""
    where = str(ask.get("where") or ask.get("directory") or "")
    if approval.task and where.startswith("the worktree"):
        where = f"worktree {approval.task}"
    parts = [where] if where else []
    if "sandbox" in ask:
        name = str(ask["sandbox"])
        parts.append("no sandbox" if name in ("", "none") else f"sandboxed by {name}")
    if "network" in ask:
        parts.append("network only for this command" if ask["network"] else "no network")
    return ", ".join(parts)


def _asked_by(approval: Approval) -> str:
    first, *others = approval.asked_by or [asker(approval)]
    if not others:
        return f"by {first}"
    want, all_of = ("wants", "both") if len(others) == 1 else ("want", "all")
    return f"by {first}; {', '.join(others)} {want} the same: one answer serves {all_of}"


def _args(ask: dict[str, Any]) -> dict[str, Any]:
    """The arguments of the call that is asked about; they may come as a text of JSON."""
    args = ask.get("args")
    if isinstance(args, str):
        try:
            args = json.loads(args)
        except ValueError:
            return {"arguments": args} if args else {}
    return args if isinstance(args, dict) else {}


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_flat(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return ", ".join(_flat(inner) for inner in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
