from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from autodev_tui.policy.secrets import Masker
from autodev_tui.tools import reading, searching
from autodev_tui.tools.arguments import ListFiles, ReadFile, Search
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.context import ToolContext

KEY = "AKIA" + "Q3EGRZXIV4XYZABC"


@pytest.fixture
def context(tmp_path):
    def listed():
        return [
            os.path.relpath(f"{directory}/{name}", tmp_path)
            for directory, _, names in os.walk(tmp_path)
            for name in names
            if name != "ignored.log"
        ]

    files = {
        "src/a.py": b"def alpha():\n    return 1\n",
        "src/deep/b.py": b"def beta():\r\n    return alpha()\r\n",
        "notes.md": b"alpha and beta\n",
        "ignored.log": b"alpha\n",
        "bin": b"alpha\0",
        "left.tmp": b"alpha\n",
        ".git": b"gitdir: /elsewhere alpha\n",
    }
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    return ToolContext(worktree=tmp_path, masker=Masker(b"s"), list_paths=listed, by_products={"left.tmp"})


def read(context, path, **more):
    return reading.run(context, "read_file", ReadFile(path=path, **more))


def search(context, pattern, **more):
    return reading.run(context, "search", Search(pattern=pattern, **more))


def test_lines_come_numbered_with_marks(context):
    result = read(context, "src/a.py")
    assert result.text == "     1\tdef alpha():\n     2\t    return 1"
    assert set(result.marks) == {"src/a.py"}


def test_offset_limit_and_the_hint_where_to_go_on(context):
    (context.worktree / "long").write_text("".join(f"line {n}\n" for n in range(1, 5001)))
    first = read(context, "long")
    assert "lines 1–2000 of 5000; go on with offset 2001" in first.text
    part = read(context, "long", offset=4999, limit=10)
    assert part.text == "  4999\tline 4999\n  5000\tline 5000"
    assert "behind the end" in read(context, "long", offset=6000).text
    assert "lines 5–6 of 5000" in read(context, "long", offset=5, limit=2).text


def test_reading_is_capped_in_bytes_and_line_length(context):
    (context.worktree / "wide").write_text(("x" * 1500 + "\n") * 100)
    text = read(context, "wide").text
    assert len(text) < 55_000
    assert "go on with offset" in text
    (context.worktree / "one").write_text("y" * 100_000)
    assert "98000 more characters" in read(context, "one").text


def test_what_a_file_is_like_is_said(context):
    (context.worktree / "empty").write_text("")
    assert "empty file" in read(context, "empty").text
    assert "CRLF" in read(context, "src/deep/b.py").text
    (context.worktree / "open").write_text("x")
    assert "no line end" in read(context, "open").text
    assert "binary" in read(context, "bin").text


@pytest.mark.parametrize(
    ("path", "denied"), [("../x", True), (".git", True), ("nope", False), ("src", False)]
)
def test_what_cannot_be_read(context, path, denied):
    problem = read(context, path)
    assert isinstance(problem, ToolProblem)
    assert problem.denied is denied


def test_undecodable_bytes_can_be_sent_to_a_model(context):
    (context.worktree / "latin").write_bytes(b"caf\xe9\n")
    text = read(context, "latin").text
    assert "caf‹0xE9›" in text
    text.encode()


def test_full_outputs_can_be_read_by_name(context, tmp_path_factory):
    spool = tmp_path_factory.mktemp("state") / "7.out"
    spool.write_bytes(b"".join(b"out %d\n" % n for n in range(1, 3001)) + KEY.encode() + b"\n")
    context.outputs = {"000007": spool}
    assert "out 2500" in read(context, "@output/000007", offset=2500, limit=1).text
    assert "go on with offset 2001" in read(context, "@output/000007").text
    assert KEY not in read(context, "@output/000007", offset=3000).text
    assert "no such output" in read(context, "@output/../x").text


