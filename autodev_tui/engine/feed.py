"""What one front end is kept up to date with: the newest state of what changed, and pieces of streams.

The engine only notes what changed; the state itself is read when the front end asks. So a slow front end
costs the engine nothing, and misses nothing but pieces of streams.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from autodev_tui.domain.approval import Approval, ApprovalKind
from autodev_tui.domain.events import EventBase, OutputStreamed, Retrying, TextStreamed
from autodev_tui.domain.review import ReviewDraft
from autodev_tui.domain.step import StepKind
from autodev_tui.domain.updates import STEPS_SHOWN, EngineFacts, Message, Rule, StreamPiece, Update

if TYPE_CHECKING:
    from autodev_tui.engine.services import Services
    from store.database import Database

STREAM_KEPT = 64 * 1024
"""Characters of each agent's streams that wait for a front end; the oldest are left out."""
EVENTS_KEPT = 1000
"""Events that wait for a front end; those before are in the log."""
SHOWN_TABLES = ("sessions", "plan_tasks", "steps", "approvals", "messages", "drafts", "rules")

StreamKind = Literal["text", "thinking", "output"]


class Feed:
    """Marked and asked in the engine's loop alone; `next` is for one reader."""

    def __init__(self, facts: Callable[[], EngineFacts]) -> None:
        self._facts = facts
        self._database: Database | None = None
        self._services: Services | None = None
        self._changed = asyncio.Event()
        self._reset = True
        self._dirty: dict[str, dict[str, None]] = defaultdict(dict)
        self._moved: dict[str, None] = {}
        self._streams: dict[str | None, Stream] = defaultdict(Stream)
        self._events: deque[EventBase] = deque(maxlen=EVENTS_KEPT)
        self._relayed: Update | None = None
        self._taken = asyncio.Event()
        """The relayed one was read."""
        self._sent: dict[str, Any] = {}
        """Facts and what is no record, as the front end knows them."""
        self._changed.set()

    # -- what the engine notes

    def show(self, database: Database | None, services: Services | None) -> None:
        """From now on it is about this session; it begins anew unless its records are those shown already."""
        known, self._services = self._services, services
        if known and services and known.board is services.board:
            self.touch()
            return
        self._database = database
        self.begin()

    def begin(self) -> None:
        """The next update is all there is, for a front end that knows nothing."""
        self._dirty.clear()
        self._moved.clear()
        self._streams.clear()
        self._events.clear()
        self._reset = True
        self.touch()

    def mark(self, places: Iterable[tuple[str, str]]) -> None:
        """Documents that changed, by table and key."""
        for table, key in places:
            if table in SHOWN_TABLES:
                self._dirty[table][key] = None
                self._changed.set()
            if table == "steps" and self._services:
                step = self._services.board.step(key)
                if step.kind is StepKind.MODEL:
                    # What streamed before it began, or until it ended, is void: its words are in the step.
                    self._streams[step.task].forget_words()

    def touch(self) -> None:
        """Facts or what is no record may have changed."""
        self._changed.set()

    def moved(self, approval: str) -> None:
        """Files that a question shows are not as they were."""
        self._moved[approval] = None
        self._changed.set()

    async def relay(self, update: Update) -> None:
        """What another's engine tells of its session: it goes on as it is, and this returns once it did.

        So no more is asked of that engine than the front end reads.
        """
        self._taken.clear()
        self._relayed = update
        self._changed.set()
        await self._taken.wait()

    def tell(self, event: EventBase) -> None:
        """Something happened or streams."""
        match event:
            case TextStreamed():
                kind: StreamKind = "thinking" if event.thinking else "text"
                self._streams[event.task].add(kind, "", event.text)
            case OutputStreamed():
                self._streams[event.task].add("output", event.step, event.text)
            case Retrying():
                self._streams[event.task].forget_words()
                self._events.append(event)
            case _:
                self._events.append(event)
        self._changed.set()

    # -- what the front end gets

    async def next(self) -> Update:
        """The newest state of all that changed since the last call; waits until something did."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            if relayed := self._relayed:
                self._changed.set()
                if not self._reset:
                    self._relayed = None
                    self._taken.set()
                    return relayed
            fields = self._fields()
            if fields:
                return Update(**fields)

    def _fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if self._reset:
            self._sent.clear()
            fields = {"reset": True, "views": self._views(), **self._all_records()}
        elif self._dirty and self._services:
            fields = self._changed_records()
        fields |= self._unrecorded()
        if streams := [piece for task, one in self._streams.items() for piece in one.pieces(task)]:
            fields["streams"] = streams
        if self._events:
            fields["events"] = list(self._events)
        if self._moved:
            fields["moved"] = list(self._moved)
        self._reset = False
        self._dirty.clear()
        self._streams.clear()
        self._events.clear()
        self._moved.clear()
        return fields

    def _all_records(self) -> dict[str, Any]:
        if self._services is None:
            return {"rules": self._rules("")}
        board = self._services.board
        agents: list[str | None] = [None, *board.tasks]
        return {
            "session": board.session,
            "tasks": list(board.tasks.values()),
            "approvals": [shown(one) for one in board.approvals.values()],
            "steps": [step for agent in agents for step in board.steps(agent)[-STEPS_SHOWN:]],
            "step_counts": {agent or "": len(board.steps(agent)) for agent in agents},
            "messages": [Message(**one) for one in self._all("messages", session=board.session.id)],
            "drafts": [draft for key in board.approvals if (draft := self._draft(key))],
            "rules": self._rules(board.session.id),
        }

    def _changed_records(self) -> dict[str, Any]:
        assert self._services
        board, dirty = self._services.board, self._dirty
        prefix = f"{board.session.id}/"
        tasks = [key.removeprefix(prefix) for key in dirty["plan_tasks"] if key.startswith(prefix)]
        steps = [board.step(key) for key in dirty["steps"] if key.startswith(prefix)]
        messages = [found for key in dirty["messages"] if (found := self._get("messages", key))]
        drafts = {key: self._draft(key) for key in dirty["drafts"] if key in board.approvals}
        fields: dict[str, Any] = {
            "session": board.session if board.session.id in dirty["sessions"] else None,
            "tasks": [board.tasks[key] for key in tasks if key in board.tasks],
            "gone_tasks": [key for key in tasks if key not in board.tasks],
            "approvals": [
                shown(board.approvals[key]) for key in dirty["approvals"] if key in board.approvals
            ],
            "steps": steps,
            "step_counts": {task or "": len(board.steps(task)) for task in {step.task for step in steps}},
            "messages": [Message(**one) for one in messages if one["session"] == board.session.id],
            "drafts": [draft for draft in drafts.values() if draft],
            "gone_drafts": [key for key, draft in drafts.items() if draft is None],
            "rules": self._rules(board.session.id) if dirty["rules"] else None,
        }
        return {name: value for name, value in fields.items() if value or (name == "rules" and value == [])}

    def _unrecorded(self) -> dict[str, Any]:
        """Facts and what is no record, as far as the front end does not know it yet."""
        now: dict[str, Any] = {"facts": self._facts()}
        if services := self._services:
            now |= {"paused": services.held, "working": services.working, "meets": services.meets}
        new = {name: value for name, value in now.items() if self._sent.get(name) != value}
        self._sent |= new
        return new

    def _draft(self, approval: str) -> ReviewDraft | None:
        document = self._get("drafts", approval)
        return ReviewDraft(**document) if document else None

    def _rules(self, session: str) -> list[Rule]:
        rules = [Rule(**document) for document in self._all("rules")]
        return [rule for rule in rules if rule.session in ("", session)]

    def _views(self) -> dict[str, dict[str, Any]]:
        return {document["name"]: document["view"] for document in self._all("views")}

    def _get(self, table: str, key: str) -> dict[str, Any] | None:
        return self._database.get(table, key) if self._database else None

    def _all(self, table: str, **equals: Any) -> list[dict[str, Any]]:
        return self._database.all(table, **equals) if self._database else []


class Stream:
    """What streams from one agent and its running commands, as far as it waits for a front end."""

    def __init__(self) -> None:
        self._pieces: dict[tuple[StreamKind, str], _Piece] = {}
        self._size = 0

    def add(self, kind: StreamKind, step: str, text: str) -> None:
        """More text; where it is too much, the oldest goes."""
        piece = self._pieces.get((kind, step))
        if piece is None:
            piece = self._pieces[kind, step] = _Piece()
        piece.add(text)
        self._size += len(text)
        while self._size > STREAM_KEPT:
            oldest = next(iter(self._pieces))
            dropped = self._pieces[oldest].drop(self._size - STREAM_KEPT)
            self._size -= dropped
            if not self._pieces[oldest].size and len(self._pieces) > 1:
                del self._pieces[oldest]

    def forget_words(self) -> None:
        """What the agent said until now does not count."""
        kinds: tuple[StreamKind, ...] = ("text", "thinking")
        for kind in kinds:
            if piece := self._pieces.pop((kind, ""), None):
                self._size -= piece.size

    def pieces(self, task: str | None) -> list[StreamPiece]:
        """Everything that waits."""
        return [
            StreamPiece(task=task, kind=kind, step=step, text=piece.text(), left_out=piece.left_out)
            for (kind, step), piece in self._pieces.items()
        ]


class _Piece:
    """The end of one text, in the chunks in which it came."""

    def __init__(self) -> None:
        self._chunks: deque[str] = deque()
        self.size = 0
        self.left_out = 0

    def add(self, text: str) -> None:
        self._chunks.append(text)
        self.size += len(text)

    def drop(self, size: int) -> int:
        """Leave out at least `size` characters from the beginning, as far as there are any; how many."""
        dropped = 0
        while self._chunks and dropped < size:
            chunk = self._chunks.popleft()
            rest = chunk[size - dropped :]
            if rest:
                self._chunks.appendleft(rest)
            dropped += len(chunk) - len(rest)
        self.size -= dropped
        self.left_out += dropped
        return dropped

    def text(self) -> str:
        return "".join(self._chunks)


def shown(approval: Approval) -> Approval:
    """The question as it is sent: of a change set without the lines, which a review asks for."""
    if approval.kind is not ApprovalKind.CHANGES or "hunks" not in approval.ask:
        return approval
    hunks = [
        {name: value for name, value in hunk.items() if name != "diff"} for hunk in approval.ask["hunks"]
    ]
    return approval.model_copy(update={"ask": approval.ask | {"hunks": hunks}})
