"""The glyphs: one cell each, each with an ASCII stand-in of one cell, so that no column ever moves."""

from __future__ import annotations

ASCII = str.maketrans(
    {
        "○": "o", "◌": ".", "●": "*", "◐": "?", "±": "=", "■": "#", "‖": "z", "✓": "v", "✗": "x", "⊘": "/",
        "↺": "^", "✎": "e", "≡": "%", "≠": "!", "≈": "~", "·": ".", "▌": ">", "›": ">", "▸": "+", "▾": "-",
        "◆": "@", "◇": "o", "→": ">", "←": "<", "…": ".", "╱": "/", "━": "=", "─": "-", "│": "|", "┃": "|",
        "−": "-", "–": "-", "—": "-", "×": "x", "‹": "<", "“": '"', "”": '"', "’": "'", "╲": "\\", "⋮": ":",
        "█": "#", "▏": "|", "↑": "^", "↓": "v", "≤": "<", "≥": ">", "┆": ":", "•": "*", "▁": "_", "▂": "_",
        "▃": "-", "▄": "-", "▅": "=", "▆": "=", "▇": "#",
    }
)  # fmt: skip
"""Unicode glyph → ASCII stand-in (UI §5). Applied to our own text as it is drawn, never to data."""

SPINNER = "─╲│╱"
"""Four frames a second, in the header, only while a model or a command really works."""

TASK = {
    "planned": "○",
    "ready": "◌",
    "running": "●",
    "asks": "◐",
    "review": "±",
    "conflict": "±",
    "blocked": "■",
    "stuck": "■",
    "paused": "‖",
    "done": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "retrying": "↺",
    "waiting": "◌",
    "needs a model": "◇",
    "finished": "✓",
}
"""Word of a task's or agent's state → glyph."""

HUNK = {
    "open": "○",
    "accepted": "✓",
    "rejected": "✗",
    "edited": "✎",
    "commented": '"',
    "mechanical": "≡",
    "came back": "↺",
    "moved": "≠",
}
"""Word of a hunk's state → glyph."""

EVIDENCE = {
    "not checked": "·",
    "claimed": "≈",
    "verified": "✓",
    "stale": "↺",
    "failing": "✗",
    "unverifiable": "⊘",
    "ticked": "✓",
}
"""Word of an evidence's state → glyph."""

ROLE = {
    "planned": "muted",
    "ready": "muted",
    "running": "running",
    "asks": "asks",
    "review": "asks",
    "conflict": "asks",
    "blocked": "asks",
    "stuck": "asks",
    "paused": "muted",
    "done": "done",
    "failed": "failed",
    "cancelled": "muted",
    "retrying": "running",
    "waiting": "muted",
    "needs a model": "asks",
    "finished": "done",
    "open": "muted",
    "accepted": "done",
    "rejected": "failed",
    "edited": "done",
    "commented": "asks",
    "mechanical": "muted",
    "came back": "asks",
    "moved": "asks",
    "not checked": "muted",
    "claimed": "text",
    "verified": "done",
    "stale": "asks",
    "failing": "failed",
    "unverifiable": "muted",
    "ticked": "done",
}
"""Word of a state → colour role."""
