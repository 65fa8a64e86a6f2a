"""A human at the workbench: the program in a terminal, what it recorded, and keys pressed with care."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

from tests.fakes import orders
from tests.fakes.program import Program, git
from tests.fakes.terminal import Terminal

ARMED_S = 0.75
"""Longer than any question needs to be armed once its row is drawn."""
REFUSED_S = 3.0
"""By then a key that came too soon has been refused."""


class Seat:
    """The workbench of `program` in a terminal of 80×24, started anew by every `open`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.terminal: Terminal

    def open(self, *arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Start `autodev`."""
        self.terminal = self.start(*arguments, columns=columns, rows=rows)
        return self.terminal

    def start(self, *arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Start one more `autodev`, beside the one at hand."""
        program = self.program
        argv = [*program.argv, *arguments]
        terminal = Terminal(argv, program.env, program.repository, columns=columns, rows=rows)
        self._all.append(terminal)
        return terminal

    @property
    def _all(self) -> list[Terminal]:
        return self.__dict__.setdefault("terminals", [])  # type: ignore[no-any-return]

    def close(self) -> None:
        """End whatever still runs."""
        for terminal in self._all:
            terminal.close()

    # -- pressing keys

    def begin(self) -> None:
        """From the first picture to agents at work: a goal is typed, its plan approved."""
        terminal = self.open()
        terminal.wait(" shop  main")
        terminal.send(orders.GOAL, "enter")
        terminal.wait("◐ plan waits for you")
        terminal.send("tab")
        self.sees("━ Plan ", "▌  ○ T1")
        self.decide("a", "the plan is approved")

    def review(self, row: int = 1) -> None:
        """Open the review of the task in this row of the tree."""
        self.terminal.send("1", "g", *("j" for _ in range(row)), "enter")
        self.terminal.wait(f"━ 3 Review T{row}")

    def decide(self, key: str, then: str, timeout_s: float = 30) -> str:
        """Press a key that decides once it counts, as a human does: looks, rests, presses; `then` is seen."""
        deadline = time.monotonic() + timeout_s
        while True:
            time.sleep(ARMED_S)
            self.terminal.send(key)
            with contextlib.suppress(AssertionError):
                return self.terminal.wait(then, REFUSED_S)
            if time.monotonic() > deadline or not _too_soon(self.terminal.text):
                return self.terminal.wait(then, max(deadline - time.monotonic(), 0))

    def sees(self, *words: str, timeout_s: float = 30) -> str:
        """The screen, once it holds all of these."""
        return self.terminal.wait(lambda text: all(one in text for one in words), timeout_s)

    # -- what was recorded

    @property
    def sessions(self) -> list[Path]:
        """Folders of the sessions, oldest first."""
        return sorted(self.program.state_root.glob("repositories/*/sessions/*"))

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The newest session's events."""
        file = self.sessions[-1] / "events.jsonl"
        found = [json.loads(line) for line in file.read_text().splitlines()]
        return [one for one in found if not kinds or one["kind"] in kinds]

    def decisions(self) -> list[tuple[str, str]]:
        """Every decision that was recorded: question and state."""
        return [(one["approval"], one["state"]) for one in self.events("decided")]

    def git(self, *arguments: str) -> str:
        """Output of git in the repository."""
        return git(self.program.repository, *arguments)


def _too_soon(text: str) -> bool:
    return any(words in text for words in ("look first", "nothing was decided", "read to the end first"))
