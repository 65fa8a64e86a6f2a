"""`make picture`: the README's pictures of the workbench, drawn by the program itself at work.

The screen, the engine, the worktrees and the checks are real; the model's words come from a scripted server
on this machine, over the real wire.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from autodev_tui.app import Autodev
from autodev_tui.bridge import EngineThread
from autodev_tui.domain.approval import ApprovalKind
from tests.fakes import orders
from tests.fakes.program import Program

DOCS = Path(__file__).parent.parent / "docs"
SIZE = (120, 36)
PATIENCE_S = 60.0
_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")


async def _until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    end = asyncio.get_running_loop().time() + PATIENCE_S
    while not holds():
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError("the program did not come so far")
        await pilot.pause(0.05)


def _draw(app: Autodev, name: str) -> None:
    """One picture. Fonts are the reader's own: nothing is fetched when it is looked at."""
    svg = _FONTS.sub("", app.export_screenshot(title="autodev"))
    (DOCS / f"{name}.svg").write_text(svg.replace("Fira Code", "monospace"), encoding="utf-8")


async def draw(repository: Path) -> None:
    """Run a goal to its landing, and draw what is worth seeing on the way."""
    app = Autodev(EngineThread(repository))
    mirror = app.mirror
    async with app.run_test(size=SIZE) as pilot:
        await _until(pilot, lambda: bool(mirror.facts.model and mirror.facts.sandbox))
        await pilot.press(*"Orders add up wrongly: put them right", "enter")
        await _until(pilot, lambda: bool(mirror.of_kind(ApprovalKind.PLAN)))
        await pilot.press("tab")
        await pilot.pause(1.0)
        _draw(app, "workbench-plan")
        await pilot.press("a")
        await _until(pilot, lambda: len(mirror.working) > 2 and len(mirror.steps_of("T1")) > 3)
        await pilot.pause(0.3)
        _draw(app, "workbench-agents")
        await _until(pilot, lambda: len(mirror.of_kind(ApprovalKind.CHANGES)) == 3)
        first = next(one for one in mirror.of_kind(ApprovalKind.CHANGES) if one.task == "T1")
        await app.bench.go("review", approval=first.id)
        await pilot.pause(1.0)
        for key in ("a", "a"):
            await pilot.press(key)
            await pilot.pause(0.7)
        await pilot.press("r", *"free shipping is not wanted", "enter")
        await pilot.pause(0.7)
        await pilot.press("c", *"make the rate a constant", "enter")
        await pilot.pause(0.7)
        _draw(app, "workbench-review")
        await app.bridge.aclose()


def main() -> None:
    """Draw all pictures."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        program = Program(Path(folder), files=orders.FILES, settings=orders.SETTINGS)
        with program.model(orders.script(pace_s=0.12)):
            os.environ.update({name: value for name, value in program.env.items() if name != "PATH"})
            asyncio.run(draw(program.repository))


if __name__ == "__main__":
    main()
