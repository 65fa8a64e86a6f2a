"""What commands, hooks and stored words could do behind the human's back, and cannot."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from autodev_tui import cli_answers, paths
from autodev_tui.cli_errors import Failure
from autodev_tui.domain import commands
from autodev_tui.domain.levels import Level
from autodev_tui.domain.states import ApprovalState
from autodev_tui.engine import flow
from autodev_tui.engine.agent_loop import work
from autodev_tui.engine.event_log import read_events
from autodev_tui.engine.verify import show_setup
from autodev_tui.headless import BudgetUnknowable, refuse_unknown_price
from autodev_tui.quality.running import Run
from autodev_tui.quality.setup import SetupRequest
from autodev_tui.settings import Settings
from autodev_tui.settings_schema import ConfiguredCheck
from tests.fakes.engine_kit import DONE, Kit, desk, kit, make_turn, turns, until

READ_A = ("read_file", {"path": "a.txt"})
EDIT_A = ("edit_file", {"path": "a.txt", "old_text": "one", "new_text": "1"})
GREEN = Settings(checks=[ConfiguredCheck(name="green", command="true")])
TOKEN = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
VALUE = "correct-Horse7-battery-staple"


def change_a() -> Any:
    return turns(make_turn(READ_A), make_turn(EDIT_A), make_turn(DONE))


def hook(one: Kit, name: str, body: str) -> Path:
    """A hook of the user's, there before autodev looks."""
    file = one.fixture.root / ".git/hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


async def reopened(one: Kit) -> None:
    await one.engine.aclose()
    one.open()


def notices(one: Kit) -> str:
    log = one.place / "state" / "sessions" / one.session.id / "events.jsonl"
    return "\n".join(event.text for event in read_events(log) if event.kind == "noticed")


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


async def test_the_question_of_a_landing_names_the_hooks_and_a_changed_one_is_asked_anew(
    tmp_path: Path,
) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        ran = tmp_path / "ran"
        file = hook(one, "pre-commit", f"echo {'{'}DEPLOY_TOKEN{'}'} >> {ran}")
        await reopened(one)
        assert (await one.run()).code == flow.DONE
        (asked,) = one.board.pending()
        assert asked.ask["hooks"] == [
            {
                "path": str(file),
                "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
                "runs": "outside the sandbox",
            }
        ]
        await one.answer(asked)
        file.write_text(f"#!/bin/sh\necho other >> {ran}\n")
        await one.resume(land=True)
        assert not ran.exists(), "the yes was about another hook"
        (again,) = one.board.pending()
        assert again.id != asked.id and again.shown_hash != asked.shown_hash
        await one.answer(again)
        assert (await one.resume(land=True)).code == flow.DONE
        assert ran.read_text() == "other\n"
        assert one.session.state == "landed"


async def test_unasked_a_landing_does_not_run_post_merge_and_says_so(tmp_path: Path) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        hook(one, "post-merge", "echo changed > b.txt")
        await reopened(one)
        assert (await one.run(land=True)).code == flow.DONE
        assert one.session.state == "landed"
        assert (one.fixture.root / "b.txt").read_text() == "bee\n"
        assert "post-merge ended with 0\nnot run: nobody was asked" in notices(one)


async def approved_landing(one: Kit) -> None:
    """A run whose landing is asked about and allowed; the next `resume` lands."""
    assert (await one.run()).code == flow.DONE
    (asked,) = one.board.pending()
    await one.answer(asked)


async def test_an_approved_hook_gets_no_secrets_and_cannot_answer_questions(tmp_path: Path) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        said = tmp_path / "said"
        secrets = {"DB_PASSWORD": VALUE, "MY_PAT": VALUE, "DSN": f"postgres://u:{VALUE}@host/db"}
        object.__setattr__(one.fixture, "environ", {**one.fixture.environ, **secrets})
        hook(one, "post-merge", f"/usr/bin/env > {said}; echo 'it is {VALUE}'")
        one.environment = {"DB_PASSWORD": VALUE}
        await reopened(one)
        await approved_landing(one)
        assert (await one.resume(land=True)).code == flow.DONE
        variables = said.read_text()
        assert VALUE not in variables
        assert "AUTODEV_COMMAND=" in variables
        assert f"HOME={one.fixture.environ['HOME']}" in variables
        assert "post-merge ended with 0\nit is " in notices(one)
        assert VALUE not in notices(one)


