"""The fake Messages API itself: what it refuses, that replies repeat, and its process of its own."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.anthropic_server import FakeAnthropic
from tests.fakes.anthropic_validation import Refused, check
from tests.unit.providers.helpers import Asker, answers, request, script, user

ROOT = Path(__file__).parents[3]
CALLS = [{"type": "tool_use", "id": name, "name": "run", "input": {}} for name in ("a", "b")]
RESULTS = [{"type": "tool_result", "tool_use_id": name, "content": "ok"} for name in ("a", "b")]
GOOD: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 100,
    "stream": True,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "run", "description": "", "input_schema": {"type": "object"}}],
    "messages": [
        user("go"),
        {"role": "assistant", "content": CALLS},
        {"role": "user", "content": [*RESULTS, {"type": "text", "text": "note"}]},
    ],
}


def test_a_good_history_passes() -> None:
    check(GOOD)


def content(place: int, blocks: list[Any]) -> Callable[[dict[str, Any]], None]:
    return lambda body: body["messages"][place].update(content=blocks)


def put(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda body: body.update(fields)


def marked(count: int) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}] * count


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (put(temperature=0), "temperature: Extra inputs"),
        (put(top_p=0.5), "top_p"),
        (put(max_tokens=0), "max_tokens"),
        (put(max_tokens=10**6), "maximum for this model"),
        (put(messages=[]), "at least one message"),
        (put(tool_choice={"type": "any"}), "forced tools"),
        (put(thinking={"type": "disabled"}), "cannot be disabled"),
        (put(thinking={"type": "enabled", "budget_tokens": 2000}), "not supported"),
        (put(model="claude-haiku-4-5", thinking={"type": "adaptive"}), "adaptive"),
        (put(model="claude-haiku-4-5", output_config={"effort": "low"}), "effort"),
        (put(model="claude-typo"), "model: claude-typo"),
        (put(tools=GOOD["tools"] * 2), "unique"),
        (put(tools=[{"name": "bad name", "input_schema": {"type": "object"}}]), "name"),
        (put(tools=[{"name": "run", "input_schema": {}}]), "input_schema"),
        (put(system=""), "non-empty"),
        (content(0, [{"type": "text", "text": ""}]), "non-empty"),
        (content(0, [{"type": "text", "text": " \n"}]), "non-whitespace"),
        (content(0, []), "must not be empty"),
        (content(0, marked(4)), "A maximum of 4 blocks"),
        (content(0, [{"type": "text", "text": "x", "mood": 1}]), "mood: Extra inputs"),
        (content(0, [{"type": "tool_use", "id": "c", "name": "run", "input": {}}]), "not allowed"),
        (content(0, RESULTS), "unexpected `tool_use_id`"),
        (content(2, RESULTS[:1]), "without `tool_result`"),
        (content(2, [{"type": "text", "text": "x"}]), "without `tool_result`"),
        (content(2, [{"type": "text", "text": "x"}, *RESULTS]), "must come first"),
        (content(2, [*RESULTS, RESULTS[0]]), "single result"),
        (content(2, [*RESULTS, {**RESULTS[0], "tool_use_id": "c"}]), "unexpected"),
        (content(1, [CALLS[0], CALLS[0]]), "unique"),
        (content(1, [{**CALLS[0], "id": "a b"}, CALLS[1]]), "bad pattern"),
        (content(1, [{**CALLS[0], "input": "x"}, CALLS[1]]), "must be an object"),
        (lambda body: body["messages"].pop(), "prefill"),
        (lambda body: body["messages"].pop(0), "first message"),
        (lambda body: body["messages"][0].update(role="system"), "Unexpected role"),
        (lambda body: body["messages"][0].update(name="me"), "exactly role and content"),
    ],
)
def test_what_is_refused(change: Callable[[dict[str, Any]], Any], says: str) -> None:
    body = copy.deepcopy(GOOD)
    change(body)
    with pytest.raises(Refused, match=says):
        check(body)


THINKING = {"thinking": "hm", "calls": [{"name": "run", "input": {"command": "ls"}}]}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda body: None, ""),
        (
            lambda body: body["messages"][0]["content"].append({"type": "text", "text": "!"}),
            "bound to a diff",
        ),
        (lambda body: body["system"][0].update(text="other"), "bound to a different conversation"),
        (lambda body: body["tools"].pop(), "bound to a different conversation"),
        (lambda body: body["messages"][1]["content"][0].update(thinking="HM"), "cannot be modified"),
        (lambda body: body["messages"][1]["content"].pop(0), "cannot be modified"),
        (lambda body: body["messages"][0]["content"][0].pop("cache_control", None), ""),
    ],
)
async def test_thinking_must_come_back_as_it_was_sent(change: Any, says: str) -> None:
    with FakeAnthropic(script(THINKING, {"text": "ok"})) as fake:
        asker = Asker(fake.url)
        turn = await asker.provider.complete(request(), asker.chunks.append)
        history = [user("Fix the bug."), {"role": "assistant", "content": turn.content}, answers(turn)]
        await asker.turn(request(history))
    body = fake.requests[1]["body"]
    change(body)
    if says:
        with pytest.raises(Refused, match=says):
            check(body)
    else:
        check(body)


async def test_the_same_request_gets_the_same_reply_even_from_a_new_server() -> None:
    told = script(THINKING, {"text": "ok"})
    found = []
    for _ in range(2):
        with FakeAnthropic(told) as fake:
            asker = Asker(fake.url)
            found += [(await asker.provider.complete(request(), asker.chunks.append)).content for _ in "ab"]
            await asker.provider.aclose()
    assert all(content == found[0] for content in found)


async def test_conversations_are_told_apart_and_end() -> None:
    told = {
        "conversations": [
            {"match": ["role: planner"], "replies": [{"text": "plan"}]},
            {"match": ["developer", "T2"], "replies": [{"text": "two"}]},
            {"match": "developer", "replies": [{"text": "one"}], "repeat_last": True},
        ]
    }
    with FakeAnthropic(told) as fake:
        asker = Asker(fake.url)

        async def say(system: str, *texts: str) -> str:
            history = [user(texts[0])]
            for text in texts[1:]:
                history += [{"role": "assistant", "content": [{"type": "text", "text": "x"}]}, user(text)]
            asked = request(history, system=system)
            return (await asker.provider.complete(asked, asker.chunks.append)).text

        assert await say("role: planner", "goal") == "plan"
        assert await say("developer", "task T2") == "two"
        assert await say("developer", "task T1", "again", "again") == "one"
        error = await asker.error(request([user("hello")], system="reviewer"))
        assert "no conversation" in str(error)
        error = await Asker(fake.url).error(
            request([user("a"), {"role": "assistant", "content": "x"}, user("b")], system="role: planner")
        )
        assert "has only 1 replies" in str(error)


def post(url: str, body: Any, key: str) -> tuple[int, Any]:
    headers = {"anthropic-version": "2026-10-21", "x-api-key": key, "content-type": "application/json"}
    asked = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_process_of_its_own(tmp_path: Path) -> None:
    told, port, log = tmp_path / "script.json", tmp_path / "port", tmp_path / "log.jsonl"
    told.write_text(json.dumps(script({"text": "ok"}, key="right")))
    command = [sys.executable, "-m", "tests.fakes.anthropic_server", "--script", str(told)]
    with subprocess.Popen([*command, "--port-file", str(port), "--log", str(log)], cwd=ROOT) as server:
        try:
            deadline = time.monotonic() + 20
            while not port.exists():
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            url = f"http://127.0.0.1:{int(port.read_text())}/v1/messages"
            assert post(f"{url}/count_tokens", GOOD, "right")[0] == 200
            status, problem = post(url, GOOD, "wrong")
            assert (status, problem["error"]["type"]) == (401, "authentication_error")
            assert post(url, {**GOOD, "top_k": 1}, "right")[0] == 400
        finally:
            server.terminate()
    assert server.returncode == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["status"] for line in lines if "status" in line] == [200, 401, 400]
