from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.policy.paths import PathDenied, open_file, open_parent, resolve


@pytest.fixture
def worktree(tmp_path):
    root = tmp_path / "app"
    (root / "src").mkdir(parents=True)
    (root / "src/a.py").write_text("a")
    (tmp_path / "app-evil").mkdir()
    (tmp_path / "app-evil/x").write_text("secret")
    (root / "out").symlink_to("../app-evil")
    (root / "file_out").symlink_to("../app-evil/x")
    (root / "dangling").symlink_to("/nonexistent/x")
    (root / "inside").symlink_to("src")
    (root / "loop").symlink_to("loop")
    (root / "to_git").symlink_to(".git")
    (root / ".git").mkdir()
    return root


@pytest.mark.parametrize(
    "path",
    [
        "",
        "../app-evil/x",
        "src/../../app-evil/x",
        "src/../src/a.py",
        "..",
        "/etc/passwd",
        "//etc/passwd",
        "out/x",
        "out",
        "file_out",
        "dangling",
        "a\0b",
        "to_git/config",
        ".git",
        ".git/hooks/post-commit",
        ".GIT/config",
        "src/.git/config",
        ".gi\u200ct/config",
        "\uff0egit/config",
        ".git./config",
        ".git /config",
        "GIT~1/config",
        "‹2E›git/config",
        ".autodev/config.toml",
        ".AutoDev/config.toml",
        ".vscode/tasks.json",
        ".vscode/settings.json",
        ".VSCode/tasks.json",
        ".idea/x",
        ".mcp.json",
        "src/.mcp.json",
        ".claude/settings.json",
        ".envrc",
        "x" * 256,
        "/".join(["a" * 250] * 20),
    ],
)
def test_denied(worktree, path):
    with pytest.raises(PathDenied) as denied:
        resolve(worktree, path)
    assert str(denied.value).isprintable()


def test_an_absolute_path_inside_is_denied_too(worktree):
    with pytest.raises(PathDenied, match="relative to the repository"):
        resolve(worktree, str(worktree / "src/a.py"))
    with pytest.raises(PathDenied):
        resolve(worktree, f"{worktree}-evil/x")


@pytest.mark.parametrize(
    ("path", "relative"),
    [
        ("src/a.py", "src/a.py"),
        ("./src//a.py", "src/a.py"),
        ("inside/a.py", "src/a.py"),
        ("new/deep/file.py", "new/deep/file.py"),
        (".github/workflows/ci.yml", ".github/workflows/ci.yml"),
        (".gitignore", ".gitignore"),
        ("-rf", "-rf"),
        (":(glob)x", ":(glob)x"),
        ("a b\tc", "a b\tc"),
        ("caf\udce9.txt", "caf\udce9.txt"),
        ("caf‹0xE9›.txt", "caf\udce9.txt"),
        ("a‹0A›b", "a\nb"),
        ("x‹U+202E›y", "x\u202ey"),
        ("~/x", "~/x"),
        ("CON", "CON"),
        ("...", "..."),
        (".", ""),
    ],
)
def test_allowed(worktree, path, relative):
    assert resolve(worktree, path).relative == relative


def test_a_link_itself_can_be_named_without_following_it(worktree):
    assert resolve(worktree, "file_out", follow=False).relative == "file_out"
    with pytest.raises(PathDenied):
        resolve(worktree, "out/x", follow=False)


def test_a_directory_swapped_for_a_link_after_the_check_is_not_followed(worktree):
    safe = resolve(worktree, "src/a.py")
    (worktree / "src/a.py").unlink()
    (worktree / "src").rmdir()
    (worktree / "src").symlink_to("../app-evil")
    with pytest.raises(PathDenied), open_parent(safe, create=True):
        pass


def test_a_file_swapped_for_a_link_after_the_check_is_not_followed(worktree):
    safe = resolve(worktree, "src/a.py")
    (worktree / "src/a.py").unlink()
    (worktree / "src/a.py").symlink_to("/etc/passwd")
    with pytest.raises(PathDenied):
        open_file(safe)


def test_a_pipe_does_not_hold_us(worktree):
    os.mkfifo(worktree / "pipe")
    with pytest.raises(PathDenied, match="no regular file"):
        open_file(resolve(worktree, "pipe"))


@pytest.mark.parametrize(
    ("path", "why"), [("src", "directory"), ("nope", "no such"), ("loop", "loop|link|symbolic")]
)
def test_what_cannot_be_opened_says_why(worktree, path, why):
    with pytest.raises(PathDenied, match=why):
        open_file(resolve(worktree, path))


def open_descriptors():
    """The lowest free descriptor: a leak raises it."""
    descriptor = os.open("/", os.O_RDONLY)
    os.close(descriptor)
    return descriptor


def test_descriptors_are_closed(worktree):
    before = open_descriptors()
    for path in ("src/a.py", "nope/x", "src/a.py/x"):
        try:
            os.close(open_file(resolve(worktree, path)))
        except PathDenied:
            pass
    after = open_descriptors()
    assert after == before


@given(st.text(max_size=40))
def test_whatever_resolves_is_inside(path):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "up").symlink_to("..")
        for candidate in (path, f"up/{path}", f"a/{path}/../{path}"):
            try:
                safe = resolve(root, candidate)
            except PathDenied:
                continue
            assert Path(os.path.realpath(root / safe.relative)).is_relative_to(os.path.realpath(root))
