"""Conflicts place by place: what both sides changed, what would keep both, the tree that decisions make."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.domain.approval import HunkDecision
from autodev_tui.vcs.conflicts import Conflict, Conflicted, conflict, conflicted, resolved
from autodev_tui.vcs.proposals import Change, places, propose

from .conftest import Bench

BASE = "".join(f"{number}\n" for number in range(20))


def sides(
    bench: Bench, base: dict[str, bytes | str], left: dict[str, bytes | str], right: dict[str, bytes | str]
) -> tuple[Conflicted, Conflict]:
    trees = [bench.tree(files) for files in (base, left, right)]
    root = bench.repository.commit_tree(trees[0], [], "base")
    heads = [bench.repository.commit_tree(tree, [root], "side") for tree in trees[1:]]
    merged = conflicted(bench.repository, *heads)
    return merged, conflict(bench.repository, merged.sides)


def with_lines(**changes: str) -> str:
    return "".join(f"{changes.get(f'l{number}', number)}\n" for number in range(20))


def test_a_place_shows_all_three_sides_with_what_is_around_it(bench: Bench) -> None:
    _, found = sides(
        bench, {"f": BASE}, {"f": with_lines(l5="left", l15="own")}, {"f": with_lines(l5="right")}
    )
    (hunk,) = found.hunks
    assert (hunk.number, hunk.path, hunk.start) == (1, "f", 6)
    assert (hunk.base, hunk.left, hunk.right) == (["5\n"], ["left\n"], ["right\n"])
    assert (hunk.before, hunk.after) == (["2\n", "3\n", "4\n"], ["6\n", "7\n", "8\n"])
    assert (hunk.proposal, hunk.why) == (None, "both sides changed the same lines")
    assert found.proposals() is None


@pytest.mark.parametrize("first, second", product(["left", "right", "mine"], repeat=2))
def test_the_tree_has_what_was_decided_and_what_merged_by_itself(
    bench: Bench, first: str, second: str
) -> None:
    merged, found = sides(
        bench,
        {"f": BASE, "g": BASE},
        {"f": with_lines(l2="left2", l9="left9", l17="own left"), "g": with_lines(l1="g left")},
        {
            "f": with_lines(l2="right2", l9="right9", l13="own right"),
            "g": with_lines(l18="g right"),
            "new": "n\n",
        },
    )
    assert [hunk.number for hunk in found.hunks] == [1, 2]

    def decided(number: int, how: str) -> HunkDecision:
        verdicts = {"left": "reject", "right": "accept", "mine": "edit"}
        lines = [f"mine{number}\n", "more\n"] if how == "mine" else None
        return HunkDecision(hunk=number, verdict=verdicts[how], new_lines=lines)

    tree = resolved(bench.repository, merged, found, [decided(2, second), decided(1, first)])
    ends = {
        "left": lambda n, line: f"left{line}",
        "right": lambda n, line: f"right{line}",
        "mine": lambda n, line: f"mine{n}\nmore",
    }
    expected = with_lines(l2=ends[first](1, 2), l9=ends[second](2, 9), l13="own right", l17="own left")
    assert bench.content(tree, "f").decode() == expected
    assert bench.content(tree, "g").decode() == with_lines(l1="g left", l18="g right")
    assert bench.paths(tree) == {"f", "g", "new"}


def test_additions_of_both_sides_are_both_proposed(bench: Bench) -> None:
    merged, found = sides(bench, {"f": BASE}, {"f": BASE + "left\n"}, {"f": BASE + "right\n"})
    (hunk,) = found.hunks
    assert hunk.proposal == ["left\n", "right\n"]
    proposals = found.proposals()
    assert proposals is not None
    tree = resolved(bench.repository, merged, found, proposals)
    assert bench.content(tree, "f").decode() == BASE + "left\nright\n"


def test_white_space_gives_way_to_a_change(bench: Bench) -> None:
    _, found = sides(bench, {"f": BASE}, {"f": with_lines(l5="   5")}, {"f": with_lines(l5="five")})
    assert found.hunks[0].proposal == ["five\n"]
    assert "white space" in found.hunks[0].why
    _, found = sides(bench, {"f": BASE}, {"f": with_lines(l5="five")}, {"f": with_lines(l5="   5")})
    assert found.hunks[0].proposal == ["five\n"]


def test_files_without_a_common_past_are_compared_with_each_other(bench: Bench) -> None:
    merged, found = sides(
        bench, {"a": "a\n"}, {"a": "a\n", "n": "1\n2\n3\n"}, {"a": "a\n", "n": "1\nzwei\n3\n"}
    )
    (hunk,) = found.hunks
    assert (hunk.base, hunk.left, hunk.right, hunk.start) == ([], ["2\n"], ["zwei\n"], 2)
    assert hunk.proposal is None
    tree = resolved(bench.repository, merged, found, [HunkDecision(hunk=1, verdict="accept")])
    assert bench.content(tree, "n") == b"1\nzwei\n3\n"


@pytest.mark.parametrize("verdict", ["accept", "reject"])
def test_what_no_lines_can_show_is_taken_whole(bench: Bench, verdict: str) -> None:
    merged, found = sides(
        bench,
        {"binary": b"\0base", "gone": BASE, "f": BASE},
        {"binary": b"\0left", "f": with_lines(l1="left")},
        {"binary": b"\0right", "gone": with_lines(l1="right"), "f": with_lines(l1="right")},
    )
    assert found.whole_files == ["binary", "gone"]
    assert (len(found.hunks), found.count) == (1, 3)
    decisions = [HunkDecision(hunk=number, verdict=verdict) for number in (1, 2, 3)]
    tree = resolved(bench.repository, merged, found, decisions)
    if verdict == "accept":
        assert bench.content(tree, "binary") == b"\0right"
        assert bench.content(tree, "gone").decode() == with_lines(l1="right")
    else:
        assert bench.content(tree, "binary") == b"\0left"
        assert bench.paths(tree) == {"binary", "f"}


def test_a_last_line_without_its_end_stays_without_it(bench: Bench) -> None:
    merged, found = sides(bench, {"f": "a\nb"}, {"f": "a\nleft"}, {"f": "a\nright"})
    tree = resolved(bench.repository, merged, found, [HunkDecision(hunk=1, verdict="accept")])
    assert bench.content(tree, "f") == b"a\nright"


# -- the places alone


def changes(old: list[str], new: list[str]) -> list[Change]:
    from difflib import SequenceMatcher

    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [Change(a, b, c, d) for tag, a, b, c, d in codes if tag != "equal"]


texts = st.lists(st.sampled_from("abcde"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(base=texts, left=texts, right=texts)
def test_taking_one_side_everywhere_loses_nothing_of_it(
    base: list[str], left: list[str], right: list[str]
) -> None:
    found = places(base, left, right, changes(base, left), changes(base, right))

    def whole(side: str) -> list[str]:
        lines: list[str] = []
        at = 0
        for place in found:
            lines += base[at : place.start] + getattr(place, side)
            at = place.end
        return lines + base[at:]

    assert whole("left") == left
    assert whole("right") == right
    for place in found:
        proposal, why = propose(place, base[place.start : place.end], new_on_both=False)
        assert why
        if proposal is not None and place.added_left is not None and place.added_right is not None:
            assert set(place.left) | set(place.right) <= set(proposal)
