"""Any keys in any order: the screen lives on, and nothing is decided that was not looked at."""

from __future__ import annotations

import contextlib
import random
import subprocess
import time

import pytest

from tests.fakes import orders
from tests.fakes.program import Program
from tests.fakes.seat import Seat

pytestmark = pytest.mark.e2e

PANES = "1234567?:"
LETTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ[]<>/&.,=+- "
NAMED = (
    "enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end",
    "backspace", "ctrl+d", "ctrl+u", "ctrl+l", "ctrl+o", "ctrl+r", "ctrl+j", "ctrl+p", "f1",
)  # fmt: skip
COMMANDS = ("/level", "/doctor", "/settings", "/rules", "/prompts", "/log", "/usage", "/sessions", "/export")


def some(chance: random.Random) -> str:
    """One key, or a command of the composer."""
    kind = chance.random()
    if kind < 0.2:
        return chance.choice(PANES)
    if kind < 0.6:
        return chance.choice(LETTERS)
    if kind < 0.97:
        return chance.choice(NAMED)
    return f"i{chance.choice(COMMANDS)}\r"


def hammer(seat: Seat, seed: int, keys: int) -> None:
    """Press this many keys; the screen answers the last one."""
    chance, terminal = random.Random(seed), seat.terminal
    pressed: list[str] = []
    for number in range(keys):
        pressed.append(some(chance))
        terminal.send(pressed[-1])
        if number % 10 == 9:
            time.sleep(0.02)
        if terminal.process.poll() == 0:
            # The palette has a row that leaves.
            terminal = seat.open()
            terminal.wait("autonomy")
        elif terminal.process.poll() is not None:
            break
        if number % 97 == 96:
            terminal.resize(*chance.choice([(80, 24), (120, 36), (60, 18), (200, 60), (40, 10)]))
    assert terminal.process.poll() is None, (
        f"seed {seed}, {pressed[-40:]}\n{terminal.output[-4000:].decode(errors='replace')}"
    )
    terminal.resize(80, 24)
    with contextlib.suppress(subprocess.TimeoutExpired):
        assert terminal.ended(1) == 0
        terminal = seat.open()
    terminal.send("escape", "escape", "escape", "ctrl+l")
    terminal.wait(lambda text: "autonomy" in text or "answer" in text, 60)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(6))
def test_no_key_ends_the_screen(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    program = Program(tmp_path_factory.mktemp("keys"), files=orders.FILES, settings=orders.SETTINGS)
    program.environment["EDITOR"] = "true"
    seat = Seat(program)
    with program.model(orders.asking(pace_s=0.02)):
        try:
            seat.begin()
            hammer(seat, seed, 800)
        finally:
            seat.close()
    program.no_process_is_left()
