"""The board: the records of one session in memory, and the one place where they change.

Every change is validated against the tables of states, made durable in one journal line, and only then seen
by the rest of the engine and told as events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from autodev_tui.domain import events
from autodev_tui.domain.approval import Approval
from autodev_tui.domain.evidence import Evidence
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import ApprovalState, SessionState, StepState, TaskState, move
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task, Transition
from autodev_tui.engine.boundaries import reached
from autodev_tui.engine.event_log import EventLog
from autodev_tui.engine.steps import Outline, Steps

if TYPE_CHECKING:
    from autodev_tui.engine.feed import Feed
    from store.database import Database
    from store.journal import Op

Record = Session | Task | Step | Approval
R = TypeVar("R", Session, Task, Step, Approval)
Place = tuple[str, str]
"""Where a document is kept: its table and its key."""

_RESUMABLE = (SessionState.FAILED, SessionState.INTERRUPTED)
_OPEN = (SessionState.PLANNING, SessionState.RUNNING, SessionState.PAUSED, SessionState.REVIEWING)


class Board:
    """One session's records. Reads are from memory; `commit` is the only way to write."""

    def __init__(
        self, database: Database, session: Session, log: EventLog, clock: Callable[[], float]
    ) -> None:
        self.database = database
        self.log = log
        self.clock = clock
        self.session = session
        self.tasks: dict[str, Task] = {}
        self.approvals: dict[str, Approval] = {}
        self._steps = Steps()
        self._ahead: dict[tuple[str, str], Record] = {}
        """Records on their way to the disk: what the next change of one builds on."""
        self.actor = "engine"
        self.on_approval: Callable[[Approval], None] = lambda _: None
        """Told of every question that changed: whoever waits for an answer looks again."""
        self.feeds: set[Feed] = set()
        """The front ends that are kept up to date with this session."""

    @classmethod
    def load(cls, database: Database, session: str, log: EventLog, clock: Callable[[], float]) -> Board:
        """The board of a stored session. Raises KeyError if there is none of that id."""
        document = database.get("sessions", session)
        if document is None:
            raise KeyError(session)
        board = cls(database, Session(**document), log, clock)
        for document in database.all("plan_tasks", session=session):
            board._remember(Task(**document))
        board._steps.load(database.texts("steps").values(), session)
        for document in sorted(database.all("approvals", session=session), key=lambda one: one["seq"]):
            board._remember(Approval(**document))
        return board

    # -- reading

    def steps(self, task: str | None) -> Sequence[Step]:
        """The steps of a task (None: the session's own), in order: a live view, not to be kept."""
        return self._steps.of(task)

    def all_steps(self) -> list[Step]:
        """Every step of the session, in order."""
        return self._steps.all()

    def step(self, step_id: str) -> Step:
        """One step. Raises KeyError."""
        step = self._steps.get(step_id)
        if step is None:
            raise KeyError(step_id)
        return step

    def unsettled(self) -> list[Step]:
        """The steps of which nobody knows yet whether they had their effect, in order."""
        return self._steps.unsettled()

    def outline(self) -> Outline:
        """The steps as far as an offer to go on tells of them."""
        return self._steps.outline()

    def named(self, kind: StepKind, task: str | None, name: str) -> Step | None:
        """The latest attempt of the step with this name."""
        return self._steps.named(kind, task, name)

    def pending(self) -> list[Approval]:
        """The questions that wait, oldest first."""
        waiting = (ApprovalState.PENDING, ApprovalState.DEFERRED)
        return [approval for approval in self.approvals.values() if approval.state in waiting]

    def newest(self, record: R) -> R:
        """The record as it will be once what is on its way to the disk is there: for adding to its fields."""
        newest: R = self._latest(record)
        return newest

    # -- writing

    def new_step(self, kind: StepKind, task: str | None, name: str = "", **fields: Any) -> Step:
        """A new step, not yet committed; its number is taken."""
        seq = self._steps.next_seq
        self._steps.next_seq += 1
        session = self.session.id
        return Step(
            id=f"{session}/{seq:06d}",
            session=session,
            seq=seq,
            task=task,
            kind=kind,
            name=name,
            created=self.clock(),
            **fields,
        )

    async def commit(
        self, *records: Record, via: Iterable[StepState] = (), extra: Iterable[Op] = (), why: str = ""
    ) -> None:
        """Make the records durable in one line, then remember and tell them.

        `via` names states that a step passes through in the same line (planned → started → failed). What a
        record leaves as it is in memory keeps what commits still on their way make of it: two that change
        different fields of one record at once do not undo each other.

        Raises:
            IllegalMove: if a record's state may not follow its present one; nothing is written then.
        """
        records = tuple(self._transition(self._rebased(record), why) for record in records)
        for record in records:
            self._check_move(record, tuple(via))
        ops: list[Op] = [(_table(record), _key(record), record.doc()) for record in records]
        ops += list(extra)
        reached("before", *records)
        self._ahead.update({(_table(record), _key(record)): record for record in records})
        # A commit once begun is finished: a cancelled waiter must not leave memory behind the disk.
        writing = asyncio.ensure_future(self.database.acommit(ops))
        places = [(table, key) for table, key, _ in ops]
        writing.add_done_callback(lambda done: self._written(done, records, why, places))
        cancelled: asyncio.CancelledError | None = None
        while not writing.done():
            try:
                await asyncio.shield(writing)
            except asyncio.CancelledError as error:
                cancelled = error
            except Exception:
                break
        writing.result()
        if cancelled:
            raise cancelled

    def touch(self) -> None:
        """Tell the front ends that what is no record has changed: who is held, at work or waits for whom."""
        for feed in self.feeds:
            feed.touch()

    def _written(
        self, done: asyncio.Future[int], records: Iterable[Record], why: str, places: Iterable[Place]
    ) -> None:
        good = not done.cancelled() and done.exception() is None
        if good:
            reached("after", *records)
        for record in records:
            place = (_table(record), _key(record))
            if self._ahead.get(place) is record:
                del self._ahead[place]
            if good:
                old = self._old(record)
                self._remember(record)
                self._tell(old, record, why)
                if isinstance(record, Approval):
                    self.on_approval(record)
        if good:
            for feed in self.feeds:
                feed.mark(places)

    def _latest(self, record: Record) -> Any:
        """What `record` replaces: what is on its way to the disk, else what is in memory."""
        return self._ahead.get((_table(record), _key(record))) or self._old(record)

    def _rebased(self, record: Record) -> Record:
        ahead, base = self._ahead.get((_table(record), _key(record))), self._old(record)
        if ahead is None or base is None:
            return record
        names = type(record).model_fields
        changes = {name: getattr(record, name) for name in names}
        return ahead.but(**{name: new for name, new in changes.items() if new != getattr(base, name)})

    def _old(self, record: Record) -> Any:
        match record:
            case Session():
                return self.session
            case Task():
                return self.tasks.get(record.id)
            case Step():
                return self._steps.get(record.id)
            case Approval():
                return self.approvals.get(record.id)

    def _check_move(self, record: Record, via: tuple[StepState, ...]) -> None:
        old = self._latest(record)
        if old is None or old.state == record.state:
            return
        state: Any = old.state
        for passed in via if isinstance(record, Step) else ():
            state = move(state, passed)
        if isinstance(record, Approval) and state is ApprovalState.DEFERRED:
            # An answer, or what takes its place, asks a deferred question once more.
            state = move(state, ApprovalState.PENDING)
        if isinstance(record, Session) and state in _RESUMABLE and old.left_state:
            # Back to the state it left, and no other.
            move(old.left_state, record.state) if record.state != old.left_state else None
        if state != record.state:
            move(state, record.state)

    def _transition(self, record: Record, why: str) -> Record:
        """A task's move is logged in the task itself, with time and actor (S03)."""
        old = self._latest(record)
        if isinstance(record, Session) and record.state in _RESUMABLE and old.state in _OPEN:
            return record.but(left_state=old.state)
        if not isinstance(record, Task):
            return record
        if old is None or old.state == record.state:
            return record
        entry = Transition(at=self.clock(), actor=self.actor, old=old.state, new=record.state, why=why)
        return record.but(transitions=[*record.transitions, entry])

    def _remember(self, record: Record) -> None:
        match record:
            case Session():
                self.session = record
            case Task():
                self.tasks[record.id] = record
            case Approval():
                self.approvals[record.id] = record
            case Step():
                self._steps.put(record)

    def _tell(self, old: Any, record: Record, why: str) -> None:
        if old is not None and old.state == record.state:
            return
        was = str(old.state) if old else ""
        match record:
            case Session():
                self.log.emit(events.SessionMoved(old=was, new=record.state, why=why or record.error))
            case Task():
                self.log.emit(
                    events.TaskMoved(
                        task=record.id, old=was, new=record.state, actor=self.actor, why=why or record.error
                    )
                )
            case Step():
                detail = {key: _cut(record.result[key]) for key in SHOWN_DETAIL if key in record.result}
                self.log.emit(
                    events.StepMoved(
                        task=record.task,
                        step=record.id,
                        step_kind=record.kind,
                        name=record.name,
                        new=record.state,
                        detail=detail,
                    )
                )
            case Approval() if record.state is ApprovalState.PENDING:
                self.log.emit(
                    events.Asked(
                        task=record.task,
                        approval=record.id,
                        ask_kind=record.kind,
                        title=record.title,
                        risk=record.risk,
                    )
                )
            case Approval():
                decision = record.decision
                self.log.emit(
                    events.Decided(
                        task=record.task,
                        approval=record.id,
                        state=record.state,
                        actor=decision.actor if decision else "",
                        reason=decision.reason if decision else "",
                    )
                )

    def task_moved(self, task: str, state: TaskState, **changes: Any) -> Task:
        """The task in another state, with other changes; not yet committed."""
        return self.tasks[task].but(state=state, **changes)


SHOWN_DETAIL = (
    "path",
    "added",
    "removed",
    "command",
    "exit_code",
    "duration_s",
    "lines",
    "matches",
    "why",
    "text",
)


SHOWN_CHARACTERS = 200
"""Of a text in an event: it is for one line on a screen."""


def _cut(value: Any) -> Any:
    return value[:SHOWN_CHARACTERS] if isinstance(value, str) else value


def evidence_op(evidence: Evidence, key: str) -> Op:
    """The store's operation that keeps `evidence`."""
    return ("evidence", key, evidence.doc())


def _table(record: Record) -> str:
    match record:
        case Session():
            return "sessions"
        case Task():
            return "plan_tasks"
        case Step():
            return "steps"
        case Approval():
            return "approvals"


def _key(record: Record) -> str:
    return record.key() if isinstance(record, Task) else record.id
