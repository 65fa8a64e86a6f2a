"""What ends a run from outside: Ctrl+C, a hang-up, a request to end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from autodev_tui.domain import commands

if TYPE_CHECKING:
    from autodev_tui.bridge import Bridge


class Signals:
    """Ctrl+C, a hang-up and a request to end all stop the run in order; a second one changes nothing.

    Before there is a run, they cancel what prepares it. What the caller had ignored (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self._came = False
        self._bridge: Bridge | None = None
        self._main = asyncio.current_task()
        self._stopping: asyncio.Task[None] | None = None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    async def stop(self, bridge: Bridge) -> None:
        """From now on a signal stops this run."""
        self._bridge = bridge
        if self._came:
            await bridge.submit(commands.StopSession())

    def _on_signal(self) -> None:
        if self._came:
            return
        self._came = True
        if self._bridge:
            self._stopping = asyncio.ensure_future(self._bridge.submit(commands.StopSession()))
        elif self._main:
            self._main.cancel()
