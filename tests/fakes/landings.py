"""A repository with a session's commit that changes paths in every way, and a user with work of his own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autodev_tui.vcs.landing import LandingPlan, perform, plan_landing, prepare_landing
from autodev_tui.vcs.repository import Repository, open_repository
from tests.fakes.hook_runner import plain
from tests.fakes.repos import FixtureRepository, make_repository

BASE: dict[str, bytes | str] = {
    "keep.txt": "kept\n",
    "mine.txt": "mine\n",
    "staged.txt": "staged\n",
    "edit.txt": "old\n",
    "gone.txt": "gone\n",
    "deep/er/gone.txt": "gone\n",
    "run.sh": "#!/bin/sh\n",
    "link": "to be a link\n",
    "swap-file": "becomes a folder\n",
    "swap-dir/a.txt": "a\n",
    "swap-dir/in/b.txt": "b\n",
    "crlf.txt": "one\ntwo\n",
    ".gitattributes": "crlf.txt text eol=lf\n",
}
STEP = "s/000042"


@dataclass
class Landing:
    """The user's checkout and the commit that is to land on main."""

    fixture: FixtureRepository
    head: str
    base: str

    @property
    def root(self) -> Path:
        return self.fixture.root

    def open(self) -> Repository:
        return open_repository(self.root, environ=self.fixture.environ)

    def plan(self, message: str = "feat: land it\n", target: str = "main") -> LandingPlan:
        return plan_landing(self.open(), self.head, target, message, [("Autodev-Step", STEP)], date=1.0e9)

    def ready(self, **arguments: str) -> LandingPlan:
        place = self.root.parent / "hook-tree"
        plan, _ = prepare_landing(self.open(), self.plan(**arguments), place, plain(self.fixture.environ))
        return plan

    def land(self) -> LandingPlan:
        plan = self.ready()
        perform(self.open(), plan)
        return plan

    def main(self) -> str:
        return self.fixture.git("rev-parse", "main")


def commit_elsewhere(
    fixture: FixtureRepository, branch: str, changes: Mapping[str, bytes | str | None], start: str = "main"
) -> str:
    """A commit on a branch, made in a worktree of its own, which is removed again. None deletes a path."""
    place = fixture.root.parent / "elsewhere"
    fixture.git("worktree", "add", "-q", "-B", branch, str(place), start)
    work = FixtureRepository(place, fixture.environ)
    for path, content in changes.items():
        if content is None:
            (place / path).unlink()
        else:
            work.write(path, content)
    head = work.commit(f"feat: change things\n\nAutodev-Step: {STEP}")
    fixture.git("worktree", "remove", "--force", str(place))
    return head


def make_landing(
    folder: Path,
    changes: Mapping[str, bytes | str | None] | None = None,
    files: Mapping[str, bytes | str] | None = None,
) -> Landing:
    """A repository below `folder`; by default with BASE and a session that changes it in every way."""
    fixture = make_repository(folder / "repo", BASE if files is None else files)
    base = fixture.git("rev-parse", "HEAD")
    if changes is not None:
        return Landing(fixture, commit_elsewhere(fixture, "autodev/s/session", changes), base)
    place = folder / "session"
    fixture.git("worktree", "add", "-q", "-b", "autodev/s/session", str(place))
    work = FixtureRepository(place, fixture.environ)
    work.write("edit.txt", "new\n")
    for path in ("gone.txt", "deep/er/gone.txt", "swap-file", "link", "swap-dir/a.txt", "swap-dir/in/b.txt"):
        (place / path).unlink()
    (place / "swap-dir/in").rmdir()
    (place / "swap-dir").rmdir()
    work.write("swap-file/inner.txt", "inner\n")
    work.write("swap-dir", "now a file\n")
    (place / "link").symlink_to("edit.txt")
    (place / "run.sh").chmod(0o755)
    work.write("new/folder/file.txt", "new file\n")
    work.write(os.fsdecode(b"caf\xe9 \n\t.bin"), bytes(range(256)))
    work.write(".gitattributes", "crlf.txt text eol=crlf\n")
    work.write("crlf.txt", "one\r\ntwo\r\nthree\r\n")
    head = work.commit(f"feat: change everything\n\nAutodev-Step: {STEP}")
    fixture.git("worktree", "remove", "--force", str(place))
    return Landing(fixture, head, base)


