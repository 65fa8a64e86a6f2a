"""The panes of the first minute and of money where there is little room, or no Unicode."""

from __future__ import annotations

import pytest
from textual.events import CursorPosition

from autodev_tui.app import Autodev
from autodev_tui.domain.approval import ApprovalKind
from autodev_tui.domain.mirror import Mirror
from autodev_tui.domain.requests import GetDoctor, GetExamples, GetModels, GetUsage, RowsAnswer
from autodev_tui.domain.updates import EngineFacts, Update
from tests.fakes import shown
from tests.fakes.bridge import FakeBridge
from tests.ui.stage import Stage, drawn, until
from tests.ui.test_first_run import EXAMPLES, WELL
from tests.ui.test_models_pane import MODELS
from tests.ui.test_questions import budget
from tests.ui.test_usage_pane import usage
from widgets.first_run_pane import FirstRunPane
from widgets.models_pane import ModelsPane
from widgets.ollama_pane import OllamaPane
from widgets.questions_pane import QuestionsPane
from widgets.table_pane import TablePane
from widgets.usage_pane import UsagePane

ANSWERS = {GetDoctor: WELL, GetExamples: EXAMPLES, GetModels: MODELS, GetUsage: usage}
PANES = [
    (FirstRunPane, "fix the 3 ruff findings in src"),
    (ModelsPane, "qwen3:8b"),
    (OllamaPane, "qwen3:8b"),
    (UsagePane, "$0.42 of 5.00"),
]


@pytest.mark.parametrize("plain", [False, True], ids=["unicode", "ascii"])
@pytest.mark.parametrize(("kind", "words"), PANES, ids=[kind.__name__ for kind, _ in PANES])
async def test_a_pane_says_what_it_must_in_58_columns(kind: type[TablePane], words: str, plain: bool) -> None:
    pane = kind()
    mirror = Mirror()
    mirror.apply(Update(facts=EngineFacts(repository="shop", model="anthropic/claude-sonnet-5-5")))
    if kind is UsagePane:
        mirror.apply(shown.update())
    pane.mirror = mirror
    app = Stage(pane, dict(ANSWERS))
    app.ascii_glyphs = plain  # type: ignore[attr-defined]
    async with app.run_test(size=(58, 16)) as pilot:
        await until(pilot, lambda: pane.known and any(words in row for row in drawn(app)))
        rows = drawn(app)
        assert all(len(row) <= 58 for row in rows)
        if plain:
            assert all(row.isascii() for row in rows), [row for row in rows if not row.isascii()]


async def test_the_plot_of_days_in_ascii_keeps_its_columns() -> None:
    found = {}
    for plain in (False, True):
        pane = UsagePane()
        pane.mirror.apply(shown.update())
        pane.by = "day"
        app = Stage(pane, dict(ANSWERS))
        app.ascii_glyphs = plain  # type: ignore[attr-defined]
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda app=app: any("11-26" in row for row in drawn(app)))  # type: ignore[misc]
            found[plain] = drawn(app)
    assert [len(row) for row in found[True]] == [len(row) for row in found[False]]
    assert all(row.isascii() for row in found[True])
    assert sum("#" in row for row in found[True]) == 4


async def test_a_reached_budget_in_ascii_names_every_way() -> None:
    question = budget()
    assert question.kind is ApprovalKind.BUDGET
    pane = QuestionsPane(clock=lambda: 9.0, now=lambda: shown.NOW)
    mirror = Mirror()
    mirror.apply(shown.update(approvals=[question]))
    app = Stage(pane, {})
    app.ascii_glyphs = True  # type: ignore[attr-defined]
    async with app.run_test(size=(60, 16)) as pilot:
        pane.show(mirror)
        await pilot.pause()
        rows = drawn(app)
        assert [row.strip(" >")[:9] for row in rows if row.strip(" >")[:2] in ("@ ", "o ")] == [
            "@ raise t",
            "o go on w",
            "o go on w",
            "o stop he",
        ]
        ours = [row.replace("sha256", "") for row in rows]
        assert all(row.replace("–", "-").isascii() for row in ours)


async def test_where_nothing_is_known_of_models_it_says_so() -> None:
    pane = ModelsPane()
    app = Stage(pane, {GetModels: RowsAnswer()})
    async with app.run_test(size=(58, 16)) as pilot:
        await until(pilot, lambda: pane.answer)
        assert "No model is known here." in "\n".join(drawn(app))


@pytest.mark.parametrize(
    ("setting", "column", "plain"), [("auto", 2, True), ("auto", 1, False), ("unicode", 2, False)]
)
async def test_glyphs_that_take_two_cells_give_way_to_ascii(setting: str, column: int, plain: bool) -> None:
    settings = {**shown.FACTS.settings, "glyphs": setting}
    bridge = FakeBridge(shown.update(facts=shown.FACTS.but(settings=settings)))
    app = Autodev(bridge, now=lambda: shown.NOW)  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.bench.restored)
        app.post_message(CursorPosition(column, 0))
        await pilot.pause()
        text = "\n".join(drawn(app))
        assert app.ascii_glyphs is plain and ("●" in text) is not plain
        assert "T4 Docs" in text
