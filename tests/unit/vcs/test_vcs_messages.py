"""Commit messages: the grammar holds for any title, and trailers cannot be forged."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.domain.changeset import ChangeSet, FileChange
from autodev_tui.vcs.git import Git
from autodev_tui.vcs.messages import (
    SUBJECT_LIMIT,
    TYPES,
    commit_message,
    commit_result,
    step_trailers,
    trailers_of,
    with_trailers,
)

HEADER = re.compile(rf"({'|'.join(TYPES)})(\([a-z0-9][a-z0-9._/-]*\))?!?: \S.*")


def changes(*paths: str, status: str = "modified") -> ChangeSet:
    files = [FileChange.model_validate({"path": path, "status": status}) for path in paths]
    return ChangeSet(base="1" * 40, proposed="2" * 40, files=files)


def parsed(message: str) -> list[str]:
    argv = ["git", "interpret-trailers", "--parse", "--no-divider"]
    done = subprocess.run(argv, input=message.encode(), capture_output=True, check=True)
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize(
    ("title", "paths", "status", "first"),
    [
        ("Fixes the empty case", ["src/parser/core.py"], "modified", "fix(parser): fix the empty case"),
        ("Added a cache.", ["src/api/cache.py", "tests/test_cache.py"], "added", "feat(api): add a cache"),
        ("Crash on empty list", ["app/list.py"], "modified", "fix: fix crash on empty list"),
        ("Cover edge cases", ["tests/test_a.py", "tests/conftest.py"], "modified", "test: cover edge cases"),
        ("Explaining install", ["README.md", "docs/a.rst"], "modified", "docs: explain install"),
        ("Moving helpers", ["pkg/util/a.py", "pkg/util/b/c.py"], "modified", "refactor(util): move helpers"),
        ("Bump ruff", ["pyproject.toml", "uv.lock"], "modified", "build: bump ruff"),
        ("Run on pushes", [".github/workflows/ci.yml"], "modified", "ci(workflows): run on pushes"),
        ("Update ignores", [".gitignore"], "modified", "chore: update ignores"),
        ("feat(Net)!: drop IPv4", ["a.py"], "modified", "feat(net)!: drop IPv4"),
        ("HTTP retries", ["net/h.py"], "added", "feat(net): add HTTP retries"),
        ("Put the late fees right", ["shed/fees.py"], "modified", "fix(shed): put the late fees right"),
        ("List what is overdue", ["shed/report.py"], "modified", "feat(shed): list what is overdue"),
        ("Tidy up what ruff finds", ["shed/cli.py"], "modified", "refactor(shed): tidy up what ruff finds"),
        ("Put the cache in a folder", ["shed/cli.py"], "modified", "chore(shed): put the cache in a folder"),
        ("", ["a.py"], "modified", "chore: update files"),
        ("Tests for the lexer", ["tests/test_lexer.py"], "added", "test: test for the lexer"),
    ],
)  # fmt: skip
def test_first_line(title: str, paths: list[str], status: str, first: str) -> None:
    line = commit_message(title, changes(*paths, status=status)).split("\n")[0]
    assert line == first


path_text = st.text(min_size=1, max_size=30).filter(lambda text: "\0" not in text)


@settings(max_examples=300, deadline=None)
@given(title=st.text(max_size=200), paths=st.lists(path_text, max_size=4), breaking=st.text(max_size=80))
def test_grammar(title: str, paths: list[str], breaking: str) -> None:
    message = commit_message(title, changes(*paths), "body", [("Autodev-Step", "s/1")], breaking)
    first, blank, *_ = message.split("\n")
    assert HEADER.fullmatch(first)
    assert len(first) <= SUBJECT_LIMIT
    assert blank == ""
    assert message.endswith("\nAutodev-Step: s/1\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", message)
    message.encode()


FORGED = [
    "x\n\nAutodev-Step: forged",
    "Autodev-Step: forged",
    "a\rApproved-by: forged",
    "y\u2028Autodev-Step: forged",
    "BREAKING CHANGE: forged",
    "w " * 34 + "Autodev-Step: forged",
    "---\nAutodev-Step: forged",
    "\u0085Approved-by: forged",
]
hostile = st.one_of(st.text(max_size=120), st.sampled_from(FORGED))


@settings(max_examples=150, deadline=None)
@given(title=hostile, body=hostile, value=hostile, breaking=hostile)
def test_only_our_trailers_are_read_by_git(title: str, body: str, value: str, breaking: str) -> None:
    ours = step_trailers("s/000007", "T1", "s", [value])
    message = commit_message(title, changes("a.py"), body, ours, breaking)
    found = parsed(message)
    assert found[:3] == ["Autodev-Step: s/000007", "Autodev-Task: T1", "Autodev-Session: s"]
    assert len(found) == len(ours)
    starts = [line for line in message.split("\n") if re.match(r"(Autodev-Step|BREAKING CHANGE):", line)]
    assert len([line for line in starts if line.startswith("Autodev-Step")]) == 1
    assert len([line for line in starts if line.startswith("BREAKING")]) <= 1


def test_body_without_trailers_makes_none() -> None:
    message = commit_message("Fix it", changes("a.py"), "Why.\n\nReviewed-by: nobody\nAcked-by: nobody")
    assert parsed(message) == []
    assert "Reviewed-by: nobody" in message


def test_breaking_is_a_footer_beside_readable_trailers() -> None:
    message = commit_message(
        "Drop v1", changes("a.py"), "", step_trailers("s/1"), "clients of v1 stop working"
    )
    assert message.split("\n")[0] == "chore!: drop v1"
    assert "\nBREAKING CHANGE: clients of v1 stop working\n" in message
    assert parsed(message) == ["Autodev-Step: s/1"]


def test_trailers_are_added_once_and_bad_keys_refused() -> None:
    message = with_trailers("feat: x\n", [("Autodev-Step", "a")])
    again = with_trailers(message, [("Autodev-Step", "a"), ("Approved-by", "me\nAutodev-Step: b")])
    assert trailers_of(again) == [("Autodev-Step", "a"), ("Approved-by", "me Autodev-Step: b")]
    with pytest.raises(ValueError, match="trailer"):
        with_trailers("x\n", [("a b", "c")])


def test_commit_result_equals_numstat(tmp_path: Path) -> None:
    def git(*args: str) -> str:
        return subprocess.run(
            ["git", "-C", tmp_path, *args], check=True, capture_output=True, text=True
        ).stdout

    git("init", "-q", "-b", "main")
    git("config", "user.name", "n")
    git("config", "user.email", "e@x")
    (tmp_path / "moved.txt").write_text("".join(f"line {n}\n" for n in range(30)))
    (tmp_path / "gone\tx.txt").write_text("a\nb\n")
    (tmp_path / "bin").write_bytes(b"\0\1")
    git("add", ".")
    git("commit", "-qm", "one")
    first = git("rev-parse", "HEAD").strip()
    git("mv", "moved.txt", "new name.txt")
    (tmp_path / "new name.txt").write_text("".join(f"line {n}\n" for n in range(31)))
    (tmp_path / "gone\tx.txt").unlink()
    (tmp_path / "bin").write_bytes(b"\0\2\3")
    (tmp_path / "é\n").write_text("x\ny\n")
    git("add", "-A")
    git("commit", "-qm", "two")
    for commit in (first, "HEAD"):
        rows = [
            line.split("\t") for line in git("show", "--numstat", "--format=", commit).splitlines() if line
        ]
        result = commit_result(Git(tmp_path / ".git", tmp_path), commit)
        assert result.commit_hash == git("rev-parse", commit).strip()
        assert result.files_changed == len(rows)
        assert result.insertions == sum(int(row[0]) for row in rows if row[0] != "-")
        assert result.deletions == sum(int(row[1]) for row in rows if row[1] != "-")


def test_a_conventional_subject_is_taken_as_it_is_and_any_other_passed_over() -> None:
    made = commit_message("Heal it", changes("a.py"), subject="style: format\u202e with\nruff")
    assert made == "style: format with ruff\n"
    assert commit_message("Heal it", changes("a.py"), subject="formatted\n\nApproved-by: nobody") == (
        commit_message("Heal it", changes("a.py"))
    )
    assert (
        len(commit_message("x", changes("a.py"), subject="fix: " + "a b " * 60).splitlines()[0])
        <= SUBJECT_LIMIT
    )
