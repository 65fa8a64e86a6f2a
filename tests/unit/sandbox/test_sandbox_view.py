from __future__ import annotations

from pathlib import Path

import pytest

from autodev_tui.sandbox import bubblewrap, seccomp
from autodev_tui.sandbox.view import below, build, nearest


@pytest.fixture
def view(tmp_path):
    def make(**changes):
        for name in ("home/state/worktree", "private"):
            (tmp_path / name).mkdir(parents=True, exist_ok=True)
        wanted = {
            "writable": [str(tmp_path / "home/state/worktree")],
            "readable": [],
            "hidden": [str(tmp_path / "home/state")],
            "home": str(tmp_path / "home"),
            "private": str(tmp_path / "private"),
            "network": False,
        }
        return build(**(wanted | changes))

    return make


def kind(entries, path) -> str:
    exact = [entry for entry in entries if entry.path == str(path)]
    owner = exact[0] if exact else nearest(str(path), entries)
    return owner.kind if owner else "absent"


def test_the_nearest_entry_decides(view, tmp_path):
    entries, home = view()
    assert home == str(tmp_path / "home")
    assert kind(entries, tmp_path / "home" / ".ssh") == "private"
    assert kind(entries, tmp_path / "home/state/state.json") == "hide"
    assert kind(entries, tmp_path / "home/state/worktree/src") == "rw"
    assert kind(entries, "/usr/bin/env") == "ro" and kind(entries, "/srv") == "absent"


def test_parents_come_before_children(view, tmp_path):
    entries, _ = view(readable=[str(tmp_path)], hidden=[str(tmp_path / "home")])
    for index, entry in enumerate(entries):
        assert not any(below(entry.path, later.path) for later in entries[index:])


def test_a_home_that_is_the_worktree_is_not_covered(view, tmp_path):
    entries, home = view(writable=[str(tmp_path / "home")])
    assert kind(entries, tmp_path / "home" / "src") == "rw" and home == "/tmp/home"


@pytest.mark.parametrize("home", ["/", "/nonexistent", "/usr"])
def test_an_odd_home_is_replaced(view, home):
    assert view(home=home)[1] == "/tmp/home"
    assert kind(view(home=home)[0], "/usr/bin") == "ro"


def test_a_missing_writable_path_is_an_error(view):
    with pytest.raises(FileNotFoundError, match="writable path does not exist"):
        view(writable=["/no/such/worktree"])


def test_links_on_the_way_are_shown(view, tmp_path):
    (tmp_path / "link").symlink_to("home")
    entries, _ = view(writable=[str(tmp_path / "link/state/worktree")])
    assert [(entry.path, entry.source) for entry in entries if entry.path == str(tmp_path / "link")] == [
        (str(tmp_path / "link"), "home")
    ]
    assert kind(entries, tmp_path / "home/state/worktree") == "rw"
    usr_merged = Path("/bin").is_symlink()
    assert (kind(entries, "/bin") == "link") is usr_merged


def test_secrets_are_not_on_a_command_line(view, tmp_path):
    words = bubblewrap.arguments(
        view()[0], [], cwd=str(tmp_path), env={"A": "b c"}, network=False, filter_fd=7, status_fd=8
    ).split(b"\0")
    assert words[-1] == b"" and b"--setenv\0A\0b c" in b"\0".join(words)
    assert b"--share-net" not in words and b"--die-with-parent" in words and b"--unshare-all" in words


def test_the_filter_is_a_whole_number_of_instructions_and_ends_in_allow():
    for flags in (0, 1, 2, 3, 4, 5, 6, 7):
        program = seccomp.build(tracing=bool(flags & 1), inet=bool(flags & 2), connect=bool(flags & 4))
        assert len(program) % 8 == 0 and program.endswith((0x7FFF0000).to_bytes(4, "little"))
        jumps_inside(program)


def jumps_inside(program: bytes) -> None:
    """Every conditional jump must land on an instruction, and every path on a return."""
    count = len(program) // 8
    for index in range(count):
        code, true, false = program[index * 8], program[index * 8 + 2], program[index * 8 + 3]
        if code in (0x15, 0x35, 0x45):
            assert index + 1 + max(true, false) < count
