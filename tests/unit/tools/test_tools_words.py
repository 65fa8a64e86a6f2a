from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.policy.secrets import Masker
from autodev_tui.tools import talking
from autodev_tui.tools.arguments import PlannedTask, SubmitPlan, UpdateTodos
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.command import MAX_OUTPUT, CommandEnd, format_result
from autodev_tui.tools.specs import EDITING, READING, TALKING, TOOLS, validate

KEY = "AKIA" + "Q3EGRZXIV4XYZABC"
masker = Masker(b"salt")


def said(name, args):
    problem = validate(name, args)
    assert isinstance(problem, ToolProblem)
    assert "\n" not in problem.text
    return problem.text


def test_the_tools_are_those_of_the_design():
    names = {
        "read_file": ["path", "offset?", "limit?"],
        "list_files": ["pattern?"],
        "search": ["pattern", "path?", "glob?"],
        "edit_file": ["path", "old_text", "new_text", "replace_all?"],
        "write_file": ["path", "content"],
        "delete_file": ["path"],
        "move_file": ["path", "to"],
        "run_command": ["command", "timeout_s?"],
        "update_todos": ["todos"],
        "ask_user": ["question", "options?"],
        "finish": ["summary"],
        "submit_plan": ["tasks"],
    }
    for name, tool in TOOLS.items():
        required = tool.schema.get("required", [])
        parameters = [key if key in required else f"{key}?" for key in tool.schema["properties"]]
        assert parameters == names.pop(name)
    assert names == {}
    assert READING | EDITING | TALKING | {"run_command", "ask_user"} == TOOLS.keys()


def test_schemas_are_flat():
    for tool in TOOLS.values():
        text = json.dumps(tool.schema)
        for word in ("anyOf", "$ref", "$defs", "allOf", '"title": "', '"default"'):
            assert word not in text, (tool.name, word)
        assert tool.schema["additionalProperties"] is False
    task = TOOLS["submit_plan"].schema["properties"]["tasks"]["items"]["properties"]
    assert list(task) == [
        "id",
        "title",
        "description",
        "depends_on",
        "acceptance_criteria",
        "role",
        "files",
        "estimate_minutes",
        "risk",
    ]
    assert "title" in task


def test_problems_are_explained_in_one_line():
    assert "did you mean read_file?" in said("readfile", {})
    assert "there are:" in said("launch_rockets", {})
    assert "old_text is missing" in said("edit_file", {"path": "a", "new_text": ""})
    assert '"replace_all"?: boolean' in said("edit_file", {})
    assert "offset: input should be" in said("read_file", {"path": "a", "offset": "x"})
    assert "did you mean old_text?" in said("edit_file", {"path": "a", "old_texts": "", "new_text": ""})
    assert "todos.0.status" in said("update_todos", {"todos": [{"content": "a", "status": "later"}]})
    assert "not a JSON object" in said("finish", None)
    assert "lone surrogate" in said("write_file", {"path": "a", "content": "\udce9"})
    assert "the limit is" in said("write_file", {"path": "a", "content": "x" * 1_000_001})
    assert "greater than or equal to 1" in said("read_file", {"path": "a", "offset": 0})


def test_a_tool_of_another_role_is_denied():
    problem = validate("edit_file", {}, allowed=("read_file", "search"))
    assert isinstance(problem, ToolProblem)
    assert problem.denied


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(TOOLS)), st.data())
def test_no_arguments_crash_the_validation(name, data):
    keys = st.sampled_from([*TOOLS[name].schema["properties"], "other", "\x1b"])
    found = validate(name, data.draw(st.dictionaries(keys, json_values, max_size=4)))
    if isinstance(found, ToolProblem):
        found.text.encode()


def plan(*tasks):
    return talking.run("submit_plan", SubmitPlan(tasks=[PlannedTask(**task) for task in tasks]))