def test_list_files(context):
    def listed(pattern=None):
        return reading.run(context, "list_files", ListFiles(pattern=pattern)).text.splitlines()

    assert listed() == ["bin", "notes.md", "src/a.py", "src/deep/b.py"]
    assert listed("*.py") == ["src/a.py", "src/deep/b.py"]
    assert listed("src/*.py") == ["src/a.py"]
    assert listed("./src/**") == ["src/a.py", "src/deep/b.py"]
    assert listed("*.rs") == ["(no file matches *.rs)"]
    (context.worktree / "a\nb\x1b").write_text("")
    assert "a‹0A›b‹1B›" in listed()


def test_long_lists_are_cut_with_a_hint(context):
    context.list_paths = lambda: [f"f{n:05}" for n in range(1500)]
    text = reading.run(context, "list_files", ListFiles()).text
    assert "(500 more of 1500; narrow it with a pattern)" in text


def test_search(context):
    assert search(context, "alpha").text.splitlines() == [
        "notes.md:1: alpha and beta",
        "src/a.py:1: def alpha():",
        "src/deep/b.py:2:     return alpha()",
        "(1 binary, large or unreadable files were not searched)",
    ]
    assert (
        search(context, r"^def \w+\(\):$", glob="*.py", path="src/deep").text
        == "src/deep/b.py:1: def beta():"
    )
    assert search(context, "alpha", path="notes.md").text == "notes.md:1: alpha and beta"
    assert search(context, "alpha", path="ignored.log").text == "ignored.log:1: alpha"
    assert "no match in 2 files" in search(context, "zeta", glob="*.py").text
    assert "not a regular expression" in search(context, "(").text
    assert "no such file" in search(context, "x", path="nowhere").text
    assert search(context, "x", path="../x").denied


def test_many_matches_are_cut_with_the_count(context):
    (context.worktree / "many").write_text("hit\n" * 500)
    result = search(context, "hit", path="many")
    assert result.text.count("many:") == searching.MAX_MATCHES
    assert "first 200 of 500" in result.text


def test_secrets_are_masked_in_matches(context):
    (context.worktree / "keys").write_text(f"KEY = '{KEY}'\n")
    assert KEY not in search(context, "KEY").text
    assert "KEY = '[[SECRET:" in search(context, "KEY").text


def test_links_are_not_searched_through(context, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x").write_text("needle\n")
    (context.worktree / "link").symlink_to(outside / "x")
    (context.worktree / "dir").symlink_to(outside)
    context.list_paths = lambda: ["link", "dir/x", "notes.md"]
    assert "no match" in search(context, "needle").text


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*$", r"(.*)*x$"])
def test_a_pattern_that_backtracks_for_ever_is_stopped(context, pattern):
    (context.worktree / "aaa").write_text("first a\n" + "a" * 60 + "!\n")
    began = time.monotonic()
    result = searching.search(context, f"^first|{pattern}", ["aaa"], timeout_s=0.5)
    assert time.monotonic() - began < 5
    assert not result.ok
    assert "stopped after 0.5 s" in result.text
    assert "aaa:1: first a" in result.text


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the time limit alone ends it")
def test_a_searching_process_does_not_survive_its_parent(tmp_path):
    (tmp_path / "aaa").write_text("a" * 60 + "!\n")
    script = (
        "import sys, pathlib, threading\n"
        "from autodev_tui.policy.secrets import Masker\n"
        "from autodev_tui.tools import searching\n"
        "from autodev_tui.tools.context import ToolContext\n"
        f"c = ToolContext(pathlib.Path({str(tmp_path)!r}), Masker(b's'), list)\n"
        "print('ready', flush=True)\n"
        "searching.search(c, '(a+)+$', ['aaa'], timeout_s=60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ})
    try:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        workers = _until(lambda: _children(parent.pid))
        # The request is read once the worker burns time in the match.
        _until(lambda: _cpu_ticks(workers[0]) > 10)
        parent.kill()
        parent.wait()
        _until(lambda: not _alive(workers[0]))
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def _until(condition, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    pytest.fail("never came true")
    return None


def _children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:  # noqa: PTH123
        return [int(word) for word in file.read().split()]


def _stat(pid):
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()


def _cpu_ticks(pid):
    return int(_stat(pid)[11])


def _alive(pid):
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False
