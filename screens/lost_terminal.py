"""A terminal that went away: what cannot be written any more is dropped, so that the program can end."""

from __future__ import annotations

from textual.drivers._writer_thread import WriterThread


class _Draining:
    """Textual's writer ends by an error of the terminal, and whoever writes then waits for it for ever."""

    plain = WriterThread.run

    @staticmethod
    def run(writer: WriterThread) -> None:
        """Write as long as it can be done; after that take what comes, up to its end."""
        try:
            _Draining.plain(writer)
        except OSError:
            while writer._queue.get() is not None:
                pass


def survive_lost_terminal() -> None:
    """From now on a lost terminal holds up nobody."""
    WriterThread.run = _Draining.run  # type: ignore[method-assign,assignment]
