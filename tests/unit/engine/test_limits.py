"""Agents that go round in circles: told at three, stopped at five, also between two calls."""

from __future__ import annotations

import pytest

from autodev_tui.engine.limits import StuckDetector


def verdicts(calls: str) -> str:
    """One letter a call: `.` nothing, `w` told, `S` stopped; equal letters in `calls` are equal calls."""
    detector = StuckDetector()
    words = {"": ".", "warn": "w", "stop": "S"}
    return "".join(words[detector.add("read_file", {"path": call}, f"text of {call}")] for call in calls)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ("aaaaa", "..w.S"),
        ("aabaab", "......"),
        ("aaabaaa", "..w...w"),
        ("xyaaaaa", "....w.S"),
        ("ababab", ".....w"),
        ("ababababab", ".....w...S"),
        ("abcabcabcabc", "............"),
        ("zababababab", "......w...S"),
        ("abababcababab", ".....w......w"),
        ("", ""),
    ],
)
def test_circles(calls: str, expected: str) -> None:
    assert verdicts(calls) == expected


def test_another_result_is_no_circle() -> None:
    detector = StuckDetector()
    assert [detector.add("run_command", {"command": "make"}, f"run {n}") for n in range(6)] == [""] * 6


def test_the_order_of_arguments_does_not_matter() -> None:
    detector = StuckDetector()
    detector.add("search", {"pattern": "x", "path": "y"}, "r")
    detector.add("search", {"path": "y", "pattern": "x"}, "r")
    assert detector.add("search", {"pattern": "x", "path": "y"}, "r") == "warn"


def test_after_a_reset_counting_begins_anew() -> None:
    detector = StuckDetector()
    for _ in range(4):
        detector.add("a", {}, "r")
    detector.reset()
    assert [detector.add("a", {}, "r") for _ in range(5)] == ["", "", "warn", "", "stop"]
