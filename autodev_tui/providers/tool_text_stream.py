"""What of a text that streams may be shown at once: nothing from the first mark of a call on."""

from __future__ import annotations

from autodev_tui.providers.tool_text_shapes import MARKER, MARKS

_BEGINNINGS = frozenset(mark[:length] for mark in MARKS for length in range(1, len(mark)))
_LONGEST = max(map(len, _BEGINNINGS))


class Withheld:
    """Feed it the pieces; what it gives back is for showing, `rest` is what it kept."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self.holding = False
        """A mark has come."""

    def feed(self, piece: str) -> str:
        """As much of the text so far as is surely no call."""
        if self.holding:
            self._kept.append(piece)
            return ""
        text = self.rest() + piece
        match = MARKER.search(text)
        if match:
            self.holding, at = True, match.start()
        else:
            at = next(
                (
                    place
                    for place in range(max(0, len(text) - _LONGEST), len(text))
                    if text[place:] in _BEGINNINGS
                ),
                len(text),
            )
        self._kept = [text[at:]]
        return text[:at]

    def rest(self) -> str:
        """All that was kept, which is not kept any more."""
        kept, self._kept = "".join(self._kept), []
        return kept
