"""A prompt that is too long loses its least needed context first, and never the task."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prompts import PromptTemplateManager, PromptTooLong
from prompts.manager import estimated_tokens
from prompts.samples import samples

GOAL = "GOAL " + "the goal itself " * 20
MANAGER = PromptTemplateManager()


def plan_request(layout: int = 40, rules: int = 2, rule: int = 600) -> dict[str, Any]:
    full, _ = samples("plan_request")
    return {
        **full,
        "goal": GOAL,
        "layout": [f"folder{number:03}: {number} files" for number in range(layout)],
        "rules": tuple((f"RULES{number}.md", f"rule {number} " * (rule // 7)) for number in range(rules)),
    }


def test_what_fits_is_left_alone() -> None:
    whole = MANAGER.render_template("plan_request", **plan_request())
    made = MANAGER.render_prompt("plan_request", max_tokens=estimated_tokens(whole), **plan_request())
    assert (made.text, made.left_out) == (whole, ())


def test_the_lowest_rank_goes_first_and_from_its_end() -> None:
    values = plan_request()
    whole = estimated_tokens(MANAGER.render_template("plan_request", **values))
    made = MANAGER.render_prompt("plan_request", max_tokens=whole - 60, **values)
    assert estimated_tokens(made.text) <= whole - 60
    kept = [number for number in range(40) if f"folder{number:03}" in made.text]
    assert 0 < len(kept) < 40
    assert kept == list(range(len(kept)))
    assert "RULES0.md" in made.text
    assert "RULES1.md" in made.text
    assert made.left_out == (f"layout ({40 - len(kept)} of 40)",)
    assert f"Left out for want of room: layout ({40 - len(kept)} of 40)." in made.text
    more = {**values, "layout": values["layout"][: len(kept) + 1]}
    note = made.text[made.text.index("\n\nLeft out") :]
    assert estimated_tokens(MANAGER.render_template("plan_request", **more) + note) > whole - 60, (
        "one more would fit"
    )


def test_the_next_rank_goes_when_the_lowest_is_not_enough() -> None:
    values = plan_request()
    bare = {**values, "layout": [], "rules": values["rules"][:1]}
    limit = estimated_tokens(MANAGER.render_template("plan_request", **bare)) + 60
    made = MANAGER.render_prompt("plan_request", max_tokens=limit, **values)
    assert "folder000" not in made.text
    assert '"RULES0.md"' in made.text
    assert '"RULES1.md"' not in made.text
    assert made.left_out == ("layout", "rules (RULES1.md)")
    assert GOAL.strip() in made.text


def test_a_task_loses_neither_goal_nor_task_nor_criteria() -> None:
    full, _ = samples("task_request")
    values = {**full, "goal": GOAL, "rules": (("AGENTS.md", "x" * 300_000),)}
    made = MANAGER.render_prompt("task_request", max_tokens=600, **values)
    assert estimated_tokens(made.text) <= 600
    for kept in (GOAL.strip(), "Fix the discount", "It is a share of the sum.", "total([250], 10) is 225"):
        assert kept in made.text
    assert made.left_out[-1] == "rules (AGENTS.md)"
    assert "Do not touch the tests." in made.text


def test_what_must_stay_and_does_not_fit_is_an_error() -> None:
    values = {**plan_request(), "goal": "g" * 10_000}
    with pytest.raises(PromptTooLong, match=r"plan_request: needs about \d+ tokens") as caught:
        MANAGER.render_prompt("plan_request", max_tokens=1000, **values)
    assert caught.value.tokens > 3000
    assert caught.value.max_tokens == 1000


def test_text_is_left_out_whole() -> None:
    full, _ = samples("compaction")
    values = {**full, "last_text": "words " * 2000, "commands": []}
    made = MANAGER.render_prompt("compaction", max_tokens=300, **values)
    assert made.left_out == ("last text",)
    assert "words words" not in made.text
    assert "Rejected: hunk 1" in made.text, "the human's words stay"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 3), st.integers(0, 2000), st.integers(160, 2500))
def test_trimmed_prompts_fit_or_say_so(layout: int, rules: int, rule: int, limit: int) -> None:
    values = plan_request(layout, rules, rule)
    try:
        made = MANAGER.render_prompt("plan_request", max_tokens=limit, **values)
    except PromptTooLong as error:
        least = MANAGER.render_template("plan_request", **{**values, "layout": [], "rules": ()})
        assert error.tokens > limit
        assert estimated_tokens(least) > limit - 60, (
            "only the note about what is gone may make the difference"
        )
        return
    assert estimated_tokens(made.text) <= limit
    assert GOAL.strip() in made.text
    again = PromptTemplateManager().render_prompt("plan_request", max_tokens=limit, **values)
    assert again == made


def test_more_room_never_keeps_less() -> None:
    values = plan_request()
    kept = [
        MANAGER.render_prompt("plan_request", max_tokens=limit, **values).text.count("folder")
        for limit in range(700, 1000, 25)
    ]
    assert all(one <= other for one, other in itertools.pairwise(kept)), kept
    assert len(set(kept)) > 3, "the limits must lie where it matters"
