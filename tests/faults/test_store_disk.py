"""The state when the disk is full or fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import store.database
import store.files
import store.journal
from store.database import Database
from store.journal import StoreError, StoreFull, StoreReadOnly

ROOT = Path(__file__).parents[2]

FULL = """
import resource, sys
from pathlib import Path
from store.database import Database
from store.journal import StoreFull

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def fill():
    '''Commit until the file may grow no more.'''
    n = len(database.all("a"))
    while True:
        try:
            database.commit([("a", str(n), {"n": n, "text": "x" * 300}), ("b", str(n), {})])
        except StoreFull as error:
            assert str(error).startswith("no space"), error
            assert database.get("a", str(n)) is None
            assert len(database.all("a")) == len(database.all("b")) == n
            return n
        n += 1

database = Database.open(Path(sys.argv[1]))
limit(40_000)
first = fill()
assert first > 50
assert fill() == first
try:
    database.blobs.put(b"x" * 50_000)
except StoreFull:
    pass
else:
    raise AssertionError("a blob went beyond the limit")
assert not [path for path in database.directory.rglob("*") if ".tmp" in path.name]
limit(30_000)
try:
    database.compact()
except StoreFull:
    pass
else:
    raise AssertionError("a snapshot went beyond the limit")
assert not list(database.directory.glob("*.tmp"))
limit(80_000)
second = fill()
assert second > first
print(second)
database.close(compact=False)
"""


def test_a_full_disk_refuses_commits_loses_none_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    count = int(done.stdout)
    with Database.open(tmp_path) as database:
        assert database.report["torn_bytes"] == 0
        assert [one["n"] for one in database.all("a")] == list(range(count))
        assert len(database.all("b")) == count


def _failing(code: int) -> Callable[..., Any]:
    def fail(*args: object, **options: object) -> None:
        raise OSError(code, os.strerror(code))

    return fail


def test_after_a_failed_sync_nothing_is_written_until_reopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(tmp_path)
    database.commit([("a", "1", {"n": 1})])
    with monkeypatch.context() as patch:
        patch.setattr(store.journal, "sync", _failing(errno.EIO))
        with pytest.raises(StoreReadOnly, match="may or may not be saved"):
            database.commit([("a", "2", {"n": 2})])
    assert database.get("a", "2") is None
    for refused in (lambda: database.commit([("a", "3", {})]), database.compact):
        with pytest.raises(StoreReadOnly):
            refused()
    assert database.get("a", "1") == {"n": 1}
    database.close()
    with Database.open(tmp_path) as database:
        # The line was written, only its sync failed: now it is there, whole.
        assert database.get("a", "2") in (None, {"n": 2})
        assert database.get("a", "3") is None
        database.commit([("a", "3", {})])


def test_a_failed_write_that_cannot_be_taken_back_makes_it_read_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database.open(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store.journal, "write_all", _failing(errno.ENOSPC))
        patch.setattr(os, "ftruncate", _failing(errno.EIO))
        with pytest.raises(StoreReadOnly):
            database.commit([("a", "1", {})])
    with pytest.raises(StoreReadOnly):
        database.commit([("a", "1", {})])
    database.close()


@pytest.mark.parametrize("name", ["pwrite", "link", "replace", "fdatasync"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failed_compaction_fails_no_commit_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    if not hasattr(os, name):
        name = "fsync"
    database = Database.open(tmp_path)
    database.commit([("a", "1", {"n": 1})])
    for skipped in range(4):  # the first, second, … such call of the compaction fails
        real, calls = getattr(os, name), iter(range(100))

        def fail_once(*args: Any, real: Any = real, calls: Any = calls, skipped: int = skipped) -> Any:
            return real(*args) if next(calls) != skipped else _failing(code)()

        with monkeypatch.context() as patch:
            patch.setattr(os, name, fail_once)
            refused = False
            try:
                database.compact()
            except StoreError as error:
                refused = True
                assert isinstance(error, StoreFull) == (code == errno.ENOSPC)
        if skipped == 0:
            assert refused
        database.commit([("a", f"{skipped + 2}", {"n": skipped + 2})])
    database.close(compact=False)
    reader = Database.open(tmp_path, read_only=True)
    assert [one["n"] for one in reader.all("a")] == [1, 2, 3, 4, 5]
    assert not reader.report["fallback"]
    with Database.open(tmp_path) as database:
        for n in (1, 2):
            database.commit([("a", "1", {"n": n})])
            database.compact()
        assert len(database.all("a")) == 5
    assert len(list(tmp_path.glob("state.json.journal.*"))) == 1
    assert not list(tmp_path.glob("*.tmp"))


def test_a_failed_background_compaction_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store.database, "COMPACT_MIN", 1000)
    database = Database.open(tmp_path)

    def grow_until(done: Callable[[], bool]) -> None:
        for n in range(2000):
            database.commit([("a", f"{n % 5}", {"text": "x" * 200})])
            if done():
                return
        raise AssertionError("the compactor did nothing")

    with monkeypatch.context() as patch:
        patch.setattr("store.compaction.write_file", _failing(errno.ENOSPC))
        grow_until(lambda: "no space" in database.report["compaction_error"])
    state = tmp_path / "state.json"
    size = state.stat().st_size
    grow_until(lambda: state.stat().st_size > size)
    database.close()
    with Database.open(tmp_path) as database:
        assert len(database.all("a")) == 5


def test_a_full_disk_when_opening_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = tmp_path / "new"
    with monkeypatch.context() as patch:
        patch.setattr(store.files, "write_all", _failing(errno.ENOSPC))
        with pytest.raises(StoreFull):
            Database.open(new)
    with Database.open(new) as database:
        database.commit([("a", "1", {})])
        database.close(compact=False)
    journal = new / "state.json.journal"
    journal.write_bytes(torn := journal.read_bytes()[:-3])
    with monkeypatch.context() as patch:
        patch.setattr(store.journal, "write_all", _failing(errno.ENOSPC))
        with pytest.raises(StoreFull):
            Database.open(new)
    assert journal.read_bytes() == torn
    with Database.open(new) as database:
        assert database.report["torn_bytes"] > 0
