"""The workbench's engine in its thread: lines there and back, restarts, watching another's engine."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from autodev_tui import host, looking, watching
from autodev_tui.assembly import Model
from autodev_tui.bridge import EngineThread
from autodev_tui.domain import commands, requests
from autodev_tui.domain.approval import Approval, ApprovalKind, Decision, HunkDecision
from autodev_tui.domain.levels import Level
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.review import ReviewDraft
from autodev_tui.domain.states import ApprovalState, SessionState, TaskState
from autodev_tui.engine import review_watch
from autodev_tui.sandbox.probe import ProbeResult
from autodev_tui.sandbox.spec import Rung
from tests.fakes.engine_kit import DONE, FILES, PATIENCE_S, Scripted, make_turn, turns
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.repos import FixtureRepository, make_repository

PROBED = ProbeResult(Rung.LANDLOCK, ((Rung.LANDLOCK, True, ""),))
EDIT = make_turn(("write_file", {"path": "new.txt", "content": "hello\n"}))


@pytest.fixture
def place(tmp_path: Path) -> FixtureRepository:
    return make_repository(tmp_path / "checkout", FILES)


def environment(repository: FixtureRepository) -> dict[str, str]:
    home = repository.root.parent
    return {
        **repository.environ,
        "AUTODEV_STATE_DIR": str(home / "state"),
        "AUTODEV_CONFIG_DIR": str(home / "config"),
        "ANTHROPIC_API_KEY": "",
    }


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = turns(EDIT, make_turn(DONE))

    def model(*_: Any) -> Model:
        return Model(Scripted(reply), "claude-opus-5", "scripted/claude-opus-5")

    monkeypatch.setattr(host, "find_model", model)
    monkeypatch.setattr(looking, "find_model", model)
    monkeypatch.setattr(host, "probe", lambda: PROBED)


class Front:
    """A front end without a screen."""

    def __init__(self, engine: EngineThread) -> None:
        self.engine = engine
        self.mirror = Mirror()
        self.updates = 0
        self.changed = asyncio.Event()

    async def read(self) -> None:
        async for update in self.engine.updates():
            self.mirror.apply(update)
            self.updates += 1
            self.changed.set()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def front(directory: Path, env: dict[str, str]) -> AsyncIterator[Front]:
    engine = EngineThread(directory, env)
    engine.start()
    made = Front(engine)
    reading = asyncio.create_task(made.read())
    try:
        yield made
    finally:
        await engine.aclose()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def start(one: Front, **more: Any) -> None:
    """A goal, up to its review."""
    assert await one.engine.submit(commands.StartSession(goal="Change a", level=Level.COLLABORATIVE)) is None
    plan = await asked(one, "plan")
    assert await one.engine.submit(commands.Decide(decision=answer(plan))) is None


async def asked(one: Front, kind: ApprovalKind) -> Approval:
    await one.until(lambda: one.mirror.of_kind(kind), kind)
    return one.mirror.of_kind(kind)[0]


def answer(approval: Approval, verdict: Any = "approve", **more: Any) -> Decision:
    """As the screen makes it: without a signature."""
    shown = approval.shown_hash
    return Decision(approval=approval.id, verdict=verdict, shown_hash=shown, actor="ada", at=1.0, **more)


async def test_a_goal_goes_there_and_its_review_comes_back(place: FixtureRepository, scripted: None) -> None:
    async with front(place.root, environment(place)) as one:
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        found = await one.engine.ask(requests.GetReview(approval=review.id))
        assert isinstance(found, requests.ReviewAnswer)
        assert [file.path for file in found.review.changes.files] == ["new.txt"]
        assert found.review.moved == []
        assert one.mirror.facts.busy
        assert one.mirror.facts.sandbox == "landlock"
        assert one.mirror.facts.model == "scripted/claude-opus-5"
        verdict = HunkDecision(hunk=1, verdict="accept")
        decision = answer(review, hunks=[verdict])
        assert await one.engine.submit(commands.Decide(decision=decision)) is None
        await one.until(lambda: one.mirror.of_kind(ApprovalKind.LAND), "the landing")
        assert one.mirror.tasks["T1"].state is TaskState.COMPLETED


async def test_a_draft_outlives_the_engine(place: FixtureRepository, scripted: None) -> None:
    env = environment(place)
    async with front(place.root, env) as one:
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        kept = ReviewDraft(approval=review.id, shown_hash=review.shown_hash, texts={"reject:1": "too lo"})
        assert await one.engine.submit(commands.SaveDraft(draft=kept, path="new.txt")) is None
        await one.until(lambda: review.id in one.mirror.drafts, "the draft")
        assert await one.engine.submit(commands.SaveView(name="", view={"focus": "review"})) is None
    async with front(place.root, env) as two:
        await two.until(lambda: two.mirror.session, "the session that was going on")
        assert two.mirror.session
        assert two.mirror.session.state is SessionState.INTERRUPTED
        assert two.mirror.facts.interrupted == two.mirror.session.id
        assert two.mirror.drafts[review.id] == kept
        assert two.mirror.views == {"": {"focus": "review"}}
        assert not two.mirror.facts.busy
        # Nothing runs, and the question can be answered all the same.
        assert await two.engine.submit(commands.Decide(decision=answer(review))) is None
        await two.until(lambda: not two.mirror.of_kind(ApprovalKind.CHANGES), "the decision")
        await two.until(lambda: review.id not in two.mirror.drafts, "its draft has served")
        assert await two.engine.submit(commands.ResumeSession(session=two.mirror.session.id)) is None
        await asked(two, ApprovalKind.LAND)
        assert two.mirror.facts.interrupted == ""


async def test_what_changed_on_disk_is_not_decided(place: FixtureRepository, scripted: None) -> None:
    async with front(place.root, environment(place)) as one:
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        (Path(one.mirror.tasks["T1"].worktree) / "new.txt").write_text("other\n")
        draft = ReviewDraft(approval=review.id, shown_hash=review.shown_hash)
        refused = await one.engine.submit(commands.SaveDraft(draft=draft, path="new.txt"))
        assert refused
        assert refused.moved == ["new.txt"]
        refused = await one.engine.submit(commands.Decide(decision=answer(review)))
        assert refused
        assert review.id not in one.mirror.drafts


async def test_what_changes_under_a_review_is_proposed_anew_with_its_draft(
    place: FixtureRepository, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_watch, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(review_watch, "SETTLES_MS", 20)
    monkeypatch.setattr(review_watch, "BEGUN_MS", 50)
    async with front(place.root, environment(place)) as one:
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        draft = ReviewDraft(
            approval=review.id,
            shown_hash=review.shown_hash,
            decisions=[HunkDecision(hunk=1, verdict="accept")],
            texts={"comment:1:0": "why"},
        )
        assert await one.engine.submit(commands.SaveDraft(draft=draft)) is None
        (Path(one.mirror.tasks["T1"].worktree) / "a.txt").write_text("mine\n")
        await one.until(
            lambda: one.mirror.approvals[review.id].state is ApprovalState.SUPERSEDED, "the old question"
        )
        assert review.id in one.mirror.moved
        new = await asked(one, ApprovalKind.CHANGES)
        await one.until(lambda: new.id in one.mirror.drafts, "the draft")
        carried = one.mirror.drafts[new.id]
        # a.txt comes first now, and nobody has decided on it.
        assert [(one.hunk, one.verdict) for one in carried.decisions] == [(2, "accept")]
        assert carried.texts == {"comment:2:0": "why"}
        assert review.id not in one.mirror.drafts


async def test_a_second_window_watches(
    place: FixtureRepository, scripted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "WATCH_S", 0.02)
    env = environment(place)
    async with front(place.root, env) as one:
        await start(one)
        review = await asked(one, ApprovalKind.CHANGES)
        async with front(place.root, env) as two:
            await two.until(lambda: review.id in two.mirror.approvals, "the same question")
            assert two.mirror.facts.owner.startswith(f"pid {os.getpid()}")
            refused = await two.engine.submit(commands.Decide(decision=answer(review)))
            assert refused
            assert refused.reason.startswith("watching · driven from pid")
            found = await two.engine.ask(requests.GetReview(approval=review.id))
            assert isinstance(found, requests.ReviewAnswer)
            assert await one.engine.submit(commands.Decide(decision=answer(review))) is None
            await two.until(lambda: two.mirror.of_kind(ApprovalKind.LAND), "what the other did")
            await one.engine.aclose()
            await two.until(lambda: not two.mirror.facts.owner, "its turn")
            assert two.mirror.facts.interrupted


async def test_without_a_key_rules_plan_and_say_what_needs_a_model(place: FixtureRepository) -> None:
    async with front(place.root, environment(place)) as one:
        await one.until(lambda: one.mirror.facts.repository, "the facts")
        assert one.mirror.facts.repository == "checkout"
        assert one.mirror.facts.branch == "main"
        assert (one.mirror.facts.model, one.mirror.facts.model_problem) == ("rules", "")
        assert await one.engine.submit(commands.StartSession(goal="Change a", level=Level.FULL)) is None
        await one.until(lambda: one.mirror.session and one.mirror.session.code == 3, "the end of the rules")
        assert one.mirror.session and "T1 needs a model" in one.mirror.session.error
        sessions = await one.engine.ask(requests.GetSessions())
        assert isinstance(sessions, requests.RowsAnswer)
        assert await one.engine.submit(commands.SaveView(name="", view={"a": 1})) is None


async def test_a_folder_that_is_no_repository_becomes_one(tmp_path: Path, scripted: None) -> None:
    made = make_repository(tmp_path / "other", FILES)
    folder = tmp_path / "plain"
    folder.mkdir()
    async with front(folder, environment(made)) as one:
        await one.until(lambda: one.mirror.facts.problems, "what is wrong")
        assert one.mirror.facts.repository == ""
        assert "not a git repository" in one.mirror.facts.problems[0]
        refused = await one.engine.submit(commands.StartSession(goal="x"))
        assert refused
        assert "not a git repository" in refused.reason
        await one.until(lambda: one.mirror.facts.sandbox == "landlock", "the sandbox")
        assert one.mirror.facts.model == "scripted/claude-opus-5"
        assert await one.engine.submit(commands.InitRepository()) is None
        await one.until(lambda: one.mirror.facts.repository == "plain", "the repository")
        assert one.mirror.facts.problems == []
        again = await one.engine.submit(commands.InitRepository())
        assert again
        assert "already" in again.reason


async def test_outside_a_repository_what_is_missing_is_told_and_what_is_the_users_own_is_kept(
    tmp_path: Path, scripted: None
) -> None:
    made = make_repository(tmp_path / "other", FILES)
    folder = tmp_path / "plain"
    folder.mkdir()
    async with front(folder, environment(made)) as one:
        await one.until(lambda: one.mirror.facts.sandbox == "landlock", "the sandbox")
        told = await one.engine.ask(requests.GetDoctor())
        assert isinstance(told, requests.RowsAnswer)
        found = {row["name"]: row for row in told.rows}
        assert found["repository"]["state"] == "bad"
        assert found["sandbox"]["state"] == "ok"
        assert isinstance(await one.engine.ask(requests.GetSessions()), requests.Refused)
        key = SecretStr("sk-ant-api03-" + "x" * 40)
        assert await one.engine.submit(commands.SetKey(key=key)) is None
        assert await one.engine.submit(commands.SetOption(name="theme", value="nord")) is None
        await one.until(lambda: one.mirror.facts.settings.get("theme") == "nord", "the option")
        assert one.mirror.facts.sandbox == "landlock"
        kept = tmp_path / "config" / "credentials.toml"
        assert key.get_secret_value() in kept.read_text()
        assert kept.stat().st_mode & 0o077 == 0
        refused = await one.engine.submit(commands.SetOption(name="theem", value="nord"))
        assert refused


async def test_a_model_of_ollama_is_chosen_before_there_is_a_repository_and_holds_in_it(
    tmp_path: Path,
) -> None:
    made = make_repository(tmp_path / "other", FILES)
    folder = tmp_path / "plain"
    folder.mkdir()
    with FakeOllama({"models": {"tiny": {"tools": False}, "other": {}, "qwen3": {}}}) as fake:
        async with front(folder, environment(made) | {"OLLAMA_HOST": fake.url}) as one:
            await one.until(lambda: one.mirror.facts.problems, "what is wrong")
            told = await one.engine.ask(requests.GetModels())
            assert isinstance(told, requests.RowsAnswer)
            here = [row["model"] for row in told.rows if row["local"] and row["provider"] == "ollama"]
            assert here == ["ollama/tiny:latest", "ollama/other:latest", "ollama/qwen3:latest"]
            chosen = commands.SetOption(name="model", value="ollama/qwen3:latest")
            assert await one.engine.submit(chosen) is None
            await one.until(lambda: one.mirror.facts.model == chosen.value, "the model")
            told = await one.engine.ask(requests.GetModels())
            assert isinstance(told, requests.RowsAnswer)
            assert [row["model"] for row in told.rows if row["default"]] == [chosen.value]
            assert await one.engine.submit(commands.InitRepository()) is None
            await one.until(lambda: one.mirror.facts.repository == "plain", "the repository")
            assert one.mirror.facts.model == chosen.value and one.mirror.facts.problems == []


async def test_nothing_is_made_a_repository_inside_of_one(place: FixtureRepository, scripted: None) -> None:
    async with front(place.root / ".git", environment(place)) as one:
        await one.until(lambda: one.mirror.facts.problems, "what is wrong")
        refused = await one.engine.submit(commands.InitRepository())
        assert refused
        assert "inside a .git directory" in refused.reason
        assert not (place.root / ".git" / ".git").exists()


async def test_wrong_configuration_is_told_and_does_not_stop_anything(
    place: FixtureRepository, scripted: None
) -> None:
    env = environment(place)
    config = Path(env["AUTODEV_CONFIG_DIR"])
    config.mkdir()
    (config / "config.toml").write_text("max_turns = 5\nmax_turnz = 3\n")
    async with front(place.root, env) as one:
        await one.until(lambda: one.mirror.facts.problems, "what is wrong")
        assert "config.toml:2" in one.mirror.facts.problems[0]


async def test_leaving_takes_less_than_a_second_and_what_ran_goes_on(
    place: FixtureRepository, scripted: None
) -> None:
    env = environment(place)
    async with front(place.root, env) as one:
        await start(one)
        await asked(one, ApprovalKind.CHANGES)
        begun = time.monotonic()
        await one.engine.aclose()
        assert time.monotonic() - begun < 1
