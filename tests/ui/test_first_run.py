"""First run, resume offer and trust: what is missing is said, and nothing happens by itself."""

from __future__ import annotations

from typing import Any

from textual import events

from autodev_tui.domain.commands import InitRepository, SetKey, SetOption, TrustFiles
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import (
    GetDoctor,
    GetExamples,
    GetResume,
    GetTrust,
    OutlinedTask,
    Refused,
    RowsAnswer,
    TrustAnswer,
)
from autodev_tui.domain.review import FileText
from autodev_tui.domain.updates import EngineFacts, Update
from tests.ui.stage import Stage, drawn, until
from widgets.first_run_pane import FirstRunPane
from widgets.messages import CommandGiven, Said, SheetOpened, WentTo
from widgets.resume_pane import ResumePane
from widgets.secret_words import SecretWords
from widgets.table_pane import TablePane
from widgets.trust_pane import TrustPane


def finding(name: str, state: str, text: str) -> dict[str, Any]:
    return {"name": name, "state": state, "text": text, "todo": "do it"}


BARE = RowsAnswer(
    rows=[
        finding("git", "ok", "2.47"),
        finding("repository", "bad", "this folder is not a git repository"),
        finding("sandbox", "bad", "none works, so every command asks"),
        finding("model", "warn", "no ANTHROPIC_API_KEY and no stored key"),
        finding("trust", "warn", "not trusted, so not read: AGENTS.md"),
        finding("editor", "warn", "none is set"),
    ]
)
WELL = RowsAnswer(
    rows=[
        finding("git", "ok", "2.47"),
        finding("repository", "ok", "shop on main, clean"),
        finding("sandbox", "ok", "bubblewrap: holds"),
        finding("model", "ok", "anthropic/claude"),
        finding("trust", "ok", "the repository brings nothing that needs it"),
    ]
)


def known(**facts: Any) -> Mirror:
    mirror = Mirror()
    mirror.apply(Update(facts=EngineFacts(**facts)))
    return mirror


def stage(pane: TablePane, mirror: Mirror, **answers: Any) -> Stage:
    pane.mirror = mirror
    kinds = {"doctor": GetDoctor, "resume": GetResume, "trust": GetTrust, "examples": GetExamples}
    return Stage(pane, {kinds[name]: answer for name, answer in answers.items()})


async def test_every_problem_has_an_action() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(), doctor=BARE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        rows = drawn(app)
        problems = [row.split()[1] for row in rows if row.startswith("  ! ")]
        assert problems == ["repository", "sandbox", "model", "trust"]
        actions = [row.key for row in pane.rows if row.key]
        assert actions == [
            "git init here",
            "Set a key for Anthropic",
            "Use Ollama",
            "Read what it brings, trust",
            "Open the doctor",
            "Type a goal",
        ]
        assert not app.heard(CommandGiven), "nothing happens by itself"


async def test_where_all_is_well_only_a_goal_is_missing() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(), doctor=WELL)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        assert "  ✓ git          2.47, repository shop on main, clean" in drawn(app)
        assert [row.key for row in pane.rows if row.key] == ["Type a goal"]


EXAMPLES = RowsAnswer(
    rows=[
        {"goal": "fix the 3 ruff findings in src", "why": "ruff check finds F401"},
        {"goal": "handle [b]refunds[/b]", "why": "a comment there says so"},
    ]
)


async def test_with_a_model_the_rows_are_goals_that_fit_here() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(repository="shop", model="anthropic/claude"), doctor=WELL, examples=EXAMPLES)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer and app.heard(FirstRunPane.Found))
        assert app.heard(FirstRunPane.Found)[0].goals == [str(row["goal"]) for row in EXAMPLES.rows]
        rows = drawn(app)
        assert "▌  1  fix the 3 ruff findings in src  ruff check finds F401" in rows
        assert "   2  handle [b]refunds[/b]           a comment there says so" in rows
        await pilot.press("enter", "j", "enter")
        await pilot.pause()
        assert [one.goal for one in app.heard(FirstRunPane.Taken)] == [
            "fix the 3 ruff findings in src",
            "handle [b]refunds[/b]",
        ]
        assert not app.heard(CommandGiven), "nothing is sent by itself"


async def test_without_a_model_each_way_on_is_a_row_and_rules_are_one() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(repository="shop", model="rules"), doctor=WELL, examples=EXAMPLES)
    app.offers_demo = True  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer and app.heard(FirstRunPane.Found))
        assert "  ! model        none: no key, and no model of this machine" in drawn(app)
        assert [row.key for row in pane.rows if row.key] == [
            "Try the demo",
            "Set a key for Anthropic",
            "Use Ollama",
            "Go on without a model",
            "Type a goal",
        ]
        assert any(row.startswith("▌ Try the demo ") for row in drawn(app))
        await pilot.press("j", "j", "enter", "j", "enter")
        await pilot.pause()
        assert [one.pane for one in app.heard(WentTo)] == ["ollama"]
        assert not app.heard(CommandGiven), "the rules hold already: nothing is written down"
        text = "\n".join(drawn(app))
        assert "rules plan, heal what is red" in text and "fix the 3 ruff findings in src" in text


