"""Leaving and coming back: by key, by signal, to the shell and back, and a second one beside the first."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.fakes import orders
from tests.fakes.program import Program
from tests.fakes.seat import Seat
from tests.fakes.terminal import Terminal

pytestmark = pytest.mark.e2e

LEAVE_S = 1.0
"""From the key to the shell's prompt, on a machine with nothing else to do."""


@pytest.fixture
def seat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seat]:
    """Two agents whose changes wait for review, and one that asks; begun once for all ways to leave."""
    program = Program(tmp_path_factory.mktemp("leaving"), files=orders.FILES, settings=orders.SETTINGS)
    program.environment["LC_ALL"] = "C.UTF-8"
    made = Seat(program)
    with program.model(orders.asking(pace_s=0.02)):
        try:
            made.begin()
            made.sees("◐ 1 asks", "± 2 reviews")
            yield made
        finally:
            made.close()


def test_every_way_to_leave_comes_back_to_the_same_screen(seat: Seat) -> None:
    a_second_one_watches_and_names_the_one_that_drives(seat)
    left_by_key_the_same_screen_comes_back(seat)
    in_the_shell_and_back(seat)
    for number in (signal.SIGTERM, signal.SIGHUP):
        a_signal_leaves_in_order(seat, number)
    a_terminal_that_goes_away_ends_it_in_order(seat)


def a_second_one_watches_and_names_the_one_that_drives(seat: Seat) -> None:
    first = seat.terminal
    second = seat.start()
    pid = first.process.pid
    second.wait(f"watching · driven from pid {pid} on pts/")
    second.wait("◐ T2 asks to run")
    second.send("escape", "4")
    second.wait("━ 4 Questions")
    second.steady(0.8)  # still for longer than a question needs to be armed
    second.send("a")
    second.wait("✗ ")
    second.send("ctrl+q")
    assert second.ended() == 0
    assert not seat.events("decided")[1:]
    first.send("1", "2")
    first.wait("━ 2 Agents")


def left_by_key_the_same_screen_comes_back(seat: Seat) -> None:
    seat.review()
    terminal = seat.terminal
    terminal.send("n", "n", "i", "half a word")
    terminal.wait("> half a word")
    before = terminal.steady(0.8).splitlines()
    began = time.monotonic()
    terminal.send("ctrl+q")
    terminal.wait(lambda text: not terminal.screen.alternate)
    took = time.monotonic() - began
    assert terminal.ended() == 0
    assert took < LEAVE_S * (1 + os.getloadavg()[0]), f"{took:.2f} s"
    assert terminal.text.strip() == "autodev brings everything back"
    seat.program.no_process_is_left()

    again = seat.open()
    again.wait("> half a word")
    again.wait("open 3/7")
    assert again.steady(0.8).splitlines() == before
    again.send("ctrl+u", "escape", "1")
    again.wait("━ 1 Tasks")
    tiles = again.steady(0.8)
    assert all(f"─ T{number} " in tiles or f"2 Agents  T{number} " in tiles for number in (1, 2, 3)), tiles
    again.send("3")
    again.wait("━ 3 Review T1")


def leave(terminal: Terminal) -> None:
    """`ctrl+q`, and `enter` where an agent that was just resumed is still on its way to its question."""
    terminal.send("ctrl+q")
    terminal.wait(lambda text: "enter leave" in text or not terminal.screen.alternate)
    if terminal.screen.alternate:
        terminal.send("enter")


def in_the_shell_and_back(seat: Seat) -> None:
    leave(seat.terminal)
    assert seat.terminal.ended() == 0
    program = seat.program
    shell = Terminal(
        ["bash", "--norc", "--noprofile", "-i"], {**program.env, "PS1": "prompt: "}, program.repository
    )
    try:
        shell.wait("prompt:")
        shell.send(" ".join(program.argv), "enter")
        shell.wait("━ 3 Review T1")
        before = shell.steady()
        shell.send("ctrl+z")
        shell.wait("Stopped")
        assert not shell.screen.alternate
        shell.send("fg", "enter")
        shell.wait("━ 3 Review T1")
        assert shell.steady() == before
        shell.send("n")
        shell.wait("open 4/7")
        leave(shell)
        shell.wait("autodev brings everything back")
        shell.send("echo left with $?", "enter")
        shell.wait("left with 0")
    finally:
        shell.close()


def a_signal_leaves_in_order(seat: Seat, number: signal.Signals) -> None:
    terminal = seat.open()
    terminal.wait("━ 3 Review T1")
    terminal.steady()
    terminal.process.send_signal(number)
    assert terminal.ended() == 130
    terminal.wait("autodev brings everything back")
    assert not terminal.screen.alternate
    seat.program.no_process_is_left()
    assert seat.program.status()["state"] in ("running", "interrupted", "paused")


def a_terminal_that_goes_away_ends_it_in_order(seat: Seat) -> None:
    terminal = seat.open()
    terminal.wait("━ 3 Review T1")
    terminal.steady()
    terminal.hang_up()
    assert terminal.ended() != 0
    seat.program.no_process_is_left()
    again = seat.open()
    again.wait("━ 3 Review T1")
    assert "Look first" not in again.text
