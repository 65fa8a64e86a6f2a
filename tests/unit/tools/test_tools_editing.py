from __future__ import annotations

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodev_tui.policy.secrets import Masker
from autodev_tui.tools import files
from autodev_tui.tools.arguments import DeleteFile, EditFile, MoveFile, ReadFile, WriteFile
from autodev_tui.tools.base import ToolProblem
from autodev_tui.tools.context import ToolContext
from autodev_tui.tools.effects import Effect, apply, judge
from autodev_tui.tools.reading import read_file

KEY = "AKIA" + "Q3EGRZXIV4XYZABC"


def make(root) -> ToolContext:
    def listed():
        return [
            os.path.relpath(f"{directory}/{name}", root)
            for directory, _, names in os.walk(root)
            for name in names
        ]

    return ToolContext(worktree=root, masker=Masker(b"salt"), list_paths=listed)


@pytest.fixture
def context(tmp_path):
    return make(tmp_path)


def put(context, path, data):
    target = context.worktree / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return target


def edit(context, path, old, new, replace_all=False):
    return files.plan(
        context, "edit_file", EditFile(path=path, old_text=old, new_text=new, replace_all=replace_all)
    )


def write(context, path, content):
    return files.plan(context, "write_file", WriteFile(path=path, content=content))


def see(context, path):
    context.read_marks.update(read_file(context, ReadFile(path=path)).marks)


def done(context, planned):
    assert isinstance(planned, Effect), planned
    restored = Effect.from_intent(planned.intent(), planned.blob)
    assert restored == planned
    assert judge(context.worktree, planned) == "not_done"
    apply(context, restored)
    assert judge(context.worktree, planned) == "done"
    return planned


def problem(planned):
    assert isinstance(planned, ToolProblem), planned
    return planned.text


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"a\nb\nc\n", "b", "B", b"a\nB\nc\n"),
        (b"a\nb\nc\n", "b\n", "", b"a\nc\n"),
        (b"a\r\nb\r\nc\r\n", "a\nb\n", "x\ny\nz\n", b"x\r\ny\r\nz\r\nc\r\n"),
        (b"a\r\nb\r\n", "b", "b\nc", b"a\r\nb\r\nc\r\n"),
        (b"a\r\nb\nc\n", "b\n", "x\ny\n", b"a\r\nx\ny\nc\n"),
        (b"a\nb\r\nc\n", "b\n", "x\ny\n", b"a\nx\r\ny\r\nc\n"),
        (b"\xef\xbb\xbfa\nb\n", "a", "x", b"\xef\xbb\xbfx\nb\n"),
        (b"no end", "no end", "end", b"end"),
        (b"a\nno end", "no end\n", "end\n", b"a\nend"),
        (b"caf\xe9 a\nb\n", "b", "x", b"caf\xe9 a\nx\n"),
        (b"caf\xe9 a\nb\n", "caf‹0xE9› a", "th‹0xE9›", b"th\xe9\nb\n"),
        ("ü\n日本\n".encode(), "日本", "x", "ü\nx\n".encode()),
        (b"a\tb  \nc\n", "a\tb  \n", "x\n", b"x\nc\n"),
        (
            b"    if x:\n        y()\n",
            "if x:\n    y()\n",
            "if z:\n    w()\n\n    v()\n",
            b"    if z:\n        w()\n\n        v()\n",
        ),
        (b"if x:\n    y()\n", "    if x:\n        y()\n", "    if z:\n        w()\n", b"if z:\n    w()\n"),
        (b"\tif x:\n\t\ty()\n", "if x:\n\ty()", "if z:\n\tw()", b"\tif z:\n\t\tw()\n"),
        (b"a\x0cb\x1b[0m\x85\nc\n", "c", "x", b"a\x0cb\x1b[0m\x85\nx\n"),
    ],
)
def test_edits_keep_everything_else_byte_for_byte(context, before, old, new, after):
    target = put(context, "f.txt", before)
    done(context, edit(context, "f.txt", old, new))
    assert target.read_bytes() == after


