"""Colour roles: what a piece of text means, turned into a style by theme variables only (UI §5).

Without colour, bold, dim and reverse carry the same roles; nothing is ever said by colour alone.
"""

from __future__ import annotations

from functools import cached_property

from rich.segment import Segment as RichSegment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Line
from widgets.glyphs import ASCII

ROLES = (
    "text", "bold", "muted", "focus", "rule", "running", "asks", "done", "failed", "heading", "cursor",
    "hit", "selected", "added", "removed", "added-word", "removed-word", "gutter", "gutter-cursor", "key",
    "key-off", "code", "code-keyword", "code-string", "code-comment", "code-number", "code-name",
    "code-operator", "data", "data-muted", "data-bold", "link",
)  # fmt: skip
"""`data…` is text that is not ours: it is drawn as it is, also where our glyphs are ASCII."""


class Drawn(Widget):
    """A widget that draws lines of (text, role) segments."""

    COMPONENT_CLASSES = {f"role--{role}" for role in ROLES}

    DEFAULT_CSS = """
    Drawn {
        & > .role--text, & > .role--data, & > .role--code, & > .role--gutter { color: $text; }
        & > .role--bold, & > .role--data-bold { color: $text; text-style: bold; }
        & > .role--muted, & > .role--data-muted, & > .role--gutter, & > .role--key-off { color: $text-muted; }
        & > .role--focus { color: $primary; text-style: bold; }
        & > .role--rule { color: $foreground-muted; }
        & > .role--running { color: $text-primary; }
        & > .role--asks { color: $text-warning; }
        & > .role--done { color: $text-success; }
        & > .role--failed { color: $text-error; }
        & > .role--heading { color: $text; background: $boost; text-style: bold; }
        & > .role--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
        & > .role--hit { text-style: reverse; }
        & > .role--selected { background: $screen-selection-background; }
        & > .role--added { background: $success-muted; }
        & > .role--removed { background: $error-muted; }
        & > .role--added-word { background: $success-muted; text-style: bold underline; }
        & > .role--removed-word { background: $error-muted; text-style: bold underline; }
        & > .role--gutter-cursor { text-style: reverse; }
        & > .role--key { color: $text-accent; text-style: bold; }
        & > .role--link { color: $text-accent; text-style: underline; }
        & > .role--code-keyword { color: $text-accent; }
        & > .role--code-string { color: $text-success; }
        & > .role--code-comment { color: $text-muted; text-style: italic; }
        & > .role--code-number { color: $text-warning; }
        & > .role--code-name { color: $text-primary; }
        & > .role--code-operator { color: $text-muted; }
        &:ansi > .role--muted, &:ansi > .role--data-muted, &:ansi > .role--gutter, &:ansi > .role--key-off,
        &:ansi > .role--code-comment { text-style: dim; }
        &:nocolor > .role--focus, &:nocolor > .role--asks { color: $text; text-style: bold; }
        &:nocolor > .role--running, &:nocolor > .role--done, &:nocolor > .role--failed,
        &:nocolor > .role--code-keyword, &:nocolor > .role--code-string, &:nocolor > .role--code-number,
        &:nocolor > .role--code-name, &:nocolor > .role--code-operator { color: $text; }
        &:nocolor > .role--key { color: $text; text-style: bold; }
        &:nocolor > .role--link { color: $text; text-style: underline; }
        &:nocolor > .role--rule, &:nocolor > .role--muted, &:nocolor > .role--data-muted,
        &:nocolor > .role--gutter, &:nocolor > .role--key-off, &:nocolor > .role--code-comment {
            color: $text; text-style: dim;
        }
        &:nocolor > .role--added-word, &:nocolor > .role--removed-word { text-style: bold underline; }
        &:nocolor > .role--cursor { text-style: reverse; }
    }
    """

    @cached_property
    def _blended(self) -> dict[str, tuple[Style, Style]]:
        """Role → its own style, another object when the style sheet has changed, and the blended one."""
        return {}

    def style_of(self, role: str) -> Style:
        """The style of a role here and now, over the widget's own."""
        name = f"role--{role}"
        own = self.get_component_rich_style(name, partial=True)
        known = self._blended.get(role)
        if known and known[0] is own:
            return known[1]
        # Muted text and boosted backgrounds are translucent: they are colours only when they are blended.
        whole = self.get_component_rich_style(name)
        style = own + Style(
            color=whole.color if own.color else None, bgcolor=whole.bgcolor if own.bgcolor else None
        )
        self._blended[role] = own, style
        return style

    def strip(self, line: Line, width: int, *, row: str = "") -> Strip:
        """The line as a strip of exactly `width` cells; `row` is a role that lies under all of it."""
        ascii_only = bool(getattr(self.app, "ascii_glyphs", False))
        base = self.visual_style.rich_style
        if row:
            base += self.style_of(row)
        segments = []
        for text, role in line:
            own = text
            if ascii_only and not role.startswith(("data", "code", "added-word", "removed-word")):
                own = text.translate(ASCII)
            style = base + self.style_of(role)
            if row == "cursor":
                # The cursor's row keeps its own two colours: a role's hue may not be readable on it.
                style = base + Style(bold=style.bold, underline=style.underline)
            segments.append(RichSegment(own, style))
        return Strip(segments).adjust_cell_length(width, base)