async def test_stopping_ends_an_approved_hook_and_the_next_run_says_that_it_is_repeated(
    tmp_path: Path,
) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        began, go_on = tmp_path / "began", tmp_path / "go-on"
        hook(one, "pre-commit", f"echo $$ >> {began}; test -e {go_on} || exec /bin/sleep 300")
        await reopened(one)
        await approved_landing(one)
        session = one.session.id
        await reopened(one)
        await one.engine.submit(commands.ResumeSession(session=session, land=True))
        await until(lambda: began.exists() and began.read_text().endswith("\n"), "the hook's start")
        pid = int(began.read_text())
        await one.engine.submit(commands.StopSession())
        assert (await asyncio.wait_for(one.engine.wait(), 20)).code == flow.INTERRUPTED_CODE
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        go_on.touch()
        assert (await one.resume(land=True)).code == flow.DONE
        assert one.session.state == "landed"
        assert len(began.read_text().splitlines()) == 2
        assert "so they run once more" in notices(one)


async def test_hooks_that_passed_are_not_run_again_for_the_same_landing(tmp_path: Path) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        ran = tmp_path / "ran"
        # The user's own change comes in the way while the hook runs.
        hook(one, "pre-commit", f"echo x >> {ran}; echo mine > {one.fixture.root}/a.txt")
        await reopened(one)
        await approved_landing(one)
        assert (await one.resume(land=True)).code == flow.WAITING_CODE
        assert ran.read_text() == "x\n"
        one.fixture.git("checkout", "-q", "--", "a.txt")
        assert (await one.resume(land=True)).code == flow.DONE
        assert one.session.state == "landed"
        assert ran.read_text() == "x\n"


async def test_every_command_that_the_engine_starts_is_marked_as_its_own(tmp_path: Path) -> None:
    async with kit(tmp_path, turns()) as one:
        place = await desk(one)
        ran = await one.services.runner.for_quality(
            Run(
                ("/bin/sh", "-c", "echo $AUTODEV_COMMAND"),
                str(place.workspace.path),
                {"CI": "1"},
                20.0,
                writable=(str(place.workspace.path),),
            )
        )
        assert ran.code == 0
        assert ran.output.strip().startswith(b"check-")


async def test_no_secret_of_a_file_is_kept_by_checks_questions_or_events(tmp_path: Path) -> None:
    files = {"a.txt": "one\n", "config.ini": f"token = {TOKEN}\n"}
    noisy = Settings(
        checks=[
            ConfiguredCheck(name="noisy", command="/bin/cat config.ini"),
            ConfiguredCheck(
                name="red", command='read a < a.txt; echo "a.py:1: E1 $(/bin/cat config.ini)"; test $a = one'
            ),
        ]
    )
    leak = "/bin/cp config.ini leak.txt; /bin/cat config.ini"
    tools = turns(make_turn(("run_command", {"command": leak})), make_turn(DONE))
    async with kit(tmp_path, tools, settings=noisy, files=files) as one:
        assert (await one.run()).code == flow.WAITING_CODE
        (asked,) = one.board.pending()
        assert "secrets" in asked.hard_gates
        assert "+token = [[SECRET:" in str(asked.ask["hunks"])
        kept = [one.services.blobs.get(each["output_blob"]) for each in one.stored("evidence")]
        assert len(kept) == 2 and all(b"[[SECRET:" in output for output in kept)
        await one.answer(asked)
        await one.resume()
        assert not [each for each in one.board.pending() if each.effect == asked.effect], "the yes holds"
    for file in (tmp_path / "state").rglob("*"):
        if file.is_file() and "worktrees" not in file.parts and "commands" not in file.parts:
            assert TOKEN.encode() not in file.read_bytes(), file


async def test_a_question_about_a_command_with_a_secret_holds_though_it_is_kept_masked(
    tmp_path: Path,
) -> None:
    tools = turns(make_turn(("run_command", {"command": f"echo {TOKEN} > b.txt"})), make_turn(DONE))
    async with kit(tmp_path, tools) as one:
        place = await desk(one, Level.GUIDED)
        with pytest.raises(flow.Waiting):
            await work(place.agent, place.verifier, place.workspace)
        (asked,) = one.board.pending()
        assert TOKEN not in f"{asked.title} {asked.ask}"
        await one.answer(asked)
        await work(place.agent, place.verifier, place.workspace)
        assert (place.workspace.path / "b.txt").read_text() == f"{TOKEN}\n"


