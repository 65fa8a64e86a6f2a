"""`autodev demo`: in a terminal of 80×24, its keys pressed at once; with other decisions; without one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autodev_tui.demo.script import FEES, GOAL
from tests.fakes.program import PLAIN, ROOT, git
from tests.fakes.seat import Seat
from tests.fakes.terminal import Terminal

pytestmark = pytest.mark.e2e

GENEROUS_S = 150
"""A minute is promised on a machine of one's own; here others are at work."""


class Guest(Seat):
    """A human in a demo."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "tmp").mkdir()

    @property
    def env(self) -> dict[str, str]:
        """Somebody with a key and a home, which a demo must leave alone."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "AUTODEV_SANDBOX") if name in os.environ}
        return {
            **kept,
            "HOME": str(self.place / "home"),
            "TMPDIR": str(self.place / "tmp"),
            "PYTHONPATH": str(ROOT),
            "ANTHROPIC_API_KEY": "a-key-that-is-never-read",
        }

    def start(self, *arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        """The demo in a terminal."""
        argv = [*PLAIN, "demo", *arguments]
        terminal = Terminal(argv, self.env, self.place, columns=columns, rows=rows)
        self._all.append(terminal)
        return terminal

    @property
    def folder(self) -> Path:
        """Where it happens."""
        (found,) = (self.place / "tmp").glob("autodev-demo-*")
        return found

    @property
    def sample(self) -> Path:
        """The sample repository."""
        return self.folder / "toolshed"

    def begin(self, look: Callable[[Terminal], None] = lambda _: None) -> None:
        """The goal that is typed already is sent, its plan approved."""
        terminal = self.open()
        terminal.wait("demo: enter sends this goal")
        look(terminal)
        terminal.send("enter")
        terminal.wait("◐ plan waits for you")
        terminal.send("tab")
        self.sees("━ Plan ", "demo: a approves the plan")
        self.decide("a", "running")

    def accept(self, *tasks: str) -> None:
        """Everything that is open in these reviews, in the order in which they are shown."""
        left = set(tasks)
        while left:
            shown = self.terminal.wait(lambda text: any(f"━ 3 Review {one} " in text for one in left))
            task = next(one for one in left if f"━ 3 Review {one} " in shown)
            self.terminal.send("enter")
            self.terminal.wait(f"━ Send {task}")
            self.decide("a", f"✓{task}")
            left.remove(task)

    def land(self) -> None:
        """The last decision."""
        self.terminal.wait("± ready to land, verified @")
        self.terminal.send("1")
        self.terminal.wait("g enter land")
        self.terminal.send("g", "enter")
        self.sees("━ Land  ", "✓ verified @", "demo: G reads to the end")
        self.terminal.send("G")
        self.decide("a", "✓ landed")

    def leave(self) -> str:
        """What is printed at the end."""
        self.terminal.send("ctrl+q")
        assert self.terminal.ended() == 0
        return self.terminal.text


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Guest]:
    found = Guest(tmp_path)
    yield found
    found.close()


def _stands(terminal: Terminal) -> None:
    """Header, body, needs-you row, autonomy, composer and footer at rows 1, 2–19, 20, 21, 22–23, 24."""
    rows = terminal.steady().split("\n")
    assert len(rows) == 24
    assert rows[0].startswith(" toolshed  main")
    assert rows[1].startswith("─ 1 Tasks ─") and rows[18].strip(" │") == ""
    assert rows[19] == " demo: enter sends this goal · only the model's words are recorded"
    assert rows[20].startswith(" autonomy  ◇ guided ─ ◆ collaborative")
    assert rows[21].startswith("━ new goal ━") and rows[22] == f" > {GOAL}"
    assert rows[23].startswith(" enter send ")


