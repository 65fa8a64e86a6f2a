"""Formatters beyond Python: what they print is applied exactly, and only what is layout."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autodev_tui.policy.commands import CommandKind, classify
from autodev_tui.quality.healing.edits import patched, read_diff
from autodev_tui.quality.healing.formatters import COMMANDS, PRETTIER, diff_of_rustfmt, written
from tests.heal.bench import prepared
from tests.heal.case import Case

GOFMT = "! gofmt -l . | grep -v '^vendor/'"
GO = b'package main\n\nimport "fmt"\n\nfunc main() {\nfmt.Println( "x" )\n}\n'
WARNS = b"""grep -L ' = ' *.js | sed 's/^/[warn] /' >found
test -s found || exit 0
cat found
echo '[warn] Code style issues found in 2 files. Run Prettier with --write to fix.'
exit 1
"""


def healed(place: Path, check: str, files: dict[str, bytes], *runs: str) -> tuple[Path, str]:
    """The worktree after a healing, and what it told; `runs` are to be programs."""
    executor = prepared(Case("made here", "auto_format", files, (check,)), place)
    for path in runs:
        (executor.worktree / path).chmod(0o755)
    return executor.worktree, executor.run()


@pytest.mark.skipif(not shutil.which("gofmt"), reason="no gofmt here")
def test_gofmt_formats_what_its_check_names(tmp_path: Path) -> None:
    root, told = healed(tmp_path, GOFMT, {"main.go": GO, "vendor/a.go": GO})
    assert (root / "main.go").read_bytes() == GO.replace(b'fmt.Println( "x" )', b'\tfmt.Println("x")')
    assert (root / "vendor/a.go").read_bytes() == GO
    assert "formatted with gofmt: main.go · auto_format" in told


def test_the_repositorys_own_prettier_formats_each_file_or_none(tmp_path: Path) -> None:
    files = {"a.js": b"let a=1\n", "b.js": b"let b=2\n", "c.js": b"let c = 3\n", "check.sh": WARNS}
    own = {PRETTIER: b"#!/bin/sh\nsed 's/=/ = /' \"$1\"\n"}
    root, told = healed(tmp_path / "own", "sh check.sh", files | own, PRETTIER)
    assert [(root / f"{name}.js").read_text() for name in "abc"] == [
        "let a = 1\n",
        "let b = 2\n",
        "let c = 3\n",
    ]
    assert "formatted with prettier: a.js, b.js · auto_format" in told
    root, told = healed(tmp_path / "none", "sh check.sh", files)
    assert (root / "a.js").read_bytes() == files["a.js"] and "2 failures left for a model" in told


@pytest.mark.parametrize(
    "printed", ["let a = '«secret»'", "[warn] ignored\nlet a = 'k3y'", "", "let a = 'k3y';\n;x"]
)
def test_what_says_more_or_less_than_before_is_no_format(printed: str) -> None:
    assert written("a.js", b"let a='k3y'\n", printed) is None
    assert written("a.js", b"let a='k3y'\r\n", "let a = 'k3y'") is None
    change = written("a.js", b"let a='k3y'\n", 'let a = "k3y";')
    assert change and change.new == b'let a = "k3y";\n'


RUST = b"""fn main() {
println!( "x" );
  }

fn b() -> i32 {
    1
}

fn d() {}
fn c() { }
"""
TOLD = """Diff in /r/src/main.rs:1:
 fn main() {
-println!( "x" );
-  }
+    println!("x");
+}

 fn b() -> i32 {
     1
Diff in /r/src/main.rs:7:
 }

 fn d() {}
-fn c() { }
+fn c() {}

"""
"""As rustfmt 1.8 said it of that."""


def test_what_rustfmt_says_is_applied_exactly() -> None:
    (path, hunks), *more = read_diff(diff_of_rustfmt(TOLD), "/r").items()
    assert path == "src/main.rs" and not more
    formatted = RUST.replace(b'println!( "x" );\n  }', b'    println!("x");\n}').replace(b"{ }", b"{}")
    assert patched(RUST, hunks) == formatted
    assert diff_of_rustfmt("--- a\n+++ a\n@@ -1 +1 @@\n-x\n+y\n").startswith("--- a")


@pytest.mark.parametrize(
    ("command", "known"),
    [
        ("gofmt -d main.go", True),
        ("gofmt -w main.go", False),
        ("cargo fmt --all -- --check", True),
        ("cargo fmt --all", False),
        ("cargo fmt --all -- --check --emit files", False),
        (f"{PRETTIER} src/a.js", True),
        (f"{PRETTIER} --write src/a.js", False),
        (f"{PRETTIER} --plugin ./x.js a.js", False),
        (f"{PRETTIER} /etc/passwd", False),
    ],
)
def test_only_what_prints_is_known_to_rules_and_none_of_it_to_others(
    command: str, known: bool, tmp_path: Path
) -> None:
    there = lambda name: f"/usr/bin/{name}"  # noqa: E731
    assert (classify(command, COMMANDS, tmp_path, there).kind is CommandKind.CHECK) is known
    assert classify(command, [], tmp_path, there).kind is CommandKind.OTHER
