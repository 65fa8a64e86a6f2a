from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autodev_tui.sandbox.client import Spawner, find_bubblewrap
from autodev_tui.sandbox.spec import Command, Exited, Rung
from autodev_tui.sandbox.spool import read_output

SANDBOXES = ["bubblewrap", "landlock", "landlock-bare"]


@dataclass
class Box:
    """A spawner of one rung over a state directory with a worktree inside, as the engine lays it out."""

    spawner: Spawner
    kind: str
    state: Path
    worktree: Path
    home: Path

    @property
    def sandboxed(self) -> bool:
        return self.kind != "none"

    @property
    def mounted(self) -> bool:
        return self.kind in ("bubblewrap", "landlock")

    def command(self, *argv: str, **changes: object) -> Command:
        command = Command(
            argv=argv,
            cwd=str(self.worktree),
            env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            timeout_s=20,
            spool=str(self.state / "spool"),
            exit_file=str(self.state / "exit"),
            writable=(str(self.worktree),),
            readable=(sys.base_prefix,),
            sandboxed=self.sandboxed,
        )
        return replace(command, **changes)  # type: ignore[arg-type]

    async def sh(self, script: str, **changes: object) -> tuple[Exited, str]:
        command = self.command("/bin/sh", "-c", script, **changes)
        exited = await self.spawner.run(command)
        return exited, self.output(command)

    async def python(self, script: str, *args: str, **changes: object) -> tuple[Exited, str]:
        interpreter = str(Path(sys.executable).resolve())
        command = self.command(interpreter, "-I", "-S", "-c", script, *args, **changes)
        return await self.spawner.run(command), self.output(command)

    def output(self, command: Command) -> str:
        head, _, tail = read_output(command.spool, 1 << 20, 1 << 20)
        return (head + tail).decode(errors="surrogateescape")


async def open_box(kind: str, directory: Path) -> Box:
    if kind == "bubblewrap" and find_bubblewrap() is None:
        pytest.skip("bubblewrap is not installed")
    state, home = directory / "state", directory / "home"
    worktree = state / "worktrees" / "one"
    worktree.mkdir(parents=True)
    home.mkdir()
    (home / "secret").write_text("the key")
    (state / "state.json").write_text("the state")
    (worktree / ".git").write_text("gitdir: /somewhere\n")
    rung = Rung(kind.removesuffix("-bare"))
    spawner = await Spawner.start(rung, [state, home], namespaces=kind != "landlock-bare", home=home)
    assert spawner.namespaces == (kind == "landlock"), "this machine must permit namespaces to test them"
    return Box(spawner, kind, state, worktree, home)


@pytest.fixture(params=["none", *SANDBOXES])
async def box(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Box]:
    """Every way to start a command."""
    opened = await open_box(request.param, tmp_path)
    yield opened
    await opened.spawner.aclose()


@pytest.fixture(params=SANDBOXES)
async def jail(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Box]:
    """Every sandbox."""
    opened = await open_box(request.param, tmp_path)
    yield opened
    await opened.spawner.aclose()


@pytest.fixture
def until() -> Callable[..., object]:
    async def wait(condition: Callable[[], bool], seconds: float = 5.0) -> float:
        start = time.monotonic()
        while not condition():
            assert time.monotonic() - start < seconds, "the condition never came true"
            await asyncio.sleep(0.005)
        return time.monotonic() - start

    return wait


def alive(marker: str) -> list[int]:
    """Processes whose command line holds the marker, zombies not counted."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in line and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


@pytest.fixture
def living() -> Callable[[str], list[int]]:
    return alive
