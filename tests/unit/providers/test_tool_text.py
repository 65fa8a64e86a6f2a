"""Calls written as text: every shape, and everything that only looks like one."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autodev_tui.providers.base import ToolSpec
from autodev_tui.providers.tool_text import TextCall, coerced, find_calls, without_calls
from autodev_tui.providers.tool_text_shapes import MARKER
from autodev_tui.providers.tool_text_stream import Withheld
from tests.fakes.ollama_script import SHAPES, written

TOOLS = (
    ToolSpec(
        "write_file",
        "",
        {"type": "object", "properties": {"path": {"type": "string"}, "content": {"type": "string"}}},
    ),
    ToolSpec(
        "read_file",
        "",
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "limit": {"type": "integer"},
                "ratio": {"type": "number"},
                "all": {"type": "boolean"},
                "names": {"type": "array", "items": {"type": "string"}},
                "level": {"enum": ["low", "high"]},
            },
        },
    ),
)
CALL = {"name": "read_file", "input": {"path": "a.py", "limit": 3}}
HERMES = written("hermes", [CALL])
MARKED = [shape for shape in SHAPES if shape not in ("fenced", "bare")]


def only(text: str) -> TextCall:
    [call] = find_calls(text, TOOLS)
    return call


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape(shape: str) -> None:
    call = only(written(shape, [CALL]))
    assert (call.name, call.args, call.error) == ("read_file", {"path": "a.py", "limit": 3}, "")
    assert without_calls(written(shape, [CALL]), [call]) == ""


@pytest.mark.parametrize("shape", MARKED)
def test_several_calls_with_words_around_them(shape: str) -> None:
    calls = [{"name": "read_file", "input": {"path": f"{n}.py"}} for n in range(3)]
    text = f"I look at three files.\n{written(shape, calls)}"
    found = find_calls(text, TOOLS)
    assert [call.args for call in found] == [call["input"] for call in calls]
    assert without_calls(text, found) == "I look at three files."


NASTY = "".join(
    (
        'def f():\n    """</parameter> is no end"""\n    return "{\\"a\\": [1, 2}"\n',
        "```python\nx\n```\n`<tool_call>` and </tool_call>\n",
    )
)


@pytest.mark.parametrize(
    "shape", ["hermes", "function", "glm", "mistral", "llama", "deepseek", "gemma", "invoke"]
)
def test_a_files_content_may_hold_anything(shape: str) -> None:
    call = {"name": "write_file", "input": {"path": "a.py", "content": NASTY}}
    assert only(written(shape, [call])).args == call["input"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "All is well.",
        f"`{HERMES}`",
        f"```\n{HERMES}\n```",
        f"```xml\n{HERMES}\n```",
        f"~~~\n{HERMES}\n~~~",
        f"   ```\n{HERMES}\n   ```",
        f"```\n{HERMES}",
        f"<think>\n{HERMES}\n</think>Done.",
        f"<think>\n{HERMES}",
        f'The page says "{HERMES}" and no more.',
        "> " + HERMES.replace("\n", " "),
        "# " + HERMES.replace("\n", " "),
        f"The config is {json.dumps(CALL)}",
        "```json\n" + json.dumps({"name": "read_file", "arguments": {}, "version": 3}) + "\n```",
        "```json\n" + json.dumps({"name": "package", "arguments": {"path": "x"}}) + "\n```",
        "```python\n" + json.dumps({"name": "read_file", "arguments": {"path": "x"}}) + "\n```",
        json.dumps({"name": "read_file"}),
        json.dumps({"name": "read_file", "arguments": {}, "input": {}}),
        json.dumps({"name": "read_file", "arguments": {"path": "x"}}) + " is what I would do",
        json.dumps({"name": "nobody", "arguments": {"path": "x"}}),
        json.dumps([]),
        json.dumps([{"name": "read_file", "arguments": {"path": "x"}}, 3]),
        '{"name": "read_file", "arguments": {"path": "a", "path": "b"}}',
        "<tool_call>",
        "The tag <tool_call> begins a call, [TOOL_CALLS] too.",
        "<invoke name=",
    ],
)
def test_what_is_no_call(text: str) -> None:
    assert find_calls(text, TOOLS) == []


@pytest.mark.parametrize(
    "words",
    [
        "For example, to read a file:\n",
        "You can call a tool like this:\n",
        "A call looks like ",
        "A call looks like this:\n\n",
        "Do not write ",
        "Instead of using this:\n",
        "I could call read_file: ",
        "Here's how a file is read:\n",
        "Usage:\n",
        "The format is:\n",
        "An example of a call: ",
        "Use a tool, e.g. ",
        "Halimbawa: ",
    ],
)
@pytest.mark.parametrize("shape", ["hermes", "fenced", "function"])
def test_an_example_is_never_run(words: str, shape: str) -> None:
    text = words + ("\n" if shape == "fenced" else "") + written(shape, [CALL])
    assert find_calls(f"{text}\nThat is how it is done.", TOOLS) == []
    # At the end of a reply it may have been meant: the model is told, and makes it again.
    call = only(text)
    assert call.args is None and "make the call alone" in call.error


@pytest.mark.parametrize(
    "text",
    [
        f"I don't see the function yet, so I read it: {HERMES}",
        f"It could be in a.py.\n\n{HERMES}",
        f"It looks like the discount is wrong, so I read it: {HERMES}",
        f"There is a syntax error in a.py; I read it first: {HERMES}",
        f"The examples use it too, so I look there: {HERMES}",
        f"Some tests fail, e.g. test_prices, so I read it: {HERMES}",
        f"The tests don't use the discount, so I read the code: {HERMES}",
        f"The function could use integers. I read it: {HERMES}",
        f"I'd like to see the file first: {HERMES}",
        f"For example, the sum is wrong.\n\nI read it.\n{HERMES}",
        f"`a.py` has it.\n{HERMES}",
        f"There is one ` too many. {HERMES}",
        f"```\nold code\n```\nNow I read it.\n{HERMES}",
        f"<think>\nI could call read_file, for example.\n</think>\n{HERMES}",
        f"{HERMES}\nThat should do.",
    ],
)
def test_words_that_do_not_make_it_an_example(text: str) -> None:
    assert only(text).args == CALL["input"]


@pytest.mark.parametrize("shape", MARKED)
def test_what_is_cut_anywhere_is_never_run(shape: str) -> None:
    text = written(shape, [{"name": "write_file", "input": {"path": "a.py", "content": "one two three"}}])
    for end in range(len(text)):
        for call in find_calls(text[:end], TOOLS):
            whole = {"path": "a.py", "content": "one two three"}
            assert call.args is None or call.args == whole, (end, call)


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ('<tool_call>{"name": "read_file", "arguments": {"path": "a"', "read_file", "not closed"),
        (
            '<tool_call>{"name": "read_file", "arguments": {"path": a}}</tool_call>',
            "read_file",
            "not valid JSON",
        ),
        ('<tool_call>{"name": "rm", "arguments": {}}</tool_call>', "rm", "no tool of that name"),
        ('<tool_call>{"nom": "read_file"}</tool_call>', "", "no object with a name"),
        ("<function=read_file><parameter=path>a</parameter>", "read_file", "not closed"),
        (
            "<function=read_file><parameter=path>a</parameter><parameter=path>b</parameter></function>",
            "read_file",
            "given twice",
        ),
        ("<tool_call>read_file<arg_key>path</arg_key><arg_value>a</arg_value>", "read_file", "not closed"),
        ('[TOOL_CALLS]read_file[ARGS]{"path": ', "read_file", "not closed"),
        ('<|python_tag|>{"name": "read_file", "parameters": {"path": "a"}', "read_file", "not closed"),
        ('<｜tool▁call▁begin｜>read_file<｜tool▁sep｜>{"path": "a"}', "read_file", "not closed"),
        ('<|tool_call>call:read_file{path:<|"|>a', "read_file", "not closed"),
    ],
)
def test_a_broken_call_says_how(text: str, name: str, says: str) -> None:
    call = only(text)
    assert (call.name, call.args) == (name, None) and says in call.error


def test_one_good_and_one_broken_call() -> None:
    found = find_calls(f'{HERMES}\n<tool_call>{{"name": "read_file", "arguments": ', TOOLS)
    assert [call.args for call in found] == [CALL["input"], None]


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "read_file", "arguments": {"path": "a.py", "limit": 3,},}</tool_call>',
        '<tool_call>{"name": "read_file", "parameters": {"path": "a.py", "limit": 3}}</tool_call>',
        '<tool_call>{"name": "read_file", '
        '"arguments": "{\\"path\\": \\"a.py\\", \\"limit\\": 3}"}</tool_call>',
        '<tool_call>{"type": "function", "function": {"name": "read_file", '
        '"arguments": {"path": "a.py", "limit": 3}}}</tool_call>',
        '<function=read_file>{"path": "a.py", "limit": "3"}</function>',
        "<start_function_call>call:read_file{path:<escape>a.py<escape>,limit:3}<end_function_call>",
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>read_file\n```json\n"
        '{"path": "a.py", "limit": 3}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        '[TOOL_CALLS]read_file{"path": "a.py", "limit": 3}',
        '<|python_tag|>{"name": "read_file", "parameters": {"path": "a.py", "limit": "3"}}<|eom_id|>',
        '<invoke name="read_file"><parameter name="path">a.py</parameter>'
        '<parameter name="limit">3</parameter></invoke>',
    ],
)
def test_variants(text: str) -> None:
    assert only(text).args == CALL["input"]


def test_a_call_without_arguments() -> None:
    assert only('<tool_call>{"name": "read_file"}</tool_call>').args == {}
    assert only("<function=read_file></function>").args == {}


@pytest.mark.parametrize(
    ("value", "schema", "wanted"),
    [
        ("5", {"type": "integer"}, 5),
        ("5.0", {"type": "integer"}, 5),
        (5.0, {"type": "integer"}, 5),
        ("5.5", {"type": "integer"}, "5.5"),
        ("five", {"type": "integer"}, "five"),
        ("true", {"type": "integer"}, "true"),
        ("1e3", {"type": "number"}, 1000.0),
        ("NaN", {"type": "number"}, "NaN"),
        ("True", {"type": "boolean"}, True),
        ("yes", {"type": "boolean"}, "yes"),
        ('["a", "b"]', {"type": "array", "items": {"type": "string"}}, ["a", "b"]),
        (["1"], {"type": "array", "items": {"type": "integer"}}, [1]),
        ('{"n": "1"}', {"type": "object", "properties": {"n": {"type": "integer"}}}, {"n": 1}),
        ("5", {"type": "string"}, "5"),
        (5, {"type": "string"}, 5),
        (" low ", {"enum": ["low"]}, "low"),
        ('1, "x": 2', {"type": "integer"}, '1, "x": 2'),
        ("x", {}, "x"),
    ],
)
def test_values_take_the_type_of_their_schema_only_when_they_say_it(
    value: Any, schema: Any, wanted: Any
) -> None:
    found = coerced(value, schema)
    assert found == wanted and type(found) is type(wanted)


# -- invariants

TEXT = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="<|`｜▁[") | st.sampled_from("\n\t"),
    max_size=60,
)
ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
MARKS = st.sampled_from(
    [
        *(
            "<tool_call>",
            "</tool_call>",
            "<function=",
            "<parameter=path>",
            "</parameter>",
            "</function>",
            "`",
            "```\n",
        ),
        *(
            "[TOOL_CALLS]",
            "[ARGS]",
            "<|python_tag|>",
            "<|tool_call>call:",
            '<|"|>',
            "<tool_call|>",
            "<think>",
            "\n\n",
        ),
        *(
            "<invoke name=",
            "read_file",
            "{",
            "}",
            '"',
            ":",
            ",",
            '{"name": "read_file", "arguments": {"path": "x"}}',
        ),
        *(
            "<｜tool▁call▁begin｜>",
            "<｜tool▁sep｜>",
            "<arg_key>",
            "</arg_key>",
            "<arg_value>",
            "</arg_value>",
        ),
    ]
)


@settings(max_examples=60, deadline=None)
@given(shape=st.sampled_from(SHAPES), content=TEXT, limit=st.integers(-(10**9), 10**9), every=st.booleans())
def test_what_is_written_is_what_is_read(shape: str, content: str, limit: int, every: bool) -> None:
    args = {"path": f"x{content}x", "limit": limit, "all": every}
    if shape == "glm":
        args["path"] = f"x{content}x".replace("\n", " ")
    call = only(written(shape, [{"name": "read_file", "input": args}]))
    assert (call.args, call.error) == (args, "")


@settings(max_examples=150, deadline=None)
@given(parts=st.lists(MARKS | ANY, max_size=14))
def test_no_text_at_all_makes_it_fail_or_run_something_that_is_not_offered(parts: list[str]) -> None:
    text = "".join(parts)
    before = 0
    for call in find_calls(text, TOOLS):
        assert 0 <= call.start <= call.end <= len(text) and call.start >= before - len(text)
        assert (call.args is None) == bool(call.error)
        if call.args is not None:
            assert call.name in ("read_file", "write_file")
            json.dumps(call.args, ensure_ascii=False).encode()
    assert find_calls(text, ()) == []


@settings(max_examples=60, deadline=None)
@given(shape=st.sampled_from(SHAPES), before=TEXT, language=st.sampled_from(["", "python", "xml", "text"]))
def test_nothing_inside_a_code_block_is_ever_run(shape: str, before: str, language: str) -> None:
    if shape in ("bare", "fenced") and language == "":
        language = "python"
    body = written("bare" if shape == "fenced" else shape, [CALL])
    assert find_calls(f"{before}\n\n```{language}\n{body}\n```\n", TOOLS) == []


@settings(max_examples=80, deadline=None)
@given(parts=st.lists(MARKS | TEXT, max_size=6), size=st.integers(1, 9))
def test_a_stream_shows_all_up_to_a_mark_and_keeps_the_rest(parts: list[str], size: int) -> None:
    text = "".join(parts)
    withheld = Withheld()
    shown = "".join(withheld.feed(text[place : place + size]) for place in range(0, len(text), size))
    match = MARKER.search(text)
    assert withheld.holding == bool(match)
    if match:
        assert shown == text[: match.start()]
    assert shown + withheld.rest() == text


@pytest.mark.parametrize(
    "unit",
    [
        *("`", "```\n", "<tool_call>", "<function=", "<arg_key>", '{"', "[TOOL_CALLS]", "<think>"),
        *("<tool_call>{</tool_call>", '<tool_call>{"a</tool_call>'),
    ],
)
def test_the_longest_reply_is_read_in_no_time(unit: str) -> None:
    text = (unit * (60_000 // len(unit))) + HERMES
    began = time.process_time()
    find_calls(text, TOOLS)
    assert time.process_time() - began < 1.0
