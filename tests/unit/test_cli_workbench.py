"""How the program ends after its screen."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace
from typing import cast

import pytest

from autodev_tui.app import Autodev, run_app

ENDING = """
import atexit, sys, threading
from autodev_tui.cli_workbench import leave

atexit.register(print, "the interpreter's shutdown")
if "busy" in sys.argv:
    threading.Thread(target=threading.Event().wait, name="engine", daemon=True).start()
print("last words")
try:
    leave(3)
except Exception as error:
    sys.exit(error.exit_code)
"""


@pytest.mark.parametrize("engine", ["busy", "gone"])
def test_an_engine_that_still_works_never_sees_the_interpreter_shut_down(engine: str) -> None:
    """It would take that for a failure of the session, and the next start would not offer to go on."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDING, engine], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (3, "")
    seen = ["last words", "the interpreter's shutdown"]
    assert ended.stdout.splitlines() == (seen[:1] if engine == "busy" else seen)


def test_a_screen_that_ended_by_an_error_has_ended_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    app = SimpleNamespace(
        run=lambda: order.append("screen"),
        bridge=SimpleNamespace(end=lambda: order.append("engine")),
        return_code=1,
    )
    monkeypatch.setattr("autodev_tui.app.survive_lost_terminal", lambda: None)
    assert run_app(cast(Autodev, app)) == 1
    assert order == ["screen", "engine"]
