"""A plan of several tasks, and a model that answers for each of them by name, however they overlap."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autodev_tui.providers.base import Request, Turn
from autodev_tui.providers.scripted import LIMITS, USAGE
from autodev_tui.settings import Settings
from tests.fakes.engine_kit import DONE, Kit, Scripted, make_turn, until

Call = tuple[str, dict[str, Any]]


def plan_of(*tasks: Mapping[str, Any]) -> Call:
    """A plan; the ids that the tasks get are T1, T2, … in this order."""
    return "submit_plan", {
        "tasks": [
            {"id": f"T{n}", "title": f"Task {n}", "description": ""} | dict(one)
            for n, one in enumerate(tasks, 1)
        ]
    }


def write(path: str, text: str = "new\n") -> Call:
    """A call that writes a file."""
    return "write_file", {"path": path, "content": text}


class Agents(Scripted):
    """Each task has a script of calls, one a turn, and then ends; a gate holds its calls until opened."""

    def __init__(self, plan: Call, scripts: Mapping[str, Sequence[Call]] | None = None) -> None:
        super().__init__(self._reply_to, LIMITS)
        self._plan = plan
        self._rest = {name: list(script) for name, script in (scripts or {}).items()}
        self._count = 0
        self.usage = USAGE
        """What each call uses."""
        self.calling: list[str] = []
        """The tasks whose model calls are under way."""
        self.peak = 0
        self.gates: dict[str, asyncio.Event] = {}
        self.cancelled: list[str] = []

    def hold(self, *tasks: str) -> None:
        """From now on the calls of these tasks stand until `open`."""
        for task in tasks:
            self.gates[task] = asyncio.Event()

    def open(self, *tasks: str) -> None:
        """Their calls go on."""
        for task in tasks or list(self.gates):
            self.gates[task].set()

    def heard(self, task: str) -> str:
        """All the text of the last request for this task."""
        last = [one for one in self.requests if one.meta["task"] == task][-1]
        return "\n".join(str(block) for message in last.messages for block in message["content"])

    async def complete(self, request: Request, on_chunk: Any) -> Turn:
        """The next turn of the task's script."""
        task = request.meta["task"] or ""
        self.calling.append(task)
        self.peak = max(self.peak, len(self.calling))
        try:
            if gate := self.gates.get(task):
                await gate.wait()
            else:
                await asyncio.sleep(0)
            return await super().complete(request, on_chunk)
        except asyncio.CancelledError:
            self.cancelled.append(task)
            raise
        finally:
            self.calling.remove(task)

    def _reply_to(self, request: Request) -> Turn:
        self._count += 1
        if request.meta["role"] == "planning":
            return make_turn(self._plan, usage=self.usage, first_id=900_000 + self._count)
        rest = self._rest.get(request.meta["task"], [])
        call = rest.pop(0) if rest else DONE
        if isinstance(call, Exception):
            raise call
        return make_turn(call, usage=self.usage, first_id=self._count * 100)


def many(place: Path, agents: Agents, at_once: int = 5, **more: Any) -> Kit:
    """An engine at which `at_once` of these agents work."""
    return Kit(
        place, lambda _: make_turn(DONE), own_provider=agents, settings=Settings(agents=at_once), **more
    )


async def calling(agents: Agents, *tasks: str) -> None:
    """Until exactly these have their model calls under way."""
    await until(lambda: sorted(agents.calling) == sorted(tasks), f"calls of {tasks}, not {agents.calling}")


__all__ = ["Agents", "calling", "many", "plan_of", "write"]
