"""A terminal that goes away while much is being drawn does not keep the program from ending."""

from __future__ import annotations

import errno
import io
import threading

from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from screens.lost_terminal import survive_lost_terminal


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.EIO, "the terminal is gone")


def test_whoever_draws_on_a_lost_terminal_is_not_held_up() -> None:
    survive_lost_terminal()
    writer = WriterThread(Gone())
    writer.start()

    def draw() -> None:
        for _ in range(3 * MAX_QUEUED_WRITES):
            writer.write("a frame")
        writer.stop()

    drawing = threading.Thread(target=draw, daemon=True)
    drawing.start()
    drawing.join(10)
    assert not drawing.is_alive()
    assert not writer.is_alive()
