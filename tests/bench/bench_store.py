"""The store: a durable commit against a bare synced append of the same bytes; opening; compaction beside."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from store.database import Database
from store.files import sync
from tests.bench.harness import Row, compare, interleaved, limit, show, timed

SAMPLES = 150
SIZES = (100, 10_000, 50_000)


def document(n: int) -> dict[str, Any]:
    """A step as the engine stores it, about 400 bytes."""
    return {
        "id": f"s01jd8x2k9r7f3/{n:06d}",
        "session": "s01jd8x2k9r7f3",
        "seq": n,
        "task": f"T{n % 8}",
        "kind": "edit",
        "name": f"turn {n}",
        "state": "done",
        "args": {"path": f"src/module_{n % 97}.py", "old_text": "x" * 60, "new_text": "y" * 60},
        "result": {"path": f"src/module_{n % 97}.py", "added": 3, "removed": 2, "lines": [1, 2, 3]},
        "created": 1_795_000_000.5 + n,
    }


def filled(directory: Path, count: int) -> Database:
    """A compacted state of `count` documents."""
    database = Database.open(directory)
    for start in range(0, count, 1000):
        stop = min(count, start + 1000)
        database.commit([("steps", f"{n}", document(n)) for n in range(start, stop)])
    database.compact()
    database.all("steps", session="none")  # the indexes are there, as in a running engine
    return database


def commits(directory: Path, count: int) -> list[Row]:
    """One document changed and made durable, in a state of `count`; directly, and as the engine does."""
    database = filled(directory / f"{count}", count)
    journal = database.directory / "state.json.journal"
    before = journal.stat().st_size
    database.commit([("steps", "7", document(7))])
    line = b"x" * (journal.stat().st_size - before)
    plain = os.open(directory / f"plain-{count}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    changed = iter(range(10**9))

    def append() -> None:
        os.write(plain, line)
        sync(plain)

    def commit() -> None:
        n = next(changed) % count
        database.commit([("steps", f"{n}", document(n))])

    with asyncio.Runner() as runner:

        async def wait_for_commit() -> float:
            n = next(changed) % count
            start = time.perf_counter()
            await database.acommit([("steps", f"{n}", document(n))])
            return time.perf_counter() - start

        bare, direct, awaited = interleaved(
            lambda: timed(append),
            lambda: timed(commit),
            lambda: runner.run(wait_for_commit()),
            count=SAMPLES,
        )
    os.close(plain)
    database.close(compact=False)
    return [
        compare(f"commit at {count:,} documents", direct, bare, 3),
        compare(f"commit awaited in the event loop at {count:,} documents", awaited, bare, 3),
    ]


def opening(directory: Path) -> Row:
    """Opening 50 000 documents, the floor of a resume, whose budget is 1 s to an interactive screen."""
    filled(directory / "opened", SIZES[-1]).close()
    (samples,) = interleaved(
        lambda: timed(lambda: Database.open(directory / "opened", read_only=True)), count=15
    )
    return limit("opening 50,000 documents", samples, 0.35, "a part of the 1 s of a resume")


def compaction(directory: Path) -> Row:
    """How late the event loop is at worst while 50 000 documents are compacted beside it."""
    database = filled(directory / "compacted", SIZES[-1])

    async def worst_lateness() -> float:
        await database.acommit([("steps", "7", document(7))])
        writing = asyncio.create_task(asyncio.to_thread(database.compact))
        worst = 0.0
        while not writing.done():
            start = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - start - 0.001)
        await writing
        return worst

    (samples,) = interleaved(lambda: asyncio.run(worst_lateness()), count=15)
    database.close(compact=False)
    return limit("event loop late while 50,000 documents are compacted", samples, 0.016, "worst of each run")


def run() -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        rows = [row for count in SIZES for row in commits(directory, count)]
        return [*rows, opening(directory), compaction(directory)]


if __name__ == "__main__":
    sys.exit(0 if show(run()) else 1)
