"""A fixture repository, opened, with worktrees of its own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from autodev_tui.vcs.repository import Repository, open_repository
from autodev_tui.vcs.worktrees import Worktrees
from tests.fakes.repos import FixtureRepository, make_repository


@dataclass
class Bench:
    """The user's checkout `fixture`, opened as `repository`, and a task's worktree at `work`."""

    fixture: FixtureRepository
    repository: Repository
    worktrees: Worktrees
    work: Path

    def tree(self, files: dict[str, bytes | str]) -> str:
        """A tree with exactly these files, made by plumbing (no worktree, no line end conversion)."""
        bare = self.repository.bare.with_(index=self.repository.common_dir / "test-index")
        bare.run("read-tree", "--empty")
        if files:
            with tempfile.TemporaryDirectory() as folder:
                given = [Path(folder) / str(number) for number in range(len(files))]
                for path, content in zip(given, files.values(), strict=True):
                    path.write_bytes(content.encode() if isinstance(content, str) else content)
                names = "".join(f"{path}\n" for path in given).encode()
                blobs = bare.text("hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names).split()
            entries = [f"100644 {blob}\t{name}\0" for blob, name in zip(blobs, files, strict=True)]
            bare.run("update-index", "-z", "--index-info", stdin=os.fsencode("".join(entries)))
        return bare.text("write-tree")

    def content(self, tree: str, path: str) -> bytes:
        """A file of a tree."""
        return self.repository.bare.run("cat-file", "blob", f"{tree}:{path}")

    def paths(self, tree: str) -> set[str]:
        """All files of a tree."""
        return set(self.repository.bare.fields("ls-tree", "-r", "-z", "--name-only", tree))


def make_bench(folder: Path, files: dict[str, bytes | str] | None = None) -> Bench:
    fixture = make_repository(folder / "checkout", files or {"a.py": "one\ntwo\nthree\n", "src/b.py": "b\n"})
    repository = open_repository(fixture.root, environ=fixture.environ)
    worktrees = Worktrees(repository, folder / "state" / "worktrees")
    work = worktrees.create("s1-T1", "autodev/s1/T1", repository.head)
    return Bench(fixture, repository, worktrees, work)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return make_bench(tmp_path)