def test_everything_accepted_with_keys_pressed_at_once(guest: Guest) -> None:
    began = time.monotonic()
    guest.begin(_stands)
    guest.sees("review")
    guest.terminal.send("3")
    guest.accept("T1", "T2", "T3")
    guest.land()
    guest.terminal.wait("demo: that is it")
    took = time.monotonic() - began
    shown = guest.leave()
    print(f"from the start to the landed commit: {took:.1f} s")
    assert took < GENEROUS_S
    sample = guest.sample
    assert str(sample) in shown.replace("\n", "") and "autodev, in a repository of your own" in shown
    assert "rejected" not in git(sample, "log", "main")
    assert FEES.changes[1].new in git(sample, "show", "main:toolshed/fees.py")
    assert git(sample, "status", "--porcelain") == "" and git(sample, "worktree", "list").count("\n") == 0
    assert [one.name for one in guest.folder.iterdir()] == ["toolshed"]
    assert not (guest.place / "home").exists(), "something of the user's was touched"


def test_a_reject_an_edit_and_a_comment(guest: Guest) -> None:
    guest.begin()
    terminal = guest.terminal
    terminal.wait("3 review")
    terminal.send("1", "g", "j", "enter")
    guest.sees("━ 3 Review T1", "4 open", "demo: a accept · r reject")
    guest.decide("a", "accepted 1/4")
    guest.decide("e", "━ edit 2/4")
    terminal.send("down", "down", "down", "end", "  # and no more", "ctrl+o")
    terminal.wait("edited 2/4")
    guest.decide("r", '" why? the agent reads this')
    terminal.send("one return is enough", "enter")
    terminal.wait("rejected 3/4")
    terminal.send("c", "is there a format for this?")
    terminal.wait('" is there a format')
    terminal.send("enter")
    terminal.wait("commented 4/4")
    terminal.send("enter")
    guest.sees("━ Send T1", "one return is enough", "is there a format for this?")
    guest.decide("enter", "sent 4 decisions")
    guest.accept("T2", "T3")
    guest.sees("━ 3 Review T1", "2 open", "loyal = years >= LOYAL_YEARS")
    guest.accept("T1")
    guest.land()
    guest.leave()
    fees = git(guest.sample, "show", "main:toolshed/fees.py")
    first, second, third, fourth = FEES.changes
    assert first.new in fees and third.other in fees and f"{fourth.other.rstrip()}" in fees
    assert f"{second.new.rstrip()}  # and no more\n" in fees
    assert third.new not in fees and fourth.new not in fees


def test_without_a_terminal_it_runs_by_itself_and_tells_what_happened(guest: Guest) -> None:
    done = subprocess.run(
        [*PLAIN, "demo"],
        env=guest.env,
        cwd=guest.place,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "Only the model's words are recorded.",
        "unittest  1 of 12 tests fails",
        "ruff      finds 5 things",
        "you       approve the plan",
        "reject 3: one return is easier to read than two",
        "you       review T1 again: accept 2 hunks",
        "landed    main is now @",
        "unittest  13 tests pass",
        "ruff      finds nothing",
        "6 files changed",
        "feat: a command line, and a list for the door",
        "Next: autodev, in a repository of your own.",
    ):
        assert words in done.stdout
    assert list((guest.place / "tmp").iterdir()) == []
    assert not (guest.place / "home").exists()


def test_without_git_it_says_so(guest: Guest) -> None:
    (guest.place / "bin").mkdir()
    (guest.place / "bin" / "python3").symlink_to(sys.executable)
    environment = guest.env | {"PATH": str(guest.place / "bin")}
    done = subprocess.run(
        [*PLAIN, "demo"],
        env=environment,
        cwd=guest.place,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "the demo needs git, and there is none on your PATH" in done.stderr
    assert list((guest.place / "tmp").iterdir()) == []


@pytest.mark.soak
def test_from_the_first_screen_into_the_demo_and_back(guest: Guest) -> None:
    (guest.place / "nothing").mkdir()
    environment = guest.env | {"HOME": str(guest.place), "ANTHROPIC_API_KEY": ""}
    terminal = Terminal(list(PLAIN), environment, guest.place / "nothing")
    guest.terminal = terminal
    guest._all.append(terminal)
    terminal.wait("Try the demo")
    terminal.steady()
    terminal.send("g", "enter")
    terminal.wait("demo: enter sends this goal")
    terminal.send("ctrl+q")
    guest.sees("Try the demo", "Hand a goal to coding agents")
    terminal.send("ctrl+q")
    assert terminal.ended() == 0
    assert list((guest.place / "tmp").iterdir()) == []
