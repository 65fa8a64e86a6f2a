"""The engine runs without a screen, and starting is not paying for what is not used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EVERYTHING = """
import json, pkgutil, importlib, sys
import autodev_tui
parts = "bridge engine planning agents quality tools policy providers vcs sandbox"
for part in parts.split():
    module = importlib.import_module(f"autodev_tui.{part}")
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), module.__name__ + "."):
        importlib.import_module(found.name)
import store.database, store.blobs, prompts, autodev_tui.headless
print(json.dumps(sorted(sys.modules)))
"""
HEAVY = (
    "anthropic",
    "git",
    "tinydb",
    "tree_sitter",
    "textual",
    "jinja2",
    "httpx2",
    "gitdb",
    "unidiff",
    "ollama",
    "httpx",
)


def loaded(code: str) -> set[str]:
    """The modules of a fresh interpreter that has run `code`."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_engine_never_imports_the_screen() -> None:
    modules = loaded(EVERYTHING)
    assert not [name for name in modules if name.split(".")[0] in ("textual", "screens", "widgets")]
    assert "autodev_tui.engine.engine" in modules


@pytest.mark.parametrize("module", ["autodev_tui.cli", "autodev_tui.__main__", "autodev_tui.headless"])
def test_starting_loads_no_heavy_package(module: str) -> None:
    modules = loaded(f"import json, sys; import {module}; print(json.dumps(sorted(sys.modules)))")
    assert not [name for name in HEAVY if name in modules]


def test_opening_a_folder_loads_nothing_that_runs_sessions_or_answers() -> None:
    modules = loaded("import json, sys; import autodev_tui.host; print(json.dumps(sorted(sys.modules)))")
    later = ("driving", "handlers", "answers", "doctor", "shell_calls", "planner")
    assert not [name for name in later if f"autodev_tui.engine.{name}" in modules]
    assert not modules & {"autodev_tui.rules.planning", "autodev_tui.quality.failures.classify"}
