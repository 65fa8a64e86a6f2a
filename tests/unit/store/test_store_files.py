from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import store.files
from store.files import private_directory, replace_file, sync, write_all, write_file


def test_a_failed_write_leaves_the_old_content_and_no_temporary_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    assert replace_file(path, [b"old", b" content"]) == 11
    real = os.pwrite

    def no_space(fd: int, data: bytes, offset: int) -> int:
        if offset:
            raise OSError(errno.ENOSPC, "full")
        return real(fd, bytes(data)[:2], offset)  # a short write, which the system may do at any time

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", no_space)
        with pytest.raises(OSError, match="full"):
            replace_file(path, [b"new"])
    assert path.read_bytes() == b"old content"
    assert list(tmp_path.iterdir()) == [path]


def test_short_writes_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, bytes(data)[:3], offset))
    write_file(tmp_path / "file", [b"0123456789", b"abc"])
    assert (tmp_path / "file").read_bytes() == b"0123456789abc"


def test_a_planted_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "file.tmp").symlink_to(target)
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        replace_file(tmp_path / "file", [b"x"])
    assert target.read_bytes() == b"precious"


def test_an_open_directory_is_closed_to_others(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    private_directory(tmp_path / "state")
    private_directory(tmp_path / "a" / "b")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("supported", [True, False])
def test_where_there_is_a_full_sync_it_is_used(monkeypatch: pytest.MonkeyPatch, supported: bool) -> None:
    calls: list[str] = []

    def full_sync(fd: int, command: int) -> int:
        calls.append(f"fcntl {command}")
        if not supported:
            raise OSError(errno.ENOTSUP, "not here")
        return 0

    monkeypatch.setattr(store.files, "_FULL_SYNC", 51)
    monkeypatch.setattr(store.files.fcntl, "fcntl", full_sync)
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("fsync"))
    sync(0)
    assert calls == (["fcntl 51"] if supported else ["fcntl 51", "fsync"])


def test_a_full_sync_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(fd: int, command: int) -> int:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(store.files, "_FULL_SYNC", 51)
    monkeypatch.setattr(store.files.fcntl, "fcntl", failing)
    with pytest.raises(OSError, match="broken"):
        sync(0)


def test_writing_at_an_offset_keeps_what_is_before(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w+b") as file:
        write_all(file.fileno(), b"abcdef", 0)
        write_all(file.fileno(), b"XY", 2)
    assert (tmp_path / "file").read_bytes() == b"abXYef"