async def test_long_output_is_kept_beside_the_state_and_told_in_a_line(tmp_path: Path) -> None:
    long = "i=0; while [ $i -lt 600 ]; do echo line-$i; i=$((i+1)); done"
    tools = turns(make_turn(("run_command", {"command": long})), make_turn(DONE))
    async with kit(tmp_path, tools) as one:
        place = await desk(one)
        await work(place.agent, place.verifier, place.workspace)
        (step,) = [step for step in one.board.steps("T1") if step.name == "run_command"]
        assert "text" not in step.result
        assert b"line-599" in one.services.blobs.get(step.result_blob)
        assert "line-599" in str(one.provider.requests[1].messages)
        await one.board.commit(
            one.board.new_step(step.kind, "T1", state="failed", result={"text": "x" * 5000, "why": "y" * 900})
        )
        log = one.place / "state" / "sessions" / one.session.id / "events.jsonl"
        assert max(len(line) for line in log.read_text().splitlines()) < 1500


async def test_stop_names_the_session_that_runs_or_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[int, int]] = []
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        monkeypatch.setattr(paths, "repository_state", lambda *_: one.place / "state")
        monkeypatch.delenv("AUTODEV_COMMAND", raising=False)
        await one.run()
        other = one.session.but(id="other")
        await one.database.acommit([("sessions", "other", other.doc())])
        monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
        with pytest.raises(Failure, match="other does not run now"):
            cli_answers.stop(one.fixture.root, "other")
        assert sent == []
        cli_answers.stop(one.fixture.root, one.session.id)
        monkeypatch.undo()
        assert sent == [(os.getpid(), signal.SIGTERM)]


async def test_a_session_with_a_budget_is_not_resumed_with_a_model_of_unknown_price(tmp_path: Path) -> None:
    async with kit(tmp_path, change_a(), settings=GREEN) as one:
        await one.run(budget_usd=5.0)
        resume = commands.ResumeSession(session=one.session.id)
        with pytest.raises(BudgetUnknowable, match="mystery"):
            refuse_unknown_price(resume, one.database, "mystery", Settings())
        await one.board.commit(one.session.but(budget_usd=None))
        refuse_unknown_price(resume, one.database, "mystery", Settings())


async def test_a_check_that_the_agent_configured_makes_no_command_known(tmp_path: Path) -> None:
    files = {"a.py": "A = 1\n", "test_a.py": "import unittest\n"}
    wanted = ""
    async with kit(
        tmp_path, lambda _: make_turn(("run_command", {"command": wanted, "timeout_s": 7})), files=files
    ) as one:
        place = await desk(one, Level.COLLABORATIVE)
        place.write("ruff.toml", "line-length = 100\n")
        environment = await place.verifier.environment(place.workspace.path)
        found = await place.verifier.checks(place.workspace.path, environment)
        wanted = next(check.command for check in found if check.name == "ruff check")
        with pytest.raises(flow.Waiting):
            await work(place.agent, place.verifier, place.workspace)
        (asked,) = one.board.pending()
        assert asked.ask["command"] == wanted
        assert asked.ask["class"] != "check"
        assert (asked.asked_by, asked.ask["where"]) == (["T1"], "the worktree of the agent that asks")
        assert asked.ask["timeout_s"] == 7.0


async def test_a_setup_is_asked_about_in_full_without_secret_values(tmp_path: Path) -> None:
    request = SetupRequest(
        lock_hash="l",
        recipe="pip",
        argv=["/bin/sh", "-c", "set -e\npip install -r requirements.txt"],
        shown="pip install -r requirements.txt\n  left-pad",
        why="missing: left-pad",
        directory="/environments/l",
        cwd="/tree",
        env={"PIP_INDEX_URL": f"https://me:{VALUE}@index.test/simple", "PATH": "/bin"},
        readable=[],
        writable=[],
        files={"requirements.txt": "left-pad\n", "project/x": "long"},
    )
    shown = show_setup(request)
    assert VALUE not in str(shown)
    assert shown["variables"] == {"PATH": "/bin", "PIP_INDEX_URL": "(hidden)"}
    assert shown["files"] == {"requirements.txt": "left-pad\n"}
    assert "pip install" in shown["script"] and shown["directory"] == "/environments/l"
