"""The same checks inside each kind of sandbox: interpreter, probe and records are within reach there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from autodev_tui.quality.running import Ran, Run
from autodev_tui.sandbox.client import Spawner
from autodev_tui.sandbox.probe import probe
from autodev_tui.sandbox.spec import Command, Rung

BODY = """import calc

def test_good():
    assert calc.add(1, 2) == 3

def test_bad():
    assert calc.add(1, 2) == 4
"""


@pytest.mark.parametrize("rung", [Rung.BUBBLEWRAP, Rung.LANDLOCK])
@pytest.mark.parametrize("needs", ["", "surely-absent\n"])
async def test_checks_and_setups_work_in_the_sandbox(tmp_path, write, checked, prepared, rung, needs):
    if (await asyncio.to_thread(probe, rung)).rung is not rung:
        pytest.skip(f"this machine has no {rung}")
    state = tmp_path / "state"
    state.mkdir()
    files = {
        "calc.py": "def add(a, b):\n    return a + b\n",
        "tests/test_calc.py": BODY,
        "requirements.txt": needs,
    }
    tree = write(state / "tree", files)
    spawner = await Spawner.start(rung, [state])
    count = 0

    async def run(wanted: Run) -> Ran:
        nonlocal count
        count += 1
        spool = tmp_path / f"{count}.out"
        command = Command(
            argv=wanted.argv,
            cwd=wanted.cwd,
            env=dict(wanted.env),
            timeout_s=wanted.timeout_s,
            spool=str(spool),
            exit_file=str(tmp_path / f"{count}.exit"),
            writable=wanted.writable,
            readable=wanted.readable,
            network=wanted.network,
            sandboxed=wanted.sandboxed,
        )
        ended = await spawner.run(command)
        return Ran(ended.code, ended.signal, ended.timed_out, ended.duration_s, spool.read_bytes())

    try:
        found = await checked(tree, Path(sys.prefix), run=run, wanted=["tests/test_calc.py::test_good"])
        if needs:
            assert (found.result, found.why) == ("unverifiable", "not installed: surely-absent")
            return
        assert (found.result, found.failures) == ("failed", ["tests/test_calc.py::test_bad"]), found
        assert found.origins == {"calc": "calc.py"}
        assert found.tests == {"tests/test_calc.py::test_good": "passed"}
        setup = "python -c 'import sys; print(sys.prefix)'"
        ask = (await prepared(tree, Path(sys.prefix), run=run, setup=setup)).setup
        ended = await run(ask.begin())
        assert (ended.code, ended.output.decode().strip()) == (0, f"{ask.directory}/venv")
        ask.finish()
        made = await prepared(tree, Path(sys.prefix), run=run, setup=setup)
        assert (made.recipe, made.python) == ("configured", f"{ask.directory}/venv/bin/python")
    finally:
        await spawner.aclose()
