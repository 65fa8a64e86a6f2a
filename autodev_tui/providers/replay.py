"""A recorded model: `replay:FILE`. Only its words are recorded; what it calls runs for real.

The file is UTF-8 text, one JSON object a line, at most 64 MiB, 4 MiB a line and 50 000 lines. The first line:

    {"autodev_recording": 1, "goal": "Fix the totals", "model": "anthropic/claude-opus-5-5"}

`goal`: the only goal it replays, "" for any. `model`: who spoke, for the reader. Optional `pace`: characters
a second that its text streams with, 0 for all at once. Then one line for each reply:

    {"role": "planning", "turn": 1, "text": "A plan.", "calls": [{"name": "submit_plan", "args": {…}}]}
    {"role": "development", "task": "T1", "turn": 1, "calls": [{"name": "read_file", "args": {…}}]}
    {"role": "development", "task": "T1", "turn": 1, "decision": "reject", "text": "Then without it.", …}

The key of a reply, the same whatever the order, the timing or the level:

- `role`: the agent's: planning, development, …; `task`: T1, T2, … as the session numbers them, none for the
  planner.
- `decision`: the last human decision that the agent was told: "" (none yet), "accept", "reject", "edit",
  "comment", or those of one review together, sorted: "edit+reject". Hunks that were accepted beside others do
  not make it mixed. A rejected plan is "reject" to the planner; a refused call is "reject", an edited one
  "edit"; words on lines and unmet criteria are "comment"; so is work handed back because of a conflict.
- `turn`: counted from 1, and from 1 again after each decision.

Conditions, each optional; a reply that gives one is for that case only, and goes before those without:

- `hunks`: numbers of the hunks in the review that were not taken as they were: [2].
- `earlier`: the decisions before the last, with their hunks: ["reject 2", "edit"]; [] for none.
- `plan`: the decisions that the planner was told in this session: [] when the first plan was taken.

The reply itself: `text`; `thinking`; `calls`, each `name` and `args` (null where they were unusable, and
`error` then says how); `stop`: why it ended, left out where it follows from the calls; `detail` of a refusal;
`usage`: the tokens that it took when it was recorded (`input_tokens`, `output_tokens`, …), shown again, at no
cost. `[[WORKTREE]]` in texts and arguments stands for the path of the agent's worktree.

A call with `only` is left out unless the last decision said that of a hunk: `reject` or `comment`, and the
first 12 characters of the hunk's fingerprint, whatever its number is by then.

Unknown fields, a key twice and an unknown version are refused with the line. A last line that was cut off is
left out: whoever recorded was killed there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from autodev_tui.domain.text import visible
from autodev_tui.providers import models
from autodev_tui.providers.base import (
    CallDelta,
    CallStarted,
    Chunk,
    ModelLimits,
    ProviderError,
    Request,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    Turn,
    UsageSeen,
)
from autodev_tui.providers.recorded import (
    Key,
    Recorded,
    Recording,
    RecordingError,
    key_of,
    read_recording,
)

PACE = 3000.0
"""Characters a second: quick, and seen to stream."""
PIECE_S = 0.02
"""How often a piece of it comes."""
SPEC = "replay:"
NAMED_AT_MOST = 4
"""Recorded branches that an error names."""


class ReplayProvider:
    """Answers with what a recording has for this agent, this turn and the decision before it."""

    name = "replay"

    def __init__(
        self,
        recording: Recording,
        name: str,
        *,
        pace: float | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`name` is what the recording is called in errors; `pace` characters a second, 0: all at once."""
        self._recording = recording
        self._name = name
        own = recording.header.pace
        self._pace = pace if pace is not None else own if own is not None else PACE
        self._sleep = sleep

    async def complete(self, request: Request, on_chunk: Callable[[Chunk], None]) -> Turn:
        """The recorded reply, streamed. Raises ProviderError `off` where the recording has none."""
        key = key_of(request.meta)
        found = self._find(key, str(request.meta.get("title", "")))
        found = found.placed(str(request.meta.get("worktree", "")), request.meta.get("each", ()))
        turn = made_turn(found, str(request.meta.get("turn", key.turn)), self._recording.header.model)
        await self._sleep(0)
        await self._stream(found.thinking, lambda piece: on_chunk(ThinkingDelta(piece)))
        await self._stream(found.text, lambda piece: on_chunk(TextDelta(piece)))
        for call in turn.calls:
            on_chunk(CallStarted(call.name))
            on_chunk(CallDelta(len(json.dumps(call.args))))
        on_chunk(UsageSeen(turn.usage))
        return turn

    async def limits(self, model: str) -> ModelLimits:
        """Those of the recorded model, where it is a known one: so that it is compacted at the same place."""
        known = models.facts(self._recording.header.model.rpartition("/")[2])
        return known.limits if known else models.GUESS

    async def aclose(self) -> None:
        """Nothing is open."""

    async def _stream(self, text: str, tell: Callable[[str], None]) -> None:
        step = max(1, int(self._pace * PIECE_S)) if self._pace else len(text)
        for start in range(0, len(text), step or 1):
            piece = text[start : start + step]
            tell(piece)
            if self._pace:
                await self._sleep(len(piece) / self._pace)

    def _find(self, key: Key, goal: str) -> Recorded:
        of = self._recording.header.goal
        if key.role == "planning" and of and goal and of != goal and "[[SECRET:" not in of:
            raise self._off(f"it is of another goal: {_short(of)}")
        if found := self._recording.find(key):
            return found
        there = self._recording.branches(key)
        if not there:
            who = f"{key.role} {key.task}" if key.task else f"the role {key.role}"
            raise self._off(f"nothing is recorded of {who}")
        more = f" and {len(there) - NAMED_AT_MOST} more" if len(there) > NAMED_AT_MOST else ""
        words = "; ".join(there[:NAMED_AT_MOST])
        raise self._off(f"nothing is recorded for {key.words()} · recorded: {words}{more}")

    def _off(self, why: str) -> ProviderError:
        return ProviderError("off", f"the recording ends here: {why} · {self._name}")


