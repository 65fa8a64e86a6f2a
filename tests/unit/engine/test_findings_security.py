"""What commands, hooks and stored words could do behind the human's back, and cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine import flow
from tests.fakes.engine_kit import DONE, kit, make_turn, turns


@pytest.mark.parametrize("path", [".claude/settings.json", "docs/.autodev/config.toml", ".envrc"])
async def test_what_only_the_user_changes_is_asked_at_every_level_though_a_command_wrote_it(
    tmp_path: Path, path: str
) -> None:
    write = f"/bin/mkdir -p {Path(path).parent}; echo x > {path}; echo 1 > a.txt"
    tools = turns(make_turn(("run_command", {"command": write})), make_turn(DONE))
    async with kit(tmp_path, tools) as one:
        outcome = await one.run(land=True)
        assert outcome.code == flow.WAITING_CODE, outcome
        (asked,) = one.board.pending()
        assert asked.state is ApprovalState.PENDING
        assert asked.hard_gates == ["protected files"]
        assert path in str(asked.ask["hard_gates"])
