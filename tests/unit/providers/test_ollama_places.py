"""OLLAMA_HOST, the quick look at a server, the default model, the catalogue."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest

from autodev_tui.assembly import price_known
from autodev_tui.domain.model_name import is_remote
from autodev_tui.providers import ollama_look
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.catalogue import catalogue, reach
from autodev_tui.providers.ollama_address import address_of, parse
from autodev_tui.providers.ollama_facts import choose_window, describe, estimate, same_model
from autodev_tui.providers.ollama_look import PROBE_S, look
from autodev_tui.providers.registry import default_model, make_provider
from autodev_tui.settings import Settings
from tests.fakes.ollama_server import FakeOllama

KEY = {"OLLAMA_API_KEY": "k"}


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("", "http://127.0.0.1:11434"),
        ("  ", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:80", "http://box:80"),
        ("1.2.3.4", "http://1.2.3.4:11434"),
        (":8080", "http://127.0.0.1:8080"),
        ("http://box", "http://box:80"),
        ("https://box", "https://box:443"),
        ("HTTP://Box:1", "http://box:1"),
        ("https://box/ollama/", "https://box:443/ollama"),
        ("box/ollama", "http://box:11434/ollama"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:5", "http://127.0.0.1:5"),
        ("http://0.0.0.0:5", "http://127.0.0.1:5"),
        ("[::]:5", "http://[::1]:5"),
        ("::1", "http://[::1]:11434"),
        ("[::1]", "http://[::1]:11434"),
        ('"box:7"', "http://box:7"),
        (" box:7 ", "http://box:7"),
    ],
)
def test_addresses_as_the_server_itself_reads_them(text: str, url: str) -> None:
    from ollama._client import _parse_host

    address = parse(text)
    assert address.url == url
    assert _parse_host(address.url) == url, "the SDK takes it as it is"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("box:99999", "port out of range"),
        ("box:port", "port"),
        ("box:0", "port 0"),
        ("ftp://box", "no scheme"),
        ("http://", "no host"),
        ("user:word@box", "user or password"),
        ("https://user@box", "user or password"),
        ("box?x=1", "characters"),
        ("box#x", "characters"),
        ("a b", "characters"),
        ("box\x1b[31m", "no address"),
        ("box\x07", "characters"),
    ],
)
def test_what_is_no_address_is_refused_and_never_guessed(text: str, says: str) -> None:
    with pytest.raises(ProviderError, match=says) as caught:
        parse(text)
    assert caught.value.kind == "config" and "OLLAMA_HOST" in str(caught.value)


@pytest.mark.parametrize(
    "host", ["", "localhost", "127.0.0.1:5", "[::1]", "https://box", "https://box:11434"]
)
def test_a_key_goes_to_this_machine_or_encrypted(host: str) -> None:
    assert address_of({"OLLAMA_HOST": host, **KEY}).key == "k"
    assert "k'" not in repr(address_of({"OLLAMA_HOST": host, **KEY}))


@pytest.mark.parametrize(
    "host", ["box", "http://box", "10.0.0.1", "http://localhost.example", "127.0.0.1.example"]
)
def test_a_key_never_goes_over_plain_http_elsewhere(host: str) -> None:
    with pytest.raises(ProviderError, match="unencrypted"):
        make_provider("ollama/qwen3", {"OLLAMA_HOST": host, **KEY})
    make_provider("ollama/qwen3", {"OLLAMA_HOST": host})


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ProviderError, match="characters that no key has"):
        address_of({"OLLAMA_API_KEY": "a\nb"})


@pytest.mark.parametrize(
    "spec", ["ollama/qwen3", "ollama/qwen3:8b-q4_K_M", "ollama/hf.co/someone/model:Q4_K_M"]
)
def test_names_of_models_may_have_tags_and_places(spec: str) -> None:
    provider, name = make_provider(spec, {})
    assert (provider.name, f"ollama/{name}") == ("ollama", spec)


def test_facts_from_odd_answers() -> None:
    assert describe({}).tools is None and describe({}).trained == 0
    assert describe({"model_info": [], "details": 3, "capabilities": "tools"}).tools is None
    assert describe({"capabilities": []}).tools is False
    told = describe({"model_info": {"general.architecture": "x", "x.context_length": True}})
    assert told.trained == 0
    assert choose_window(describe({}), None) == 8_192
    assert same_model("qwen3", "Qwen3:latest") and not same_model("qwen3", "qwen3:8b")
    assert same_model("hf.co/a/b", "hf.co/a/b:latest")
    assert is_remote("gpt-oss:120b-cloud") and is_remote("x:Cloud") and not is_remote("cloud")
    assert estimate("a" * 32) == 10 and estimate("語" * 10) == 10


MODELS: dict[str, Any] = {
    "nomic": {"capabilities": ["embedding"]},
    "tiny": {"tools": False},
    "big:120b-cloud": {"remote": True},
    "qwen3": {"thinking": True},
    "other": {},
    "small": {"size": 400_000_000},
    "evil\x1b[2J name": {},
}


@pytest.mark.parametrize(
    ("names", "loaded", "wanted"),
    [
        (["nomic", "tiny", "big:120b-cloud", "qwen3", "other"], "", "ollama/qwen3"),
        (["qwen3", "other"], "other", "ollama/other"),
        (["tiny", "nomic"], "", "ollama/tiny"),
        (["small", "other"], "small", "ollama/other"),
        (["small", "tiny"], "", "ollama/small"),
        (["evil\x1b[2J name", "tiny"], "", "ollama/tiny"),
        (["tiny", "qwen3"], "tiny", "ollama/qwen3"),
        (["nomic", "big:120b-cloud"], "", None),
        ([], "", None),
    ],
)
def test_the_default_is_a_local_model_with_tools(names: list[str], loaded: str, wanted: str | None) -> None:
    with FakeOllama({"models": {name: MODELS[name] for name in names}}) as fake:
        if loaded:
            fake.loaded[f"{loaded}:latest"] = 4_096
        assert default_model({"OLLAMA_HOST": fake.url}) == wanted
        assert (
            default_model({"OLLAMA_HOST": fake.url, "ANTHROPIC_API_KEY": "k"}) == "anthropic/claude-opus-5-5"
        )


def test_a_host_that_nobody_can_reach_costs_the_probe_only(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = threading.Event()

    def never(*_: Any, **__: Any) -> Any:
        looked_up.wait(20)
        raise OSError("no name service")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    try:
        began = time.monotonic()
        assert default_model({"OLLAMA_HOST": "box"}) is None
        assert PROBE_S <= time.monotonic() - began < 4
    finally:
        looked_up.set()


def test_a_server_that_takes_the_call_and_says_nothing_costs_no_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        server = look({"OLLAMA_HOST": f"127.0.0.1:{silent.getsockname()[1]}"})
        # Without bounds of its own it would wait for ever.
        assert time.monotonic() - began < 4
    assert "no Ollama answers" in server.problem and not server.models


def test_a_slow_server_is_listed_as_far_as_the_time_goes() -> None:
    with FakeOllama({"models": MODELS, "get_delay_s": 0.15}) as fake:
        began = time.monotonic()
        server = look({"OLLAMA_HOST": fake.url}, within_s=0.1)
        assert time.monotonic() - began < 4
    assert server.version and "in time" in server.problem


def test_what_answers_but_is_no_ollama() -> None:
    from tests.fakes.anthropic_server import FakeAnthropic

    with FakeAnthropic({}) as fake:
        assert "no Ollama answers" in look({"OLLAMA_HOST": fake.url}).problem
        assert default_model({"OLLAMA_HOST": fake.url}) is None
    assert "OLLAMA_HOST" in look({"OLLAMA_HOST": "box:99999"}).problem


@pytest.mark.parametrize("told", [{"models": [1]}, {"models": 3}, "deep"])
def test_odd_answers_of_a_server_are_no_models_and_no_error(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(_: Any, connection: Any, method: str, path: str, body: Any) -> Any:
        connection.close()
        if path == "/api/version":
            return {"version": "1"}
        return json.loads("[" * 100_000) if told == "deep" else told

    monkeypatch.setattr(ollama_look, "_ask", ask)
    failed: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    with FakeOllama({"models": {}}) as fake:
        assert look({"OLLAMA_HOST": fake.url}).models == ()
    assert failed == [], "nothing is printed into the screen"


def test_the_catalogue_tells_both_sides() -> None:
    with FakeOllama({"models": MODELS}) as fake:
        fake.loaded["qwen3:latest"] = 32_768
        rows, facts = catalogue({"OLLAMA_HOST": fake.url})
    by_name = {row["model"]: row for row in rows}
    opus, qwen = by_name["anthropic/claude-opus-5-5"], by_name["ollama/qwen3:latest"]
    assert (opus["ready"], opus["local"], opus["tools"]) == (
        False,
        False,
        True,
    ) and "ANTHROPIC_API_KEY" in opus["why"]
    assert qwen["default"] and qwen["loaded"] and qwen["ready"] and qwen["tools"] and qwen["thinking"]
    assert (qwen["usd_per_million_input"], qwen["usd_per_million_output"]) == (0, 0)
    assert (qwen["context"], qwen["window"], qwen["size_bytes"]) == (40_960, 32_768, 5_200_000_000)
    cloud = by_name["ollama/big:120b-cloud"]
    assert not cloud["local"] and cloud["usd_per_million_input"] is None and "price" in cloud["why"]
    assert not by_name["ollama/nomic:latest"]["ready"]
    assert by_name["ollama/tiny:latest"]["tools"] is False and by_name["ollama/tiny:latest"]["ready"]
    assert by_name["rules"]["ready"]
    assert {tuple(sorted(row)) for row in rows} == {tuple(sorted(qwen))}, "every row has the same columns"
    assert sum(row["default"] for row in rows) == 1
    assert facts["ollama_version"] == "0.33.0" and not facts["ollama_problem"]


def test_the_catalogue_without_a_server_says_so() -> None:
    rows, facts = catalogue({"OLLAMA_HOST": "127.0.0.1:1", "ANTHROPIC_API_KEY": "k"}, chosen="rules")
    assert "no Ollama answers at 127.0.0.1:1" in facts["ollama_problem"]
    assert [row["model"] for row in rows if row["default"]] == ["rules"]
    assert all(row["ready"] for row in rows)
    assert reach(look({"OLLAMA_HOST": "127.0.0.1:1"})) == "no Ollama answers at 127.0.0.1:1"


@pytest.mark.parametrize(
    ("spec", "known"),
    [
        ("ollama/qwen3", True),
        ("ollama/hf.co/x/y", True),
        ("ollama/gpt-oss:120b-cloud", False),
        ("rules", True),
        ("anthropic/claude-opus-5-5", True),
        ("claude-opus-5-5", True),
        ("anthropic/mystery", False),
    ],
)
def test_the_price_of_a_local_model_is_known(spec: str, known: bool) -> None:
    assert price_known(spec, Settings()) == known


def test_a_model_that_its_server_sends_elsewhere_has_no_known_price() -> None:
    assert not price_known("ollama/helper", Settings(), remote=True)
    priced = Settings(prices={"helper": {"input": 1.0, "output": 2.0}})
    assert price_known("ollama/helper", priced, remote=True)


def test_the_list_alone_says_that_a_model_works_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no time to ask for each."""
    with FakeOllama({"models": {"helper": {"remote": True}, "qwen3": {}}}) as fake:
        monkeypatch.setattr(ollama_look, "describe", lambda shown, name: None)
        found = {one.name: one.remote for one in look({"OLLAMA_HOST": fake.url}).models}
    assert found == {"helper:latest": True, "qwen3:latest": False}