def test_a_good_plan_is_data():
    result = plan(
        {"id": "a", "title": "A", "risk": "high", "acceptance_criteria": ["works"]},
        {"id": "b", "title": "B", "depends_on": ["a"], "files": ["src/x.py"]},
    )
    assert [task["id"] for task in result.data["tasks"]] == ["a", "b"]
    assert result.data["tasks"][0]["risk"] == 0.8
    json.dumps(result.data)


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        ([], "no tasks"),
        ([{"id": str(n), "title": "x"} for n in range(31)], "31 tasks, the limit is 30"),
        ([{"id": "a", "title": "x"}] * 2, "'a' is used 2 times"),
        ([{"id": "a", "title": "x", "depends_on": ["z"]}], "a depends on 'z', which is no task"),
        ([{"id": "a", "title": "x", "depends_on": ["a"]}], "circle: a → a"),
        (
            [
                {"id": "a", "title": "x", "depends_on": ["c"]},
                {"id": "b", "title": "x", "depends_on": ["a"]},
                {"id": "c", "title": "x", "depends_on": ["b"]},
            ],
            "circle",
        ),
        ([{"id": "a", "title": "x", "files": ["../x"]}], "no path inside"),
        ([{"id": "a", "title": "x", "files": [".git/config"]}], "no path inside"),
    ],
)
def test_bad_plans_are_explained(tasks, why):
    problem = plan(*tasks)
    assert isinstance(problem, ToolProblem)
    assert why in problem.text


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), max_size=3), min_size=1)
)
def test_an_accepted_plan_can_be_put_in_order(edges):
    tasks = [{"id": one, "title": "x", "depends_on": others} for one, others in edges.items()]
    result = plan(*tasks)
    if isinstance(result, ToolProblem):
        return
    done: set[str] = set()
    while len(done) < len(edges):
        ready = {one for one, others in edges.items() if one not in done and set(others) <= done}
        assert ready
        done |= ready


def test_todos():
    def todos(*statuses):
        items = [{"content": f"t{n}", "status": status} for n, status in enumerate(statuses)]
        return talking.run("update_todos", UpdateTodos(todos=items))

    assert todos("completed", "in_progress", "pending").text == "1 of 3 done, now: t1"
    assert "at most one" in todos("in_progress", "in_progress").text


def ended(output=b"", **more):
    return format_result(CommandEnd(code=more.pop("code", 0), duration_s=1.25, head=output, **more), masker)


def test_status_comes_first():
    assert ended(b"hi\n").text == "exit code 0 after 1.2 s\nhi"
    assert ended().text == "exit code 0 after 1.2 s\n(no output)"
    assert not ended(code=2).ok
    assert ended(code=None, signal=9).text.startswith("killed by signal 9")
    assert ended(code=None, timed_out=True).text.startswith("timed out")


def test_output_is_plain_text():
    raw = b"\x1b[31mred\x1b[0m \x1b]52;c;aGk=\x07\x1b]8;;http://x\x1b\\link"
    raw += b" \x9b2J 10%\r 50%\r100%\r\nnext\x00\x1b"
    text = ended(raw).text
    assert text.splitlines()[1:] == ["100%", "next‹00›"]
    assert "\x1b" not in text
    assert "‹U+202E›" in ended("a\u202eb".encode()).text
    assert "‹0xFF›" in ended(b"\xff").text
    ended(b"\xff\x80").text.encode()


def test_long_output_keeps_head_and_tail_with_the_count():
    lines = b"".join(b"line %06d\n" % n for n in range(10_000))
    result = format_result(CommandEnd(0, 1.0, head=lines), masker, output_name="000007")
    assert len(result.text) < MAX_OUTPUT + 300
    assert "line 000000" in result.text
    assert "line 009999" in result.text
    assert "left out; all of it: read_file @output/000007" in result.text
    assert "output cut" in result.text.splitlines()[0]
    spooled = format_result(CommandEnd(0, 1.0, head=b"a\n", tail=b"z\n", elided=1234567), masker)
    assert "… 1,234,567 bytes left out …" in spooled.text


def test_secrets_in_output_are_masked():
    assert KEY not in ended(f"key {KEY}\n".encode()).text
    filler = b"y" * 500 + b"\n"
    cut = CommandEnd(
        0, 1.0, head=filler + KEY[:15].encode(), tail=KEY[15:].encode() + b"\n" + filler, elided=9
    )
    text = format_result(cut, masker).text
    assert KEY[:15] not in text
    assert KEY[15:] not in text
    halves = CommandEnd(0, 1.0, head=f"x {KEY[:9]}".encode(), tail=f"{KEY[9:]} y\n".encode())
    assert KEY not in format_result(halves, masker).text


@given(st.binary(max_size=300))
def test_any_output_is_harmless_to_a_terminal(output):
    text = ended(output).text
    assert not any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in text)
    text.encode()