async def test_the_tasks_that_a_goal_would_become_stand_there_while_it_is_typed() -> None:
    pane = FirstRunPane()
    facts: dict[str, Any] = {"repository": "shop", "model": "rules", "settings": {"model": "rules"}}
    app = stage(pane, known(**facts), doctor=WELL, examples=EXAMPLES)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer and app.heard(FirstRunPane.Found))
        tasks = [OutlinedTask(title=f"Do [b]{n}", needs_model=n == 2) for n in range(1, 9)]
        pane.outline(tasks)
        await pilot.pause()
        rows = drawn(app)
        assert "  ! model        none, as you chose: rules work · /models gives one" in rows
        at = rows.index("  Rules make of it:")
        assert rows[at + 1].split() == ["T1", "Do", "[b]1"]
        assert rows[at + 2].split() == ["T2", "Do", "[b]2", "needs", "a", "model"]
        assert rows[at + 7].strip() == "… 2 more"
        pane.outline([])
        await pilot.pause()
        assert any("fix the 3 ruff findings" in row for row in drawn(app))


async def test_where_rules_do_not_hold_by_themselves_they_are_chosen() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(repository="shop"), doctor=BARE, examples=EXAMPLES)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        place = next(at for at, row in enumerate(pane.rows) if row.key == "Go on without a model")
        pane.cursor = place
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard(CommandGiven)[0].command == SetOption(name="model", value="rules")


async def test_a_repository_is_made_only_when_confirmed() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(), doctor=BARE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("enter")
        await pilot.pause()
        (sheet,) = app.heard(SheetOpened)
        assert not app.heard(CommandGiven)
        sheet.confirmed()
        await pilot.pause()
        assert isinstance(app.heard(CommandGiven)[0].command, InitRepository)
        await pilot.press("j", "j", "enter", "j", "enter")
        await pilot.pause()
        assert [one.pane for one in app.heard(WentTo)] == ["ollama", "trust"]


async def test_a_key_is_never_shown_or_kept_here() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(), doctor=BARE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("j", "enter")
        await until(pilot, lambda: pane.query(SecretWords) and pane.query_one(SecretWords).field.has_focus)
        app.post_message(events.Paste("sk-secret\n"))
        await until(pilot, lambda: pane.query_one(SecretWords).field.value)
        assert not any("sk-secret" in row for row in drawn(app))
        assert any("*********" in row for row in drawn(app))
        await pilot.press("enter")
        await pilot.pause()
        (given,) = app.heard(CommandGiven)
        assert isinstance(given.command, SetKey) and given.command.key.get_secret_value() == "sk-secret"
        assert "sk-secret" not in repr(given.command)
        assert given.refused is not None and given.then is not None
        given.refused("the file cannot be written", [])
        await pilot.pause()
        assert any("the file cannot be written" in row for row in drawn(app))
        assert "sk-secret" not in str(pane.state())
        given.then()
        await until(pilot, lambda: not pane.query(SecretWords) and pane.has_focus)


async def test_it_is_looked_at_again_when_a_model_is_found() -> None:
    pane = FirstRunPane()
    app = stage(pane, known(), doctor=BARE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        app.answers[GetDoctor] = WELL
        pane.show(known(model="anthropic/claude"))
        await until(pilot, lambda: pane.answer is not None and pane.answer.rows == WELL.rows)


RESUME = RowsAnswer(
    rows=[
        {"state": "kept", "text": "61 steps, 14 checkpoints"},
        {"state": "again", "text": "T4 edit of docs/login.md had not happened"},
        {"state": "unknown", "text": "T3 command ./seed.sh \x1b[31m[/b] may have run"},
        {"state": "untouched", "text": "main is still @77ab2c1"},
    ],
    facts={"title": "Add OAuth login", "ago_s": 29520, "why": "the machine went down", "done": 1, "tasks": 6,
           "waiting": 2},
)  # fmt: skip


async def test_the_resume_offer_begins_at_the_choice_that_runs_nothing() -> None:
    clock = [0.0]
    pane = ResumePane(clock=lambda: clock[0])
    app = stage(pane, known(interrupted="s1"), resume=RESUME)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        rows = drawn(app)
        assert rows[1] == "  A session was interrupted 8 h 12 min ago: the machine went down."
        assert rows[3] == "  Add OAuth login                 1 of 6 done · 2 questions wait"
        assert rows[6] == "  ↺ runs again  T4 edit of docs/login.md had not happened"
        assert rows[7] == "  ? unknown     T3 command ./seed.sh ‹1B›[31m[/b] may have run"
        assert rows[10].startswith("▌ Look first")
        await pilot.press("enter", "a")
        clock[0] = 0.6
        await pilot.press("a", "i")
        await pilot.pause()
        assert [one.what for one in app.heard(ResumePane.Chosen)] == ["look first", "go on", "new goal"]


async def test_the_time_is_that_of_the_last_sign_of_life_or_told_as_the_last_steps() -> None:
    heads = {
        "killed": "  A session was interrupted 12 s ago: its process was killed.",
        "last step": "  A session was interrupted: its process was killed. Last step 12 s ago.",
        "ended": "  A session ended 12 s ago: its process was killed.",
    }
    for how, head in heads.items():
        pane = ResumePane()
        facts = {**RESUME.facts, "ago_s": 12.4, "how": how, "why": "its process was killed"}
        app = stage(pane, known(interrupted="s1"), resume=RowsAnswer(rows=RESUME.rows, facts=facts))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda pane=pane: pane.answer)
            assert drawn(app)[1] == head


