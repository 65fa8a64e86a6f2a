"""The workbench at rest with eight agents that wait, and its return to 50,000 steps after a kill."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

from autodev_tui.assembly import Place
from autodev_tui.domain.levels import Level
from autodev_tui.domain.session import Session
from autodev_tui.domain.states import SessionState, StepState, TaskState
from autodev_tui.domain.step import Step, StepKind
from autodev_tui.domain.task import Task
from tests.bench.harness import Row, limit
from tests.fakes.program import Program, agent, call, plan, reply, task
from tests.fakes.terminal import Terminal

AGENTS = 8
SAMPLES, SAMPLE_S = 15, 2.0
IDLE_SHARE = 0.01
"""Of a core."""
MOST_MB = 220.0
STEPS = 50_000
RETURN_S = 1.0
PROGRAM = [sys.executable, "-m", "autodev_tui"]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def family(pid: int) -> list[int]:
    """The process and all that it started."""
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            found += [int(child) for child in children.read_text().split()]
    return found


def used_s(pids: list[int]) -> float:
    """Processor time that these processes have used, in seconds."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS_PER_S


def resident_mb(pids: list[int]) -> float:
    """Memory that these processes hold, in MB; shared pages count in each."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def idle(folder: Path) -> list[Row]:
    """Eight agents have asked something, and nobody answers."""
    question = reply(call("ask_user", question="Which way?", options=["this", "that"]))
    script = {
        "conversations": [
            plan(*(task(f"t{n}", f"Task number {n}", files=[f"docs/{n}.md"]) for n in range(AGENTS))),
            *(agent(f"Task number {n}", question) for n in range(AGENTS)),
        ]
    }
    program = Program(folder, settings=f'agents = {AGENTS}\nautonomy = "collaborative"\n')
    with program.model(script):
        terminal = Terminal(PROGRAM, program.env, program.repository)
        try:
            terminal.wait("new goal")
            terminal.send("Do eight things", "enter")
            terminal.wait("plan waits for you")
            terminal.send("tab")
            terminal.wait("Plan  Do eight things")
            terminal.send("G")  # a plan is approved once it was seen to its end
            terminal.steady(0.8)
            terminal.send("a")
            terminal.wait(f"{AGENTS} ask", 60)
            terminal.steady(0.6)
            pids = family(terminal.process.pid)
            shares = []
            for _ in range(SAMPLES):
                before, start = used_s(pids), time.monotonic()
                time.sleep(SAMPLE_S)
                shares.append((used_s(pids) - before) / (time.monotonic() - start))
            memory = resident_mb(pids)
        finally:
            terminal.close()
    share = sum(shares) / len(shares)
    return [
        Row(
            f"idle, {AGENTS} agents waiting: share of a core",
            share,
            0.0,
            0.0,
            IDLE_SHARE,
            share <= IDLE_SHARE,
            f"{share:.2%} on average over {SAMPLES * SAMPLE_S:.0f} s (shown as ms of a second)",
        ),
        Row(
            f"idle, {AGENTS} agents waiting: memory of all processes",
            memory / 1e3,
            0.0,
            0.0,
            MOST_MB / 1e3,
            memory <= MOST_MB,
            f"{memory:.0f} MB in {len(pids)} processes (shown as ms for MB)",
        ),
    ]


def fill(program: Program) -> None:
    """A session that was killed after STEPS steps of one agent."""
    with contextlib.closing(Place.find(program.repository, program.env).open_store()) as database:
        head = program.head()
        session = Session(
            id="s0000000000001",
            goal="A very long goal",
            state=SessionState.RUNNING,
            phase=4,
            model="anthropic/claude-opus-5-5",
            slider=Level.COLLABORATIVE,
            analysis={"recommended": "collaborative"},
            target_branch="main",
            base_commit=head,
            head_commit=head,
            session_branch="autodev/s0000000000001/session",
            start_time=1.0,
        )
        job = Task(id="T1", session=session.id, title="Go on and on", state=TaskState.IN_PROGRESS)
        database.commit([("sessions", session.id, session.doc()), ("plan_tasks", job.key(), job.doc())])
        for start in range(1, STEPS, 1000):
            steps = [
                Step(
                    id=f"{session.id}/{number:06d}",
                    session=session.id,
                    seq=number,
                    task="T1",
                    kind=StepKind.TOOL,
                    name="read_file",
                    state=StepState.DONE,
                    turn=number,
                    call_id=f"c{number}",
                    args={"path": f"src/module_{number % 97}.py"},
                    result={"ok": True, "path": f"src/module_{number % 97}.py", "lines": 118},
                    created=float(number),
                    started=float(number),
                    ended=number + 0.5,
                )
                for number in range(start, start + 1000)
            ]
            database.commit([("steps", step.id, step.doc()) for step in steps])


def returned(folder: Path) -> list[Row]:
    """From the start of the program to the offer to go on, over 50,000 steps."""
    program = Program(folder, environment={"ANTHROPIC_API_KEY": "of-nobody"})
    fill(program)
    taken = []
    for _ in range(SAMPLES):
        start = time.perf_counter()
        terminal = Terminal(PROGRAM, program.env, program.repository)
        try:
            terminal.wait("Look first")
            terminal.send("j")
            terminal.wait("▌ Go on")
            taken.append(time.perf_counter() - start)
        finally:
            terminal.kill()
            terminal.close()
    return [limit(f"after kill -9, {STEPS:,} steps: to an offer that answers a key", taken, RETURN_S)]


def run() -> list[Row]:
    """Both."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in ("idle", "return"):
            (Path(folder) / name).mkdir()
        return [*idle(Path(folder) / "idle"), *returned(Path(folder) / "return")]
