"""Every template comes out as it was seen and approved, and says its version and category."""

from __future__ import annotations

import pytest

from autodev_tui.agents.roles import ROLES
from prompts import (
    CATEGORIES,
    CODEBASE_ANALYSIS_KEYS,
    PromptError,
    PromptTemplateManager,
    render,
    shipped_names,
)
from prompts.samples import samples
from tests.unit.prompts.golden import expected, head, rendered

HOW = "after a change on purpose raise the version and run: python -m tests.unit.prompts.golden"


@pytest.mark.parametrize("name", shipped_names())
def test_a_template_renders_as_kept(name: str) -> None:
    assert rendered(name) == expected(name), HOW


@pytest.mark.parametrize("name", shipped_names())
def test_a_changed_template_has_a_new_version(name: str) -> None:
    version, digest = expected(name).partition("\n")[0].split()
    now_version, now_digest = head(name).split()
    assert (now_version == version) == (now_digest == digest), HOW


def test_each_category_has_templates() -> None:
    manager = PromptTemplateManager()
    found = {manager.load_template(name).category for name in shipped_names()}
    assert found == set(CATEGORIES)
    by_name = {name: manager.load_template(name).category for name in shipped_names()}
    assert by_name["plan_request"] == by_name["planner_system"] == "implementation_plan"
    assert by_name["task_request"] == by_name["developer_system"] == "code_generation"
    assert by_name["test_generation"] == "testing"
    assert {role.system_prompt for role in ROLES.values()} <= set(by_name)


def test_the_analysis_asks_for_exactly_its_keys() -> None:
    full, _ = samples("codebase_analysis")
    asked = [
        line.split('"')[1]
        for line in render("codebase_analysis", **full).splitlines()
        if line.startswith('- "')
    ]
    assert tuple(asked) == CODEBASE_ANALYSIS_KEYS


@pytest.mark.parametrize("name", shipped_names())
def test_what_may_be_trimmed_is_a_variable_and_never_the_goal(name: str) -> None:
    template = PromptTemplateManager().load_template(name)
    assert set(template.trim) <= template.variables - {
        "goal",
        "task",
        "requirements",
        "notes",
        "opening",
        "items",
    }


@pytest.mark.parametrize("name", shipped_names())
def test_a_missing_value_is_an_error_and_no_blank(name: str) -> None:
    full, _ = samples(name)
    for missing in PromptTemplateManager().load_template(name).variables:
        with pytest.raises(PromptError, match=rf"^prompts/{name}\.j2:\d+: .*'{missing}' is undefined"):
            render(name, **{key: value for key, value in full.items() if key != missing})


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(
        PromptError, match=r"prompt plan: there is no such template; there are .*plan_request"
    ):
        render("plan")
