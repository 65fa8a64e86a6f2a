"""Answers about what is around the work, each from real records, files and repositories."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import credentials
from autodev_tui.domain import requests
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Usage
from autodev_tui.domain.task import Task
from autodev_tui.engine import flow
from autodev_tui.engine.answering.checkpoints import checkpoint_rows
from autodev_tui.engine.answering.resuming import how_it_ended, in_flight
from autodev_tui.engine.answers import answer
from autodev_tui.engine.flags import FLAGS, HISTORY_ADVICE, cohort, is_on
from autodev_tui.engine.ledger import forecast
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Kit, desk, kit, make_turn, turns
from tests.fakes.ollama_server import FakeOllama

EDIT_A = ("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "1"})
KEY = "sk-ant-api03-not-a-real-key-but-as-long-as-one-000000000000"


async def asked(one: Kit, request: Any) -> Any:
    return await answer(one.engine.site, request)


async def rows(one: Kit, request: Any) -> list[dict[str, Any]]:
    found = await asked(one, request)
    assert isinstance(found, requests.RowsAnswer), found
    # What crosses the pipe is JSON.
    return requests.RowsAnswer.model_validate_json(found.model_dump_json()).rows


@pytest.fixture
def used() -> Usage:
    return Usage(
        requests=1, input_tokens=100, cache_read_tokens=300, output_tokens=20, cost_usd=0.25, retries=1
    )


async def test_a_run_is_told_by_every_answer(tmp_path: Path, used: Usage) -> None:
    script = turns(make_turn(EDIT_A, usage=used), make_turn(DONE, usage=used))
    async with kit(tmp_path, script) as one:
        outcome = await one.run()
        while outcome.code == flow.WAITING_CODE:
            for approval in one.board.pending():
                await one.answer(approval)
            outcome = await one.resume()
        assert outcome.code == flow.DONE

        [session] = await rows(one, requests.GetSessions())
        assert (session["title"], session["done"], session["tasks"]) == ("Change a", 1, 1)
        assert session["current"]
        assert session["cost_usd"] == pytest.approx(0.5)

        found = await asked(one, requests.GetUsage())
        task, planning = found.rows
        assert (task["task"], task["cost_usd"], task["cache"]) == ("T1", pytest.approx(0.5), 0.75)
        assert (planning["title"], planning["requests"]) == ("planning", 1)
        assert found.facts["total"]["cost_usd"] == pytest.approx(0.5)
        assert found.facts["month_usd"] == pytest.approx(0.5)
        assert found.facts["retries"] == 2
        assert found.facts["forecast"] is None
        assert found.facts["prices_date"].startswith("20")
        [model] = await rows(one, requests.GetUsage(by="model"))
        assert (model["model"], model["input"], model["sessions"]) == ("claude-opus-5", 900, 1)
        [day] = await rows(one, requests.GetUsage(by="day"))
        assert day["cost_usd"] == pytest.approx(0.5)

        newest = (await rows(one, requests.GetCheckpoints()))[0]
        assert newest["title"] == "after T1 edited a.txt"
        assert newest["paths"] == ["a.txt"]

        text = (await asked(one, requests.GetExport())).head
        assert "# Change a" in text and "### T1 Change a (completed)" in text and "## Commits" in text
        document = json.loads((await asked(one, requests.GetExport(format="json"))).head)
        assert document["commits"] and document["pull_request"]
        assert "mac" not in json.dumps(document)


async def test_nothing_yet_is_an_answer_too(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        assert await rows(one, requests.GetSessions()) == []
        for request in (requests.GetUsage(), requests.GetCheckpoints(), requests.GetExport()):
            found = await asked(one, request)
            assert isinstance(found, requests.Refused) and "type a goal" in found.reason
        assert (await asked(one, requests.GetPaths())).paths == ["a.txt", "b.txt", "docs/c.md"]


async def test_the_doctor_says_what_to_do(tmp_path: Path) -> None:
    variables = {"PATH": os.environ["PATH"], "TERM": "dumb", "OLLAMA_HOST": "127.0.0.1:1"}
    async with kit(tmp_path, turns(), environment=variables) as one:
        found = {row["name"]: row for row in await rows(one, requests.GetDoctor())}
        assert found["git"]["state"] == "ok"
        assert "on main, clean" in found["repository"]["text"]
        assert found["model"]["state"] == "warn" and "ANTHROPIC_API_KEY" in found["model"]["todo"]
        assert "needed only for local models" in found["ollama"]["text"]
        assert found["terminal"]["state"] == "warn" and "autodev run" in found["terminal"]["todo"]
        assert found["checks"]["state"] == "warn" and found["editor"]["state"] == "warn"
        assert all(row["todo"] for row in found.values() if row["state"] != "ok")
        one.fixture.write("a.txt", "changed")
        found = {row["name"]: row for row in await rows(one, requests.GetDoctor())}
        assert "1 uncommitted" in found["repository"]["text"]


async def test_settings_tell_value_source_and_help_and_never_a_key(tmp_path: Path, home: Path) -> None:
    config = home / "config"
    config.mkdir()
    (config / "config.toml").write_text('theme = "nord"\n[limits]\ncontext_tokens = 20000\n')
    environment = {
        "AUTODEV_CONFIG_DIR": str(config),
        "AUTODEV_GLYPHS": "ascii",
        "ANTHROPIC_API_KEY": KEY,
    }
    settings = Settings(theme="nord", glyphs="ascii", limits={"context_tokens": 20000})
    async with kit(tmp_path, turns(), environment=environment, settings=settings) as one:
        found = {row["name"]: row for row in await rows(one, requests.GetSettings())}
        assert (found["theme"]["value"], found["theme"]["source"]) == ("nord", "user")
        assert found["glyphs"]["source"] == "environment"
        assert found["limits.context_tokens"]["source"] == "user"
        assert found["limits.context_tokens"]["bounds"] == "at least 10000"
        assert (found["notify"]["source"], found["notify"]["choices"][0]) == ("default", "off")
        assert found["autonomy"]["choices"] == [level.value for level in Level]
        assert all(row["help"] for row in found.values())
        assert found["key.anthropic"]["value"] == "set in environment"
        assert KEY not in json.dumps(found)
        (config / "config.toml").write_text("theme = 3\n")
        answer_ = await asked(one, requests.GetSettings())
        assert "config.toml:1: theme" in answer_.facts["problem"]


async def test_trust_shows_what_is_there_now(tmp_path: Path) -> None:
    async with kit(tmp_path, turns(), files={"AGENTS.md": "Use tabs.\n", "a.txt": "x"}) as one:
        found = await asked(one, requests.GetTrust())
        assert [(file.path, file.new) for file in found.files] == [("AGENTS.md", "Use tabs.\n")]
        assert len(found.shown_hash) == 64 and not found.trusted
        one.fixture.write("AGENTS.md", "Use spaces.\n")
        assert (await asked(one, requests.GetTrust())).shown_hash != found.shown_hash


async def test_advice_while_typing(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        small = await asked(one, requests.GetGoalAdvice(goal="Fix a typo in a.txt"))
        large = await asked(one, requests.GetGoalAdvice(goal="Implement a billing system"))
        assert (small.tasks, small.cost_usd) == (1, None)
        assert small.words == f"simple {small.score} · 1 task"
        assert large.tasks == 5 and large.score >= 7
        one.database.commit(
            [("plan_tasks", f"s/T{n}", _done(n, cost).doc()) for n, cost in enumerate((0.1, 0.2, 0.3))]
        )
        again = await asked(one, requests.GetGoalAdvice(goal="Implement a billing system"))
        assert again.cost_usd == pytest.approx(1.0) and again.words.endswith("5 tasks · ~$1.00")


async def test_the_first_goal_has_a_range_from_complexity_and_prices(tmp_path: Path) -> None:
    small, large = (requests.GetGoalAdvice(goal=one) for one in ("Fix a typo in a.txt", "Implement billing"))
    with FakeOllama({"models": {"helper": {"remote": True}, "qwen3": {}}}) as fake:
        async with kit(tmp_path, turns(), environment={"OLLAMA_HOST": fake.url}) as one:
            model = [""]
            one.engine.site.model = lambda: model[0]
            assert (await asked(one, small)).cost_range_usd is None, "nobody would be asked"
            model[0] = "anthropic/claude-opus-5-5"
            first, other = await asked(one, small), await asked(one, large)
            assert 0 < first.cost_range_usd[0] < first.cost_range_usd[1] < other.cost_range_usd[1] < 40
            assert "$" in first.words and first.price_known and first.cost_usd is None
            model[0] = "anthropic/claude-haiku-5-5"
            assert (await asked(one, small)).cost_range_usd[1] < first.cost_range_usd[1] / 10
            model[0] = "ollama/qwen3"
            for _ in range(2):
                local = await asked(one, small)
            assert local.cost_range_usd == (0.0, 0.0) and local.price_known and "$" not in local.words
            for model[0] in ("ollama/helper", "ollama/big:cloud", "anthropic/mystery"):
                told = await asked(one, small)
                assert told.cost_range_usd is None and not told.price_known
        shows = [one["body"]["model"] for one in fake.requests if one["path"] == "/api/show"]
        assert shows == ["qwen3", "helper"], "a server is asked once, not with every key"


def _done(number: int, cost: float) -> Task:
    usage = Usage(requests=1, cost_usd=cost)
    return Task(id=f"T{number}", session="s", title="t", state="completed", usage=usage)


async def test_the_history_flag_changes_the_number_of_tasks_only_where_it_is_on(tmp_path: Path) -> None:
    goal = requests.GetGoalAdvice(goal="Implement a billing system")
    async with kit(tmp_path, turns()) as one:
        run = {
            "execution_plan": [{}] * 9,
            "task_analysis": {"complexity_class": "complex"},
            "success": True,
            "execution_context": {"flags": {HISTORY_ADVICE: True}, "usage": {"cost_usd": 0.5}},
        }
        one.database.commit([("history", f"s{n}/1", {**run, "session_id": f"s{n}"}) for n in range(3)])
        before = await asked(one, goal)
        assert before.tasks == 5
        one.engine.site.settings = Settings(flags={HISTORY_ADVICE: 100})
        assert (await asked(one, goal)).tasks == 9
        one.engine.site.settings = Settings(flags={HISTORY_ADVICE: 0})
        assert await asked(one, goal) == before
        found = {row["name"]: row for row in await rows(one, requests.GetSettings())}
        assert found[f"flags.{HISTORY_ADVICE}"]["arms"]["on"] == {
            "runs": 3,
            "success": 1.0,
            "cost_usd": 0.5,
        }


def test_a_rollout_only_grows_and_is_even() -> None:
    places = [cohort(HISTORY_ADVICE, f"r{number}") for number in range(2000)]
    assert min(places) == 0 and max(places) == 99
    assert 850 < sum(place < 50 for place in places) < 1150
    for repository in ("r1", "r2", "r3"):
        states = [
            is_on(Settings(flags={HISTORY_ADVICE: share}), HISTORY_ADVICE, repository) for share in range(101)
        ]
        assert states == sorted(states) and states[-1] and not states[0]
    assert not any(is_on(Settings(), flag, "r1") for flag in FLAGS)


def test_too_few_known_costs_are_no_forecast() -> None:
    assert forecast([0.1, 0.2], 3) is None
    assert forecast([0.1, 0.2, 0.3], 0) is None
    assert forecast([0.1, 0.1, 0.1], 2) == pytest.approx((0.2, 0.2))


async def test_checkpoints_lie_before_what_came_next(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        work = await desk(one)
        await work.workspace.propose(one.board.tasks["T1"])
        step = one.board.new_step("tool", "T1", "edit_file", state="done", args={"path": "docs/c.md"})
        await one.board.commit(step)
        work.write("a.txt", "two\n")
        await work.workspace.propose(one.board.tasks["T1"])
        newest, oldest = checkpoint_rows(one.board.all_steps())
        assert (oldest["title"], oldest["number"]) == ("before T1 edited c.md", 1)
        assert (newest["title"], newest["files"]) == ("after T1 edited c.md", 1)


async def test_prompts_are_previewed(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        found = await rows(one, requests.GetPrompts())
        assert {"task_request", "planner_system"} <= {row["name"] for row in found}
        assert all(row["origin"] == "shipped" and row["tokens"] for row in found)
        preview = await asked(one, requests.GetPrompts(name="task_request"))
        assert "Fix the discount" in preview.facts["text"]
        one.engine.site.trusted_files = {".autodev/prompts/developer_system.j2": b"Be brief."}
        own = await asked(one, requests.GetPrompts(name="developer_system"))
        assert (own.rows[0]["origin"], own.facts["text"]) == ("repository", "Be brief.")
        assert isinstance(await asked(one, requests.GetPrompts(name="nope")), requests.Refused)


async def test_a_killed_session_is_judged_and_not_touched(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        work = await desk(one)
        board, task = one.board, one.board.tasks["T1"]
        record = tmp_path / "record"
        written = _effect("a.txt", work.workspace.path, "1\n")
        await board.commit(
            board.new_step(
                "tool", "T1", "edit_file", state="started", args={"path": "a.txt"}, intent=written
            ),
            board.new_step(
                "tool",
                "T1",
                "write_file",
                state="started",
                args={"path": "new.txt"},
                intent=_effect("new.txt", work.workspace.path, "never"),
            ),
            board.new_step(
                "tool",
                "T1",
                "run_command",
                state="started",
                args={"command": "./seed.sh"},
                intent={"record": str(record), "repeatable": False},
            ),
        )
        work.write("a.txt", "1\n")
        before = [step.doc() for step in board.all_steps()]
        states = [state for state, _ in in_flight([task], board.all_steps())]
        assert states == ["recovered", "again", "unknown"]
        assert [step.doc() for step in board.all_steps()] == before

        found = await asked(one, requests.GetResume(session=one.session.id))
        texts = {row["state"]: row["text"] for row in found.rows}
        assert "T1 edit of a.txt had been written" in texts["recovered"]
        assert texts["unknown"] == "T1 command ./seed.sh may have run"
        assert f"main is still @{one.session.base_commit[:7]}" in texts["untouched"]
        assert found.facts["why"] in ("its process was killed", "the machine went down")


def _effect(path: str, worktree: Path, after: str) -> dict[str, Any]:
    from autodev_tui.policy.paths import resolve
    from autodev_tui.tools.effects import Effect
    from autodev_tui.tools.textfile import fingerprint

    place = worktree / path
    before = fingerprint(resolve(worktree, path, follow=True))
    old = place.read_bytes() if place.exists() else None
    place.write_text(after)
    target = fingerprint(resolve(worktree, path, follow=True))
    place.unlink() if old is None else place.write_bytes(old)
    return {"effect": Effect("write", path, before, target).intent()}


async def test_why_a_session_ended(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        await desk(one)
        session = one.session
        last = max(step.created for step in one.board.all_steps())
        at, why = how_it_ended(session, one.board.all_steps(), boot=last - 10)
        assert (at, why) == (last, "its process was killed")
        assert how_it_ended(session, one.board.all_steps(), boot=last + 10)[1] == "the machine went down"
        assert how_it_ended(session, one.board.all_steps(), boot=last - 10, alive=last + 700)[0] == last + 700
        assert how_it_ended(session.but(code=130), [], boot=0)[1] == "it was told to stop"
        assert how_it_ended(session.but(code=0), [], boot=0)[1] == "it is done, and waits to be landed"
        assert (
            how_it_ended(session.but(code=0, plan_only=True), [], boot=0)[1] == "its plan waits for your yes"
        )
        assert "max_turns" in how_it_ended(session.but(code=4, error="max_turns is 3"), [], boot=0)[1]


async def test_an_export_holds_no_secret(tmp_path: Path, home: Path) -> None:
    environment = {"AUTODEV_CONFIG_DIR": str(home / "config")}
    credentials.store_key("anthropic", KEY, environment)
    async with kit(tmp_path, turns(), environment=environment) as one:
        await desk(one)
        await one.board.commit(one.session.but(instructions=[f"use {KEY} \x1b[31m"]))
        for form in ("markdown", "json"):
            text = (await asked(one, requests.GetExport(format=form))).head
            assert KEY not in text and "\x1b" not in text and "SECRET" in text
