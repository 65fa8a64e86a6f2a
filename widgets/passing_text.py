"""A text area that comes and goes."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import TextArea


class PassingText(TextArea):
    """May be drawn one last time after its end: TextArea, whose styles are gone by then, does not bear it."""

    def render_lines(self, crop: Region) -> list[Strip]:
        """The rows; blank ones after the end."""
        if not self.is_attached:
            return [Strip.blank(crop.width)] * crop.height
        return super().render_lines(crop)
