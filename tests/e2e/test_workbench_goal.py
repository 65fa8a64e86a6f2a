"""One goal from the first key to the landed commit, in a real terminal of 80×24."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import orders
from tests.fakes.program import Program, call, reply
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e

EDITED = orders.BETTER["total"] + "  # in cents"
LABEL = 'f"{len(order)} article(s)"'
RECEIPT = 'f"{total(order)} cents"'
SECOND = [
    reply(call("read_file", path="shop/orders.py")),
    reply(
        call(
            "edit_file",
            path="shop/orders.py",
            old_text=f"    return {orders.BETTER['label']}\n",
            new_text=f"    return {LABEL}\n",
        ),
        call(
            "edit_file",
            path="shop/orders.py",
            old_text=f"    return {orders.BODIES['receipt']}\n",
            new_text=f"    return {RECEIPT}\n",
        ),
    ),
    reply(call("finish", summary="The review is followed.")),
]
LANDED = orders.module({**orders.BETTER, "total": EDITED, "label": LABEL, "receipt": RECEIPT})


def test_a_goal_is_typed_reviewed_hunk_by_hunk_and_landed(tmp_path: Path) -> None:
    program = Program(tmp_path, files=orders.FILES, settings=orders.SETTINGS)
    seat = Seat(program)
    with program.model(orders.script(pace_s=0.03, second=SECOND)) as server:
        try:
            terminal = seat.open()
            terminal.wait(" shop  main")
            _plan(seat)
            _work_at_once(seat)
            _seven_hunks(seat)
            server.wait_for(lambda: bool(_told(server.requests)))
            quoted = f"+    return {orders.BETTER['label']}\n</untrusted-text>\nTheir words: why plural?\n"
            for said in (quoted, "Their words: receipts name no articles\n", f"    return {EDITED}\n"):
                assert said in _told(server.requests)
            _rest(seat)
            _land(seat)
            terminal.send("ctrl+q")
            assert terminal.ended() == 0
        finally:
            seat.close()
    shown = program("show", seat.sessions[-1].name, "--json").json
    assert (shown["state"], shown["landed"]) == ("landed", seat.git("rev-parse", "main"))
    assert [one["state"] for one in shown["tasks"]] == ["completed"] * 3
    assert {one["evidence"] for one in shown["tasks"]} == {"verified"}
    program.clean()


def _plan(seat: Seat) -> None:
    """Typed, planned, one title and one criterion edited, approved."""
    terminal = seat.terminal
    terminal.send(orders.GOAL)
    terminal.wait("document them\n   and test them.")
    terminal.send("enter")
    terminal.wait("◐ plan waits for you")
    terminal.send("tab")
    terminal.wait("━ Plan  Orders add up")
    terminal.send("e")
    terminal.wait("━ T1 as text ━")
    terminal.steady()
    terminal.send("end", " exactly", "ctrl+o")
    terminal.wait("T1 Put the sums right exactly   ")
    assert seat.decide("a", "● T1") and seat.events("decided")[-1]["state"] == "approved"


def _work_at_once(seat: Seat) -> None:
    """The three agents' times overlap."""
    seat.terminal.wait("± 3 reviews")
    spans = []
    for task in ("T1", "T2", "T3"):
        steps = [one["at"] for one in seat.events("step_moved") if one["task"] == task]
        spans.append((min(steps), max(steps)))
    assert max(start for start, _ in spans) < min(end for _, end in spans)


def _seven_hunks(seat: Seat) -> None:
    """Four accepted, one edited, one commented, one rejected, all sent."""
    terminal = seat.terminal
    terminal.send("1", "g", "j", "enter")
    terminal.wait("━ 3 Review T1")
    seat.decide("a", "accepted 1/7")
    for number in (2, 3, 4):
        terminal.wait(f"▌@@ def {orders.NAMES[number - 1]}(")
        seat.decide("a", f"accepted {number}/7")
    terminal.wait("▌@@ def total")
    seat.decide("e", "━ edit 5/7")
    terminal.send("down", "down", "down", "end", "  # in cents", "ctrl+o")
    terminal.wait("edited 5/7")
    terminal.send("j", "c", "why plural?")
    terminal.wait('" why plural?')
    terminal.send("enter")
    terminal.wait("commented 6/7")
    terminal.send("n")
    terminal.wait("▌@@ def receipt")
    seat.decide("r", '" why? the agent reads this')
    terminal.send("receipts name no articles", "enter")
    terminal.wait("rejected 7/7")
    terminal.send("enter")
    seat.sees("━ Send T1", "receipts name no articles", "why plural?")
    seat.decide("enter", "sent 7 decisions")


def _told(requests: list[dict[str, Any]]) -> str:
    """What the agent was sent that holds the comment, word for word."""
    for one in requests:
        for message in one.get("body", {}).get("messages", ()):
            for block in message["content"] if message["role"] == "user" else ():
                text = str(block.get("text", ""))
                if "why plural?" in text:
                    return text
    return ""


def _rest(seat: Seat) -> None:
    """The two small reviews are accepted at once; the first agent's next round asks only for what is new."""
    terminal = seat.terminal
    for _ in range(2):
        shown = terminal.wait(lambda text: "━ 3 Review T2" in text or "━ 3 Review T3" in text)
        task = "T2" if "━ 3 Review T2" in shown else "T3"
        terminal.send("enter")
        terminal.wait(f"━ Send {task}")
        seat.decide("a", f"✓{task}")
    seat.sees("━ 3 Review T1", "▌@@ def label", "━ 2 open ━", LABEL)
    terminal.send("enter")
    terminal.wait("━ Send T1")
    seat.decide("a", "3 of 3 done")


def _land(seat: Seat) -> None:
    """The last decision; the commit holds what was decided, and its own tree was checked."""
    terminal = seat.terminal
    before = seat.git("rev-parse", "main")
    terminal.wait("± ready to land, verified @")
    terminal.send("1", "g", "enter")
    seat.sees("━ Land  ", "✓ verified @")
    terminal.send("G")
    seat.decide("a", "✓ landed")
    assert seat.git("rev-parse", "main") != before
    assert seat.git("show", "main:shop/orders.py") == LANDED.rstrip("\n")
    assert "− discount + shipping" in seat.git("show", "main:docs/orders.md")
    tree = seat.git("rev-parse", "main^{tree}")
    assert {one["tree"] for one in seat.events("checked") if one["result"] == "passed"} >= {tree}
