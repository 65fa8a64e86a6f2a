"""Runs commands through the one spawner: where their output goes, what they may read and never see."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui.engine.masking import Mask, unmasked
from autodev_tui.quality.running import Ran, Run
from autodev_tui.sandbox.spec import IN_COMMAND, Rung

if TYPE_CHECKING:
    from autodev_tui.sandbox.client import Spawner
    from autodev_tui.sandbox.spec import Exited

HEAD_BYTES, TAIL_BYTES = 64 * 1024, 256 * 1024
"""How much of a check's output is kept: enough for its failures and its summary."""


class CommandRunner:
    """Starts the spawner when the first command comes, and ends it with the engine."""

    def __init__(
        self,
        rung: Rung,
        state: Path,
        hidden: Sequence[Path],
        git_directory: Path,
        keep: Callable[[bytes], str],
        blank: Callable[[Path], None] = lambda spool: None,
    ) -> None:
        self.rung = rung
        self._state = state
        self._hidden = tuple(hidden)
        self._git_directory = git_directory
        self._keep = keep
        self._blank = blank
        self.mask: Mask = unmasked
        """Of the session that runs: over what is kept of a check's output."""
        self._spawner: Spawner | None = None
        self._starting = asyncio.Lock()
        self._count = 0

    @property
    def sandboxed(self) -> bool:
        """Commands run in a sandbox that was seen to work."""
        return self.rung is not Rung.NONE

    async def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: dict[str, str],
        record: Path,
        timeout_s: float,
        network: bool = False,
        sandboxed: bool = True,
        writable: Sequence[str] = (),
        readable: Sequence[str] = (),
        on_output: Callable[[bytes], None] | None = None,
    ) -> Exited:
        """Run `argv`; output to `record`.out, its end to `record`.exit. Cancelling ends its whole tree."""
        from autodev_tui.sandbox.spec import Command

        spawner = await self._ready()
        record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = Command(
            argv=tuple(argv),
            cwd=str(cwd),
            env={**env, IN_COMMAND: record.name},
            timeout_s=timeout_s,
            writable=tuple(writable),
            readable=(*readable, str(self._git_directory)),
            protected=(f"{cwd}/.git", f"{cwd}/.autodev"),
            network=network,
            sandboxed=sandboxed and self.sandboxed,
            spool=f"{record}.out",
            exit_file=f"{record}.exit",
        )
        try:
            return await spawner.run(command, on_output)
        finally:
            await self.blank(record)

    async def blank(self, record: Path) -> None:
        """Take the user's secrets out of a command's recorded output, which is part of the state."""
        await asyncio.to_thread(self._blank, Path(f"{record}.out"))

    async def for_quality(self, run: Run) -> Ran:
        """The callable that `quality` has its commands run by."""
        from autodev_tui.sandbox.spec import SandboxError
        from autodev_tui.sandbox.spool import read_output

        self._count += 1
        record = self._state / "tmp" / f"check-{os.getpid()}-{self._count}"
        try:
            ended = await self._run_again_if_lost(run, record)
            head, elided, tail = await asyncio.to_thread(
                read_output, Path(f"{record}.out"), HEAD_BYTES, TAIL_BYTES
            )
        except SandboxError:
            return Ran(code=None)
        finally:
            for suffix in (".out", ".exit"):
                Path(f"{record}{suffix}").unlink(missing_ok=True)
        between = f"\n… {elided} bytes left out …\n".encode() if elided else b""
        output = await asyncio.to_thread(self._masked, head + between + tail)
        return Ran(
            code=ended.code,
            signal=ended.signal,
            timed_out=ended.timed_out,
            duration_s=ended.duration_s,
            output=output,
            blob=await asyncio.to_thread(self._keep, output),
        )

    def _masked(self, output: bytes) -> bytes:
        text = output.decode(errors="surrogateescape")
        return self.mask(text).encode(errors="surrogateescape")

    async def _run_again_if_lost(self, run: Run, record: Path) -> Exited:
        """A check may run twice: a spawner that somebody killed is no reason for a verdict."""
        from autodev_tui.sandbox.spec import SpawnerLost

        async def once() -> Exited:
            return await self.run(
                run.argv,
                cwd=Path(run.cwd),
                env=dict(run.env),
                record=record,
                timeout_s=run.timeout_s,
                network=run.network,
                sandboxed=run.sandboxed,
                writable=run.writable,
                readable=run.readable,
            )

        try:
            return await once()
        except SpawnerLost:
            return await once()

    async def aclose(self) -> None:
        """End the spawner and everything it started."""
        if self._spawner:
            await self._spawner.aclose()
            self._spawner = None

    async def _ready(self) -> Spawner:
        from autodev_tui.sandbox.client import Spawner

        async with self._starting:
            if self._spawner and self._spawner.gone:
                await self._spawner.aclose()
                self._spawner = None
            if self._spawner is None:
                self._spawner = await Spawner.start(self.rung, self._hidden)
            return self._spawner
