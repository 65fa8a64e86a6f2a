"""What is said when nothing waits and nothing runs."""

from __future__ import annotations

from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.states import SessionState
from tests.fakes import shown
from widgets.needs import idle, needs


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


def test_who_asks_is_the_planner_only_where_it_does() -> None:
    mirror = Mirror()
    ask = {"command": "npm ci"}
    for effect, who in {
        "setup:9b": "autodev",
        "check:npm test:9b": "autodev",
        "s1 command 4": "the planner",
    }.items():
        question = shown.approval(ApprovalKind.COMMAND, "run it", ask, task=None).but(effect=effect)
        mirror.apply(shown.update(approvals=[question]))
        [need] = needs(mirror)
        assert "".join(text for text, _ in need.line).startswith(f"◐ {who} asks to run  npm ci")
        assert need.who == who
