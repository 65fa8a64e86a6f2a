"""Keys in a real terminal: bursts, files that move under a review, the slider, ctrl+c, ctrl+d."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import orders
from tests.fakes.program import Program, call, reply
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e

BURST = "aaaaayyyAA\r\raayy\r"


@pytest.fixture
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seat]:
    """A question and two reviews wait; the first of them has seven hunks."""
    program = Program(tmp_path_factory.mktemp("asking"), files=orders.FILES, settings=orders.SETTINGS)
    seat = Seat(program)
    with program.model(orders.asking(pace_s=0.02)):
        try:
            seat.begin()
            # All the time that questions and reviews come up, keys come in.
            while "◐ 1 asks" not in seat.terminal.text or "± 2 reviews" not in seat.terminal.text:
                seat.terminal.send("ay")
                time.sleep(0.05)
            yield seat
        finally:
            seat.close()


def test_keys_do_what_they_say_and_nothing_else(asking: Seat) -> None:
    a_burst_of_keys_decides_nothing(asking)
    plain_glyphs_move_no_column(asking)
    letters_are_typed_while_a_question_waits(asking)
    a_file_that_moves_before_the_key_is_refused_and_marked(asking)
    less_autonomy_is_instant_and_more_wants_enter(asking)


def a_burst_of_keys_decides_nothing(asking: Seat) -> None:
    terminal = asking.terminal
    assert [state for _, state in asking.decisions()] == ["approved"], "the plan, by hand, and nothing else"
    for pane, mark in (("4", "━ 4 Questions"), ("3", "━ 3 Review"), ("4", "━ 4 Questions")):
        terminal.send(pane + BURST)
        terminal.wait(mark)
        terminal.steady()
        terminal.send("escape", "escape", "escape")
    terminal.send("escape", "3")
    asking.sees("━ 3 Review", " open ━")
    assert "accepted" not in terminal.text
    assert [state for _, state in asking.decisions()] == ["approved"]
    terminal.send("4")
    asking.sees("━ 4 Questions", orders.COMMAND)


def letters_are_typed_while_a_question_waits(asking: Seat) -> None:
    terminal = asking.terminal
    terminal.send("i")
    terminal.wait("━ to ")
    terminal.send("[a]r?4y", *(["escape", "i"] * 3), "n")
    terminal.wait("> [a]r?4yn")
    terminal.send("ctrl+u")
    terminal.wait(lambda text: "[a]r" not in text)
    terminal.send("ctrl+d")
    terminal.wait("ctrl+q leaves")
    terminal.send("escape")
    terminal.steady()
    assert [state for _, state in asking.decisions()] == ["approved"]


def a_file_that_moves_before_the_key_is_refused_and_marked(asking: Seat) -> None:
    terminal = asking.terminal
    asking.review()
    [file] = asking.program.state_root.glob("**/worktrees/*-T1/shop/orders.py")
    drawn = file.read_text()
    seen = asking.terminal.steady(0.8)
    assert "≠" not in seen
    file.write_text(drawn.replace("What an order costs", "WHAT AN ORDER COSTS"))
    terminal.send("a")
    shown = asking.sees("≠ moved", "look again")
    assert "accepted 1/7" not in shown
    assert not any("accept" in str(one) for one in _drafts(asking))
    assert [state for _, state in asking.decisions()] == ["approved"]


def _drafts(seat: Seat) -> list[Any]:
    """What is kept of decisions that were not sent."""
    [state] = seat.program.state_root.glob("repositories/*/state.json.journal")
    return [line for line in state.read_text().splitlines() if '"decisions": [{' in line]


def less_autonomy_is_instant_and_more_wants_enter(asking: Seat) -> None:
    terminal = asking.terminal
    terminal.send("1")
    terminal.wait("━ 1 Tasks")
    terminal.send("[")
    terminal.wait("◆ guided")
    asking.terminal.wait("guided from the next action on")
    terminal.send("]")
    asking.sees("enter applies")
    assert _level(asking) == "guided", "nothing changes before enter"
    terminal.send("escape")
    terminal.wait("◆ guided")
    terminal.send("]")
    asking.sees("enter applies")
    terminal.send("enter")
    terminal.wait("collaborative from the next action on")
    assert _level(asking) == "collaborative"
    told = [one["text"] for one in asking.events("noticed")]
    assert told[-2:] == ["the slider is at guided", "the slider is at collaborative"]


def plain_glyphs_move_no_column(asking: Seat) -> None:
    terminal = asking.terminal
    for key, mark in (("1", "━ 1 Tasks"), ("3", "━ 3 Review"), ("4", "━ 4 Questions")):
        terminal.send(key)
        terminal.wait(mark)
        before = terminal.steady(0.6)
        asking.program.configure(f'glyphs = "ascii"\n{orders.SETTINGS}')
        after = terminal.wait(lambda text: text.isascii())
        for old, new in zip(before.splitlines(), after.splitlines(), strict=True):
            pairs = [(one, other) for one, other in zip(old, new, strict=False) if one.isascii()]
            kept = [one for one, other in pairs if one == other or one.isdigit()]
            assert len(kept) == len(pairs) and len(old) == len(new), f"{old}\n{new}"
        asking.program.configure(orders.SETTINGS)
        terminal.wait(mark)


def _level(seat: Seat) -> str:
    [session] = seat.sessions
    shown: str = seat.program("show", session.name, "--json").json["slider"]
    return shown


def held(seconds: float) -> dict[str, Any]:
    """Three agents that read, and then think for a long time."""
    words = orders.script(pace_s=0.01)
    for conversation in words["conversations"][1:]:
        first = conversation["replies"][0]
        more = reply(call("list_files"), text="Then I look around.")
        slow = {**conversation["replies"][1], "text": "Now I think. " * 4, "delay_s": 0.1}
        slow["hang"] = {"after": 6, "pings": True}
        conversation["replies"] = [first, more, slow]
    return words


def test_three_agents_are_seen_and_stopped_one_by_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    program = Program(tmp_path_factory.mktemp("three"), files=orders.FILES, settings=orders.SETTINGS)
    seat = Seat(program)
    with program.model(held(60)):
        try:
            seat.begin()
            terminal = seat.terminal
            text = seat.sees(
                "3 running", "T1 put the sums right", "─ T2 document the sums", "─ T3 test the sums"
            )
            text = terminal.wait(lambda text: text.count("Now I think.") >= 3)
            right = [line.partition("│")[2] for line in text.splitlines()[1:19]]
            titles = [at for at, line in enumerate(right) if "● running" in line]
            assert len(titles) == 3
            for first, last in zip(titles, [*titles[1:], len(right)], strict=True):
                assert sum(bool(line.strip()) for line in right[first + 1 : last]) >= 4
            terminal.send("i", "half a thought", "ctrl+c")
            seat.sees("2 running", "paused by you", "> half a thought")
            terminal.send("ctrl+c")
            terminal.wait(lambda text: "running" not in text and text.count("‖ paused by you") == 3)
            assert "> half a thought" in terminal.text
            terminal.send("ctrl+c")
            terminal.wait("ctrl+q leaves")
            terminal.send("ctrl+q")
            assert terminal.ended() == 0
        finally:
            seat.close()
    program.no_process_is_left()
