"""Whole replies of an Ollama server over the wire: content, calls, stop reasons, usage, what is sent."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from autodev_tui.providers.base import (
    CallDelta,
    CallStarted,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolSpec,
    UsageSeen,
)
from autodev_tui.providers.ollama_messages import build_tools, flat
from autodev_tui.providers.ollama_stream import StreamReader
from autodev_tui.tools.specs import TOOLS as OUR_TOOLS
from tests.fakes.ollama_script import SHAPES
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.ollama_validation import Refused, check
from tests.unit.providers.helpers import answers, script, user
from tests.unit.providers.ollama_helpers import READ, RUN, TOOLS, Asker, asked, failed, request

OURS = tuple(ToolSpec(tool.name, tool.description, tool.schema) for tool in OUR_TOOLS.values())


async def test_text_only() -> None:
    turn, asker, fake = await asked({"text": "All is well.", "chunk": 3})
    assert (turn.text, turn.stop, turn.calls) == ("All is well.", StopReason.END, ())
    assert turn.content == [{"type": "text", "text": "All is well."}]
    assert "".join(chunk.text for chunk in asker.chunks if isinstance(chunk, TextDelta)) == "All is well."
    assert turn.usage.cost_usd == 0 and turn.usage.cost_known and not turn.usage.at_least
    assert turn.usage.input_tokens > 100 and turn.usage.output_tokens > 0
    assert isinstance(asker.chunks[0], UsageSeen) and asker.chunks[0].usage.requests == 1
    assert fake.chats[0]["options"] == {"num_ctx": 32_768, "num_predict": 4_000}
    assert fake.chats[0]["keep_alive"] == "30m"


@pytest.mark.parametrize("together", [True, False])
async def test_calls_over_several_chunks_get_ids_of_ours_in_their_order(together: bool) -> None:
    calls = [{"name": "read", "input": {"path": f"{n}.py"}} for n in range(5)]
    turn, asker, _ = await asked({"calls": calls, "together": together})
    assert turn.stop is StopReason.TOOL_USE, "the server says stop, the calls decide"
    assert [call.args for call in turn.calls] == [call["input"] for call in calls]
    assert len({call.id for call in turn.calls}) == 5
    assert [block["id"] for block in turn.content] == [call.id for call in turn.calls]
    assert asker.chunks.count(CallStarted("read")) == 5
    told = sum(chunk.chars for chunk in asker.chunks if isinstance(chunk, CallDelta))
    assert told == sum(len(json.dumps(call["input"])) for call in calls)


async def test_results_go_by_name_and_order_and_thinking_comes_back_within_the_loop() -> None:
    first = {"thinking": "Both at once.", "text": "I look.", "calls": [READ, RUN]}
    with FakeOllama(script(first, {"calls": [READ]}, {"text": "ok"})) as fake:
        async with Asker(fake) as asker:
            turn = await asker.turn()
            history = [user("Fix the bug."), {"role": "assistant", "content": turn.content}]
            results = answers(turn, lambda name: f"result of {name}")
            # Whatever their order, the first call's result is the first.
            results["content"].reverse()
            results["content"][0]["is_error"] = True
            history.append(results)
            second = await asker.turn(request(history))
            history += [{"role": "assistant", "content": second.content}, answers(second)]
            history[-1]["content"].append({"type": "text", "text": "And be quick."})
            await asker.turn(request(history))
    assert ThinkingDelta("Both at once.") in asker.chunks
    sent = fake.chats[1]["messages"]
    assert [one["role"] for one in sent] == ["system", "user", "assistant", "tool", "tool"]
    assert sent[2]["thinking"] == "Both at once." and sent[2]["content"] == "I look."
    assert [one["tool_name"] for one in sent[3:]] == ["read", "run"]
    assert sent[3]["content"] == "result of read" and sent[4]["content"] == "failed: result of run"
    last = fake.chats[2]["messages"]
    assert last[-1] == {"role": "user", "content": "And be quick."}
    assert last[2]["thinking"] == "Both at once."
    assert second.calls[0].id not in {call.id for call in turn.calls}
    assert fake.loads == [("qwen3:latest", 32_768)], "one window for all of the session"


async def test_thinking_of_an_earlier_loop_and_of_another_service_is_not_sent() -> None:
    signed = {"type": "thinking", "thinking": "secret", "signature": "abc"}
    ours = {"type": "thinking", "thinking": "mine", "signature": ""}
    text = {"type": "text", "text": "Done."}
    history = [
        user("One."),
        {"role": "assistant", "content": [ours, text]},
        user("Two."),
        {
            "role": "assistant",
            "content": [signed, {"type": "tool_use", "id": "a", "name": "read", "input": {}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "x"}]},
    ]
    _, _, fake = await asked({"text": "ok"}, {"text": "ok"}, {"text": "ok"}, messages=history)
    assert "thinking" not in json.dumps(fake.chats[0]["messages"])


async def test_our_own_tools_survive_the_sdk_and_arrive_flat() -> None:
    with FakeOllama(script({"text": "ok"})) as fake:
        async with Asker(fake) as asker:
            await asker.turn(request(tools=OURS))
    arrived = {tool["function"]["name"]: tool["function"] for tool in fake.chats[0]["tools"]}
    assert list(arrived) == sorted(OUR_TOOLS)
    for name, tool in OUR_TOOLS.items():
        sent = arrived[name]["parameters"]
        assert set(sent["properties"]) == set(tool.schema["properties"]), name
        assert sent.get("required", []) == tool.schema.get("required", []), name
        for key, value in tool.schema["properties"].items():
            for kept in ("type", "items", "description", "enum"):
                assert sent["properties"][key].get(kept) == value.get(kept), (name, key, kept)
    tasks = arrived["submit_plan"]["parameters"]["properties"]["tasks"]["items"]
    assert {"id", "title", "depends_on"} <= set(tasks["properties"]), "what is inside a list arrives whole"


def test_what_the_sdk_would_drop_is_flattened_before() -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "default": None,
                "description": "How many.",
            },
            "b": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
            "c": {"enum": ["one", "two"], "minLength": 3},
            "d": {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "Either."},
        },
        "required": ["b"],
        "additionalProperties": False,
    }
    told = flat(schema)
    assert told["properties"]["a"] == {"type": "integer", "description": "How many."}
    assert '"x"' in told["properties"]["b"]["description"] and told["properties"]["b"]["type"] == "object"
    assert told["properties"]["c"] == {"enum": ["one", "two"], "type": "string"}
    assert "string or integer" in told["properties"]["d"]["description"]
    assert flat(told) == told
    for tool in build_tools(OURS):
        assert flat(tool["function"]["parameters"]) == tool["function"]["parameters"]


@pytest.mark.parametrize("shape", SHAPES)
async def test_calls_written_as_text_are_recovered_in_every_shape(shape: str) -> None:
    call = {"name": "read", "input": {"path": "a b/ä.py", "limit": 5, "all": True}}
    prose = {} if shape == "bare" else {"text": "I look first."}
    turn, asker, _ = await asked({"calls": [call], "as_text": shape, **prose})
    assert turn.stop is StopReason.TOOL_USE
    [found] = turn.calls
    assert (found.name, found.args, found.error) == ("read", call["input"], "")
    assert found.recovered == {"mistral_list": "mistral"}.get(shape, shape)
    assert turn.text == prose.get("text", "")
    assert [block["type"] for block in turn.content] == [*(["text"] if prose else []), "tool_use"]
    assert asker.notes == [f"a call of read was written as text ({found.recovered}), recovered"]


@pytest.mark.parametrize("size", [1, 7, 400])
async def test_a_call_in_the_text_is_not_shown_as_words_but_what_is_none_is(size: int) -> None:
    def shown(asker: Asker) -> str:
        return "".join(chunk.text for chunk in asker.chunks if isinstance(chunk, TextDelta))

    _, asker, _ = await asked({"text": "I look.", "calls": [READ], "as_text": "hermes", "chunk": size})
    assert shown(asker) == "I look.\n\n"
    text = "The tag <tool_call> begins a call, and 1 < 2."
    turn, asker, _ = await asked({"text": text, "chunk": size})
    assert shown(asker) == turn.text == text and turn.stop is StopReason.END
    cut = {"done_reason": "length", "counts": {"eval_count": 4_000}, "chunk": size}
    _, asker, _ = await asked({"text": text + "<", **cut})
    assert shown(asker) == text + "<"


async def test_a_structured_call_makes_text_mere_text() -> None:
    text = '<tool_call>{"name": "run", "arguments": {"command": "rm -rf ."}}</tool_call>'
    turn, asker, _ = await asked({"text": text, "calls": [READ]})
    assert [call.name for call in turn.calls] == ["read"]
    assert turn.text == text and not asker.notes


async def test_a_call_that_is_cut_in_the_text_is_told_as_malformed_and_never_run() -> None:
    turn, asker, _ = await asked({"text": '<tool_call>{"name": "run", "arguments": {"command": "rm -rf /tmp'})
    [call] = turn.calls
    assert call.args is None and "not closed" in call.error and call.name == "run"
    assert turn.stop is StopReason.TOOL_USE, "so that it is answered, and the task does not count as ended"
    assert "not usable" in asker.notes[0]


async def test_a_model_without_tools_gets_them_in_the_prompt_and_its_results_as_words() -> None:
    models = {"tiny": {"tools": False}}
    reply = {"text": "I look.", "calls": [READ, RUN], "as_text": "hermes"}
    with FakeOllama(script(reply, {"text": "ok"}, models=models)) as fake:
        async with Asker(fake) as asker:
            turn = await asker.turn(request(model="tiny"))
            history = [
                user("Fix."),
                {"role": "assistant", "content": turn.content},
                answers(turn, lambda n: n),
            ]
            await asker.turn(request(history, model="tiny"))
    system = fake.chats[0]["messages"][0]["content"]
    assert not fake.chats[0].get("tools")
    assert "<tool_call>" in system and '"timeout_s"' in system
    sent = fake.chats[1]["messages"]
    assert [one["role"] for one in sent] == ["system", "user", "assistant", "user", "user"]
    assert sent[2]["content"].startswith("I look.\n<tool_call>\n{")
    assert sent[3]["content"] == '<tool_response name="read">\nread\n</tool_response>'


async def test_a_server_that_does_not_tell_abilities_is_asked_and_believed() -> None:
    """Old servers: the 400 is how it is found out, once."""
    models = {"old": {"tools": False, "tells_capabilities": False}}
    reply = {"calls": [RUN], "as_text": "hermes"}
    turn, asker, fake = await asked(reply, models=models, model="old")
    assert turn.calls[0].args == RUN["input"]
    assert "does not support tools" in asker.retries[0].why and asker.slept == []
    assert [bool(body.get("tools")) for body in fake.chats] == [True, False]


@pytest.mark.parametrize(
    ("facts", "effort", "sent"),
    [
        ({"thinking": True}, None, True),
        ({"thinking": True}, "high", True),
        ({"thinking": False}, "high", None),
        ({"levels": True, "family": "gptoss"}, None, "medium"),
        ({"levels": True, "family": "gptoss"}, "low", "low"),
        ({"levels": True, "family": "gptoss"}, "max", "high"),
        ({"thinking": True, "tells_capabilities": False}, None, None),
    ],
)
async def test_thinking_is_asked_for_as_the_model_takes_it(facts: Any, effort: Any, sent: Any) -> None:
    _, _, fake = await asked({"text": "ok"}, models={"m": facts}, model="m", effort=effort)
    assert fake.chats[0].get("think") == sent


async def test_a_model_that_takes_no_thinking_after_all_is_asked_without() -> None:
    models = {"m": {"thinking": False, "capabilities": ["completion", "tools", "thinking"]}}
    turn, asker, fake = await asked({"text": "ok"}, models=models, model="m")
    assert turn.text == "ok" and len(asker.retries) == 1
    assert [body.get("think") for body in fake.chats] == [True, None]


async def test_a_reply_cut_by_length_runs_none_of_its_calls() -> None:
    turn, _, _ = await asked(
        {"text": "I write.", "calls": [RUN], "done_reason": "length", "counts": {"eval_count": 4_000}}
    )
    assert (turn.stop, turn.calls) == (StopReason.MAX_TOKENS, ())
    assert all(block["type"] != "tool_use" for block in turn.content)


async def test_a_reply_cut_before_its_allowance_ran_into_the_window() -> None:
    turn, _, _ = await asked({"text": "I write", "done_reason": "length", "counts": {"eval_count": 100}})
    assert (turn.stop, turn.calls) == (StopReason.CONTEXT_EXCEEDED, ())


async def test_an_unfinished_call_in_a_text_cut_by_length_is_not_recovered() -> None:
    text = '<tool_call>{"name": "run", "arguments": {"command": "ls"}}</tool_call>'
    turn, _, _ = await asked({"text": text, "done_reason": "length", "counts": {"eval_count": 4_000}})
    assert (turn.stop, turn.calls) == (StopReason.MAX_TOKENS, ())


@pytest.mark.parametrize("reason", ["load", "unload"])
async def test_other_ends_are_no_reply(reason: str) -> None:
    error, asker, _ = await failed({"done_reason": reason})
    assert error.kind == "cut" and reason in str(error) and len(asker.retries) == 1


async def test_an_unknown_end_is_not_tried_again() -> None:
    error, asker, _ = await failed({"text": "x", "done_reason": "bored"})
    assert error.kind == "invalid" and "bored" in str(error) and not asker.retries


async def test_counts_that_are_missing_are_estimated_and_marked() -> None:
    turn, _, _ = await asked({"text": "x" * 320, "counts": {"prompt_eval_count": None, "eval_count": None}})
    assert turn.usage.at_least, "an estimate is no exact number"
    assert 50 < turn.usage.input_tokens < 400 and turn.usage.output_tokens == 100


async def test_a_model_of_the_cloud_costs_what_the_user_says_whatever_it_is_called() -> None:
    prices = {"helper": {"input": 1_000, "output": 2_000}}
    served = {"models": {"helper": {"remote": True}}, **script({"text": "ok"}, {"text": "ok"})}
    with FakeOllama(served) as fake:
        async with Asker(fake, prices=prices) as asker:
            assert (await asker.provider.limits("helper")).remote
            used = (await asker.turn(request(model="helper"))).usage
            assert used.input_tokens and used.output_tokens and used.cost_known
            assert used.cost_usd == pytest.approx(used.input_tokens / 1e3 + used.output_tokens / 5e2)
            told = [one.usage for one in asker.chunks if isinstance(one, UsageSeen)]
            assert told[-1].cost_usd > 0, "the prompt is paid for also where the reply is cut off"
        async with Asker(fake) as asker:
            used = (await asker.turn(request(model="helper"))).usage
            assert (used.cost_usd, used.cost_known) == (0, False)


async def test_types_that_small_models_get_wrong_are_put_right_by_the_schema() -> None:
    call = {"name": "read", "input": {"path": "5", "limit": "5", "all": "True"}}
    turn, _, _ = await asked({"calls": [call]})
    assert turn.calls[0].args == {"path": "5", "limit": 5, "all": True}


async def test_surrogates_in_a_conversation_are_sent_as_something_that_can_be() -> None:
    turn, _, fake = await asked({"text": "ok"}, messages=[user("a \udc80 name")])
    assert turn.text == "ok"
    assert "\ufffd" in fake.chats[-1]["messages"][-1]["content"]


async def test_the_key_is_sent_only_when_the_users_environment_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "of-the-process")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with FakeOllama(script({"text": "ok"})) as fake:
        async with Asker(fake) as asker:
            await asker.turn()
        async with Asker(fake, key="of-the-user") as asker:
            await asker.turn()
    assert {entry["auth"] for entry in fake.requests} == {"", "of-the-user"}


def test_the_fake_is_strict() -> None:
    good = {
        "model": "qwen3",
        "messages": [{"role": "user", "content": "x"}],
        "options": {"num_ctx": 4_096},
        "keep_alive": "5m",
    }
    with FakeOllama(script()) as fake:
        check(good, fake.known)
        for change in (
            {"model": "nobody"},
            {"options": {}},
            {"options": {"num_ctx": "4096"}},
            {"messages": [{"role": "tool", "tool_name": "x", "content": "y"}]},
            {"messages": [{"role": "assistant", "content": "x"}]},
            {"messages": [{"role": "user", "content": "x", "id": "1"}]},
            {"tools": [{"type": "function", "function": {"name": "a b", "parameters": {"type": "object"}}}]},
            {"think": "sideways"},
        ):
            with pytest.raises(Refused):
                check({**good, **change}, fake.known)
    assert TOOLS[0].name == "run"


async def test_a_large_call_is_read_off_the_loop_by_the_same_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes whole, in one line, with the file that it writes; a short one needs no thread."""
    threads: list[bool] = []
    read = StreamReader._read

    def noted(function: Any) -> Any:
        threads.append(threading.current_thread() is not threading.main_thread())
        return read(function)

    monkeypatch.setattr(StreamReader, "_read", staticmethod(noted))
    text = 'x = "ä"\n' * 40_000
    calls = [{"name": "run", "input": {"command": text}}, {"name": "read", "input": {"path": "a"}}]
    turn, _, _ = await asked({"calls": [calls[0]]})
    assert turn.calls[0].args == {"command": text} and threads == [True]
    turn, _, _ = await asked({"calls": [calls[1]]})
    assert turn.calls[0].args == {"path": "a"} and threads == [True, False]
    turn, _, _ = await asked({"calls": calls})
    assert [call.args for call in turn.calls] == [call["input"] for call in calls]