def whole_spec(spec: str) -> str:
    """The specification with the file's whole path, so that it holds from any directory; others as given."""
    if not spec.startswith(SPEC) or spec == SPEC:
        return spec
    return SPEC + str(Path(spec.removeprefix(SPEC)).expanduser().absolute())


def open_replay(
    spec: str, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> tuple[ReplayProvider, str]:
    """The provider of `replay:FILE`, and what to call its model. Sync: reads the file.

    Raises:
        ProviderError: kind `config`: it cannot be read, or is no recording.
    """
    if spec == SPEC:
        raise ProviderError("config", "which recording? write replay:FILE")
    path = Path(whole_spec(spec).removeprefix(SPEC))
    try:
        recording = read_recording(path)
    except RecordingError as error:
        raise ProviderError("config", str(error)) from error
    name = visible(path.name, keep="")
    return ReplayProvider(recording, name, sleep=sleep), SPEC + name


def made_turn(found: Recorded, turn: str, model: str) -> Turn:
    """A recorded reply as a provider gives it; `turn` makes its call ids unlike those of other replies."""
    calls = tuple(
        ToolCall(f"call_{turn}_{place}", call.name, call.args, call.error)
        for place, call in enumerate(found.calls, 1)
    )
    stop = StopReason(found.stop) if found.stop else None
    # Nothing is paid for it now, whatever it cost then.
    usage = found.usage.but(requests=1, retries=0, cost_usd=0.0, cost_known=True)
    return Turn.of(found.text, calls, usage, model or "recorded", stop=stop, stop_detail=found.detail)


def _short(text: str, most: int = 80) -> str:
    line = visible(" ".join(text.split()), keep="")
    return line if len(line) <= most else f"{line[: most - 1]}…"
