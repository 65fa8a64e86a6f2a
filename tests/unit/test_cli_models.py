"""`autodev models` in this process: the table, the document, and a download drawn on a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from autodev_tui.cli import main
from autodev_tui.cli_models import amount, pull
from tests.fakes.ollama_server import FakeOllama


def called(fake: FakeOllama | None, *arguments: str) -> Result:
    host = fake.url if fake else "127.0.0.1:1"
    return CliRunner().invoke(
        main, ["models", *arguments], env={"OLLAMA_HOST": host, "ANTHROPIC_API_KEY": None}
    )


def test_the_table_tells_what_each_can_do() -> None:
    models = {"qwen3": {"thinking": True}, "tiny": {"tools": False}, "evil": {"size": 0}}
    with FakeOllama({"models": models}) as fake:
        fake.loaded["qwen3:latest"] = 32_768
        done = called(fake)
    lines = {line.split()[0]: line for line in done.output.splitlines() if line}
    qwen = lines["ollama/qwen3:latest"].split()
    assert qwen[1:9] == ["32,768", "8,192", "0.00", "0.00", "yes", "loaded", "5.2", "GB"]
    assert "default" in lines["ollama/qwen3:latest"] and "trained for 40,960" in lines["ollama/qwen3:latest"]
    assert " text " in lines["ollama/tiny:latest"]
    assert lines["anthropic/claude-opus-5-5"].split()[-1] == "no"
    assert done.output.count("ANTHROPIC_API_KEY") == 1
    assert "Ollama 0.33.0 at 127.0.0.1" in done.output
    assert done.exit_code == 0


def test_without_a_server_it_says_so() -> None:
    done = called(None)
    assert done.exit_code == 0 and "no Ollama answers at 127.0.0.1:1" in done.output
    rows = json.loads(called(None, "--json").output)
    assert [row["model"] for row in rows if row["default"]] == ["rules"]


def test_a_download_as_a_document() -> None:
    with FakeOllama({"pulls": {"gone": {"error": "pull model manifest: file does not exist"}}}) as fake:
        done = called(fake, "--pull", "ollama/new", "--json")
        assert json.loads(done.stdout) == {
            "model": "ollama/new",
            "size_bytes": 5_000,
            "pulled": True,
            "error": None,
        }
        gone = called(fake, "--pull", "gone", "--json")
        assert json.loads(gone.stdout)["code"] == gone.exit_code == 2
        assert "no such model" in json.loads(gone.stdout)["error"]
    nobody = called(None, "--pull", "new")
    assert nobody.exit_code == 1 and "ollama serve" in nobody.stderr and "Traceback" not in nobody.output


def test_on_a_terminal_it_is_one_line_that_is_drawn_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leader, follower = pty.openpty()
    with FakeOllama({}) as fake, os.fdopen(follower, "w") as terminal:
        monkeypatch.setenv("OLLAMA_HOST", fake.url)
        monkeypatch.setattr(sys, "stderr", terminal)
        pull("new", False)
    read: list[bytes] = []
    with contextlib.suppress(OSError):
        # Nobody holds the other end any more: what was drawn, then an error.
        while data := os.read(leader, 65_536):
            read.append(data)
    os.close(leader)
    drawn = b"".join(read).decode()
    assert drawn.count("\n") == 1 and drawn.endswith("\n")
    assert "\r\x1b[2Knew ━━━" in drawn and "100% of 5.0 kB" in drawn


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (274_301_056, "274 MB"), (5_200_000_000, "5.2 GB")],
)
def test_amounts_are_those_of_the_servers_own_lists(size: int, words: str) -> None:
    assert amount(size) == words
