"""Decisions on hunks: exactly what was accepted is in the result, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.domain.changeset import ChangeSet
from autodev_tui.vcs.decisions import DecisionError, build_result, parse_hunks
from autodev_tui.vcs.diff import SHOWN_BYTES
from autodev_tui.vcs.trees import change_set, snapshot

from .conftest import Bench, make_bench

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """One repository for all examples: trees are values, so they cannot disturb each other."""
    return make_bench(tmp_path_factory.mktemp("decisions"))


def changes_of(bench: Bench, old: Files, new: Files) -> ChangeSet:
    return change_set(bench.repository, bench.tree(dict(old)), bench.tree(dict(new)))


def accept(*numbers: int) -> list[HunkDecision]:
    return [HunkDecision(hunk=number, verdict="accept") for number in numbers]


NUMBERED = b"".join(b"%d\n" % number for number in range(1, 31))


def edited(*lines: int, content: bytes = NUMBERED) -> bytes:
    parts = content.split(b"\n")
    return b"\n".join(b"new " + part if number in lines else part for number, part in enumerate(parts, 1))


# -- invariants

ODD = [b"@@ -1 +1 @@", b"\\ No newline", b"\xff\xe9", b"diff --git a b", b"+e", b"-f"]
LINE = st.sampled_from([b"a", b"b", b"", b"c\r", b" d", *ODD])
ENDS = st.sampled_from([b"", b"\n"])
TEXT = st.builds(lambda lines, end: b"\n".join(lines) + end, st.lists(LINE, max_size=30), ENDS)
CONTENT = st.one_of(TEXT, st.just(b""), st.just(b"bin\0ary"), st.just(b"other\0binary"))
NAME = st.sampled_from(["a", "b.py", "d/c", "d/e", "new\nline", "-x", "\udce9"])


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_accepting_all_is_the_proposal_rejecting_all_the_base(shared: Bench, data: st.DataObject) -> None:
    old, new = data.draw(st.dictionaries(NAME, CONTENT)), data.draw(st.dictionaries(NAME, CONTENT))
    changes = changes_of(shared, old, new)
    assert [hunk.number for hunk in changes.hunks] == list(range(1, len(changes.hunks) + 1))
    assert build_result(shared.repository, changes, [], "accept") == changes.proposed
    assert build_result(shared.repository, changes, [], "reject") == changes.base
    assert build_result(shared.repository, changes, [], "open") == changes.base
    assert build_result(shared.repository, changes, [], "open", keep_open=True) == changes.proposed
    numbers = [hunk.number for hunk in changes.hunks]
    assert build_result(shared.repository, changes, accept(*numbers), "reject") == changes.proposed


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_subset_applies_in_any_order_and_the_rest_can_follow(shared: Bench, data: st.DataObject) -> None:
    old = {"a": data.draw(TEXT), "b": data.draw(TEXT)}
    new = {"a": data.draw(TEXT), "b": data.draw(TEXT)}
    changes = changes_of(shared, old, new)
    numbers = [hunk.number for hunk in changes.hunks]
    first = data.draw(st.sets(st.sampled_from(numbers))) if numbers else set()
    some = build_result(shared.repository, changes, accept(*first), "reject")
    shuffled = data.draw(st.permutations(sorted(first)))
    assert build_result(shared.repository, changes, accept(*shuffled), "reject") == some
    rejected = [HunkDecision(hunk=number, verdict="reject") for number in numbers if number not in first]
    assert build_result(shared.repository, changes, rejected, "accept") == some
    # What was left proposes itself again, and accepting it all gives the proposal.
    again = change_set(shared.repository, some, changes.proposed)
    assert build_result(shared.repository, again, [], "accept") == changes.proposed


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_lines_of_a_hunk_can_be_taken(shared: Bench, data: st.DataObject) -> None:
    old = data.draw(TEXT)
    changes = changes_of(shared, {"a": old}, {"a": data.draw(TEXT)})
    decisions, growth, everything = [], 0, True
    for hunk in changes.hunks:
        if hunk.whole_file:
            return
        signs = [line[0] for line in hunk.diff if line[0] != " "]
        wanted = sorted(data.draw(st.sets(st.integers(1, len(signs)))))
        growth += sum(1 if signs[number - 1] == "+" else -1 for number in wanted)
        everything = everything and len(wanted) == len(signs)
        decisions.append(HunkDecision(hunk=hunk.number, verdict="accept", lines=wanted))
    tree = build_result(shared.repository, changes, decisions, "reject")
    assert count_lines(shared.content(tree, "a")) == count_lines(old) + growth
    assert not everything or tree == changes.proposed


def count_lines(content: bytes) -> int:
    return content.count(b"\n") + (content[-1:] not in (b"", b"\n"))


# -- hunks


def test_hunks_are_numbered_over_all_files_and_exact(shared: Bench) -> None:
    changes = changes_of(shared, {"a": NUMBERED, "b": b"x\n"}, {"a": edited(2, 20), "c": b"y\n"})
    assert [(hunk.number, hunk.path) for hunk in changes.hunks] == [(1, "a"), (2, "a"), (3, "b"), (4, "c")]
    assert [(file.status, file.added, file.removed) for file in changes.files] == [
        ("modified", 2, 2), ("deleted", 0, 1), ("added", 1, 0),
    ]  # fmt: skip
    second = changes.hunks[1]
    assert (second.old_start, second.new_start) == (17, 17)
    assert second.diff == [" 17\n", " 18\n", " 19\n", "-20\n", "+new 20\n", " 21\n", " 22\n", " 23\n"]
    tree = build_result(shared.repository, changes, accept(2, 3), "reject")
    assert shared.content(tree, "a") == edited(20)
    assert shared.paths(tree) == {"a"}


def test_one_of_two_hunks_with_crlf_and_without_final_end(shared: Bench) -> None:
    old = NUMBERED.replace(b"\n", b"\r\n") + b"last"
    new = old.replace(b"2\r\n", b"two\r\n", 1) + b" changed"
    changes = changes_of(shared, {"a": old}, {"a": new})
    assert len(changes.hunks) == 2
    assert changes.hunks[1].diff[-1] == "+last changed"
    assert (
        shared.content(build_result(shared.repository, changes, accept(2), "reject"), "a")
        == old + b" changed"
    )


def test_lines_never_run_together_where_a_final_end_was_missing(shared: Bench) -> None:
    changes = changes_of(shared, {"a": b"one\r\ntwo"}, {"a": b"one\r\ntwo\r\nthree\r\n"})
    assert changes.hunks[0].diff == [" one\r\n", "-two", "+two\r\n", "+three\r\n"]
    only_three = [HunkDecision(hunk=1, verdict="accept", lines=[3])]
    tree = build_result(shared.repository, changes, only_three, "reject")
    assert shared.content(tree, "a") == b"one\r\ntwo\r\nthree\r\n"


def test_edit_replaces_the_new_side_byte_for_byte(shared: Bench) -> None:
    changes = changes_of(shared, {"a": NUMBERED}, {"a": edited(2, 20)})
    lines = [line.replace("new 2\n", "\udce9 mine\r\n") for line in changes.hunks[0].new_lines]
    decisions = [HunkDecision(hunk=1, verdict="edit", new_lines=lines), *accept(2)]
    tree = build_result(shared.repository, changes, decisions, "reject")
    assert shared.content(tree, "a") == edited(20).replace(b"2\n", b"\xe9 mine\r\n", 1)


def test_comments_and_open_hunks(shared: Bench) -> None:
    changes = changes_of(shared, {"a": NUMBERED}, {"a": edited(2, 15, 28)})
    decisions = [*accept(1), HunkDecision(hunk=2, verdict="comment", reason="why?")]
    build = shared.repository, changes, decisions
    assert shared.content(build_result(*build, "accept"), "a") == edited(2, 28)
    assert shared.content(build_result(*build, "reject"), "a") == edited(2)
    assert shared.content(build_result(*build, "open"), "a") == edited(2)
    assert build_result(*build, "open", keep_open=True) == changes.proposed
    assert shared.content(build_result(*build, "reject", keep_open=True), "a") == edited(2)


def test_added_and_deleted_files_in_part(shared: Bench) -> None:
    changes = changes_of(shared, {"old": b"1\n2\n"}, {"new": b"a\nb\n"})
    assert [hunk.path for hunk in changes.hunks] == ["new", "old"]
    decisions = [
        HunkDecision(hunk=1, verdict="accept", lines=[2]),
        HunkDecision(hunk=2, verdict="accept", lines=[1]),
    ]
    tree = build_result(shared.repository, changes, decisions, "reject")
    assert {path: shared.content(tree, path) for path in shared.paths(tree)} == {"new": b"b\n", "old": b"2\n"}
    nothing = [
        HunkDecision(hunk=1, verdict="accept", lines=[]),
        HunkDecision(hunk=2, verdict="edit", new_lines=[]),
    ]
    assert shared.paths(build_result(shared.repository, changes, nothing, "reject")) == set()


def test_mode_and_content_are_decided_apart(bench: Bench) -> None:
    (bench.work / "a.py").write_text("1\n")
    (bench.work / "a.py").chmod(0o755)
    changes = change_set(bench.repository, "HEAD", snapshot(bench.repository, bench.work))
    assert [(hunk.whole_file, hunk.header) for hunk in changes.hunks] == [
        (True, "mode 100644 → 100755"),
        (False, ""),
    ]
    mode_only = build_result(bench.repository, changes, accept(1), "reject")
    assert bench.repository.bare.text("ls-tree", mode_only, "a.py").startswith("100755")
    assert bench.content(mode_only, "a.py") == b"one\ntwo\nthree\n"
    content_only = build_result(bench.repository, changes, accept(2), "reject")
    assert bench.repository.bare.text("ls-tree", content_only, "a.py").startswith("100644")
    assert bench.content(content_only, "a.py") == b"1\n"


def test_links_binaries_and_empty_files_are_whole(bench: Bench) -> None:
    (bench.work / "a.py").unlink()
    (bench.work / "a.py").symlink_to("/etc/passwd")
    (bench.work / "bin").write_bytes(b"\0\1")
    (bench.work / "empty").touch()
    tree = snapshot(bench.repository, bench.work)
    changes = change_set(bench.repository, "HEAD", tree)
    assert [(hunk.path, hunk.whole_file, hunk.header) for hunk in changes.hunks] == [
        ("a.py", True, "file → link"), ("bin", True, "binary, 2 bytes"), ("empty", True, "empty file"),
    ]  # fmt: skip
    assert changes.files[0].status == "typechange"
    assert "+/etc/passwd" in changes.hunks[0].diff
    assert [file.binary for file in changes.files] == [False, True, False]
    for number, path in enumerate(("a.py", "bin", "empty"), 1):
        one = build_result(bench.repository, changes, accept(number), "reject")
        assert [file.path for file in change_set(bench.repository, "HEAD", one).files] == [path]


def test_large_files_are_whole_and_never_loaded(bench: Bench) -> None:
    with (bench.work / "large.txt").open("wb") as out:
        out.writelines(b"line\n" for _ in range(SHOWN_BYTES // 5 + 1))
    (bench.work / "fits.txt").write_bytes(b"line\n" * (SHOWN_BYTES // 5))
    changes = change_set(bench.repository, "HEAD", snapshot(bench.repository, bench.work))
    fits, large = changes.files
    assert not fits.hunks[0].whole_file
    assert large.hunks[0].whole_file
    assert large.hunks[0].header.startswith("too large to show")
    assert build_result(bench.repository, changes, [], "accept") == changes.proposed


def test_attributes_cannot_hide_a_change(bench: Bench) -> None:
    (bench.work / ".gitattributes").write_text("*.py -diff\n*.py binary\n")
    (bench.fixture.root / ".gitattributes").write_text("*.py -diff\n")
    (bench.work / "a.py").write_text("hidden?\n")
    changes = change_set(bench.repository, "HEAD", snapshot(bench.repository, bench.work))
    assert "+hidden?\n" in changes.files[1].hunks[0].diff


def test_a_file_and_a_directory_of_one_name_belong_together(shared: Bench) -> None:
    changes = changes_of(shared, {"a": b"file\n"}, {"a/b": b"inner\n"})
    assert build_result(shared.repository, changes, accept(1, 2), "reject") == changes.proposed
    inner = next(hunk.number for hunk in changes.hunks if hunk.path == "a/b")
    with pytest.raises(DecisionError, match="accept or reject both"):
        build_result(shared.repository, changes, accept(inner), "reject")


# -- fingerprints


def test_the_fingerprint_ignores_place_and_white_space(shared: Bench) -> None:
    one = changes_of(shared, {"a": NUMBERED}, {"a": edited(5)}).hunks[0]
    moved = changes_of(
        shared, {"a": b"0\n0\n" + NUMBERED}, {"a": b"0\n0\n" + edited(5).replace(b"new 5", b"\tnew  5 ")}
    )
    assert moved.hunks[0].fingerprint == one.fingerprint
    assert moved.hunks[0].old_start != one.old_start
    other = changes_of(shared, {"a": NUMBERED}, {"a": edited(6)}).hunks[0]
    elsewhere = changes_of(shared, {"b": NUMBERED}, {"b": edited(5)}).hunks[0]
    assert len({one.fingerprint, other.fingerprint, elsewhere.fingerprint}) == 3


def test_white_space_alone_still_has_different_fingerprints(shared: Bench) -> None:
    tabbed = NUMBERED.replace(b"5\n", b"5 \n", 1).replace(b"22\n", b"\t22\n")
    hunks = changes_of(shared, {"a": NUMBERED}, {"a": tabbed}).hunks
    assert len({hunk.fingerprint for hunk in hunks}) == len(hunks) == 2


# -- refusals


def test_parse_hunks() -> None:
    assert parse_hunks("1,3-5", 6) == [1, 3, 4, 5]
    assert parse_hunks(" 2 , 2-3", 3) == [2, 3]
    for text in ("", "x", "0", "1,", "3-1", "7", "1-7", "-1", "1;2", "٣", "9" * 20):
        with pytest.raises(DecisionError):
            parse_hunks(text, 6)


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        ({"hunk": 9, "verdict": "accept"}, "no hunk 9"),
        ({"hunk": 1, "verdict": "edit"}, "needs the new lines"),
        ({"hunk": 1, "verdict": "accept", "lines": [3]}, "changed lines 1-2"),
        ({"hunk": 1, "verdict": "accept", "lines": [0]}, "changed lines 1-2"),
        ({"hunk": 2, "verdict": "accept", "lines": [1]}, "as a whole"),
        ({"hunk": 2, "verdict": "edit", "new_lines": []}, "as a whole"),
    ],
)
def test_decisions_that_do_not_fit_are_refused(shared: Bench, decision: dict[str, object], why: str) -> None:
    changes = changes_of(shared, {"a": b"1\n", "b": b"\0"}, {"a": b"2\n", "b": b"\0\0"})
    with pytest.raises(DecisionError, match=why):
        build_result(shared.repository, changes, [HunkDecision(**decision)], "reject")  # type: ignore[arg-type]


def test_one_hunk_is_decided_once(shared: Bench) -> None:
    changes = changes_of(shared, {"a": b"1\n"}, {"a": b"2\n"})
    with pytest.raises(DecisionError, match="twice"):
        build_result(shared.repository, changes, accept(1, 1), "reject")


def test_nothing_in_worktree_or_index_moves(bench: Bench) -> None:
    (bench.work / "a.py").write_text("x\n")
    changes = change_set(bench.repository, "HEAD", snapshot(bench.repository, bench.work))
    before = {path: path.stat().st_mtime_ns for path in Path(bench.fixture.root / ".git").glob("*index*")}
    build_result(bench.repository, changes, [], "accept")
    assert (bench.work / "a.py").read_text() == "x\n"
    assert before == {
        path: path.stat().st_mtime_ns for path in Path(bench.fixture.root / ".git").glob("*index*")
    }
    assert os.fspath(bench.work) not in bench.fixture.status()