def test_the_result_shows_the_place_numbered(context):
    put(context, "f.py", b"".join(b"line %d\n" % n for n in range(1, 51)))
    result = done(context, edit(context, "f.py", "line 20\n", "LINE 20\nmore\n")).result()
    assert result.text.startswith("edited f.py: +2 −1 lines")
    assert "    20\tLINE 20" in result.text
    assert "    21\tmore" in result.text
    assert "line 50" not in result.text
    assert result.data["added"] == 2
    assert result.marks == {
        "f.py": __import__("hashlib").sha256((context.worktree / "f.py").read_bytes()).hexdigest()
    }


def test_replace_all(context):
    target = put(context, "f", b"x x\nx\n")
    assert "occurs 3 times (lines 1, 1, 2)" in problem(edit(context, "f", "x", "y"))
    done(context, edit(context, "f", "x", "y", replace_all=True))
    assert target.read_bytes() == b"y y\ny\n"


@pytest.mark.parametrize(
    ("text", "old", "hints"),
    [
        (
            b"def f():\n\treturn 1\n",
            "def f():\n    return 1\n",
            ["lines 1–2", "tabs against spaces in line 2", "return 1"],
        ),
        (b"a = 1  \nb = 2\n", "a = 1\nb = 2\n", ["trailing space in line 1"]),
        (b"say('hi')\n", 'say("hi")', ["quotes in line 1", "say('hi')"]),
        (b"say(\xe2\x80\x9chi\xe2\x80\x9d)\n", 'say("hi")', ["quotes"]),
        (b"Total = 1\nx\n", "total = 1\n", ["upper and lower case"]),
        (b"a  =  1\n", "a = 1", ["spacing"]),
        (
            b"total = compute(a, b)\nprint(total)\n",
            "total = compute(a, c)\nprint(total)\n",
            ["other words in line 1", "compute(a, b)"],
        ),
        (b"a\xe2\x80\x8bb = 1\n", "ab = 1", ["invisible characters"]),
        (b"x = 1\ny = 2\n", "     1\tx = 1\n     2\ty = 2\n", ["line numbers"]),
        (b"def new():\n    pass\n", "def old():\n    go()\n", ["already in the file"]),
        (b"entirely other\n", "nothing like that whatsoever 12345", ["Nothing similar"]),
        (b"    a()\n      b()\n", "a()\nb()\n", ["indentation"]),
        (b"", "x", ["not found"]),
    ],
)
def test_a_near_miss_is_explained(context, text, old, hints):
    target = put(context, "f.py", text)
    said = problem(edit(context, "f.py", old, "def new():\n    pass\n"))
    for hint in hints:
        assert hint in said
    assert target.read_bytes() == text


def test_a_near_miss_in_a_large_file_is_quick(context):
    import time

    put(context, "f.py", b"".join(b"    value_%d = compute(%d)\n" % (n, n) for n in range(20_000)))
    began = time.perf_counter()
    said = problem(
        edit(context, "f.py", "    value_9000 = compute(9001)\n    value_9001 = compute(9001)\n", "x")
    )
    assert time.perf_counter() - began < 2
    assert "lines 9001–9002" in said


@pytest.mark.parametrize(
    ("path", "data", "why"),
    [
        ("bin", b"a\0b", "binary"),
        ("u16", "x".encode("utf-16"), "UTF-16"),
        ("big", b"x" * 1_000_001, "over the limit"),
    ],
)
def test_honest_refusals(context, path, data, why):
    target = put(context, path, data)
    assert why in problem(edit(context, path, "x", "y"))
    assert why in problem(write(context, path, "y"))
    assert target.read_bytes() == data


