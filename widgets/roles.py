"""Colour roles: what a piece of text means, turned into a style by theme variables only (UI §5).

Without colour, bold, dim and reverse carry the same roles; nothing is ever said by colour alone. The styles
are made once a theme, not by component classes, which cost every pane a matching of every rule at the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rich.segment import Segment as RichSegment
from rich.style import Style
from textual.color import Color, ColorParseError
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Line
from widgets.glyphs import ASCII


@dataclass(frozen=True)
class Role:
    """How a role looks: variables of the theme, attributes, and the attributes that stand for its hue."""

    color: str = "text"
    background: str = ""
    style: str = ""
    plain: str = ""
    """Attributes without colour, beside `style`."""
    dim: bool = False
    """Fainter than the text: dim where the terminal's own colours or none are used."""


_TEXT, _MUTED = Role(), Role("text-muted", dim=True)
_BOLD = Role(style="bold")
ROLES: dict[str, Role] = {
    "text": _TEXT,
    "bold": _BOLD,
    "muted": _MUTED,
    "focus": Role("primary", style="bold"),
    "rule": Role("foreground-muted", dim=True),
    "running": Role("text-primary"),
    "asks": Role("text-warning", plain="bold"),
    "done": Role("text-success"),
    "failed": Role("text-error"),
    "heading": Role(background="boost", style="bold"),
    "cursor": Role("block-cursor-foreground", "block-cursor-background", plain="reverse"),
    "hit": Role("", style="reverse"),
    "selected": Role("", "screen-selection-background", plain="reverse"),
    "added": Role(background="success-muted"),
    "removed": Role(background="error-muted"),
    "added-word": Role(background="success-muted", style="bold", plain="underline"),
    "removed-word": Role(background="error-muted", style="bold", plain="underline"),
    "gutter": _MUTED,
    "gutter-cursor": Role(style="reverse"),
    "key": Role("text-accent", style="bold"),
    "key-off": _MUTED,
    "link": Role("text-accent", style="underline"),
    "code": _TEXT,
    "code-keyword": Role("text-accent"),
    "code-string": Role("text-success"),
    "code-comment": Role("text-muted", style="italic", dim=True),
    "code-number": Role("text-warning"),
    "code-name": Role("text-primary"),
    "code-operator": _MUTED,
    "data": _TEXT,
    "data-muted": _MUTED,
    "data-bold": _BOLD,
}
"""`data…` is text that is not ours: it is drawn as it is, also where our glyphs are ASCII."""


class Palette:
    """The styles of all roles under one theme, over one background."""

    def __init__(self, variables: dict[str, str], background: Color, *, ansi: bool, hueless: bool) -> None:
        self._variables = variables
        self._background = background
        self._ansi = ansi
        self._hueless = hueless
        self._styles: dict[str, Style] = {}

    def style(self, role: str) -> Style:
        """The style of a role."""
        found = self._styles.get(role)
        if found is None:
            found = self._styles[role] = self._make(ROLES[role])
        return found

    def _make(self, role: Role) -> Style:
        attributes = Style.parse(role.style) if role.style else Style()
        if self._hueless and role.plain:
            attributes += Style.parse(role.plain)
        if role.dim and (self._hueless or self._ansi):
            attributes += Style(dim=True)
        under = self._background
        backing = Style()
        # Without colour a shade says nothing that the sign beside it does not say; a cursor is reversed.
        if role.background and not (self._hueless and role.plain == "reverse"):
            under = self._color(role.background, under)
            backing = Style(bgcolor=under.rich_color)
        name = "" if not role.color else "text" if self._hueless else role.color
        front = Style(color=self._color(name, under).rich_color) if name else Style()
        return backing + front + attributes

    def _color(self, variable: str, under: Color) -> Color:
        value = self._variables.get(variable, "")
        if value.startswith("auto"):
            share = float(value.partition(" ")[2].rstrip("%") or 100) / 100
            if self._ansi:
                return Color.parse("ansi_default")
            return under.blend(under.get_contrast_text(1), share, 1)
        try:
            color = Color.parse(value)
        except ColorParseError:
            return under.get_contrast_text(1)
        return color if color.ansi is not None or color.a == 1 else under.blend(color, color.a, 1)


@lru_cache(maxsize=16)
def palette(variables: tuple[tuple[str, str], ...], background: Color, ansi: bool, hueless: bool) -> Palette:
    """The palette of a theme, made once."""
    return Palette(dict(variables), background, ansi=ansi, hueless=hueless)


class Drawn(Widget):
    """A widget that draws lines of (text, role) segments."""

    _palette: tuple[object, Palette] | None = None

    def style_of(self, role: str) -> Style:
        """The style of a role here and now, to lie over the widget's own."""
        app = self.app
        background = self.background_colors[1]
        now = (app.theme, background, app.no_color)
        if self._palette is None or self._palette[0] != now:
            variables = tuple(sorted(app.get_css_variables().items()))
            self._palette = (now, palette(variables, background, app.current_theme.ansi, app.no_color))
        return self._palette[1].style(role)

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
