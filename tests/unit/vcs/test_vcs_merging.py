"""Following a decision and merging commits: nothing is overwritten that was not seen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autodev_tui.vcs import beneath
from autodev_tui.vcs import follow as following
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.follow import follow
from autodev_tui.vcs.merging import merge
from autodev_tui.vcs.trees import snapshot

from .conftest import Bench

LINES = [f"{number}\n" for number in range(20)]


def text(**changes: str) -> str:
    """Twenty numbered lines with some replaced: `l3="x"`."""
    return "".join(f"{changes[f'l{n}']}\n" if f"l{n}" in changes else line for n, line in enumerate(LINES))


def proposal(bench: Bench, **files: str) -> str:
    for name, content in files.items():
        (bench.work / name).write_text(content)
    return snapshot(bench.repository, bench.work)


# -- follow


def test_files_as_proposed_become_the_result(bench: Bench) -> None:
    (bench.work / "gone").write_text("gone\n")
    (bench.work / "a.py").unlink()
    proposed = proposal(bench, kept="kept\n", changed="proposed\n")
    result = bench.tree(
        {"a.py": "back\n", "src/b.py": "b\n", "kept": "kept\n", "changed": "result\n", "d/e/new": "n\n"}
    )
    kept = (bench.work / "kept").stat()
    outcome = follow(bench.repository, bench.work, proposed, result)
    assert outcome.changed == ["a.py", "changed", "d/e/new", "gone"]
    assert outcome.conflicts == []
    assert snapshot(bench.repository, bench.work) == result
    assert (bench.work / "kept").stat() == kept
    assert follow(bench.repository, bench.work, proposed, result) == outcome


def test_what_changed_since_is_merged(bench: Bench) -> None:
    proposed = proposal(bench, f=text(l3="proposed"))
    result = bench.tree({"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n", "f": text()})
    (bench.work / "f").write_text(text(l3="proposed", l15="since"))
    (bench.work / "other").write_text("since\n")
    for _ in range(3):
        outcome = follow(bench.repository, bench.work, proposed, result)
        assert (outcome.changed, outcome.conflicts) == (["f"], [])
        assert (bench.work / "f").read_text() == text(l15="since")
    assert (bench.work / "other").exists()


def test_a_conflict_is_reported_and_left_alone_while_others_follow(bench: Bench) -> None:
    proposed = proposal(bench, f=text(l3="proposed"), g="proposed\n")
    result = bench.tree(
        {"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n", "f": text(l3="result"), "g": "result\n"}
    )
    (bench.work / "f").write_text(text(l3="since"))
    outcome = follow(bench.repository, bench.work, proposed, result)
    assert (outcome.changed, outcome.conflicts) == (["g"], ["f"])
    assert (bench.work / "f").read_text() == text(l3="since")
    assert (bench.work / "g").read_text() == "result\n"


@pytest.mark.parametrize("now", ["deleted", "binary", "directory", "link", "link above", "pipe", "edited"])
def test_what_cannot_be_merged_is_a_conflict(bench: Bench, now: str, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.py").write_text("outside\n")
    (bench.work / "src/b.py").write_text("proposed\n")
    proposed = snapshot(bench.repository, bench.work)
    base = bench.repository.tree_of("HEAD")
    file = bench.work / "src/b.py"
    file.unlink()
    if now == "binary":
        file.write_bytes(b"\0binary")
    elif now == "directory":
        file.mkdir()
        (file / "x").write_text("x")
    elif now == "link":
        file.symlink_to(outside / "b.py")
    elif now == "link above":
        (bench.work / "src").rmdir()
        (bench.work / "src").symlink_to(outside)
    elif now == "pipe":
        os.mkfifo(file)
    elif now == "edited":
        file.write_text("since\n")
    outcome = follow(bench.repository, bench.work, proposed, base)
    assert outcome.conflicts == ["src/b.py"]
    assert (outside / "b.py").read_text() == "outside\n"
    if now == "edited":
        assert file.read_text() == "since\n"
    deleting = bench.tree({"a.py": "one\ntwo\nthree\n"})
    assert follow(bench.repository, bench.work, proposed, deleting).conflicts == (
        [] if now in ("deleted", "link above") else ["src/b.py"]
    )
    assert (outside / "b.py").exists()


def test_modes_links_and_swaps_follow(bench: Bench) -> None:
    base = bench.repository.tree_of("HEAD")
    (bench.work / "a.py").chmod(0o755)
    (bench.work / "src/b.py").unlink()
    (bench.work / "src").rmdir()
    (bench.work / "src").symlink_to("a.py")
    (bench.work / "run").symlink_to("a.py")
    proposed = snapshot(bench.repository, bench.work)
    assert follow(bench.repository, bench.work, proposed, base).conflicts == []
    assert snapshot(bench.repository, bench.work) == base
    assert follow(bench.repository, bench.work, base, proposed).conflicts == []
    assert snapshot(bench.repository, bench.work) == proposed
    assert (bench.work / "run").readlink() == Path("a.py")


def test_a_mode_follows_while_the_content_changed_since(bench: Bench) -> None:
    base = bench.repository.tree_of("HEAD")
    (bench.work / "a.py").chmod(0o755)
    proposed = snapshot(bench.repository, bench.work)
    (bench.work / "a.py").write_text("since\n")
    assert follow(bench.repository, bench.work, proposed, base).changed == ["a.py"]
    assert (bench.work / "a.py").read_text() == "since\n"
    assert not (bench.work / "a.py").stat().st_mode & 0o111


def test_line_ends_of_the_checkout_are_kept(bench: Bench) -> None:
    bench.fixture.write(".gitattributes", "*.bat text eol=crlf\n")
    bench.fixture.write("x.bat", b"one\r\n")
    head = bench.fixture.commit("bat")
    bench.work = bench.worktrees.create("s1-T2", "autodev/s1/T2", head)
    (bench.work / "x.bat").write_bytes(b"two\r\n")
    proposed = snapshot(bench.repository, bench.work)
    assert follow(bench.repository, bench.work, proposed, bench.repository.tree_of(head)).changed == ["x.bat"]
    assert (bench.work / "x.bat").read_bytes() == b"one\r\n"


def test_awkward_names_follow(bench: Bench) -> None:
    names = ["new\nline", "-x", ":(glob)*", "\udce9\udcff", "d\n/x", 'q"']
    for name in names:
        (bench.work / name).parent.mkdir(exist_ok=True)
        (bench.work / name).write_text("p\n")
    proposed = snapshot(bench.repository, bench.work)
    result = bench.tree({"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n"} | dict.fromkeys(names, "r\n"))
    assert follow(bench.repository, bench.work, proposed, result).changed == sorted(names)
    assert snapshot(bench.repository, bench.work) == result


def test_the_index_that_commands_see_is_the_result(bench: Bench) -> None:
    proposed = proposal(bench, f="x\n")
    result = bench.tree({"a.py": "r\n", "src/b.py": "b\n"})
    commit = bench.repository.commit_tree(result, [bench.repository.head], "feat: r\n")
    bench.repository.update_ref("refs/heads/autodev/s1/T1", commit, bench.repository.head)
    follow(bench.repository, bench.work, proposed, result)
    assert bench.fixture.git("status", "--porcelain", cwd=bench.work) == ""


@pytest.mark.parametrize("at", range(8))
def test_a_kill_anywhere_then_again(bench: Bench, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each system call that changes something is a place to die; the second time completes."""
    (bench.work / "gone").write_text("gone\n")
    proposed = proposal(bench, f=text(l3="proposed"), g="proposed\n")
    result = bench.tree(
        {"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n", "f": text(), "g": "result\n", "n/m": "new\n"}
    )
    (bench.work / "f").write_text(text(l3="proposed", l15="since"))
    left = [at]

    class Killed(BaseException):
        pass

    def dying(name: str) -> None:
        real = getattr(os, name)

        def call(*args: object, **options: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*args, **options)

        monkeypatch.setattr(beneath.os, name, call)

    with monkeypatch.context():
        for name in ("rename", "unlink", "mkdir", "rmdir", "fsync"):
            dying(name)
        with pytest.raises(Killed):
            follow(bench.repository, bench.work, proposed, result)
    monkeypatch.undo()
    outcome = follow(bench.repository, bench.work, proposed, result)
    assert (outcome.changed, outcome.conflicts) == (["f", "g", "gone", "n/m"], [])
    assert (bench.work / "f").read_text() == text(l15="since")
    assert {path.name for path in bench.work.iterdir()} == {".git", "a.py", "f", "g", "n", "src"}
    assert bench.paths(snapshot(bench.repository, bench.work)) == {"a.py", "f", "g", "n/m", "src/b.py"}


