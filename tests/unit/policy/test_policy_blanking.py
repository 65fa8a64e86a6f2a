"""Secrets leave the recorded output of commands, and nothing else moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.policy.blanking import Blanker

SECRET, LONGER = "tok-8Mw4Vt6LpR2", "tok-8Mw4Vt6LpR2-and-more"


def test_every_value_is_overwritten_in_place_in_all_segments(tmp_path: Path) -> None:
    spool, segment = tmp_path / "1.out", tmp_path / "1.out.000001"
    spool.write_text(f"a {LONGER} b\n{SECRET}{SECRET}\nplain é\n")
    segment.write_bytes(b"\xff" + SECRET.encode() + b"\x00")
    other = tmp_path / "2.out"
    other.write_text(SECRET)
    Blanker([SECRET, LONGER]).blank(spool)
    assert spool.read_text() == f"a {'*' * len(LONGER)} b\n{'*' * 2 * len(SECRET)}\nplain é\n"
    assert segment.read_bytes() == b"\xff" + b"*" * len(SECRET) + b"\x00"
    assert other.read_text() == SECRET


@pytest.mark.parametrize("values", [[], ["short"], [SECRET]])
def test_missing_and_empty_outputs_are_fine(tmp_path: Path, values: list[str]) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    Blanker(values).blank(empty)
    Blanker(values).blank(tmp_path / "missing")
    assert empty.read_bytes() == b""


def test_short_values_are_left_alone(tmp_path: Path) -> None:
    spool = tmp_path / "out"
    spool.write_text("true and 1234567")
    Blanker(["true", "1234567"]).blank(spool)
    assert spool.read_text() == "true and 1234567"