def test_no_such_file_and_directories(context):
    put(context, "d/f", b"x\n")
    assert "no such file" in problem(edit(context, "nope", "x", "y"))
    assert "directory" in problem(edit(context, "d", "x", "y"))
    assert "directory" in problem(write(context, "d", "y"))
    assert "is a file" in problem(write(context, "d/f/g", "y"))
    assert "directory" in problem(files.plan(context, "delete_file", DeleteFile(path="d")))
    assert "directory" in problem(files.plan(context, "move_file", MoveFile(path="d", to="e")))
    assert "whole new path" in problem(files.plan(context, "move_file", MoveFile(path="d/f", to="d")))
    assert "empty" in problem(edit(context, "d/f", "", "y"))
    assert "nothing would change" in problem(edit(context, "d/f", "x", "x"))


def test_policy_denies_paths(context):
    for path in ("../x", "/etc/passwd", ".git/config", ".vscode/tasks.json"):
        for planned in (
            edit(context, path, "a", "b"),
            write(context, path, "b"),
            files.plan(context, "delete_file", DeleteFile(path=path)),
            files.plan(context, "move_file", MoveFile(path=path, to="x")),
        ):
            assert isinstance(planned, ToolProblem)
            assert planned.denied
    put(context, "x", b"x")
    moved = files.plan(context, "move_file", MoveFile(path="x", to=".git/hooks/post-commit"))
    assert isinstance(moved, ToolProblem)
    assert moved.denied


def test_write_creates_with_parents(context):
    effect = done(context, write(context, "a/b/c.py", "x = 1\n"))
    target = context.worktree / "a/b/c.py"
    assert target.read_bytes() == b"x = 1\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    assert effect.pre_hash == ""
    assert effect.result().text == "created a/b/c.py: +1 −0 lines"
    done(context, write(context, "empty", ""))
    assert (context.worktree / "empty").read_bytes() == b""


def test_overwriting_needs_a_fresh_read(context):
    target = put(context, "f", b"old\r\nlines\r\n")
    assert "have not read it" in problem(write(context, "f", "new\n"))
    see(context, "f")
    target.write_bytes(b"changed\r\nlines\r\n")
    assert "changed since you read it" in problem(write(context, "f", "new\n"))
    see(context, "f")
    done(context, write(context, "f", "new\nlines\n"))
    assert target.read_bytes() == b"new\r\nlines\r\n"


def test_edits_are_lenient_but_say_that_the_file_moved(context):
    target = put(context, "f", b"a\nb\n")
    see(context, "f")
    target.write_bytes(b"a\nb\nc\n")
    assert "changed since you read it" in done(context, edit(context, "f", "b", "x")).text


def test_what_a_review_changed_must_be_read_again(context):
    put(context, "f", b"a\nb\n")
    context.must_read.add("f")
    assert "read it again" in problem(edit(context, "f", "b", "x"))
    assert "read it again" in problem(files.plan(context, "delete_file", DeleteFile(path="f")))
    context.must_read.discard("f")
    done(context, edit(context, "f", "b", "x"))


def test_mode_bits_stay(context):
    target = put(context, "run.sh", b"#!/bin/sh\necho a\n")
    target.chmod(0o750)
    done(context, edit(context, "run.sh", "echo a", "echo b"))
    assert stat.S_IMODE(target.stat().st_mode) == 0o750


def test_links_inside_are_edited_through_and_deleted_themselves(context):
    target = put(context, "real", b"a\n")
    link = context.worktree / "link"
    link.symlink_to("real")
    done(context, edit(context, "link", "a", "b"))
    assert target.read_bytes() == b"b\n"
    assert link.is_symlink()
    done(context, files.plan(context, "delete_file", DeleteFile(path="link")))
    assert target.exists()
    assert not link.is_symlink()


def test_delete_and_move(context):
    target = put(context, "a/f.bin", b"\0\1")
    done(context, files.plan(context, "move_file", MoveFile(path="a/f.bin", to="b/c/g.bin")))
    assert not target.exists()
    assert (context.worktree / "b/c/g.bin").read_bytes() == b"\0\1"
    put(context, "h", b"x\n")
    assert "exists already" in problem(files.plan(context, "move_file", MoveFile(path="h", to="b/c/g.bin")))
    effect = done(context, files.plan(context, "delete_file", DeleteFile(path="h")))
    assert effect.data["removed"] == 1
    assert "-x" in effect.diff
    assert "no such file" in problem(files.plan(context, "delete_file", DeleteFile(path="h")))


