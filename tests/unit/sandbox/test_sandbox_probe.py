from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autodev_tui.sandbox import client, landlock, probe, seccomp
from autodev_tui.sandbox.spec import Rung

ROOT = Path(probe.__file__).parents[2]


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    probe.probe.cache_clear()
    monkeypatch.delenv(probe.VARIABLE, raising=False)
    yield
    probe.probe.cache_clear()


def outcome(result: probe.ProbeResult) -> dict[Rung, bool]:
    return {rung: holds for rung, holds, _ in result.tried}


def test_the_best_rung_that_holds_is_found():
    result = probe.probe()
    expected = Rung.BUBBLEWRAP if client.find_bubblewrap() else Rung.LANDLOCK
    assert result.rung is expected and outcome(result)[expected]


@pytest.mark.parametrize("text", ["landlock", "LANDLOCK "])
def test_the_variable_forces_down(monkeypatch, text):
    monkeypatch.setenv(probe.VARIABLE, text)
    result = probe.probe()
    assert result.rung is Rung.LANDLOCK and outcome(result) == {Rung.BUBBLEWRAP: False, Rung.LANDLOCK: True}


@pytest.mark.parametrize("text", ["none", "nonsense"])
def test_none_and_nonsense_mean_no_sandbox(monkeypatch, text):
    monkeypatch.setenv(probe.VARIABLE, text)
    result = probe.probe()
    assert result.rung is Rung.NONE and all(text in why for _, _, why in result.tried)


def test_nothing_can_force_a_rung_up(monkeypatch):
    monkeypatch.setenv(probe.VARIABLE, "none")
    assert probe.probe(Rung.BUBBLEWRAP).rung is Rung.NONE
    monkeypatch.setenv(probe.VARIABLE, "bubblewrap")
    monkeypatch.setattr(probe, "find_bubblewrap", lambda: None)
    result = probe._probe(Rung.NONE, os.environ)
    assert result.rung is Rung.NONE


def test_without_the_program_the_next_rung_is_taken(monkeypatch):
    monkeypatch.setattr(probe, "find_bubblewrap", lambda: None)
    result = probe.probe()
    assert result.rung is Rung.LANDLOCK
    assert result.tried[0] == (Rung.BUBBLEWRAP, False, "bwrap is not installed (package bubblewrap)")


def test_without_any_rung_there_is_none(monkeypatch):
    monkeypatch.setattr(probe, "find_bubblewrap", lambda: None)
    monkeypatch.setattr(probe.kernel, "landlock_abi", lambda: 0)
    result = probe.probe()
    assert result.rung is Rung.NONE and "Landlock" in result.tried[1][2]


def test_a_program_that_only_claims_to_contain_is_not_used(monkeypatch, tmp_path):
    """A bwrap that ignores its options and just runs the command: every attempt gets through."""
    fake = tmp_path / "bwrap"
    fake.write_text('#!/bin/sh\necho \'{"child-pid": 0}\' >/dev/null\nshift 3\nexec "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setattr(client, "find_bubblewrap", lambda: str(fake))
    problem = probe._broken(Rung.BUBBLEWRAP)
    assert problem
    result = probe._probe(None, {})
    assert result.rung is not Rung.BUBBLEWRAP


WEAKENED = {
    "hidden": (
        "landlock.py",
        "        for entry in view:\n",
        '        _allow(ruleset, "/", READ, [])\n        for entry in view:\n',
        "read a hidden file",
    ),
    "writes": (
        "landlock.py",
        "        for entry in view:\n",
        '        _allow(ruleset, "/tmp", everything, [])\n        for entry in view:\n',
        "write a file outside",
    ),
    "network": ("seccomp.py", "if inet or connect:", "if False:", "send a datagram"),
    "sockets": (
        "seccomp.py",
        "program += _when(_CONNECT[column], refuse)",
        "pass",
        "connect to a socket outside",
    ),
    "signals": ("landlock.py", "SCOPES if abi >= 6 else 0", "0", "signal a process outside"),
    "daemons": (
        "supervisor.py",
        "            _end_tree(launch.namespaces, patience=BUBBLEWRAP_S if launch.passed else 0)\n",
        "",
        "outlives its command",
    ),
}


@pytest.mark.parametrize("hole", WEAKENED)
def test_each_single_hole_is_noticed(tmp_path, hole):
    """The same rung with one protection taken out must be found wanting, and for that reason."""
    name, old, new, reason = WEAKENED[hole]
    copy = tmp_path / "autodev_tui" / "sandbox"
    copy.mkdir(parents=True)
    (copy.parent / "__init__.py").touch()
    for source in Path(probe.__file__).parent.glob("*.py"):
        text = source.read_text()
        if source.name == name:
            assert old in text
            text = text.replace(old, new)
        if source.name == "spawner_main.py":  # the variant that has no namespaces to close the hole again
            text = text.replace("namespaces.available()", "False")
        (copy / source.name).write_text(text)
    script = (
        "from autodev_tui.sandbox import probe; from autodev_tui.sandbox.spec import Rung\n"
        "print(probe._broken(Rung.LANDLOCK))"
    )
    env = {"PYTHONPATH": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert reason in done.stdout, done.stdout


def interpreter_of_everyone() -> str | None:
    """An interpreter that an unprivileged user may execute."""
    for path in (str(Path(sys.executable).resolve()), "/usr/bin/python3", "/usr/local/bin/python3"):
        script = "import sys; sys.exit(sys.version_info < (3, 11))"
        try:
            done = subprocess.run([path, "-c", script], user=65534, group=65534, extra_groups=[], cwd="/")
        except OSError:
            continue
        if done.returncode == 0:
            return path
    return None


@pytest.mark.skipif(os.geteuid() != 0, reason="then all tests here are unprivileged")
@pytest.mark.parametrize("rung", ["bubblewrap", "landlock"])
def test_the_rungs_hold_for_an_unprivileged_user(rung):
    interpreter = interpreter_of_everyone()
    if interpreter is None:
        pytest.skip("no interpreter that another user may run")
    script = (
        "from autodev_tui.sandbox.probe import probe; from autodev_tui.sandbox.spec import Rung\n"
        f"result = probe(Rung({rung!r})); print(result); raise SystemExit(result.rung is not Rung({rung!r}))"
    )
    done = subprocess.run(
        [interpreter, "-c", script],
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        user=65534,
        group=65534,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_machines_without_a_filter_have_no_rung(monkeypatch):
    monkeypatch.setattr(seccomp, "_ARCHES", {})
    assert probe._probe(None, {}).rung is Rung.NONE
    with pytest.raises(OSError, match="no system call filter"):
        seccomp.build(tracing=False, inet=False, connect=False)


def test_landlock_rights_by_version():
    assert [landlock.handled(abi).bit_length() for abi in (1, 2, 3, 4, 5, 7)] == [13, 14, 15, 15, 16, 16]
