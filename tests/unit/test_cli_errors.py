"""What the command line says when somebody else has the repository: who, and each way on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autodev_tui.cli_errors import explain
from store.database import Database
from store.errors import StoreLocked


def refusal(directory: Path) -> str:
    with pytest.raises(StoreLocked) as caught:
        Database.open(directory, wait_s=0)
    text, code = explain(caught.value)
    assert code == 5
    return text


def test_an_open_workbench_is_named_with_the_ways_on(tmp_path: Path) -> None:
    with Database.open(tmp_path, what="workbench"):
        text = refusal(tmp_path)
    assert text.startswith(f"the repository is in use by process {os.getpid()}")
    assert "an open workbench · type it there, or leave it with ctrl+q" in text and "autodev stop" in text


def test_a_run_is_named_with_its_session(tmp_path: Path) -> None:
    with Database.open(tmp_path, what="run") as database:
        database.note_session("s1")
        text = refusal(tmp_path)
    assert "at work on s1" in text and "autodev status" in text and "ctrl+q" not in text


def test_a_short_command_is_only_waited_for(tmp_path: Path) -> None:
    with Database.open(tmp_path):
        assert f"in use by process {os.getpid()}" in refusal(tmp_path)
