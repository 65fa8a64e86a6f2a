"""The rows of the last decision: what moves and how, and everything that it rests on (UI §3.9). Pure."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.approval import Approval
from autodev_tui.domain.text import visible
from widgets.cells import Line, cut, cut_line, wrap
from widgets.glyphs import EVIDENCE, ROLE
from widgets.wording import counted, lines, short_hash, took

NAME, WHAT = 13, 34
"""Cells of the first columns: the branch, what becomes of it."""
REST = 22
"""Cells of what it rests on."""
BEFORE = "red before too"

_RESULTS = {"passed": "verified", "failed": "failing", "not_run": "not checked"}


def landing_rows(
    approval: Approval, checks: list[dict[str, Any]], facts: dict[str, Any], name: str, width: int
) -> list[Line]:
    """What would move, and what it rests on; `name` is what the session's branch is called here."""
    ask = approval.ask
    rows: list[Line] = []
    if facts:
        commits, files = int(facts["commits"]), int(facts["files"])
        size = (
            f"{_count(commits, 'commit')}, {_count(files, 'file')}, {lines(facts['added'], facts['removed'])}"
        )
    else:
        size = _count(len(ask.get("paths", [])), "file")
    rows.append(_moves(name, size, str(ask["head"])))
    moved = facts.get("target_moved")
    unmoved = (
        "not moved since you started" if moved is False else "has moved since you started" if moved else ""
    )
    rows.append(_moves(str(ask["branch"]), unmoved, str(ask["old"])))
    how = {"ff": "fast-forward", "merge": "a merge commit"}.get(str(ask["mode"]), str(ask["mode"]))
    hows = [str(one) for one in ask.get("hows", [])]
    change = [(f" m {hows[0]}", "muted")] if hows else []
    rows.append([(f"  {'how':<{NAME}} ", "muted"), (f"{how:<{WHAT}}", "text"), *change])
    rows.append([])
    rows += [_check(one, str(ask["tree"]), width) for one in checks]
    rows += _quality(ask.get("quality", {}), facts.get("needed"))
    rows += _reviewed(facts.get("reviewed", {}))
    for one in facts.get("dependencies", []):
        text = f"{one.get('path', '')}  {one.get('text', '')}"
        rows.append(_rest("!", "asks", "dependencies", text))
    rows += _own_files(facts)
    for one in ask.get("hooks", []):
        text = f"{one.get('path', '')} runs {one.get('runs', '')}".strip()
        rows.append(_rest("!", "asks", "hook", text))
    return rows


def refusal_rows(approval: Approval, width: int) -> list[Line]:
    """A landing that was refused: nothing moved, why, and what to do."""
    ask = approval.ask
    room = max(width - 4, 8)
    rows: list[Line] = [[]]
    words = f"refused with nothing moved: {visible(str(ask['why']))}"
    for number, text in enumerate(wrap(words, room)):
        rows.append([("    " if number else "  ✗ ", "failed"), (text, "data-bold")])
    rows += [[], [(f"    {visible(str(ask['branch']), keep='')}", "data"), (" is as it was.", "text")]]
    rows.append([("    Put right what it names, then a tries again · r gives this landing up", "text")])
    for hook in ask.get("hooks", []):
        rows += [
            [],
            [
                ("  hook  ", "muted"),
                (visible(str(hook.get("name") or hook.get("path", "")), keep=""), "data"),
            ],
        ]
        for text in wrap(visible(str(hook.get("output", "")), keep="\n").rstrip("\n"), room):
            rows.append([("    ", "text"), (text, "data-muted")])
    return rows


def message_rows(message: str, width: int) -> list[Line]:
    """The commit's message in full."""
    rows: list[Line] = []
    for number, line in enumerate(visible(message.rstrip("\n"), keep="\n").split("\n")):
        rows += [
            [("  ", "text"), (text, "data" if number else "data-bold")]
            for text in wrap(line, max(width - 3, 8))
        ]
    return rows


def _count(number: int, noun: str) -> str:
    return f"{counted(number)} {noun}{'' if number == 1 else 's'}"


def _moves(name: str, words: str, commit: str) -> Line:
    shown = cut(visible(name, keep=""), NAME)
    return [
        (f"  {shown:<{NAME}} ", "data"),
        (f"{words:<{WHAT}}", "text"),
        (f" @{short_hash(commit)}", "muted"),
    ]


def _check(one: dict[str, Any], tree: str, width: int) -> Line:
    word = _RESULTS.get(str(one["result"]), "unverifiable")
    # What was red in the same way before the change is no word against it.
    told, role = (BEFORE, "muted") if one.get("before") else (f"{word} @{short_hash(tree)}", ROLE[word])
    head: Line = [(f"  {EVIDENCE[word]} ", role), (f"{told:<{REST - 2}}", role)]
    command = cut(visible(str(one["command"] or one["check"]), keep=""), max(width - REST - 28, 10))
    ran = one["result"] in ("passed", "failed")
    text = visible(str(one.get("text", "")), keep="")
    rest: Line = [(f"   {text}", "data")] if text else []
    rest += [(f"   {took(float(one['duration_s']))}", "muted")] if ran else []
    return cut_line([*head, (command, "data"), *rest], width)


def _quality(quality: dict[str, Any], needed: float | None) -> list[Line]:
    if "score" not in quality:
        return []
    verdict = str(quality.get("verdict", ""))
    glyph, role = {"pass": ("✓", "done"), "fail": ("✗", "failed")}.get(verdict, ("!", "asks"))
    need = f"needed {needed:.2f}" if needed is not None else ""
    rows = [_rest(glyph, role, f"quality  {float(quality['score']):.2f}", need)]
    if verdict != "pass":
        rows += [_rest(" ", "text", "", str(one)) for one in quality.get("reasons", [])]
    return rows


def _reviewed(reviewed: dict[str, int]) -> list[Line]:
    hunks = reviewed.get("hunks", 0)
    if not hunks:
        return [_rest("!", "asks", "not reviewed", "no hunk of it was looked at by you")] if reviewed else []
    parts = [f"{reviewed[word]} {word}" for word in ("accepted", "edited", "rejected") if reviewed.get(word)]
    return [_rest("✓", "done", "reviewed", f"{_count(hunks, 'hunk')}: {', '.join(parts)}")]


def _own_files(facts: dict[str, Any]) -> list[Line]:
    if "dirty" not in facts:
        return []
    met = facts.get("dirty_met", [])
    if met:
        return [_rest("!", "asks", "your files", f"{', '.join(met)}: changed by you, and by this")]
    dirty = int(facts["dirty"])
    text = f"{dirty} uncommitted, none of them touched by this" if dirty else "none uncommitted"
    return [_rest("·", "muted", "your files", text)]


def _rest(glyph: str, role: str, name: str, text: str) -> Line:
    return [(f"  {glyph} ", role), (f"{name:<{REST - 2}}", "text"), (visible(text, keep=""), "data")]
