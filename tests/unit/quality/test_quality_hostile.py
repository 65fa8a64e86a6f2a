"""Files of a repository and outputs of its tools, written to hold up or to break what reads them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from autodev_tui.quality import poetry
from autodev_tui.quality.ecosystems import Look, look_at
from autodev_tui.quality.healing import outcome
from autodev_tui.quality.healing.edits import read_diff
from autodev_tui.quality.healing.symptoms import symptoms
from autodev_tui.quality.runners import printed

MANY = 20_000
"""What takes the square of it takes minutes."""
LARGE = "9" * 5000
"""More digits than Python makes a number of."""


def look(tmp_path: Path, state: str = "state", **files: str) -> Look:
    tree, tools = tmp_path / "tree", tmp_path / "bin"
    for folder in (tree, tools):
        folder.mkdir()
    for name in ("npm", "pnpm", "node", "cargo", "rustc", "go", "make"):
        (tools / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    for name, text in files.items():
        (tree / name).write_text(text, encoding="utf-8")
    variables = {"HOME": "/nonexistent", "PATH": str(tools)}
    return Look(tree, tree, tmp_path / state, variables, [str(tools)], lambda path: False)


@pytest.mark.parametrize(
    "files",
    [
        {"Cargo.toml": '[workspace]\nmembers = [""]\n'},
        {"Cargo.toml": '[workspace]\nmembers = ["a**b"]\n'},
        {"Cargo.toml": '[package]\nname = "x"\n[dependencies]\na = {path = "a\\u0000b"}\n'},
        {"Cargo.toml": ".".join("a" * 3000) + " = 1\n"},
        {"Cargo.toml": '[package]\nname = "x"\n', "Makefile": "clippy" * MANY},
        {"package.json": '{"workspaces": ["a**b"], "dependencies": {"a": "1"}}'},
        {"package.json": '{"dependencies": {"%s": "1"}}' % ("a" * 5000)},
        {"package.json": '{"name": "x"}', "pnpm-workspace.yaml": "\n" * MANY},
        {"package.json": '{"name": "x"}', "pnpm-workspace.yaml": "-" + " " * MANY + "#"},
        {"Makefile": "test" + " " * MANY + "x\n"},
        {"go.mod": "module x\n" + "\n" * MANY},
        {"go.mod": "module x\nrequire " + "a." * MANY + "\n"},
        {"go.mod": "module x\n" + "require (\n" * MANY},
    ],
)
def test_a_manifest_neither_breaks_nor_holds_up_what_looks_at_it(
    tmp_path: Path, files: dict[str, str]
) -> None:
    look_at(look(tmp_path, **files))


def test_what_go_requires_is_read_in_every_form(tmp_path: Path) -> None:
    text = "module x\nrequire a.b/c v1.0.0 // indirect\nrequire(\n\td.e/f v2.0.0\n\tg.h/i v3.0.0\n)\n"
    text += "require (k.l/m v4.0.0)\n"
    text += "replace g.h/i => ./i\nexclude n.o/p v5.0.0\n"
    (part,) = look_at(look(tmp_path, **{"go.mod": text}))
    assert part.missing == ["a.b/c@v1.0.0", "d.e/f@v2.0.0", "k.l/m@v4.0.0"]


def test_the_packages_of_a_pnpm_workspace_are_found(tmp_path: Path) -> None:
    text = "packages:\n  - 'one'\n  - \"two\" # the other\n- three\n"
    at = look(tmp_path, **{"package.json": '{"name": "x"}', "pnpm-workspace.yaml": text})
    for name in ("one", "two", "three"):
        (at.tree / name).mkdir()
        (at.tree / name / "package.json").write_text(f'{{"dependencies": {{"of-{name}": "1"}}}}')
    (part,) = look_at(at)
    assert part.missing == ["of-one", "of-three", "of-two"]


def test_a_setup_removes_nothing_beside_a_folder_with_a_blank_in_its_name(tmp_path: Path) -> None:
    at = look(tmp_path, "my state", **{"go.mod": "module x\nrequire a.b/c v1.0.0\n"})
    (part,) = look_at(at)
    assert part.setup is not None
    words = [word for line in part.setup.argv[2].splitlines() for word in shlex.split(line)]
    assert f"{part.setup.directory}/project" in words
    assert all(word.startswith(str(at.environments)) for word in words if word.startswith("/"))


@pytest.mark.parametrize("lock", ['package = ["x"]', "package = [[1]]"])
def test_a_lock_file_of_another_form_constrains_nothing(lock: str) -> None:
    assert poetry.constraints(lock) == []


@pytest.mark.parametrize(
    "text",
    [
        "TypeError: " + "a" * 100_000,
        "TypeError: " + "a." * 50_000,
        "E   " + " " * 100_000,
        f"  File \"x.py\", line {LARGE}\nNameError: name 'x' is not defined",
        f"x.py:{LARGE}: in f\nTypeError: a.b() takes {LARGE} positional arguments but {LARGE} were given",
        f"= {LARGE} passed in 1s =",
        f"Ran {LARGE} tests in 1s\n\nOK (skipped={LARGE})",
        f"test result: ok. {LARGE} passed; 0 failed; 0 ignored;",
        f"# tests {LARGE}",
        f"--- a\n+++ b\n@@ -{LARGE} +1 @@\n",
    ],
)
def test_an_output_neither_breaks_nor_holds_up_what_reads_it(text: str) -> None:
    symptoms(text, lambda path: path)
    outcome.read("python -m pytest", "exit code 1", text, lambda path: path, lambda *_, **__: [])
    printed(text)
    read_diff(text, "/worktree")
