from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.sandbox.spool import Spool, read_output, remove_output

HEAD, SEGMENT = 64, 16


def read(path, head, tail):
    return read_output(path, head, tail, head_bytes=HEAD, segment_bytes=SEGMENT)


def distinct(size: int) -> bytes:
    return bytes(index * 7 % 251 for index in range(size))


@given(sizes=st.lists(st.integers(0, 90), max_size=8), head=st.integers(0, 100), tail=st.integers(0, 100))
def test_head_and_tail_are_the_outputs_own(tmp_path_factory, sizes, head, tail):
    path = str(tmp_path_factory.mktemp("spool") / "out")
    spool = Spool(path, HEAD, SEGMENT)
    whole = distinct(sum(sizes))
    at = 0
    for size in sizes:
        spool.write(whole[at : at + size])
        at += size
    spool.close()
    first, elided, last = read(path, head, tail)
    assert spool.total == len(whole) == len(first) + elided + len(last)
    assert whole.startswith(first) and whole.endswith(last)
    assert len(first) == min(head, HEAD, len(whole))
    if len(whole) <= HEAD + SEGMENT:
        assert len(last) == min(tail, len(whole) - len(first))
    else:
        assert len(last) >= min(tail, SEGMENT, len(whole) - len(first))
        assert len(last) <= tail
    assert spool.kept <= HEAD + 2 * SEGMENT
    assert spool.kept == sum(file.stat().st_size for file in Path(path).parent.iterdir())


def test_the_disk_never_holds_more_than_the_cap(tmp_path):
    spool = Spool(str(tmp_path / "out"), HEAD, SEGMENT)
    for _ in range(200):
        spool.write(distinct(11))
        assert sum(entry.stat().st_size for entry in tmp_path.iterdir()) <= HEAD + 2 * SEGMENT


def test_a_killed_writer_leaves_a_readable_spool_with_the_right_total(tmp_path):
    path = str(tmp_path / "out")
    spool = Spool(path, HEAD, SEGMENT)
    spool.write(distinct(1000))
    first, elided, last = read(path, 10, 10)  # never closed
    assert (first, last) == (distinct(1000)[:10], distinct(1000)[-10:]) and elided == 980


def test_old_output_of_the_same_name_is_gone(tmp_path):
    path = str(tmp_path / "out")
    Spool(path, HEAD, SEGMENT).write(distinct(500))
    again = Spool(path, HEAD, SEGMENT)
    again.write(b"new")
    assert read(path, 100, 100) == (b"new", 0, b"") and len(list(tmp_path.iterdir())) == 1


def test_neighbours_with_similar_names_are_left_alone(tmp_path):
    for name in ("out.txt", "out.1", "out2.000001"):
        (tmp_path / name).touch()
    spool = Spool(str(tmp_path / "out"), HEAD, SEGMENT)
    spool.write(distinct(200))
    remove_output(tmp_path / "out", head_bytes=HEAD)
    assert {entry.name for entry in tmp_path.iterdir()} == {"out.txt", "out.1", "out2.000001"}


def test_a_full_disk_is_counted_and_told_but_never_raised(tmp_path, monkeypatch):
    spool = Spool(str(tmp_path / "out"), HEAD, SEGMENT)
    spool.write(b"kept")

    def full(fd, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    spool.write(b"lost")
    spool.write(b"lost")
    assert spool.total == 12 and spool.kept == 4 and spool.error == "No space left on device"


def test_missing_output_is_empty(tmp_path):
    assert read_output(tmp_path / "none", 10, 10) == (b"", 0, b"")


def test_a_link_in_the_place_of_the_spool_is_not_written_through(tmp_path):
    (tmp_path / "target").write_text("precious")
    (tmp_path / "out").symlink_to(tmp_path / "target")
    Spool(str(tmp_path / "out"), HEAD, SEGMENT).write(b"x")
    assert (tmp_path / "target").read_text() == "precious"


@pytest.mark.soak
async def test_a_gigabyte_of_output_stays_within_its_bounds(box):
    peak = 0

    def look(_: bytes) -> None:
        nonlocal peak
        status = Path(f"/proc/{box.spawner.pid}/status").read_text()
        peak = max(peak, int(status.split("VmRSS:")[1].split()[0]))

    exited, _ = await box.sh("true")
    look(b"")
    before, peak = peak, 0
    command = box.command("/bin/sh", "-c", "yes autodev | head -c 1000000000", timeout_s=120)
    exited = await box.spawner.run(command, look)
    assert exited.code == 0 and exited.output_bytes == 1_000_000_000
    assert exited.spooled_bytes <= 64 * 1024 * 1024 and peak - before <= 20 * 1024
    head, elided, tail = read_output(command.spool, 100, 100)
    whole = b"autodev\n" * 25
    assert head == whole[:100] and tail == whole[-100:] and elided == 1_000_000_000 - 200
