"""The user's own editor: what agents named never leads it elsewhere, and its failures end nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from screens.outside import EditorProblem, edit_text, editor_command, file_in, open_file


def test_a_file_that_an_agent_named_stays_in_its_worktree(tmp_path: Path) -> None:
    worktree = tmp_path / "T1"
    (worktree / "src").mkdir(parents=True)
    (worktree / "src" / "a.py").write_text("x")
    (tmp_path / "secret").write_text("mine")
    (worktree / "link").symlink_to(tmp_path / "secret")
    (worktree / "folder").symlink_to(tmp_path)
    (worktree / "loop").symlink_to("loop")
    os.mkfifo(worktree / "pipe")
    assert file_in(worktree, "src/a.py") == (worktree / "src" / "a.py").resolve()
    hostile = ["/etc/passwd", "../secret", "link", "folder/secret", "loop", "pipe", "src", "a\0b"]
    for path in hostile:
        with pytest.raises(EditorProblem):
            file_in(worktree, path)


def test_a_name_that_looks_like_an_option_is_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_in(Path(), "-c:!rm").is_absolute()


@pytest.mark.parametrize("setting", ["vim '", "no-such-editor-anywhere", ""])
def test_an_editor_that_cannot_be_used_is_said(setting: str) -> None:
    with pytest.raises(EditorProblem):
        editor_command(setting, {"EDITOR": "vi '"})


def test_an_editor_that_fails_loses_no_text_and_ends_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("no program")
    broken.chmod(0o755)
    remover = tmp_path / "remover"
    remover.write_text('#!/bin/sh\nfor last; do :; done\nrm "$last"\n')
    remover.chmod(0o755)
    with pytest.raises(EditorProblem, match="cannot be run"):
        open_file([str(broken)], broken, 1)
    with pytest.raises(EditorProblem, match="did not get"):
        edit_text([str(remover)], "words", ".md")
    with pytest.raises(EditorProblem, match="did not get"):
        edit_text(["true"], "a lone \ud800", ".md")
