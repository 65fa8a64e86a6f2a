"""kill -9 in the middle of everything: the next `autodev` shows the same screen, and goes on from there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import orders
from tests.fakes.program import Program
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e


def test_after_a_kill_the_same_screen_and_the_same_question_are_there(tmp_path: Path) -> None:
    program = Program(tmp_path, files=orders.FILES, settings=orders.SETTINGS)
    seat = Seat(program)
    with program.model(orders.asking()) as server:
        try:
            seat.begin()
            terminal = seat.terminal
            seat.sees("◐ 1 asks", "± 2 reviews")
            seat.review()
            seat.decide("a", "accepted 1/7")
            seat.decide("e", "━ edit 2/7")
            terminal.send("# mine", "escape")
            terminal.wait("━ 3 Review T1")
            terminal.send("c", "half a com")
            terminal.wait('" half a com')
            terminal.send("escape")
            terminal.wait("draft")
            terminal.steady()
            terminal.send("i", "what is left to")
            terminal.wait("> what is left to")
            before = terminal.steady(0.8).splitlines()
            terminal.kill()
            program.no_process_is_left()
            asked = len(server.requests)

            terminal = seat.open()
            seat.sees("was interrupted", "your 1 decision, 1 draft", "▌ Look first")
            terminal.send("enter")
            seat.sees("half a com          draft", "> what is left to", "‖ paused", "tab answer")
            after = terminal.steady().splitlines()
            assert after[1:] == before[1:], "\n".join(after)
            terminal.send("escape", "4")
            seat.sees("━ 4 Questions", orders.COMMAND, "T2 asks to run a command")
            assert len(server.requests) == asked, "nothing is spent while somebody only looks"
            seat.decide("a", "approved")
            assert seat.decisions()[-1][1] == "approved"
            terminal.send("1", "g", "x")
            seat.sees("± 3 reviews")
            assert "‖ paused" not in terminal.text
            terminal.send("3")
            seat.sees("━ 3 Review T1", "1 accepted  6 open", "half a com          draft")
            terminal.send("n", "p")
            seat.decide("e", "# mine")
            terminal.send("ctrl+q")
            assert terminal.ended() == 0
        finally:
            seat.close()
    program.no_process_is_left()
