"""What every tool gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from autodev_tui.domain.text import visible

MAX_FILE_BYTES = 1_000_000
"""Larger files are neither read nor edited: no model needs them whole, and commands can look into them."""


class ToolProblem(Exception):
    """Why a call was not done, in words for the model: the cause and what is possible instead.

    Public functions of this package return it; inside, it is raised. `denied` says that policy forbids it.
    """

    def __init__(self, text: str, *, denied: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.denied = denied


@dataclass(frozen=True)
class ToolResult:
    """What a call came to.

    `text` is what the model sees, already masked. `data` is JSON for events and the screen. `marks` are files
    that the agent has now seen: path → sha256 of their bytes, None where they are gone.
    """

    text: str
    ok: bool = True
    data: dict[str, Any] = field(default_factory=dict)
    marks: dict[str, str | None] = field(default_factory=dict)


def shown(path: str) -> str:
    """A path as the model and the human see it: one line, nothing hidden."""
    return visible(path, keep="")
