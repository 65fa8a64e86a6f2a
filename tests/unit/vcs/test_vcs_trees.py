"""Snapshots: byte-exact, blind to caches and by-products, never through links, never through filters."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from autodev_tui.vcs import trees
from autodev_tui.vcs.errors import FilteredPath
from autodev_tui.vcs.git import Git
from autodev_tui.vcs.trees import change_set, snapshot, untracked

from .conftest import Bench

AWKWARD = [
    b"latin-\xe9.txt",
    b"new\nline",
    b"tab\there",
    b"quo\"te's",
    b"-leading",
    b"--help",
    b":(glob)*",
    b":/x",
    b" space ",
    b"star*?[a]",
    b"back\\slash",
    b"x" * 255,
    "nfd-e\u0301".encode(),
    b"trailing.",
    b"con",
    b"a b/c\nd/\xff",
    b"diff --git a b",
    b"\x1b[31mred",
]


def write(bench: Bench, name: bytes | str, content: bytes = b"content\n") -> Path:
    path = bench.work / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_nothing_changed_is_the_base(bench: Bench) -> None:
    assert snapshot(bench.repository, bench.work) == bench.repository.tree_of("HEAD")


def test_every_kind_of_change(bench: Bench) -> None:
    write(bench, "a.py", b"changed\n")
    (bench.work / "src/b.py").unlink()
    write(bench, "new/deep.txt")
    tree = snapshot(bench.repository, bench.work)
    assert bench.paths(tree) == {"a.py", "new/deep.txt"}
    assert bench.content(tree, "a.py") == b"changed\n"
    assert bench.fixture.status() == ""
    assert bench.fixture.git("status", "--porcelain", cwd=bench.work) == " M a.py\n D src/b.py\n?? new/"


def test_it_is_a_function_of_the_files_alone(bench: Bench) -> None:
    """Whatever earlier snapshots saw, the same files give the same tree."""
    base = snapshot(bench.repository, bench.work)
    write(bench, "temp.txt")
    write(bench, "a.py", b"x\n")
    (bench.work / "src/b.py").unlink()
    first = snapshot(bench.repository, bench.work)
    assert snapshot(bench.repository, bench.work) == first
    (bench.work / "temp.txt").unlink()
    write(bench, "a.py", b"one\ntwo\nthree\n")
    write(bench, "src/b.py", b"b\n")
    assert snapshot(bench.repository, bench.work) == base


def test_ignored_after_it_was_seen(bench: Bench) -> None:
    write(bench, "out.log")
    write(bench, ":(glob)x.log")
    assert {"out.log", ":(glob)x.log"} <= bench.paths(snapshot(bench.repository, bench.work))
    write(bench, ".gitignore", b"*.log\n")
    assert bench.paths(snapshot(bench.repository, bench.work)) == {".gitignore", "a.py", "src/b.py"}
    (bench.work / ".gitignore").unlink()
    assert "out.log" in bench.paths(snapshot(bench.repository, bench.work))


def test_a_tracked_file_stays_tracked_though_ignored(bench: Bench) -> None:
    write(bench, ".gitignore", b"*.py\n")
    write(bench, "a.py", b"still\n")
    (bench.work / "src/b.py").unlink()
    assert bench.content(snapshot(bench.repository, bench.work), "a.py") == b"still\n"
    write(bench, "src/b.py", b"again\n")
    assert bench.content(snapshot(bench.repository, bench.work), "src/b.py") == b"again\n"


def test_the_users_own_excludes_count(bench: Bench) -> None:
    write(bench, "x.mine")
    write(bench, "y.info")
    excludes = Path(bench.fixture.environ["HOME"]) / "excludes"
    excludes.write_text("*.mine\n")
    bench.fixture.git("config", "--global", "core.excludesFile", str(excludes))
    (bench.repository.common_dir / "info").mkdir(exist_ok=True)
    (bench.repository.common_dir / "info/exclude").write_text("*.info\n")
    from autodev_tui.vcs.repository import open_repository

    repository = open_repository(bench.fixture.root, environ=bench.fixture.environ)
    assert snapshot(repository, bench.work) == repository.tree_of("HEAD")
    assert untracked(repository, bench.work) == set()


def test_caches_and_by_products_are_left_out_but_not_what_is_tracked(bench: Bench) -> None:
    bench.fixture.write("node_modules/kept.js", "1\n")
    head = bench.fixture.commit("vendored")
    bench.work = bench.worktrees.create("s1-T2", "autodev/s1/T2", head)
    write(bench, "node_modules/kept.js", b"2\n")
    for path in (
        "node_modules/new.js",
        "src/__pycache__/x.pyc",
        ".coverage",
        ".pytest_cache/v/x",
        "dist/a/b",
        "one.out",
    ):
        write(bench, path)
    assert untracked(bench.repository, bench.work) == {"dist/a/b", "one.out"}
    assert "one.out" in bench.paths(snapshot(bench.repository, bench.work))
    tree = snapshot(bench.repository, bench.work, by_products={"dist/", "one.out", "a.py"})
    assert bench.paths(tree) == {"a.py", "src/b.py", "node_modules/kept.js"}
    assert bench.content(tree, "node_modules/kept.js") == b"2\n"
    assert untracked(bench.repository, bench.work) == {"dist/a/b", "one.out"}


def test_awkward_names_round_trip(bench: Bench) -> None:
    for name in AWKWARD:
        write(bench, name, name)
    tree = snapshot(bench.repository, bench.work)
    assert {os.fsencode(path) for path in bench.paths(tree)} == {*AWKWARD, b"a.py", b"src/b.py"}
    changes = change_set(bench.repository, "HEAD", tree)
    assert {os.fsencode(file.path) for file in changes.files} == set(AWKWARD)
    assert all(len(file.hunks) == 1 for file in changes.files)
    assert snapshot(bench.repository, bench.work) == tree
    for name in AWKWARD:
        (bench.work / os.fsdecode(name)).unlink()
    assert snapshot(bench.repository, bench.work) == bench.repository.tree_of("HEAD")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b"a\r\nb\n",
        b"no end",
        b"\xef\xbb\xbfbom\n",
        "utf16\n".encode("utf-16"),
        b"\xe9\xff\n",
        b"\0" * 9,
    ],
    ids=["empty", "crlf", "mixed", "no-end", "bom", "utf16", "latin1", "nul"],
)
def test_contents_are_kept_byte_for_byte(bench: Bench, content: bytes) -> None:
    write(bench, "file", content)
    assert bench.content(snapshot(bench.repository, bench.work), "file") == content


def test_modes_links_and_swaps(bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.py").write_text("not ours\n")
    (bench.work / "a.py").chmod(0o755)
    (bench.work / "src/b.py").unlink()
    (bench.work / "src").rmdir()
    (bench.work / "src").symlink_to(outside)
    (bench.work / "dangling").symlink_to("nowhere")
    (bench.work / "loop").symlink_to("loop")
    tree = snapshot(bench.repository, bench.work)
    listed = bench.repository.bare.text("ls-tree", "-r", tree)
    assert [line.split()[0] + " " + line.split("\t")[1] for line in listed.splitlines()] == [
        "100755 a.py", "120000 dangling", "120000 loop", "120000 src",
    ]  # fmt: skip
    assert bench.content(tree, "src") == os.fsencode(outside)
    (bench.work / "src").unlink()
    (bench.work / "a.py").unlink()
    write(bench, "a.py/inner")
    write(bench, "src")
    assert bench.paths(snapshot(bench.repository, bench.work)) == {"a.py/inner", "dangling", "loop", "src"}
    (bench.work / "a.py/inner").unlink()
    (bench.work / "a.py").rmdir()
    write(bench, "a.py")
    assert bench.paths(snapshot(bench.repository, bench.work)) == {"a.py", "dangling", "loop", "src"}


def test_pipes_and_sockets_are_no_content_and_do_not_block(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.work / "a.py").unlink()
    os.mkfifo(bench.work / "a.py")
    os.mkfifo(bench.work / "pipe")
    monkeypatch.chdir(bench.work)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("sock")
        assert bench.paths(snapshot(bench.repository, bench.work)) == {"src/b.py"}


def test_nested_repositories_and_submodules_stay_as_they_were(bench: Bench) -> None:
    gitlink = f"160000,{bench.repository.head},sub"
    bench.fixture.git("update-index", "--add", "--cacheinfo", gitlink)
    bench.fixture.git("commit", "-q", "-m", "submodule")
    bench.work = bench.worktrees.create("s1-T2", "autodev/s1/T2", bench.repository.head)
    base = bench.repository.tree_of("HEAD")
    assert snapshot(bench.repository, bench.work) == base
    bench.fixture.git("init", "-q", str(bench.work / "nested"))
    write(bench, "nested/file")
    write(bench, "sub/file")
    assert snapshot(bench.repository, bench.work) == base
    bench.fixture.git("init", "-q", str(bench.work / "sub"))
    bench.fixture.git("add", "file", cwd=bench.work / "sub")
    bench.fixture.git("commit", "-q", "-m", "x", cwd=bench.work / "sub")
    assert snapshot(bench.repository, bench.work) == base
    (bench.work / "sub/file").unlink()
    subprocess.run(["rm", "-rf", bench.work / "sub"], check=True)
    assert snapshot(bench.repository, bench.work) == base


def test_a_filtered_path_is_refused_before_anything_is_written(bench: Bench) -> None:
    bench.fixture.write(".gitattributes", "*.bin filter=lfs diff=lfs\n")
    bench.fixture.write("old.bin", "pointer\n")
    head = bench.fixture.commit("lfs")
    bench.work = bench.worktrees.create("s1-T2", "autodev/s1/T2", head)
    assert snapshot(bench.repository, bench.work) == bench.repository.tree_of(head)
    write(bench, "new.bin", b"raw secret content")
    blob = bench.repository.bare.text("hash-object", "--stdin", stdin=b"raw secret content")
    with pytest.raises(FilteredPath) as caught:
        snapshot(bench.repository, bench.work)
    assert (caught.value.path, caught.value.filter, caught.value.code) == ("new.bin", "lfs", 3)
    assert bench.repository.bare.call("cat-file", "-e", blob, ok=(0, 1)).returncode == 1
    (bench.work / "new.bin").unlink()
    (bench.work / "old.bin").unlink()
    assert "old.bin" not in bench.paths(snapshot(bench.repository, bench.work))


def test_an_attribute_that_comes_later_still_refuses(bench: Bench) -> None:
    write(bench, "x.bin")
    snapshot(bench.repository, bench.work)
    write(bench, ".gitattributes", b"*.bin filter=crypt\n")
    with pytest.raises(FilteredPath):
        snapshot(bench.repository, bench.work)


def test_flags_in_the_index_of_the_worktree_hide_nothing(bench: Bench) -> None:
    for flag in ("--assume-unchanged", "--skip-worktree"):
        bench.fixture.git("update-index", flag, "a.py", cwd=bench.work)
        write(bench, "a.py", flag.encode())
        assert bench.content(snapshot(bench.repository, bench.work), "a.py") == flag.encode()


def test_a_lock_that_somebody_left_does_not_matter(bench: Bench) -> None:
    admin = bench.repository.admin_dir(bench.work)
    (admin / "index.lock").touch()
    (admin / "autodev.index.lock").touch()
    (bench.repository.git_dir / "index.lock").touch()
    write(bench, "a.py", b"x\n")
    assert bench.content(snapshot(bench.repository, bench.work), "a.py") == b"x\n"
    assert [path.name for path in admin.glob("autodev.index.*")] == ["autodev.index.lock"]


def test_a_change_of_the_same_size_in_the_same_moment_is_seen(bench: Bench) -> None:
    for number in range(10, 25):
        write(bench, "a.py", b"%d\n" % number)
        assert bench.content(snapshot(bench.repository, bench.work), "a.py") == b"%d\n" % number


def test_repeated_calls_hash_only_what_changed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    write(bench, "big", b"x" * 100_000)
    snapshot(bench.repository, bench.work)
    write(bench, "a.py", b"x\n")
    given: list[bytes] = []
    real = Git.call

    def spy(self: Git, *args: str, **options: object) -> object:
        if "update-index" in args:
            given.append(options["stdin"])  # type: ignore[arg-type]
        return real(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "call", spy)
    snapshot(bench.repository, bench.work)
    assert given == [b"a.py\0"]


def test_objects_that_the_users_gc_took_are_made_again(bench: Bench) -> None:
    write(bench, "new", b"will be pruned\n")
    tree = snapshot(bench.repository, bench.work)
    bench.fixture.git("gc", "-q", "--prune=now")
    write(bench, "a.py", b"more\n")
    again = snapshot(bench.repository, bench.work)
    assert bench.content(again, "new") == b"will be pruned\n"
    assert again != tree


def test_line_ends_follow_the_attributes(bench: Bench) -> None:
    bench.fixture.write(".gitattributes", "*.bat text eol=crlf\n")
    bench.fixture.write("x.bat", b"one\r\n")
    head = bench.fixture.commit("bat")
    bench.work = bench.worktrees.create("s1-T2", "autodev/s1/T2", head)
    assert (bench.work / "x.bat").read_bytes() == b"one\r\n"
    assert snapshot(bench.repository, bench.work) == bench.repository.tree_of(head)
    write(bench, "x.bat", b"one\r\ntwo\r\n")
    assert bench.content(snapshot(bench.repository, bench.work), "x.bat") == b"one\ntwo\n"


def test_our_own_drafts_are_never_taken(bench: Bench) -> None:
    write(bench, f"src/{trees.beneath.TEMPORARY}123")
    assert snapshot(bench.repository, bench.work) == bench.repository.tree_of("HEAD")
