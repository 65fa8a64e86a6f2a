"""What is being typed in a review is lost neither when another takes its place nor when the program ends."""

from __future__ import annotations

from autodev_tui.domain.review import ReviewView
from tests.ui.test_review import Desk, opened, review, seven_hunks


def changed_elsewhere() -> ReviewView:
    """The same review with another hash, as when a file beside it was written."""
    return review(seven_hunks()).but(approval="a2", shown_hash="e" * 64)


async def type_an_edit(desk: Desk) -> None:
    await desk.press("e")
    await desk.press(*"my own ")


async def test_an_edit_goes_on_as_a_draft_when_other_changes_come() -> None:
    async with opened() as desk:
        await type_an_edit(desk)
        desk.pane.open_review(changed_elsewhere())
        await desk.pilot.pause()
        draft = desk.host.draft
        assert draft is not None and draft.approval == "a2" and "my own " in draft.texts["edit:1"]
        assert "kept as a draft" in desk.host.words[-1]


async def test_an_edit_of_a_hunk_that_changed_comes_back_with_up() -> None:
    async with opened() as desk:
        await type_an_edit(desk)
        other = changed_elsewhere()
        files = [
            one.but(hunks=[hunk.but(diff=["+new\n"]) for hunk in one.hunks]) for one in other.changes.files
        ]
        desk.pane.open_review(other.but(changes=other.changes.but(files=files)))
        await desk.pilot.pause()
        assert desk.host.draft is None
        assert "my own " in desk.pane._reasons[-1]


async def test_a_kill_loses_nothing_of_an_edit() -> None:
    async with opened() as desk:
        await type_an_edit(desk)
        state = desk.pane.state()
    async with opened() as desk:
        desk.pane.restore(state)
        assert desk.pane.view is not None
        desk.pane.open_review(desk.pane.view)
        await desk.pilot.pause()
        assert desk.host.draft is not None and "my own " in desk.host.draft.texts["edit:1"]
