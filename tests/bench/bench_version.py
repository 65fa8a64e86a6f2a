"""`autodev --version` against a bare Python: 80 ms, and four times as long, at most."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.bench.harness import Row, compare, interleaved, limit, timed

SAMPLES = 40
LIMIT_S, LIMIT_RATIO = 0.080, 4.0
ROOT = Path(__file__).parent.parent.parent


def run() -> list[Row]:
    """Both budgets from one interleaved measurement."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def start(*arguments: str) -> float:
        command = [sys.executable, *arguments]
        return timed(
            lambda: subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
        )

    start("-m", "autodev_tui", "--version")  # its byte code is written now
    ours, bare = interleaved(
        lambda: start("-m", "autodev_tui", "--version"), lambda: start("-c", "pass"), count=SAMPLES
    )
    return [
        limit("autodev --version", ours, LIMIT_S),
        compare("autodev --version against a bare Python", ours, bare, LIMIT_RATIO),
    ]
