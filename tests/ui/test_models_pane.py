"""The models: what each can do and costs; one is chosen for new goals, or for a task that waits."""

from __future__ import annotations

from typing import Any

from autodev_tui.domain.commands import SetOption, SetTaskModel
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import GetModels, RowsAnswer
from tests.fakes import shown
from tests.ui.stage import Stage, drawn, until
from widgets.line_pane import LinePane
from widgets.messages import Asked, CommandGiven
from widgets.models_pane import ModelsPane
from widgets.ollama_pane import OllamaPane


def listed(model: str, **more: Any) -> dict[str, Any]:
    """One row as the engine's side gives it."""
    row = {
        "model": model,
        "provider": model.partition("/")[0],
        "context": 200_000,
        "max_output": 64_000,
        "usd_per_million_input": 3.0,
        "usd_per_million_output": 15.0,
        "tools": True,
        "thinking": True,
        "local": False,
        "loaded": None,
        "size_bytes": None,
        "ready": True,
        "why": "",
        "default": False,
    }
    return {**row, **more}


def local(model: str, **more: Any) -> dict[str, Any]:
    """One of this machine."""
    own = {"usd_per_million_input": None, "usd_per_million_output": None, "local": True, "context": 40_960}
    return listed(f"ollama/{model}", **{**own, "size_bytes": 5_200_000_000, "loaded": False, **more})


MODELS = RowsAnswer(
    rows=[
        listed("anthropic/claude-sonnet-5-5", default=True),
        listed(
            "anthropic/claude-haiku-4-5", usd_per_million_input=None, ready=False, why="no key for Anthropic"
        ),
        local("qwen3:8b", loaded=True),
        local("gemma3:4b", tools=False, window=32_768, why="its calls are read from its text"),
        local("embed", tools=False, ready=False, why="it cannot be talked to (embeddings)"),
        listed("rules", provider="rules", local=True, context=None, why="no model: plans by rules"),
    ]
)


def stage(pane: ModelsPane, answer: RowsAnswer = MODELS) -> Stage:
    mirror = Mirror()
    mirror.apply(shown.update())
    pane.mirror = mirror
    return Stage(pane, {GetModels: answer})


async def test_both_sides_with_what_they_can_do_and_cost() -> None:
    pane = ModelsPane()
    app = stage(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        rows = drawn(app)
        assert rows[0].startswith("━ Models ") and rows[0].endswith("6 models ━")
        assert rows[1].split() == ["hosted", "context", "$", "in", "$", "out", "tools"]
        assert rows[2].split() == [
            "▌◆", "anthropic/claude-sonnet-5-5", "200k", "3.00", "15.00", "tools", "new", "goals"
        ]  # fmt: skip
        assert rows[3].split() == ["◇", "anthropic/claude-haiku-4-5", "200k", "?", "15.00"]
        assert rows[4] == "     ! no key for Anthropic"
        assert rows[6].split() == ["on", "this", "machine", "context", "size", "tools"]
        assert rows[7].split() == ["◇", "ollama/qwen3:8b", "41k", "5.2", "GB", "tools", "loaded"]
        assert rows[8].split() == ["◇", "ollama/gemma3:4b", "33k", "5.2", "GB", "as", "text"]
        assert rows[9] == "     · its calls are read from its text"
        assert rows[14:16] == [" ◇ rules", "     · no model: plans by rules"]


async def test_what_all_of_a_group_lack_is_said_once() -> None:
    pane = ModelsPane()
    keyless = [listed(f"anthropic/m{n}", ready=False, why="no key for Anthropic") for n in range(3)]
    app = stage(pane, RowsAnswer(rows=keyless))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        assert sum("no key for Anthropic" in row for row in drawn(app)) == 1
        assert drawn(app)[5] == "     ! no key for Anthropic"


async def test_enter_makes_one_the_model_of_new_goals_if_it_can_be_asked() -> None:
    pane = ModelsPane()
    app = stage(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        await pilot.press("j", "enter")
        await pilot.pause()
        assert not app.heard(CommandGiven)
        assert "no key for Anthropic" in app.heard(LinePane.Ignored)[0].words
        await pilot.press("j", "enter")
        await pilot.pause()
        (given,) = app.heard(CommandGiven)
        assert given.command == SetOption(name="model", value="ollama/qwen3:8b")
        assert given.done == "new goals work with ollama/qwen3:8b"


async def test_a_task_gets_a_model_of_its_own_or_the_sessions_again() -> None:
    pane = ModelsPane()
    app = stage(pane)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        pane.stand_at(task="T6")
        await pilot.pause()
        rows = drawn(app)
        assert rows[0].startswith("━ Model of T6 Migration ")
        assert rows[1].startswith("▌◆ the session's  anthropic/claude-sonnet-5-5")
        await pilot.press("j", "enter")
        await pilot.pause()
        chosen = SetTaskModel(task="T6", model="anthropic/claude-sonnet-5-5")
        assert app.heard(CommandGiven)[0].command == chosen
        mirror = Mirror()
        own = [one.but(model="ollama/qwen3:8b") if one.id == "T6" else one for one in shown.tasks()]
        mirror.apply(shown.update(tasks=own))
        pane.show(mirror)
        pane.stand_at(task="T6")
        await pilot.pause()
        assert any(row.startswith("▌◆ ollama/qwen3:8b") for row in drawn(app))
        await pilot.press("g", "enter")
        await pilot.pause()
        assert app.heard(CommandGiven)[1].command == SetTaskModel(task="T6", model=None)


async def test_without_ollama_the_steps_to_it_are_told_and_it_is_looked_again(monkeypatch: Any) -> None:
    monkeypatch.setattr("widgets.models_pane.LOOKS_EVERY_S", 0.02)
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    pane = OllamaPane()
    app = stage(pane, RowsAnswer(rows=[listed("anthropic/claude-sonnet-5-5")]))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pane.answer)
        text = "\n".join(drawn(app))
        assert "ollama serve" in text and "ollama pull qwen3" in text and "localhost:11434" in text
        await until(pilot, lambda: len(app.heard(Asked)) > 2)
        app.answers[GetModels] = MODELS
        await until(pilot, lambda: any("ollama/qwen3:8b" in row for row in drawn(app)))
        rows = drawn(app)
        order = [
            next(n for n, row in enumerate(rows) if name in row) for name in ("qwen3", "gemma3", "embed")
        ]
        assert order == sorted(order) and "cannot do it" in "\n".join(rows)
        assert not any("claude" in row for row in rows)
        await pilot.press("enter")
        await pilot.pause()
        assert app.heard(CommandGiven)[0].command == SetOption(name="model", value="ollama/qwen3:8b")
