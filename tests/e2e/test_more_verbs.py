"""The verbs around the work: sessions, export, models, doctor, and what happens without a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.program import KNOWN_CHECK, Program, bug_fix, git

pytestmark = pytest.mark.e2e

KEY = "sk-ant-api03-not-a-real-key-but-as-long-as-one-000000000000"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A repository in which one goal was carried out."""
    program = Program(tmp_path_factory.mktemp("verbs"), settings=KNOWN_CHECK)
    with program.model(bug_fix()):
        done = program.run("full", "--land")
        while done.code == 3:
            assert program.approve_all(), done.err
            done = program.resume("--land")
        assert done.code == 0, done.err
        yield program


def test_sessions(program: Program) -> None:
    [session] = program("sessions", "--json").json
    assert (session["state"], session["done"], session["tasks"]) == ("landed", 1, 1)
    assert session["landed"] == program.head()
    shown = program("sessions").out
    assert session["id"] in shown and "1 of 1 done" in shown and f"landed {session['landed'][:7]}" in shown


def test_export(program: Program) -> None:
    [session] = program("sessions", "--json").json
    text = program("export").out
    assert text == program("export", session["id"], "--format", "markdown").out
    assert text.startswith("# ") and "## Evidence" in text and "## Commits" in text
    document = program("export", "--json").json
    assert document == program("export", session["id"], "--format", "json").json
    assert document["commits"][0]["commit"] == git(program.repository, "rev-list", "-1", document["head"])
    assert document["pull_request"] and document["evidence"]
    assert "test-key-of-nobody" not in json.dumps(document) + text
    unknown = program("export", "s-nope", "--json")
    assert unknown.code == 2
    assert "is no session" in unknown.json["error"]


def test_models(program: Program) -> None:
    rows = program("models", "--json").json
    assert [row["model"] for row in rows if row["default"]] == ["anthropic/claude-opus-5-5"]
    theirs = [row for row in rows if row["provider"] == "anthropic"]
    assert all(row["context"] and row["max_output"] and row["tools"] and row["ready"] for row in theirs)
    assert [row["model"] for row in rows if row not in theirs] == ["rules"]
    assert "key for Anthropic: set in environment" in program("models").out


def test_doctor(program: Program) -> None:
    found = {row["name"]: row for row in program("doctor", "--json").json}
    assert found["repository"]["state"] == "ok" and "on main, clean" in found["repository"]["text"]
    assert "key from environment" in found["model"]["text"]
    assert "unittest (configured)" in found["checks"]["text"]
    assert program("doctor").out.count("\n") >= len(found)


def test_the_doctor_where_nothing_is_right(tmp_path: Path) -> None:
    program = Program(tmp_path, settings="thme = 3\n", environment={"AUTODEV_SANDBOX": "none", "EDITOR": ""})
    (program.repository / "AGENTS.md").write_text("Use tabs.\n")
    done = program("doctor", "--json")
    found = {row["name"]: row for row in done.json}
    assert done.code == 1
    assert (found["settings"]["state"], found["sandbox"]["state"]) == ("bad", "bad")
    assert "config.toml:1: unknown key thme · did you mean theme?" in found["settings"]["text"]
    assert (found["model"]["state"], found["trust"]["todo"]) == ("warn", "autodev trust --show")
    assert all(row["todo"] for row in found.values() if row["state"] == "bad")
    elsewhere = program("-C", str(tmp_path / "home"), "doctor", "--json")
    found = {row["name"]: row for row in elsewhere.json}
    assert (elsewhere.code, found["repository"]["state"]) == (1, "bad")
    assert found["repository"]["todo"]


def test_a_kept_key_is_found_and_never_shown(tmp_path: Path) -> None:
    program = Program(tmp_path)
    program.config.mkdir()
    file = program.config / "credentials.toml"
    file.write_text(f'[anthropic]\nkey = "{KEY}"\n')
    file.chmod(0o600)
    told = program("models").out + program("doctor").out + program("doctor", "--json").out
    assert "credentials.toml" in told and KEY not in told
    file.chmod(0o644)
    refused = program("run", "Fix it", "--json")
    assert refused.code == 2 and "others can read it" in refused.json["error"]
    assert KEY not in refused.out + refused.err


@pytest.mark.parametrize("arguments", [(), ("resume",)])
def test_without_a_terminal_there_is_no_workbench(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    program = Program(tmp_path)
    done = program(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    words: Any = ("autodev run", "autodev status") if not arguments else ("no session",)
    assert all(word in done.err for word in words)


def test_a_new_verb_that_is_misspelt_is_named(program: Program) -> None:
    done = program("docter")
    assert done.code == 2 and "did you mean doctor" in done.err
