"""A repository's own template: it replaces ours, can do no more, and a mistake is named by file and line."""

from __future__ import annotations

import pytest

from prompts import PromptError, PromptTemplateManager, render, shipped_names
from prompts.samples import samples

FULL, BARE = samples("task_request")
PLACE = ".autodev/prompts/task_request.j2"


def own(text: str | bytes, name: str = "task_request") -> PromptTemplateManager:
    data = text if isinstance(text, bytes) else text.encode()
    return PromptTemplateManager({f".autodev/prompts/{name}.j2": data})


def test_it_replaces_ours_alone() -> None:
    manager = own("{# version: 7 #}\nDo {{ task.title }} for: {{ goal }}")
    assert manager.render_template("task_request", **BARE) == "Do t for: g"
    template = manager.load_template("task_request")
    assert (template.version, template.overridden, template.category) == (7, True, "code_generation")
    assert template.label == "task_request@own 7"
    full, _ = samples("plan_request")
    assert manager.render_template("plan_request", **full) == render("plan_request", **full)
    assert not manager.load_template("plan_request").overridden


def test_it_may_name_no_version_and_still_be_trimmed() -> None:
    manager = own(
        "{{ goal }} {{ task.title }}\n{% for name, text in rules %}{{ text | untrusted(name) }}{% endfor %}"
    )
    assert manager.load_template("task_request").label == "task_request@own ?"
    made = manager.render_prompt(
        "task_request", max_tokens=100, **{**FULL, "rules": (("AGENTS.md", "x" * 9000),)}
    )
    assert len(made.text) < 330
    assert "rules (AGENTS.md)" in made.left_out


def test_it_chooses_the_order_of_trimming_but_not_what_must_stay() -> None:
    manager = own("{# trim: rules #}\n{{ goal }}")
    assert manager.load_template("task_request").trim == ("rules", "done_tasks", "assumptions")
    with pytest.raises(PromptError, match=rf"^{PLACE}:2: goal must not be trimmed"):
        own("{#\ntrim: rules, goal #}\n{{ goal }}")


def test_it_may_include_ours_but_nothing_else() -> None:
    manager = own("{% include 'planner_system.j2' %}\n{{ goal }}")
    assert manager.render_template("task_request", **BARE).startswith(render("planner_system"))
    for path in ("../../etc/passwd", "/etc/passwd", "AGENTS.md", "__init__.py"):
        with pytest.raises(PromptError, match=rf"^{PLACE}:2: "):
            own("{{ goal }}\n{% include '" + path + "' %}")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("{{ goal }}\n{% if %}", 2, "Expected an expression"),
        ("one\n\n{% for x in rules %}\n{{ x }}", 4, "end of template"),
        ("a\n{{ goal | shout }}", 2, "No filter named 'shout'"),
        ("a\nb\n{{ gaol }}", 3, "the variable gaol is not there for task_request · it has: .*goal"),
        (
            "a\n{% if goal %}{% if not goal %}\n{{ secret_key }}{% endif %}{% endif %}",
            3,
            "the variable secret_key",
        ),
        ("{{ goal }}\n{{ task.titel }}", 2, "no attribute 'titel'"),
        ("{{ goal }}\n\n{{ rules[9][0] }}", 3, ""),
        ("{{ goal }}\n{{ goal + 1 }}", 2, "TypeError"),
        ("{{ goal }}\n{{ 1 / 0 }}", 2, "ZeroDivisionError"),
        ("{{ goal }}\n{{ ''.__class__.__mro__ }}", 2, "unsafe"),
        ("{{ goal }}\n{{ task.__init__.__globals__ }}", 2, "unsafe"),
        ("{{ goal }}\n{{ rules.append(1) }}", 2, ""),
        ("{{ goal }}\n{{ range(999999999) | list }}", 2, "Range too big"),
        ("{{ goal }}\n{{ [1, 2] | random }}", 2, "No filter named 'random'"),
        ("{{ goal }}\n{{ lipsum() }}", 2, "the variable lipsum is not there"),
        ("{{ goal }}\n{% include 'task_request.j2' %}", 2, ""),
        ("{# version: two #}\n{{ goal }}", 1, "version: 'two' is no number"),
        ("{# a\n   comment\n   version: 0 #}\n{{ goal }}", 3, "version: '0' is no number"),
        ("{# version: 1 #}\n\n  ", 1, "renders to nothing"),
        ("{% if done_tasks %}{{ goal }}{% endif %}", 1, "renders to nothing"),
        (b"{{ goal }}\n\xff", 2, "is not UTF-8"),
    ],
)
def test_a_mistake_is_named_before_anything_begins(text: str | bytes, line: int, what: str) -> None:
    with pytest.raises(PromptError, match=rf"(?s)^{PLACE}:{line}: .*{what}"):
        own(text)


def test_a_name_that_replaces_nothing_is_an_error() -> None:
    with pytest.raises(
        PromptError, match=r"^\.autodev/prompts/task_requst\.j2: .* did you mean task_request\.j2\?"
    ):
        own("x", "task_requst")
    with pytest.raises(PromptError, match="planner_system"):
        own("x", "team/entirely_different")


def test_other_files_are_not_templates() -> None:
    PromptTemplateManager(
        {".autodev/prompts/README.md": b"{{", "AGENTS.md": b"{{", ".autodev/config.toml": b"\xff"}
    )


@pytest.mark.parametrize("name", shipped_names())
def test_our_own_text_is_a_valid_replacement(name: str) -> None:
    shipped = PromptTemplateManager().load_template(name)
    manager = own(shipped.text, name)
    full, _ = samples(name)
    assert manager.render_template(name, **full) == render(name, **full)
