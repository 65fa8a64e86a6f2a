"""In a storm of sizes the terminal itself is asked."""

from __future__ import annotations

import os
import shutil

import pytest
from textual import events
from textual.geometry import Size

from screens.terminal_size import as_it_is


@pytest.mark.parametrize("told", [Size(10, 5), Size(120, 36)])
def test_the_size_that_counts_is_the_one_that_the_terminal_has(
    told: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has(fallback: tuple[int, int]) -> os.terminal_size:
        return os.terminal_size((120, 36))

    monkeypatch.setattr(shutil, "get_terminal_size", has)
    assert as_it_is(events.Resize(told, told)).size == Size(120, 36)


def test_where_there_is_no_terminal_the_event_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda fallback: os.terminal_size(fallback))
    assert as_it_is(events.Resize(Size(70, 20), Size(70, 20))).size == Size(70, 20)
