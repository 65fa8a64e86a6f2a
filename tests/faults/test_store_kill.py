"""The state after kill -9: at random moments, and at every call that touches the disk."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from store.database import Database
from store.journal import Op

ROOT = Path(__file__).parents[2]

WORKLOAD = """
def ops(n):
    '''What transaction n does: inserts, updates, deletes over two tables, documents of many lengths.'''
    return [
        ("a", str(n % 41), {"n": n, "text": "x" * (n * 37 % 700)}),
        ("b", str(n % 23), None if n % 5 == 0 else {"n": n, "session": str(n % 3)}),
    ]
"""
exec(WORKLOAD)

CHILD = (
    WORKLOAD
    + """
import asyncio, os, sys
from pathlib import Path
import store.database
store.database.COMPACT_MIN = 20_000
database = store.database.Database.open(Path(sys.argv[1]), wait_s=5)

def acknowledge(n):
    os.write(1, b"%d\\n" % n)

async def together():
    n = database.number
    while True:
        for number in await asyncio.gather(*[database.acommit(ops(n + i)) for i in range(1, 9)]):
            acknowledge(number)
        n += 8

acknowledge(database.number)
if sys.argv[2] == "together":
    asyncio.run(together())
while True:
    acknowledge(database.commit(ops(database.number + 1)))
"""
)


class Model:
    """What the state must be after each transaction."""

    def __init__(self) -> None:
        self.number = 0
        self.tables: dict[str, dict[str, Any]] = {"a": {}, "b": {}}

    def advance(self, number: int) -> None:
        for n in range(self.number + 1, number + 1):
            made: list[Op] = globals()["ops"](n)
            for table, key, document in made:
                if document is None:
                    self.tables[table].pop(key, None)
                else:
                    self.tables[table][key] = document
        self.number = number

    def check(self, database: Database) -> None:
        for table, documents in self.tables.items():
            assert len(database.all(table)) == len(documents)
            for key, document in documents.items():
                assert database.get(table, key) == document


def _trials(directory: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    model = Model()
    compacted = False
    for trial in range(count):
        mode = ("alone", "together")[trial % 2]
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, directory, mode], cwd=ROOT, stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            first = child.stdout.readline()
            assert first, "the state did not open"
            assert int(first) >= model.number
            time.sleep(
                chance.uniform(0, 0.15)
            )  # the moment of the kill; its pipe holds all it writes till then
            child.kill()
            acknowledged = [int(line) for line in (first + child.stdout.read()).split()]
        with Database.open(directory) as database:
            assert database.number >= max(acknowledged)
            assert not database.report["fallback"]
            model.advance(database.number)
            model.check(database)
            database.close(compact=trial % 7 == 6)
        compacted |= (directory / "state.json").stat().st_size > 1000
    assert model.number > count
    assert compacted


def test_killed_at_random_no_acknowledged_transaction_is_lost(tmp_path: Path) -> None:
    _trials(tmp_path, 20, seed=1)


@pytest.mark.soak
def test_killed_two_hundred_times(tmp_path: Path) -> None:
    _trials(tmp_path, 200, seed=2)


SWEEP = (
    WORKLOAD
    + """
import json, os, sys, shutil
from pathlib import Path
import store.database, store.snapshot
from store.database import Database

CALLS = ["pwrite", "fsync", "fdatasync", "ftruncate", "link", "replace", "unlink", "utime"]
root, how = Path(sys.argv[1]), sys.argv[2]

def interrupt_at(stop):
    '''From the stop-th call that changes the disk on, this process is dead.'''
    seen = 0
    def wrap(real, name):
        def call(*args, **options):
            nonlocal seen
            seen += 1
            if seen == stop:
                if how == "half" and name == "pwrite":
                    real(args[0], bytes(args[1])[: len(args[1]) // 2], args[2])
                try:
                    if how == "after":
                        real(*args, **options)
                finally:
                    os._exit(9)
            return real(*args, **options)
        return call
    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name), name))

def run(directory, acks):
    database = Database.open(directory)
    blob = database.blobs.put(b"blob")
    for n in range(1, 9):
        acks.write(f"{database.commit(ops(n))}\\n"); acks.flush()
        if n in (2, 5, 6):
            database.compact()
    database.close()

stop = 0
while True:
    stop += 1
    directory = root / f"{stop}"
    directory.mkdir()
    pid = os.fork()
    if pid == 0:
        try:
            with open(root / f"{stop}.acks", "w") as acks:
                interrupt_at(stop)
                run(directory, acks)
        except BaseException:
            import traceback; traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == 0:
        break
    assert code == 9, code
print(stop - 1)
"""
)


@pytest.mark.parametrize("how", ["before", "half", "after"])
def test_killed_at_every_call_that_touches_the_disk(tmp_path: Path, how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, tmp_path, how], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    calls = int(done.stdout)
    assert calls > 40
    for stop in range(1, calls + 1):
        directory = tmp_path / f"{stop}"
        acknowledged = [int(line) for line in (tmp_path / f"{stop}.acks").read_text().split()]
        before = json.dumps(sorted(path.name for path in directory.iterdir()))
        reader = Database.open(directory, read_only=True)
        with Database.open(directory) as database:
            last = max(acknowledged, default=0)
            assert database.number in (last, last + 1), (stop, before)
            assert reader.number == database.number
            assert not database.report["fallback"], (stop, before)
            model = Model()
            model.advance(database.number)
            model.check(database)
            assert database.commit([]) == model.number + 1
            database.compact()
        with Database.open(directory) as database:
            model.check(database)
