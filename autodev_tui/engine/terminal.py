"""What the terminal can do, as far as its variables and tmux tell."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from autodev_tui.domain.text import visible
from autodev_tui.engine.finding import Finding, ask

SLOW_ESCAPE_MS = 50
"""A longer escape-time of tmux is felt whenever `escape` is pressed."""
_NO_CLIPBOARD = ("Apple_Terminal",)
"""Terminals that do not take text for the clipboard by OSC 52."""


def terminal(environment: Mapping[str, str]) -> list[Finding]:
    """Terminal, colours, clipboard and characters. Sync; asks tmux where it is inside of it."""
    found = [_kind(environment)]
    if environment.get("TMUX"):
        found.append(_tmux(environment))
    elif environment.get("TERM_PROGRAM") in _NO_CLIPBOARD:
        text = "this terminal takes no text by OSC 52: copies are shown in a sheet instead"
        found.append(Finding("clipboard", "warn", text, "another terminal, such as iTerm2, kitty or Ghostty"))
    else:
        found.append(Finding("clipboard", "ok", "by OSC 52, where the terminal allows it"))
    return [*found, _characters(environment)]


def _kind(environment: Mapping[str, str]) -> Finding:
    kind = environment.get("TERM", "")
    if kind in ("", "dumb"):
        todo = "autodev run and autodev status work without one"
        return Finding("terminal", "warn", f"TERM is {kind or 'not set'}: no workbench", todo)
    if environment.get("NO_COLOR"):
        colours = "no colours (NO_COLOR)"
    elif environment.get("COLORTERM") in ("truecolor", "24bit"):
        colours = "16 million colours"
    else:
        colours = "256 colours" if "256" in kind else "16 colours, or more that it does not tell"
    return Finding("terminal", "ok", f"{visible(kind, keep='')}, {colours}")


def _tmux(environment: Mapping[str, str]) -> Finding:
    waits = ask(["tmux", "show-options", "-sv", "escape-time"], environment)
    clipboard = ask(["tmux", "show-options", "-sv", "set-clipboard"], environment)
    problems, todo = [], []
    if waits.isdigit() and int(waits) > SLOW_ESCAPE_MS:
        problems.append(f"escape waits {waits} ms")
        todo.append("set -s escape-time 10")
    if clipboard == "off":
        problems.append("copies do not reach the clipboard")
        todo.append("set -s set-clipboard on")
    if problems:
        return Finding("tmux", "warn", ", ".join(problems), f"in ~/.tmux.conf: {'; '.join(todo)}")
    return Finding("tmux", "ok", f"escape-time {waits or '?'} ms, set-clipboard {clipboard or '?'}")


def _characters(environment: Mapping[str, str]) -> Finding:
    names = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in names if environment.get(name)), "")
    if "utf8" in locale.lower().replace("-", ""):
        return Finding("locale", "ok", visible(locale, keep=""))
    if sys.platform == "darwin" and not locale:
        return Finding("locale", "ok", "the system's own, UTF-8")
    text = f"{visible(locale, keep='') or 'none'} is not UTF-8: signs may not be drawn"
    return Finding("locale", "warn", text, 'export LC_ALL=C.UTF-8, or glyphs = "ascii" in the settings')
