"""What is said when nothing waits and nothing runs."""

from __future__ import annotations

from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import SessionState
from tests.fakes import shown
from widgets.needs import idle


def words(mirror: Mirror, here: str = "", *, typing: bool = False) -> str:
    left, right = idle(mirror, here, typing=typing)
    return "".join(text for text, _ in [*left, ("  ", ""), *right]).strip()


def test_a_session_that_only_was_looked_at_says_how_it_goes_on() -> None:
    mirror = Mirror()
    assert words(mirror) == ""
    mirror.session = shown.session(state=SessionState.INTERRUPTED)
    mirror.facts = shown.FACTS.but(busy=False, owner="")
    assert words(mirror, "review") == "‖ paused: nothing runs, nothing is spent  1 x go on"
    assert words(mirror, "tasks").endswith("  x go on")
    assert words(mirror, typing=True).endswith("  /continue go on")
    mirror.facts = shown.FACTS.but(busy=True, owner="")
    assert words(mirror) == ""
    mirror.facts = shown.FACTS.but(busy=False, owner="")
    mirror.session = shown.session(state=SessionState.CANCELLED)
    assert words(mirror) == ""
