"""From a specification to a provider: names, keys, addresses; and the providers without a model."""

from __future__ import annotations

import pytest

from autodev_tui.providers.base import (
    CallStarted,
    Chunk,
    ProviderError,
    StopReason,
    TextDelta,
    UsageSeen,
)
from autodev_tui.providers.registry import default_model, make_provider
from autodev_tui.providers.scripted import USAGE, FunctionProvider, ScriptedProvider, make_turn
from tests.unit.providers.helpers import request

ENV = {"ANTHROPIC_API_KEY": "k"}
NOBODY = {"OLLAMA_HOST": "127.0.0.1:1"}


def refusal(spec: str, env: dict[str, str]) -> str:
    with pytest.raises(ProviderError) as caught:
        make_provider(spec, env)
    assert caught.value.kind == "config"
    assert not caught.value.retryable
    return str(caught.value)


def test_anthropic() -> None:
    provider, model = make_provider("anthropic/claude-opus-5-5", ENV)
    assert (provider.name, model) == ("anthropic", "claude-opus-5-5")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("olama/qwen3", "did you mean ollama/qwen3"),
        ("qwen3", "or ollama/qwen3"),
        ("ollama/", "no model name"),
        ("ollama/a b", "for example ollama/qwen3"),
        ("replay:run.json", "the recording cannot be read"),
        ("antropic/claude-opus-5-5", "did you mean anthropic/claude-opus-5-5"),
        ("claude-opus-5-5", "did you mean anthropic/claude-opus-5-5"),
        ("claud-opus-5-5", "did you mean anthropic/claude-opus-5-5"),
        ("gpt", "anthropic/<model>"),
        ("", "anthropic/<model>"),
        ("anthropic/", "no model name"),
        ("anthropic/a b", "no model name"),
        ("anthropic/a\nb", "no model name"),
    ],
)
def test_what_is_not_to_be_had(spec: str, says: str) -> None:
    assert says in refusal(spec, ENV)


@pytest.mark.parametrize("key", ["", "  ", "a b", "a\nb", "schlüssel"])
def test_keys_that_are_none(key: str) -> None:
    said = refusal("anthropic/claude-opus-5-5", {"ANTHROPIC_API_KEY": key})
    assert "ANTHROPIC_API_KEY" in said
    assert not key.strip() or key not in said


@pytest.mark.parametrize(
    "url",
    [
        "https://gateway.example/anthropic",
        "http://127.0.0.1:8080",
        "http://127.1.2.3",
        "http://[::1]:8080",
        "http://localhost:1",
        "",
    ],
)
def test_addresses_that_are_fine(url: str) -> None:
    make_provider("anthropic/claude-opus-5-5", {**ENV, "ANTHROPIC_BASE_URL": url})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://gateway.example", "unencrypted"),
        ("http://127.0.0.1.example", "unencrypted"),
        ("http://10.0.0.1", "unencrypted"),
        ("http://localhost.example", "unencrypted"),
        ("ftp://127.0.0.1", "no address"),
        ("gateway", "no address"),
        ("https://", "no address"),
        ("https://host:99999", "no address"),
        ("https://user:word@host", "user or password"),
        ("https://host/?key=1", "no address"),
    ],
)
def test_addresses_that_are_refused(url: str, says: str) -> None:
    assert says in refusal("anthropic/claude-opus-5-5", {**ENV, "ANTHROPIC_BASE_URL": url})


def test_default() -> None:
    assert default_model(ENV) == "anthropic/claude-opus-5-5"
    assert default_model({"ANTHROPIC_API_KEY": " ", **NOBODY}) is None
    assert default_model(NOBODY) is None


async def test_scripted_turns_come_in_order_by_role_and_task() -> None:
    broken = ProviderError("cut", "gone")
    provider = ScriptedProvider(
        {
            ("developer", "T1"): [make_turn(("run", {"command": "ls"}), text="look"), broken],
            ("developer", ""): [make_turn(text="any")],
        }
    )
    chunks: list[Chunk] = []
    first = await provider.complete(request(meta={"role": "developer", "task": "T1"}), chunks.append)
    assert (first.stop, first.calls[0].args) == (StopReason.TOOL_USE, {"command": "ls"})
    assert chunks == [TextDelta("look"), CallStarted("run"), UsageSeen(USAGE)]
    other = await provider.complete(request(meta={"role": "developer", "task": "T2"}), chunks.append)
    assert (other.text, other.stop) == ("any", StopReason.END)
    with pytest.raises(ProviderError) as caught:
        await provider.complete(request(meta={"role": "developer", "task": "T1"}), chunks.append)
    assert caught.value is broken
    with pytest.raises(ProviderError, match="no more turns"):
        await provider.complete(request(meta={"role": "planner", "task": ""}), chunks.append)


async def test_function_provider_sees_the_request() -> None:
    provider = FunctionProvider(lambda asked: make_turn(text=asked.model))
    turn = await provider.complete(request(model="m"), lambda chunk: None)
    assert turn.text == "m"
    assert [asked.model for asked in provider.requests] == ["m"]
    assert (await provider.limits("m")).known
    await provider.aclose()