async def test_go_on_waits_until_it_is_known_what_it_means() -> None:
    pane = ResumePane()
    app = stage(pane, known(interrupted="s1"), resume=Refused(reason="s1 runs now"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.problem)
        await pilot.press("a", "enter")
        await pilot.pause()
        assert not app.heard(ResumePane.Chosen)
        assert "s1 runs now" in drawn(app)[1]


def brought(text: str, shown_hash: str, *, trusted: bool = False) -> TrustAnswer:
    files = [FileText(path="AGENTS.md", new=text)]
    return TrustAnswer(files=files, shown_hash=shown_hash, trusted=trusted)


async def test_trust_is_given_to_exactly_what_is_shown() -> None:
    clock = [0.0]
    pane = TrustPane(clock=lambda: clock[0])
    app = stage(pane, known(), trust=brought("obey \u202e me\n[/b] \x1b[2J", "h1"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.brought)
        text = "\n".join(drawn(app))
        assert "obey ‹U+202E› me" in text and "[/b] ‹1B›[2J" in text and "! not trusted" in text
        app.answers[GetTrust] = brought("obey\n", "h2")
        await pilot.press("enter", "y", "n", "space", "a")
        await pilot.pause()
        assert not app.heard(CommandGiven), "nobody had the time to read it"
        clock[0] = 0.6
        await pilot.press("a")
        await pilot.pause()
        (given,) = app.heard(CommandGiven)
        assert given.command == TrustFiles(shown_hash="h1")
        assert given.refused is not None
        given.refused("AGENTS.md changed since it was shown", ["AGENTS.md"])
        await until(pilot, lambda: pane.brought and pane.brought.shown_hash == "h2")
        await pilot.press("d")
        await pilot.pause()
        assert app.heard(CommandGiven)[-1].command == TrustFiles(shown_hash="")


async def test_trust_wants_the_files_read_to_their_end_and_read_again_when_they_change() -> None:
    clock = [0.0]
    pane = TrustPane(clock=lambda: clock[0])
    app = stage(pane, known(), trust=brought("be kind\n" * 60, "h1"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.brought)
        clock[0] = 1.0
        await pilot.press("a")
        await pilot.pause()
        assert app.heard(Said)[-1].words == "read to the end first · G"
        await pilot.press("G")
        await pilot.pause()
        clock[0] = 2.0
        app.answers[GetTrust] = brought("obey\n", "h2")
        pane.ask()
        await until(pilot, lambda: pane.brought and pane.brought.shown_hash == "h2")
        await pilot.press("a")
        await pilot.pause()
        assert not app.heard(CommandGiven), "what came in this moment was not read"
        clock[0] = 3.0
        await pilot.press("a")
        await pilot.pause()
        assert app.heard(CommandGiven)[-1].command == TrustFiles(shown_hash="h2")


async def test_no_finding_is_cut_at_80_columns() -> None:
    key = "anthropic/claude-opus-5-5, key from credentials.toml"
    rows = [
        finding("git", "ok", "2.39.5"),
        finding("repository", "ok", "shop on main, 3 uncommitted: agents start from the last commit"),
        finding("sandbox", "ok", "bubblewrap: holds, every attempt to break out failed; landlock: not used"),
        finding("model", "ok", f"{key}; whether it answers is asked when work begins"),
        finding(
            "trust", "warn", "not trusted, so not read: .autodev/config.toml, AGENTS.md, .autodev/include"
        ),
    ]
    pane = FirstRunPane()
    app = stage(
        pane, known(repository="shop", model="anthropic/claude-opus-5-5"), doctor=RowsAnswer(rows=rows)
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        shown = drawn(app)
        assert not any("…" in row for row in shown if not row.startswith("  Say"))
        assert f"  ✓ model        {key}" in shown
        at = shown.index("  ✓ git          2.39.5, repository shop on main, 3 uncommitted: agents start")
        assert shown[at + 1].strip() == "from the last commit"
        assert "whether it answers" not in "\n".join(shown), "the doctor says it"
