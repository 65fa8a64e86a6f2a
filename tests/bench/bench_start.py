"""The workbench's start: from nothing to a painted frame that answers a key."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.harness import Row, compare, interleaved
from tests.fakes.program import ROOT, Program
from tests.fakes.terminal import Terminal

SAMPLES = 15
RATIO = 1.5
LETTER = "%"
BARE = """
from textual.app import App
from textual.containers import Horizontal, Vertical
from textual.scroll_view import ScrollView
from textual.widgets import Static, TextArea


class Bare(App):
    CSS = "Static { height: 1; } TextArea { height: 3; }"

    def compose(self):
        yield Static("header")
        with Horizontal():
            yield ScrollView()
            yield Static("|")
            with Vertical():
                yield ScrollView()
                yield ScrollView()
        yield Static("needs")
        yield Static("autonomy")
        yield TextArea()
        yield Static("footer")

    def on_mount(self):
        self.query_one(TextArea).focus()


Bare().run()
"""
"""A bare Textual app with as many panes as the workbench has, its field focused."""


def until_it_answers(argv: list[str], environment: dict[str, str], directory: Path) -> float:
    """Seconds from the start of the process until a typed letter is on the screen."""
    start = time.perf_counter()
    terminal = Terminal(argv, environment, directory)
    try:
        terminal.wait(lambda text: terminal.screen.alternate and bool(text.strip()))
        terminal.send(LETTER)
        terminal.wait(LETTER)
        return time.perf_counter() - start
    finally:
        terminal.close()


def run() -> list[Row]:
    """The start against a bare Textual app of as many panes."""
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), environment={"ANTHROPIC_API_KEY": "of-nobody"})
        environment = {**program.env, "TERM": "xterm-256color"}
        ours = [sys.executable, "-m", "autodev_tui"]
        bare = [sys.executable, "-c", BARE]
        until_it_answers(ours, environment, program.repository)
        mine, theirs = interleaved(
            lambda: until_it_answers(ours, environment, program.repository),
            lambda: until_it_answers(bare, {**os.environ, "PYTHONPATH": str(ROOT)}, program.repository),
            count=SAMPLES,
        )
    return [compare("start to a frame that answers a key, against a bare Textual app", mine, theirs, RATIO)]