def test_an_unreadable_moment_writes_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When git fails half-way through a file's content, the old file stays whole."""
    proposed = proposal(bench, f="proposed\n")
    result = bench.tree({"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n", "f": "result\n"})

    def fail(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(following.beneath, "replace_file", fail)
    with pytest.raises(OSError, match="no space"):
        follow(bench.repository, bench.work, proposed, result)
    assert (bench.work / "f").read_text() == "proposed\n"


# -- merge


def commit(bench: Bench, files: dict[str, bytes | str], *parents: str) -> str:
    return bench.repository.commit_tree(bench.tree(files), list(parents), "x\n", date=1)


def test_merge_of_different_places(bench: Bench) -> None:
    base = commit(bench, {"f": text(), "g": "g\n"})
    ours = commit(bench, {"f": text(l3="ours"), "g": "g\n"}, base)
    theirs = commit(bench, {"f": text(l15="theirs"), "new": "n\n"}, base)
    merged = merge(bench.repository, ours, theirs)
    assert merged.conflicts == ()
    assert merged.tree == bench.tree({"f": text(l3="ours", l15="theirs"), "new": "n\n"})


def test_conflicts_are_named_and_marked(bench: Bench) -> None:
    base = commit(bench, {"f\nx": text(), "g": "g\n", "h": "h\n"})
    ours = commit(bench, {"f\nx": text(l3="ours"), "g": "ours\n"}, base)
    theirs = commit(bench, {"f\nx": text(l3="theirs"), "g": "g\n", "h": "theirs\n"}, base)
    merged = merge(bench.repository, ours, theirs)
    assert merged.tree is None
    assert merged.conflicts == ("f\nx", "h")
    assert b"<<<<<<<" in bench.content(merged.marked_tree, "f\nx")
    assert bench.content(merged.marked_tree, "g") == b"ours\n"


def test_commits_without_common_ancestor(bench: Bench) -> None:
    one, two = commit(bench, {"a": "1\n"}), commit(bench, {"a": "2\n"})
    with pytest.raises(RepositoryError, match="cannot merge"):
        merge(bench.repository, one, two)
    with pytest.raises(RepositoryError, match="cannot merge"):
        merge(bench.repository, one, "f" * 40)
