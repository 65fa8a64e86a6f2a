"""Every screen as a picture, at three sizes, with colour and without; each must also hold its words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual.pilot import Pilot

from autodev_tui.app import Autodev
from autodev_tui.domain import requests
from autodev_tui.domain.requests import RowsAnswer
from autodev_tui.domain.review import FileText
from autodev_tui.domain.states import SessionState, TaskState
from autodev_tui.domain.updates import EngineFacts, Rule, Update
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import drawn
from tests.ui.test_conflict import QUESTION as CONFLICT
from tests.ui.test_conflict import VIEW
from tests.ui.test_first_run import BARE, EXAMPLES, RESUME, WELL
from tests.ui.test_landing import CHECKS, FACTS, landing
from tests.ui.test_models_pane import MODELS
from tests.ui.test_panes_around import checkpoint, option, session
from tests.ui.test_questions import budget
from tests.ui.test_usage_pane import usage
from widgets.arming import Arming

SIZES = ((80, 24), (120, 36), (200, 60))
SETTINGS = dict(shown.FACTS.settings)
ANSWERS: dict[type[Any], Any] = {
    requests.GetReview: requests.ReviewAnswer(review=shown.review_view(badges={7: ["asserts −1"]})),
    requests.GetConflict: requests.ConflictAnswer(conflict=VIEW),
    requests.GetLanding: RowsAnswer(rows=CHECKS, facts=FACTS),
    requests.GetUsage: usage,
    requests.GetModels: MODELS,
    requests.GetExamples: EXAMPLES,
    requests.GetSessions: RowsAnswer(
        rows=[
            session(
                "s1", "running", current=True, waiting=2, title="Add OAuth login", started=shown.NOW - 600
            ),
            session("s0", title="Faster start", started=shown.NOW - 86_400 * 3),
        ],
        facts={"archived": 0, "current": "s1"},
    ),
    requests.GetCheckpoints: RowsAnswer(
        rows=[checkpoint(4, "T5") | {"at": shown.NOW - 60}, checkpoint(3, "T4") | {"at": shown.NOW - 120}]
    ),
    requests.GetDoctor: BARE,
    requests.GetSettings: RowsAnswer(
        rows=[
            option("autonomy", "collaborative", "choice", choices=["guided", "collaborative", "full"]),
            option("agents", 5, "whole", bounds="1 to 32", source="user"),
        ],
        facts={"file": "config.toml", "problem": "", "notices": []},
    ),
    requests.GetTrust: requests.TrustAnswer(
        files=[FileText(path="AGENTS.md", new="Be brief.\nUse ‹U+202E› nothing.\n")], shown_hash="a" * 64
    ),
    requests.GetResume: RESUME,
    requests.GetPrompts: RowsAnswer(
        rows=[
            {
                "name": "planner_system",
                "version": 3,
                "label": "",
                "category": "implementation_plan",
                "origin": "shipped",
                "place": "",
                "tokens": 412,
            }
        ]
    ),
    requests.GetLog: RowsAnswer(
        rows=[{"at": shown.NOW - 9, "task": "T3", "severity": "warning", "text": "retrying in 14 s"}]
    ),
}
PLANNED = [one.but(state=TaskState.PLANNED) for one in shown.tasks()]


def plan() -> Update:
    """A plan that waits."""
    return shown.update(
        session=shown.session(state=SessionState.PLANNING, phase=3),
        tasks=PLANNED,
        approvals=[shown.plan_question()],
        steps=[],
        step_counts={},
        working=[],
    )


def ready() -> Update:
    """Everything is done and can land."""
    done = [one.but(state=TaskState.COMPLETED) for one in shown.tasks()]
    return shown.update(tasks=done, approvals=[landing()], working=[])


def first_run() -> Update:
    """Nothing is there: no model, files that are not trusted."""
    facts = EngineFacts(
        repository="shop",
        branch="main",
        model_problem="no ANTHROPIC_API_KEY and no stored key",
        sandbox="bubblewrap",
        untrusted=["AGENTS.md"],
        settings=SETTINGS,
    )
    return Update(reset=True, facts=facts)


def start() -> Update:
    """A model is there: only a goal is missing."""
    return Update(reset=True, facts=shown.FACTS.but(busy=False))


def spent() -> Update:
    """The budget is reached."""
    usage_ = shown.session().usage.but(cost_usd=5.0)
    question = budget().but(id="a9", created=shown.NOW - 48)
    return shown.update(session=shown.session(usage=usage_), approvals=[question], working=[])


def interrupted() -> Update:
    """A session whose engine was killed."""
    facts = shown.FACTS.but(busy=False, interrupted="s1")
    return shown.update(facts=facts, session=shown.session(state=SessionState.INTERRUPTED), working=[])


def ruled() -> Update:
    """One remembered approval."""
    rule = Rule(
        id="r1",
        action="known command",
        words="In this repository, run exactly `pytest -q` without asking.",
        pattern={},
        created=shown.NOW - 3600,
        used=3,
    )
    return shown.update(rules=[rule])


@dataclass
class Shown:
    """One screen: what is known, how it is opened, the words that it must have."""

    name: str
    words: list[str]
    pane: str = ""
    update: Callable[[], Update] = shown.update
    keys: list[str] = field(default_factory=list)
    answers: dict[type[Any], Any] = field(default_factory=dict)
    """Other answers than the usual ones."""
    few: bool = False
    """Without colour only at the smallest size: it has nothing there that others do not show."""


SCREENS = [
    Shown("tasks", ["1 Tasks", "1 of 6", "T3 Tests", "asks", "4 answer"], "tasks"),
    Shown("agents", ["2 Agents", "pip install freezegun", "✗ 2 failed"], "agents"),
    Shown("review", ["3 Review", "7 open", "@@ def issue", "verified @1f3c9e2"], "review"),
    Shown("submit", ["goes to the agent", "stays open"], "review", keys=["enter"]),
    Shown("questions", ["4 Questions", "1 of 2", "pip install freezegun", "0 hidden"], "questions"),
    Shown("plan", ["Plan  Add OAuth login", "6 tasks", "T6 Migration", "pinned"], "plan", plan),
    Shown("conflict", ["T4", "src/auth.py"], "conflict", lambda: shown.update(approvals=[CONFLICT])),
    Shown("landing", ["Land  Add OAuth login", "9 commits", "quality  0.91"], "landing", ready),
    Shown("checkpoints", ["5 Checkpoints", "before T5 edited a.py"], "checkpoints"),
    Shown("usage", ["6 Usage", "$0.42 of 5.00", "by task", "tells you at"], "usage"),
    Shown("sessions", ["7 Sessions", "Faster start"], "sessions"),
    Shown("first_run", ["Set a key for Anthropic", "! model", "! trust"], "", first_run),
    Shown(
        "start",
        ["take one of these", "handle [b]refunds", "Type a goal"],
        update=start,
        answers={requests.GetDoctor: WELL},
        few=True,
    ),
    Shown("models", ["6 models", "ollama/qwen3:8b", "no key for Anthropic"], "models", few=True),
    Shown("ollama", ["can do this work", "ollama/gemma3:4b"], "ollama", few=True),
    Shown("budget", ["a budget is reached", "go on with ollama/qwen3", "$5.00 of 5.00"], "questions", spent),
    Shown("resume", ["A session was interrupted 8 h 12 min ago", "Look first"], "", interrupted),
    Shown("trust", ["AGENTS.md", "Be brief."], "trust"),
    Shown("doctor", ["Doctor", "not a git repository"], "doctor"),
    Shown("settings", ["Settings", "autonomy", "collaborative"], "settings"),
    Shown("rules", ["pytest -q", "used 3 times"], "rules", ruled),
    Shown("prompts", ["planner_system"], "prompts"),
    Shown("log", ["retrying in 14 s"], "log"),
    Shown("level", ["guided", "supervised"], "level"),
    Shown("keys", ["Keys", "pause"], "tasks", keys=["question_mark"]),
    Shown("criteria", ["2 of 3 verified or ticked", "keys rotate daily", "claimed"], "criteria", few=True),
    Shown("empty", ["No goal yet", "Nobody works"], "tasks", lambda: Update(reset=True, facts=shown.FACTS)),
]


async def opened(pilot: Pilot[Any], screen: Shown) -> None:
    """The screen, once it shows its words."""
    app = pilot.app
    assert isinstance(app, Autodev)
    bench = app.bench

    async def until(holds: Callable[[], bool], what: object) -> None:
        end = asyncio.get_running_loop().time() + 10
        while not holds():
            text = "\n".join(drawn(app))
            assert asyncio.get_running_loop().time() < end, f"no {what} on the screen:\n{text}"
            await pilot.pause(0.02)

    await until(lambda: bench.restored, "first picture")
    if screen.pane == "level":
        await bench.show_level("T2")
    elif screen.pane:
        await bench.go(screen.pane)
    await pilot.pause()
    for key in screen.keys:
        await pilot.press(key)
        await pilot.pause()

    def missing() -> list[str]:
        text = "\n".join(drawn(app))
        return [word for word in screen.words if word not in text]

    await until(lambda: not missing(), screen.words)
    # What is drawn begins colours, colours draw again: it rests when nothing was begun three times in a row.
    quiet = 0
    while quiet < 3:
        busy = [one for one in app.workers if one.group != "engine" and one.is_running]
        quiet = 0 if busy else quiet + 1
        await pilot.pause(0.02)
    app.bench.frame_number = 0
    app.bench.draw()
    await pilot.pause()


CASES = [
    (colour, screen, size)
    for colour in ("colour", "plain")
    for screen in SCREENS
    for size in SIZES
    if not screen.few or colour == "colour" or size == SIZES[0]
]


@pytest.fixture
def colour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """With colour, and with NO_COLOR."""
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TZ", "UTC")
    # Half a second without a key has passed: the keys that decide are drawn as such, on a slow machine too.
    monkeypatch.setattr(Arming, "armed", property(lambda arming: True))
    if request.param == "plain":
        monkeypatch.setenv("NO_COLOR", "1")
    yield request.param


@pytest.mark.parametrize(
    ("colour", "screen", "size"),
    CASES,
    ids=[f"{colour}-{screen.name}-{size[0]}x{size[1]}" for colour, screen, size in CASES],
    indirect=["colour"],
)
def test_screen(screen: Shown, size: tuple[int, int], colour: str, snap_compare: Any) -> None:
    bridge = FakeBridge(screen.update(), answers={**ANSWERS, **screen.answers})
    app = Autodev(bridge, now=lambda: shown.NOW)  # type: ignore[arg-type]
    app.animation_level = "none"
    assert snap_compare(app, terminal_size=size, run_before=lambda pilot: opened(pilot, screen))
