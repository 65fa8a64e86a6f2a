"""What is seen without a key, colours or glyphs, at any size, of hostile names, after an error of its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import orders
from tests.fakes.program import ROOT, Program, call, plan, reply, task
from tests.fakes.program import agent as agent_says
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    """A repository, nothing else."""
    made = Seat(Program(tmp_path, files=orders.FILES, settings=orders.SETTINGS))
    yield made
    made.close()


def test_without_a_key_the_first_run_says_what_is_missing_and_does_it(seat: Seat) -> None:
    # What a shell exported of a size that the terminal had once.
    seat.program.environment |= {"COLUMNS": "60", "LINES": "18"}
    terminal = seat.open()
    terminal.resize(120, 36)
    terminal.wait(lambda text: text.split("\n")[35].strip() and len(text.split("\n")[0]) > 100)
    text = seat.sees("no model yet", "! model", "▌ Try the demo", "Set a key for Anthropic", "i type")
    for name in re.findall(r"^  ! (\w+)", text, re.MULTILINE):
        actions = {"model": "Set a key", "trust": "trust", "sandbox": "doctor", "git": "git"}
        assert actions[name] in text.split("▌")[1]
    terminal.send("i", "a goal [ar?4")
    terminal.wait("> a goal [ar?4")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0


def test_without_colour_and_at_any_size_everything_can_be_named(seat: Seat) -> None:
    seat.program.environment["NO_COLOR"] = "1"
    with seat.program.model(orders.asking(pace_s=0.02)):
        seat.begin()
        text = seat.sees("◐ 1 asks", "± 2 reviews", "━ 1 Tasks", "± T1", "review", "◐ T2", "asks", "± T3")
        assert "─ 2 Agents" in text and "▌▾ Orders add" in text, (
            "focus is the heavy rule, the cursor its mark"
        )
        assert text.count("◆") == 1 and "◆ collaborative" in text
        seat.review()
        seat.decide("a", "accepted 1/7")
        seat.decide("r", '" why? the agent reads this')
        seat.terminal.send("no", "enter")
        seat.terminal.wait("rejected 2/7")
        seat.terminal.send("g")
        seat.sees("━ 3 Review T1", "✓ accepted 1/7", "✗ rejected 2/7", "─ to T1")
        seat.terminal.send("i")
        seat.sees("─ 3 Review T1", "━ to T1")
        hues = set(re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", seat.terminal.output))
        assert all(red == green == blue for red, green, blue in hues)
        seat.terminal.send("escape", "n", "n", "n", "j")
        seat.terminal.wait("▌@@ def shipping")
        any_size_keeps_line_cursor_and_decisions(seat)


def any_size_keeps_line_cursor_and_decisions(seat: Seat) -> None:
    terminal = seat.terminal
    before = _diff(terminal.steady(0.6))
    terminal.resize(59, 17)
    terminal.wait("autodev needs 60×18, this is 59×17")
    decided = seat.decisions()
    terminal.send("a", "a", "r", "4", "enter", "ctrl+p")
    assert "4 Questions" not in terminal.steady()
    for columns, rows in [(120, 36), (200, 60), (61, 19), (80, 40), (10, 5), (120, 36)]:
        terminal.resize(columns, rows)
    terminal.wait("━ 3 Review T1")
    terminal.wait(lambda text: _diff(text)[:1] == before[:1])
    terminal.resize(80, 24)
    terminal.wait("━ 3 Review T1")
    assert _diff(terminal.steady(0.6)) == before
    assert seat.decisions() == decided


def _diff(text: str) -> list[str]:
    """The rows of the diff: numbers, marks and code."""
    rows = [line.rpartition("│")[2].lstrip("▌ ") for line in text.splitlines()]
    return [row.rstrip("…") for row in rows if re.match(r"\d+ ", row)]


HOSTILE = "docs/a\u202eb[/b].md"
HOSTILE_COMMAND = "echo '\u202e[/b]\x1b[31m' > out.txt"


def test_hostile_names_and_commands_are_shown_as_what_they_are(seat: Seat) -> None:
    words: dict[str, Any] = {
        "conversations": [
            plan(task("T1", "Name it [/b] \u202e\x1b[31m", files=[HOSTILE])),
            agent_says(
                "Name it",
                reply(call("write_file", path=HOSTILE, content="one\n\x1b[2J\u202e[/b] two\n")),
                reply(call("run_command", command=HOSTILE_COMMAND)),
                reply(call("finish", summary="Done [/b]\u202e.")),
            ),
        ]
    }
    with seat.program.model(words):
        seat.begin()
        terminal = seat.terminal
        seat.sees("◐ 1 asks", "T1 Name it [/b] ‹", "write  docs/a‹U+202E›b[/b].md")
        terminal.send("4")
        seat.sees("echo '‹U+202E›[/b]‹1B›[31m' > out.txt", "2 hidden")
        seat.decide("a", "approved")
        terminal.wait("± 1 review")
        terminal.send("3")
        seat.sees("━ 3 Review T1", "docs/a‹U+202E›b[/b].md", "‹1B›[2J‹U+202E›[/b] two")
        assert "\u202e".encode() not in terminal.output
        assert not any(unicodedata.category(one) in ("Cf", "Cc") for one in terminal.text if one != "\n")
        terminal.send("ctrl+q")
        assert terminal.ended() == 0


BROKEN = """
import widgets.header

real = widgets.header.header

def header(mirror, *rest, **more):
    password = "elpats yrettab"[::-1]
    if mirror.session is not None:
        raise RuntimeError("the header broke")
    return real(mirror, *rest, **more)

widgets.header.header = header
"""


def test_an_error_of_its_own_ends_the_screen_cleanly_and_tells_no_values(seat: Seat) -> None:
    broken = seat.program.place / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text(BROKEN)
    with seat.program.model(orders.script(pace_s=0.02)):
        seat.program.environment["PYTHONPATH"] = f"{broken}:{ROOT}"
        terminal = seat.open()
        terminal.wait(" shop  main")
        terminal.send(orders.GOAL, "enter")
        assert terminal.ended(30) == 1
        assert b"the header broke" in terminal.output
        terminal.wait("nothing is lost: start autodev")
        assert not terminal.screen.alternate
        assert b"battery" not in terminal.output
        seat.program.no_process_is_left()
        del seat.program.environment["PYTHONPATH"]
        seat.open()
        seat.sees("A session ended", "▌ Look first")
