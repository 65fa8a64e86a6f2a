"""Downloading a model: progress by layers, going on after a break, and what can go wrong."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.ollama_pull import Progress, pull_model
from tests.fakes.ollama_server import FakeOllama
from tests.fakes.program import ROOT


async def pulled(fake: FakeOllama, name: str = "new", **options: Any) -> list[Progress]:
    seen: list[Progress] = []
    await pull_model(name, {"OLLAMA_HOST": fake.url}, seen.append, **options)
    return seen


async def test_progress_is_the_sum_of_all_layers() -> None:
    with FakeOllama({}) as fake:
        seen = await pulled(fake)
    assert seen[0] == Progress("pulling manifest") and seen[0].share is None
    shares = [one.completed for one in seen if one.total]
    assert shares == sorted(shares) and shares[-1] == 5_000
    assert seen[-1].status == "success" and seen[-1].share == 1.0
    [request] = [one["body"] for one in fake.requests]
    assert request == {"model": "new", "stream": True, "insecure": False}


async def test_a_download_that_broke_off_goes_on_where_it_was() -> None:
    with FakeOllama({"pulls": {"new": {"cut_after": 4}}}) as fake:
        with pytest.raises(ProviderError, match="goes on where it was") as caught:
            await pulled(fake)
        assert caught.value.kind == "cut"
        seen = await pulled(fake)
    assert next(one for one in seen if one.total).completed == 2_000
    assert "new:latest" in fake.known


async def test_silence_is_ended() -> None:
    silent = {"pulls": {"new": {"hang_after": 2}}}
    with FakeOllama(silent) as fake, pytest.raises(ProviderError, match="no progress") as caught:
        await pulled(fake, silence_s=0.1)
    assert caught.value.kind == "idle"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("pull model manifest: file does not exist", "not_found", "ollama.com/library"),
        ("write /var/lib/x: no space left on device", "server", "free space"),
        ("max retries exceeded: EOF", "server", "goes on where it was"),
    ],
)
async def test_what_the_server_says_is_told_with_what_to_do(said: str, kind: str, words: str) -> None:
    failing = {"pulls": {"new": {"error": said}}}
    with FakeOllama(failing) as fake, pytest.raises(ProviderError, match=words) as caught:
        await pulled(fake)
    assert caught.value.kind == kind and said.rpartition(": ")[2] in str(caught.value)


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb"])
async def test_no_names(name: str) -> None:
    with FakeOllama({}) as fake, pytest.raises(ProviderError, match="no model name"):
        await pulled(fake, name)
    assert fake.requests == []


async def test_nobody_there() -> None:
    with pytest.raises(ProviderError, match="ollama serve") as caught:
        await pull_model("new", {"OLLAMA_HOST": "127.0.0.1:1"}, lambda _: None)
    assert caught.value.kind == "refused"


async def test_cancelling_closes_the_connection() -> None:
    with FakeOllama({"pulls": {"new": {"hang_after": 2}}}) as fake:
        task = asyncio.create_task(pulled(fake))
        await asyncio.to_thread(fake.wait_for, lambda: any("status" in one for one in fake.requests))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(fake.wait_for, lambda: fake.requests[-1].get("ended") == "client_closed")


def test_ctrl_c_is_clean_and_says_that_nothing_is_lost(tmp_path: Path) -> None:
    with FakeOllama({"pulls": {"new": {"hang_after": 3}}}) as fake:
        process = subprocess.Popen(
            [sys.executable, "-m", "autodev_tui", "models", "--pull", "new"],
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path),
                "PYTHONPATH": str(ROOT),
                "OLLAMA_HOST": fake.url,
            },
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stderr
        first = process.stderr.readline()
        assert first == "new: pulling manifest\n"
        second = process.stderr.readline()
        assert second == "new: pulling aaaaaaaaaaaa 0% of 4.0 kB\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        deadline = time.monotonic() + 5
        while (
            not any(one.get("ended") == "client_closed" for one in fake.requests)
            and time.monotonic() < deadline
        ):
            fake.wait_for(lambda: any(one.get("ended") for one in fake.requests))
    assert process.returncode == 130 and out == ""
    assert "autodev models --pull new goes on where it was" in err and "Traceback" not in err
