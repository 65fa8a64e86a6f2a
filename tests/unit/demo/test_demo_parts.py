"""The demo's parts: its sample, its recording, its place, its guide."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from rich.cells import cell_len

from autodev_tui.demo import guide, place, repository, script, writing
from autodev_tui.demo.telling import checks
from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.updates import EngineFacts, Update
from autodev_tui.engine.board import Board
from autodev_tui.engine.told import MARK
from autodev_tui.providers.recorded import read_recording
from autodev_tui.vcs.diff import change_set
from autodev_tui.vcs.repository import open_repository
from widgets.needs_row import NeedsRow

HEAD = "8b06043"
"""The sample's last commit: the same on every machine, on every day."""


def _change(root: Path, changes: Iterable[script.Change], *, other: bool = False) -> None:
    for one in changes:
        file = root / one.path
        text = file.read_text()
        assert text.count(one.old) == 1, f"{one.path} does not hold this once: {one.old!r}"
        file.write_text(text.replace(one.old, (one.other or one.new) if other else one.new))


def test_the_sample_is_the_same_everywhere_and_red_in_the_ways_that_it_should_be(tmp_path: Path) -> None:
    with place.opened({"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}) as found:
        assert found.git("rev-parse", "--short=7", "main") == HEAD
        assert found.git("status", "--porcelain") == ""
        assert len(found.git("log", "--format=%an").splitlines()) == len(repository.HISTORY)
        assert checks(found) == {"unittest": "1 of 12 tests fails", "ruff": "finds 5 things"}


@pytest.mark.parametrize("other", [False, True])
def test_every_edit_applies_and_all_together_are_green(tmp_path: Path, other: bool) -> None:
    root = repository.make(tmp_path)
    for job in script.JOBS:
        _change(root, job.changes, other=other)
    for words in place.CHECK_COMMANDS.values():
        command = [sys.executable, *words.split()[1:]]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_hunks_are_known_by_what_the_engine_calls_them(tmp_path: Path) -> None:
    root = repository.make(tmp_path)
    for job in script.JOBS:
        _change(root, job.changes)
    repository.git(root, "commit", "-qam", "all of it")
    found = change_set(open_repository(root, environ={"HOME": str(tmp_path)}), "main~1", "main")
    known = {hunk.fingerprint[:MARK] for hunk in found.hunks}
    wanted = {writing._mark(one) for job in script.JOBS for one in job.changes}
    assert wanted == known


def test_the_recording_is_what_the_script_says_and_can_be_read() -> None:
    assert place.RECORDING.read_text(encoding="utf-8") == writing.recording(), (
        "python -m autodev_tui.demo.writing"
    )
    recording = read_recording(place.RECORDING)
    assert recording.count == len(list(writing.entries()))


def test_a_place_holds_nothing_of_the_users_and_is_gone_afterwards(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.toml").write_text('theme = "nord"\nmodel = "anthropic/x"\nbudget_usd = 3.0\n')
    environment = {
        "PATH": "/usr/bin:/bin",
        "AUTODEV_CONFIG_DIR": str(config),
        "AUTODEV_MODEL": "anthropic/y",
        "ANTHROPIC_API_KEY": "secret",
        "OLLAMA_HOST": "http://localhost:1",
        "GIT_DIR": "/elsewhere",
    }
    with place.opened(environment) as found:
        assert not {"ANTHROPIC_API_KEY", "OLLAMA_HOST", "AUTODEV_MODEL", "GIT_DIR"} & set(found.environment)
        own = (Path(found.environment["AUTODEV_CONFIG_DIR"]) / "config.toml").read_text()
        assert 'theme = "nord"' in own and "budget" not in own and "model" not in own
        for name in ("HOME", "AUTODEV_STATE_DIR", "AUTODEV_CONFIG_DIR"):
            assert Path(found.environment[name]).is_relative_to(found.folder)
    assert not found.folder.exists()
    with place.opened(environment) as found:
        found.kept = True
    assert [one.name for one in found.folder.iterdir()] == [repository.NAME]
    found.kept = False
    found.close()


def test_every_hint_fits_one_row() -> None:
    hints = [value for name, value in vars(guide).items() if name.isupper() and isinstance(value, str)]
    hints += guide.IN_FRONT.values()
    assert len(hints) > 10
    assert all(cell_len(" " + one.format("three agents work")) <= 79 for one in hints)


def test_the_guide_follows_the_session() -> None:
    def said(state: SessionState, *waiting: ApprovalKind, tasks: str = "", head: str = "new") -> str:
        states = {"w": TaskState.IN_PROGRESS, "f": TaskState.FAILED, "d": TaskState.COMPLETED}
        board = SimpleNamespace(
            session=SimpleNamespace(state=state, head_commit=head, base_commit="old"),
            approvals={kind: _waiting(kind, kind) for kind in waiting},
            tasks={number: SimpleNamespace(state=states[one]) for number, one in enumerate(tasks)},
        )
        return guide.hint(cast(Board, board))

    state = SessionState
    assert guide.hint(None) == guide.BEGIN
    assert said(state.PLANNING) == guide.PLANNING
    assert "a approves the plan" in said(state.PLANNING, ApprovalKind.PLAN)
    assert "three agents work side by side" in said(state.RUNNING, tasks="www")
    assert "one agent works" in said(state.RUNNING, tasks="wdd")
    assert "a accept" in said(state.RUNNING, ApprovalKind.CHANGES, ApprovalKind.LAND, tasks="w")
    assert "a approves" in said(state.RUNNING, ApprovalKind.CHANGES, ApprovalKind.COMMAND)
    assert said(state.RUNNING, tasks="wf") == guide.OTHERS
    assert said(state.RUNNING, tasks="dd") == guide.CHECKING
    assert said(state.REVIEWING, head="old") == guide.NOTHING
    assert "a lands it" in said(state.REVIEWING, ApprovalKind.LAND)
    assert "ctrl+q leaves" in said(state.LANDED)
    assert said(state.FAILED, ApprovalKind.CHANGES, tasks="f") == guide.RETRY
    assert said(state.CANCELLED) == guide.CANCELLED


def _waiting(kind: ApprovalKind, name: str) -> Approval:
    return Approval(
        id=name, session="s", task="T1", kind=kind, title=name, ask={}, shown_hash="", created=1.0
    )


def test_a_hint_hides_nothing_that_waits() -> None:
    mirror, row = Mirror(), NeedsRow()
    mirror.apply(Update(reset=True, facts=EngineFacts(demo=True, hint="demo: go on")))

    def shown(here: str, *waiting: Approval) -> str:
        mirror.approvals = {one.id: one for one in waiting}
        row.show(mirror, 2.0, typing=False, advice="some advice", here=here)
        return "".join(text for text, _ in [*row.left, *row.right])

    review, question = _waiting(ApprovalKind.CHANGES, "r"), _waiting(ApprovalKind.COMMAND, "q")
    assert "demo: go on" in shown("tasks")
    assert "demo: go on" not in shown("tasks", review) and "3 review" in shown("tasks", review)
    assert "demo: go on" in shown("review", review)
    assert "demo: go on" not in shown("review", review, question)
    row.said = [("accepted 1/4", "text")]
    assert "accepted 1/4" in shown("review", review)