def users_own_work(fixture: FixtureRepository) -> None:
    """Dirty, staged, staged-then-changed, deleted, untracked and ignored: none of it in the landing's way."""
    fixture.write("mine.txt", "mine, changed\n")
    fixture.write("staged.txt", "staged change\n")
    fixture.git("add", "staged.txt")
    fixture.write("staged.txt", "changed again\n")
    fixture.write("added.txt", "added\n")
    fixture.git("add", "added.txt")
    fixture.write("intended.txt", "intended\n")
    fixture.git("add", "-N", "intended.txt")
    (fixture.root / "keep.txt").unlink()
    fixture.write("untracked/own.txt", "own\n")
    fixture.write("new/own.txt", "beside a new one\n")
    fixture.write(".git/info/exclude", "*.log\n")
    fixture.write("own.log", "ignored\n")


def snapshot(fixture: FixtureRepository) -> dict[str, tuple[str, bytes]]:
    """Every file of the checkout with its kind and content."""
    found: dict[str, tuple[str, bytes]] = {}
    for where, folders, names in os.walk(fixture.root):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names + [name for name in folders if Path(where, name).is_symlink()]:
            path = Path(where, name)
            key = str(path.relative_to(fixture.root))
            if path.is_symlink():
                found[key] = ("link", os.fsencode(os.readlink(path)))  # noqa: PTH115
            else:
                kind = "program" if path.stat().st_mode & 0o100 else "file"
                found[key] = (kind, path.read_bytes())
        if not names and not folders:
            found[str(Path(where).relative_to(fixture.root))] = ("empty folder", b"")
    return found


def full_status(fixture: FixtureRepository) -> str:
    """What git says of the checkout in full, ignored files included, the commit left out."""
    lines = fixture.git("status", "--porcelain=v2", "-uall", "--ignored", "-z")
    # The index and HEAD blobs of the user's own paths stay in; they must not change either.
    return "\n".join(sorted(lines.split("\0")))


def assert_landed(
    landing: Landing, plan: LandingPlan, status: str, own: dict[str, tuple[str, bytes]]
) -> None:
    """The branch, the index and the files are the new commit's, and all else is the user's as it was."""
    fixture = landing.fixture
    assert landing.main() == plan.new
    assert full_status(fixture) == status
    changed = {move.path for move in plan.paths}
    now = snapshot(fixture)
    assert {path: facts for path, facts in now.items() if path not in changed} == own
    for move in plan.paths:
        if not move.new_blob:
            assert move.path not in now
            continue
        kind, content = now[move.path]
        assert kind == {"100644": "file", "100755": "program", "120000": "link"}[move.new_mode]
        # Compared with what a fresh checkout of the commit gives.
        assert content == _fresh(landing, plan)[move.path][1]
    fixture.git("fsck", "--strict", "--no-dangling")
    assert not list((fixture.root / ".git").glob("*.lock"))
    assert not list((fixture.root / ".git").glob("autodev-landing*"))
    assert not list((fixture.root / ".git/refs/heads").rglob("*.lock"))


def others(landing: Landing, plan: LandingPlan) -> dict[str, tuple[str, bytes]]:
    """The files that are not the landing's."""
    changed = {move.path for move in plan.paths}
    return {path: facts for path, facts in snapshot(landing.fixture).items() if path not in changed}


def _fresh(landing: Landing, plan: LandingPlan) -> dict[str, tuple[str, bytes]]:
    place = landing.root.parent / f"fresh-{plan.new[:12]}"
    if not place.exists():
        landing.fixture.git("clone", "-q", "--no-checkout", str(landing.root), str(place))
        landing.fixture.git("checkout", "-q", "--detach", plan.new, cwd=place)
    return snapshot(FixtureRepository(place, landing.fixture.environ))
