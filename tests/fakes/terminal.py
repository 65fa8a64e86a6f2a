"""A terminal to run the program in: a pseudo-terminal, and as much of an emulator as the program needs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.cells import cell_len

KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "backspace": "\x7f", "up": "\x1b[A", "down": "\x1b[B",
    "right": "\x1b[C", "left": "\x1b[D", "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "home": "\x1b[H",
    "end": "\x1b[F", "shift+tab": "\x1b[Z", "f1": "\x1bOP", "f2": "\x1bOQ",
    **{f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"},
}  # fmt: skip
ESCAPE_S = 0.3
_SEQUENCE = re.compile(
    r"\x1b\[(?P<private>[?>=!]?)(?P<args>[0-9;:$ ]*)(?P<final>[@-~])"
    r"|\x1b\](?P<osc>[^\x07\x1b]*)(?:\x07|\x1b\\)"
    r"|\x1bP[^\x1b]*\x1b\\"
    r"|\x1b[()][0-9A-Za-z]|\x1b[=>78cDEHMNOZ]"
)
_BEGUN = re.compile(r"\x1b(?:\[[?>=!]?[0-9;:$ ]*|\][^\x07\x1b]*\x1b?|P[^\x1b]*\x1b?|[()])?$")


class Emulator:
    """A screen of cells. Colours are left out: what is tested is text; `plain` says whether any came."""

    def __init__(self, columns: int, rows: int) -> None:
        self.title = ""
        self.bells = 0
        self.notices: list[str] = []
        self.colours = 0
        """How many sequences set a colour."""
        self.alternate = False
        self._rest = ""
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Another size; what was on the screen is drawn anew by the program."""
        self.columns, self.rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0

    def lines(self) -> list[str]:
        """The rows, blanks at their ends left out."""
        return ["".join(row).rstrip() for row in self._cells]

    def feed(self, data: str) -> None:
        """Output of the program."""
        data, at = self._rest + data, 0
        self._rest = ""
        while at < len(data):
            character = data[at]
            if character == "\x1b":
                found = _SEQUENCE.match(data, at)
                if found:
                    self._sequence(found)
                    at = found.end()
                    continue
                if _BEGUN.match(data, at):
                    self._rest = data[at:]
                    return
            elif character == "\r":
                self._x = 0
            elif character == "\n":
                self._y = min(self._y + 1, self.rows - 1)
            elif character == "\b":
                self._x = max(self._x - 1, 0)
            elif character == "\x07":
                self.bells += 1
            elif character >= " ":
                self._put(character)
            at += 1

    def _put(self, character: str) -> None:
        width = cell_len(character)
        if not width:
            return
        if self._x + width > self.columns:
            self._x, self._y = 0, min(self._y + 1, self.rows - 1)
        if self._y < self.rows:
            self._cells[self._y][self._x] = character
            for further in range(1, width):
                self._cells[self._y][self._x + further] = ""
        self._x += width

    def _sequence(self, found: re.Match[str]) -> None:
        if osc := found["osc"]:
            code, _, text = osc.partition(";")
            if code in ("0", "2"):
                self.title = text
            elif code == "9":
                self.notices.append(text)
            return
        final, private = found["final"], found["private"]
        numbers = [int(one) if one.isdigit() else 0 for one in (found["args"] or "").split(";")]
        if private == "?" and final in "hl" and 1049 in numbers:
            self.alternate = final == "h"
            self.resize(self.columns, self.rows)
        if private or not final:
            return
        self._move(final, numbers)
        if final == "J" and numbers[0] in (2, 3):
            self._cells = [[" "] * self.columns for _ in range(self.rows)]
        elif final == "K":
            self._cells[self._y][self._x :] = [" "] * (self.columns - self._x)
        elif final == "m" and any(30 <= one <= 49 or 90 <= one <= 107 for one in numbers):
            self.colours += 1

    def _move(self, final: str, numbers: list[int]) -> None:
        first = numbers[0] or 1
        match final:
            case "H" | "f":
                self._y = min(first - 1, self.rows - 1)
                self._x = min((numbers[1] or 1) - 1 if len(numbers) > 1 else 0, self.columns - 1)
            case "A":
                self._y = max(self._y - first, 0)
            case "B":
                self._y = min(self._y + first, self.rows - 1)
            case "C":
                self._x = min(self._x + first, self.columns - 1)
            case "D":
                self._x = max(self._x - first, 0)
            case "G":
                self._x = min(first - 1, self.columns - 1)


class Terminal:
    """The program in a terminal of its own; its screen as text, its keyboard as `send`."""

    def __init__(
        self,
        argv: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.screen = Emulator(columns, rows)
        self._lock = threading.Condition()
        self.output = b""
        """The last 64 KiB of what the program wrote."""
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        self.process = subprocess.Popen(
            argv,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={"TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
            cwd=directory,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """The window has another size."""
        with self._lock:
            self.screen.resize(columns, rows)
        self._set_size(columns, rows)

    def _read(self) -> None:
        rest = b""
        while True:
            with contextlib.suppress(OSError):
                select.select([self._master], [], [], 1)
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            with self._lock:
                if not data:
                    self._lock.notify_all()
                    return
                self.output = (self.output + data)[-65536:]
                text = (rest + data).decode(errors="ignore")
                rest = _cut_character(rest + data)
                self.screen.feed(text)
                self._lock.notify_all()

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        with self._lock:
            return self.screen.lines()

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def row(self, number: int) -> str:
        """A row from 1, as UI documents count them."""
        return self.lines[number - 1]

    def send(self, *keys: str) -> None:
        """Press keys by name; a text of several characters that is no name is typed."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())
            if key == "escape":
                # Followed at once by another key it would be that key with alt.
                time.sleep(ESCAPE_S)

    def wait(self, what: str | Callable[[str], bool], timeout_s: float = 30) -> str:
        """The screen, once it holds `what`. Raises AssertionError with the screen when it does not."""
        holds = (lambda text: what in text) if isinstance(what, str) else what
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while not holds(text := "\n".join(self.screen.lines())):
                left = deadline - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self._reader.is_alive()):
                    raise AssertionError(f"no {what!r} on the screen:\n{text}\n{self.output[-400:]!r}")
                self._lock.wait(min(left, 0.2))
        return text

    def steady(self, quiet_s: float = 0.3, timeout_s: float = 20) -> str:
        """The screen, once nothing was drawn for a while."""
        deadline = time.monotonic() + timeout_s
        with self._lock:
            while time.monotonic() < deadline:
                if not self._lock.wait(quiet_s):
                    return "\n".join(self.screen.lines())
        raise AssertionError(f"the screen never rests:\n{self.text}")

    def hang_up(self) -> None:
        """The window is closed, the line is cut."""
        os.close(self._master)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def ended(self, timeout_s: float = 10) -> int:
        """The exit code, once the program ended."""
        return self.process.wait(timeout_s)

    def close(self) -> None:
        """End the program and its terminal, whatever it is doing."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reader.join(2)
        with contextlib.suppress(OSError):
            os.close(self._master)


def _cut_character(data: bytes) -> bytes:
    """The beginning of a character at the end of `data`, whose rest is still to come."""
    for length in range(1, min(4, len(data)) + 1):
        byte = data[-length]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[-length:] if length < needed else b""
        if byte < 0x80:
            return b""
    return b""
