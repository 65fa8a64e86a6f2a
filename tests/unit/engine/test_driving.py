"""A full disk holds a run up, and does not end it, where somebody is there who can make space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.step import StepKind
from autodev_tui.engine import driving, flow, space
from autodev_tui.engine.space import missing_space
from store.errors import StoreFull
from tests.fakes.engine_kit import DONE, Kit, kit, make_turn, turns, until, waiting

EDIT = make_turn(("write_file", {"path": "new.txt", "content": "hello\n"}))


class Disk:
    """Full from the first model call of a task on, until it is given room."""

    def __init__(self, one: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = True
        self._commit = one.database.acommit
        monkeypatch.setattr(one.database, "acommit", self.acommit)
        monkeypatch.setattr(driving, "missing_space", lambda state: "disk full: / has 0 B" * self.full)
        monkeypatch.setattr(driving, "SPACE_EVERY_S", 0.01)

    async def acommit(self, ops: Sequence[Any]) -> int:
        """As the store does it."""
        wanted = any(table == "steps" and document["task"] == "T1" for table, _, document in ops if document)
        if self.full and wanted:
            raise StoreFull("no space left")
        return await self._commit(ops)


async def test_agents_wait_for_space_and_go_on_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE)), interactive=True) as one:
        disk = Disk(one, monkeypatch)
        await one.start()
        await until(lambda: one.engine.stopped, "what holds everything up")
        assert one.engine.stopped == "disk full: / has 0 B"
        assert one.engine.busy
        assert not [step for step in one.board.steps("T1") if step.kind is StepKind.MODEL]
        disk.full = False
        review = await waiting(one, "changes")
        assert one.engine.stopped == ""
        assert one.fixture.git("show", f"{review.base['proposed']}:new.txt") == "hello"


async def test_with_nobody_there_a_full_disk_is_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with kit(tmp_path, turns(EDIT, make_turn(DONE))) as one:
        Disk(one, monkeypatch)
        outcome = await one.run()
        assert outcome.code == flow.DAMAGED
        assert "no space" in outcome.error


def test_space_is_asked_for_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = space.shutil._ntuple_diskusage(100 << 30, 100 << 30, 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: usage)
    words = missing_space(tmp_path)
    assert words.startswith("disk full: /")
    assert words.endswith(" has 0 B · agents paused before their next step · free 200 MB")
    usage = space.shutil._ntuple_diskusage(100 << 30, 0, 300 << 20)  # type: ignore[attr-defined]
    assert missing_space(tmp_path) == ""
    usage = space.shutil._ntuple_diskusage(1 << 30, 0, 60 << 20)  # type: ignore[attr-defined]
    assert missing_space(tmp_path) == ""
