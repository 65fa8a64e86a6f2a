from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from store.blobs import Blobs
from store.journal import StoreDamaged


def test_what_is_put_is_got_by_its_sha256(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    for data in (b"", b"x", bytes(range(256)) * 5000):
        digest = blobs.put(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert blobs.get(digest) == data
        assert blobs.path(digest).read_bytes() == data
        assert Blobs(tmp_path / "blobs").get(digest) == data


def test_putting_again_writes_nothing_but_makes_young(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    path = blobs.path(blobs.put(b"data"))
    inode = path.stat().st_ino
    os.utime(path, (0, 0))
    blobs.put(b"data")
    assert path.stat().st_ino == inode
    assert path.stat().st_mtime > time.time() - 60


def test_damage_is_told_and_mended_by_putting_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = blobs.put(b"data")
    blobs.path(digest).write_bytes(b"atad")
    with pytest.raises(StoreDamaged) as caught:
        blobs.get(digest)
    assert caught.value.file == blobs.path(digest)
    blobs.put(b"data")
    assert blobs.get(digest) == b"data"
    blobs.path(digest).unlink()
    with pytest.raises(StoreDamaged, match="missing"):
        blobs.get(digest)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_sha256_names_a_blob(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="no sha256"):
        Blobs(tmp_path).path(digest)


def test_collecting_removes_only_what_is_old_and_unreferenced(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept, old, young = blobs.put(b"kept"), blobs.put(b"old"), blobs.put(b"young")
    left_over = blobs.path(old).parent / ".tmp-1-1"
    left_over.write_bytes(b"left over")
    long_ago = time.time() - 100_000
    for path in (blobs.path(kept), blobs.path(old), left_over):
        os.utime(path, (long_ago, long_ago))
    assert blobs.collect({kept}) == len(b"old") + len(b"left over")
    assert blobs.get(kept) == b"kept"
    assert blobs.get(young) == b"young"
    assert not blobs.path(old).exists()
    assert not left_over.exists()
    assert blobs.get(blobs.put(b"old")) == b"old"


def test_threads_may_put_the_same(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digests: list[str] = []

    def put() -> None:
        digests.extend(blobs.put(b"%d" % n) for n in range(30))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(digests) == 120
    assert all(blobs.get(digest) for digest in digests)
    assert not list(tmp_path.rglob(".tmp-*"))