def test_case_only_rename(context):
    put(context, "readme.md", b"x\n")
    done(context, files.plan(context, "move_file", MoveFile(path="readme.md", to="README.md")))
    assert [path.name for path in context.worktree.iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    "name", ["caf\udce9.txt", "a\nb", "-rf", ":(glob)x", "'q' \"q\"", "x\u202ey", "tab\tx", " lead"]
)
def test_odd_names_round_trip_and_are_shown(context, name):
    put(context, name, b"a\n")
    effect = done(context, edit(context, name, "a", "b"))
    assert (context.worktree / name).read_bytes() == b"b\n"
    assert effect.path == name
    first = effect.text.partition(":")[0] if ":" not in name else effect.text.splitlines()[0]
    assert first.isprintable()
    import json

    assert Effect.from_intent(json.loads(json.dumps(effect.intent())), effect.blob) == effect


def test_secrets_stay_hidden_and_in_place(context):
    target = put(context, "settings.py", f"HOST = 'a'\nKEY = '{KEY}'\n".encode())
    shown = read_file(context, ReadFile(path="settings.py")).text
    assert KEY not in shown
    placeholder = shown.split("KEY = '")[1].split("'")[0]
    effect = done(
        context, edit(context, "settings.py", f"'a'\nKEY = '{placeholder}'", f"'b'\nKEY = '{placeholder}'")
    )
    assert target.read_text() == f"HOST = 'b'\nKEY = '{KEY}'\n"
    for kept in (effect.blob or b"", str(effect.intent()).encode()):
        assert KEY.encode() not in kept
    assert "hidden from you" in problem(edit(context, "settings.py", "HOST", f"X = '{placeholder}'\nHOST"))
    assert "hidden from you" in problem(write(context, "other.py", f"KEY = '{placeholder}'\n"))
    see(context, "settings.py")
    done(context, write(context, "settings.py", f"# rewritten\nKEY = '{placeholder}'\n"))
    assert target.read_text() == f"# rewritten\nKEY = '{KEY}'\n"


def test_a_secret_in_the_first_line_of_a_file_with_a_byte_order_mark(context):
    target = put(context, ".env", f"\ufeffTOKEN={KEY}\nA=1\n".encode())
    done(context, edit(context, ".env", "A=1", "A=2"))
    assert target.read_text() == f"\ufeffTOKEN={KEY}\nA=2\n"


def test_pre_images_with_secrets_are_not_kept(context):
    stored = []

    def store(data):
        stored.append(data)
        return "id"

    put(context, "plain", b"a\n")
    put(context, "secret", f"K = '{KEY}'\na\n".encode())
    assert files.keep_pre_image(context, edit(context, "plain", "a", "b"), store) == "id"
    assert files.keep_pre_image(context, edit(context, "secret", "\na\n", "\nb\n"), store) == ""
    assert files.keep_pre_image(context, write(context, "new", "b"), store) == ""
    assert stored == [b"a\n"]


line = st.text(alphabet="ab \t", max_size=4)


@given(st.lists(line, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans(), line.filter(bool), line)
def test_any_unique_text_is_replaced_and_nothing_else(lines, end, final, old, new):
    import tempfile
    from pathlib import Path

    text = end.join(lines) + (end if final and lines else "")
    with tempfile.TemporaryDirectory() as directory:
        context = make(Path(directory))
        target = put(context, "f", text.encode())
        planned = edit(context, "f", old, new)
        count = text.count(old)
        if count == 1 and old != new:
            done(context, planned)
            assert target.read_bytes() == text.replace(old, new).encode()
        elif count != 1 and isinstance(planned, ToolProblem):
            assert target.read_bytes() == text.encode()
