"""What agents see of a worktree: no caches, no installed packages, but whatever git tracks."""

from __future__ import annotations

from pathlib import Path

from autodev_tui.vcs.listing import listed_paths
from autodev_tui.vcs.repository import open_repository
from tests.fakes.repos import make_repository


def test_installed_packages_and_caches_are_not_listed_unless_they_are_tracked(tmp_path: Path) -> None:
    fixture = make_repository(tmp_path / "r", {"a.py": "", "vendored/node_modules/own/index.js": ""})
    fixture.write("new.py", "")
    fixture.write("node_modules/odd/index.js", "")
    fixture.write("packages/core/node_modules/odd/index.js", "")
    fixture.write("__pycache__/a.pyc", "")
    repository = open_repository(fixture.root, environ=fixture.environ)
    assert sorted(listed_paths(repository, fixture.root)) == [
        "a.py",
        "new.py",
        "vendored/node_modules/own/index.js",
    ]
