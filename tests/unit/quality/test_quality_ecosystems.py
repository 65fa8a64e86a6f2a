"""Recipes beside Python: which is chosen, what it asks, and what a worktree gets. Nothing is downloaded."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autodev_tui.domain.evidence import CheckKind
from autodev_tui.quality.checks import detect, run_check
from autodev_tui.quality.ecosystems import Look, Part, look_at, show
from autodev_tui.quality.environment import Environment, prepare

CARGO = {
    "Cargo.toml": '[package]\nname = "sums"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": "/// Adds.\npub fn add(a: i64, b: i64) -> i64 {\n    a + b\n}\n",
    "tests/adds.rs": "#[test]\nfn adds() {\n    assert_eq!(sums::add(1, 2), 3);\n}\n",
}
LOCKED = (
    'version = 3\n\n[[package]]\nname = "itoa"\nversion = "1.0.1"\n'
    'source = "registry+https://github.com/rust-lang/crates.io-index"\n\n'
    '[[package]]\nname = "sums"\nversion = "0.1.0"\ndependencies = ["itoa"]\n'
)
GO = {
    "go.mod": "module example.com/sums\n\ngo 1.18\n",
    "sum.go": "package sums\n\n// Add adds.\nfunc Add(a, b int) int { return a + b }\n",
}
PACKAGE = {"name": "sums", "scripts": {"test": "node test.js", "lint": "eslint ."}}


def package(**more: Any) -> dict[str, str]:
    return {"package.json": json.dumps({**PACKAGE, **more})}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with programs that are only looked for, never run."""
    folder = tmp_path / "tools" / "bin"
    folder.mkdir(parents=True)
    for name in ("node", "npm", "pnpm", "cargo", "go", "make"):
        (folder / name).write_text("#!/bin/sh\nexit 9\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def parts(tmp_path: Path, tools: Path, write: Any) -> Callable[..., list[Part]]:
    def look(files: dict[str, str], **more: Any) -> list[Part]:
        tree = write(tmp_path / "tree", files)
        given: dict[str, Any] = {
            "checkout": tmp_path / "checkout",
            "environments": tmp_path / "environments",
            "variables": {"HOME": str(tmp_path / "home")},
            "path": [str(tools)],
            "tracked": lambda path: False,
        }
        return look_at(Look(tree=tree, **{**given, **more}))

    return look


def names(part: Part, kind: CheckKind = CheckKind.BEHAVIOUR) -> list[str]:
    return [check.name for check in part.checks if check.kind is kind]


# -- which recipe


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, []),
        ({"main.py": ""}, []),
        (package(), ["npm"]),
        ({"package.json": "not json"}, []),
        (package() | {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"}, ["pnpm"]),
        (package(packageManager="pnpm@9.1.0"), ["pnpm"]),
        (CARGO, ["cargo"]),
        (GO, ["go"]),
        ({"Makefile": "test:\n\ttrue\n"}, ["make"]),
        ({"Makefile": "test := 1\nall:\n\ttrue\n"}, []),
        ({"Makefile": "testing:\n\ttrue\n"}, []),
        (package() | CARGO | GO | {"makefile": "check: all\n\ttrue\n"}, ["npm", "cargo", "go", "make"]),
    ],
)
def test_an_ecosystem_is_known_by_its_manifest(
    parts: Callable[..., list[Part]], files: dict[str, str], found: list[str]
) -> None:
    assert [part.name for part in parts(files)] == found


def test_nothing_is_installed_where_nothing_is_needed(
    parts: Callable[..., list[Part]], tmp_path: Path
) -> None:
    for part in parts(package() | CARGO | GO | {"Makefile": "test:\n\ttrue\n"}):
        assert (part.state, part.setup, part.missing) == ("nothing to install", None, []), part.name
    assert not (tmp_path / "environments").exists()


def test_a_lock_file_is_one_question_whatever_else_of_the_manifest_changes(
    parts: Callable[..., list[Part]],
) -> None:
    needs = {"dependencies": {"is-odd": "3.0.1"}}
    lock = {"package-lock.json": '{"lockfileVersion": 3, "packages": {}}'}
    [first] = parts(package(**needs) | lock)
    assert first.setup is not None
    assert (first.state, first.missing) == ("not set up yet", ["is-odd"])
    assert first.setup.shown.splitlines() == ["npm ci --no-audit --no-fund", "  is-odd"]
    assert first.setup.writable == [first.setup.directory]
    assert set(first.setup.files) == {"project/package.json", "project/package-lock.json", "npmrc"}
    [scripts] = parts(package(**needs, version="9", scripts={"test": "node other.js"}) | lock)
    assert scripts.setup and scripts.setup.lock_hash == first.setup.lock_hash
    [other] = parts(package(**needs) | {"package-lock.json": '{"lockfileVersion": 3, "packages": {"": {}}}'})
    assert other.setup and other.setup.lock_hash != first.setup.lock_hash
    [more] = parts(package(dependencies={"is-odd": "3.0.1", "is-even": "1"}) | lock)
    assert more.setup and more.setup.lock_hash != first.setup.lock_hash


def test_once_set_up_it_is_there_for_every_worktree(parts: Callable[..., list[Part]]) -> None:
    files = package(dependencies={"is-odd": "3.0.1"})
    [part] = parts(files)
    assert part.setup is not None
    assert part.setup.shown.startswith("npm install --no-audit --no-fund --no-package-lock")
    assert part.setup.begin().network
    (Path(part.setup.directory) / "project" / "node_modules" / "is-odd").mkdir(parents=True)
    [again] = parts(files)
    assert again.setup == part.setup, "ready only once it is marked so"
    part.setup.finish()
    [made] = parts(files)
    assert (made.state, made.setup, made.missing) == ("installed", None, [])
    assert made.modules == {"": f"{part.setup.directory}/project/node_modules"}
    assert part.setup.directory in made.readable
    assert made.id != part.id


def test_each_recipe_asks_for_its_own_command(parts: Callable[..., list[Part]], tmp_path: Path) -> None:
    asked = {
        part.name: part.setup.shown.splitlines()
        for files in (
            package(dependencies={"is-odd": "3"}) | {"pnpm-lock.yaml": "lockfileVersion: '9.0'\n"},
            CARGO | {"Cargo.lock": LOCKED},
            GO | {"go.mod": GO["go.mod"] + "\nrequire (\n\tgithub.com/Google/go-cmp v0.5.9 // indirect\n)\n"},
        )
        for part in parts(files)
        if part.setup and shutil.rmtree(tmp_path / "tree") is None
    }
    assert asked == {
        "pnpm": ["pnpm install --prod=false --frozen-lockfile", "  is-odd"],
        "cargo": ["cargo fetch --locked", "  itoa-1.0.1"],
        "go": ["go mod download", "  github.com/Google/go-cmp@v0.5.9"],
    }


def test_what_the_user_has_already_is_used_and_nothing_is_asked(
    parts: Callable[..., list[Part]], tmp_path: Path, write: Any
) -> None:
    home = tmp_path / "home"
    write(home / ".cargo/registry/src/index.crates.io-1/itoa-1.0.1", {"Cargo.toml": ""})
    write(home / ".cargo", {"credentials.toml": "a key"})
    write(home / "go/pkg/mod/github.com/!google/go-cmp@v0.5.9", {"go.mod": ""})
    write(tmp_path / "checkout/node_modules/is-odd", {"package.json": '{"version": "3.0.1"}'})
    lock = {"packages": {"node_modules/is-odd": {"version": "3.0.1"}}}
    files = {
        **package(dependencies={"is-odd": "^3"}),
        "package-lock.json": json.dumps(lock),
        **CARGO,
        "Cargo.lock": LOCKED,
        **GO,
        "go.mod": GO["go.mod"] + "\nrequire github.com/Google/go-cmp v0.5.9\n",
    }
    node, cargo, go = parts(files)
    assert (node.state, cargo.state, go.state) == (
        "your own node_modules",
        "your own crates",
        "your own modules",
    )
    assert not any(part.setup or part.missing for part in (node, cargo, go))
    assert node.modules == {"": str(tmp_path / "checkout/node_modules")}
    assert go.offline["GOMODCACHE"] == str(home / "go/pkg/mod")
    own = Path(cargo.offline["CARGO_HOME"])
    assert (own / "registry").resolve() == home / ".cargo/registry"
    assert not (own / "credentials.toml").exists()
    assert not any(Path(path) in (home / ".cargo", home) for path in cargo.readable)
    lock["packages"]["node_modules/is-odd"]["version"] = "3.0.2"
    node, *_ = parts({**files, "package-lock.json": json.dumps(lock)})
    assert node.missing == ["is-odd"], "an older version is not what is locked"
    node, *_ = parts(files, tracked=lambda path: path == "node_modules")
    assert node.state == "nothing to install", "the repository brings them itself"


def test_without_the_tool_its_absence_is_named(parts: Callable[..., list[Part]], tmp_path: Path) -> None:
    found = parts(
        package(dependencies={"is-odd": "3"}) | CARGO | GO | {"Makefile": "lint:\n\ttrue\n"},
        path=[str(tmp_path)],
    )
    assert [(part.name, part.missing, part.setup) for part in found] == [
        ("npm", ["npm itself", "node itself"], None),
        ("cargo", ["cargo itself"], None),
        ("go", ["go itself"], None),
        ("make", ["make itself"], None),
    ]


def test_a_configured_setup_stands_alone(parts: Callable[..., list[Part]]) -> None:
    for files in (package(dependencies={"is-odd": "3"}), CARGO | {"Cargo.lock": LOCKED}):
        assert all(part.setup is None and part.missing for part in parts(files, configured=True))


def test_registries_are_kept_and_keys_are_not(
    parts: Callable[..., list[Part]], tmp_path: Path, write: Any
) -> None:
    write(
        tmp_path / "home",
        {
            ".npmrc": "registry=https://npm.example/\n//npm.example/:_authToken=npm_geheim\n@a:registry=https://a.example\n"
        },
    )
    [part] = parts(package(dependencies={"is-odd": "3"}))
    assert part.setup is not None
    assert part.setup.files["npmrc"] == "registry=https://npm.example/\n@a:registry=https://a.example\n"
    assert "geheim" not in part.setup.model_dump_json()


# -- which checks


def test_scripts_of_a_package_are_its_checks(parts: Callable[..., list[Part]]) -> None:
    scripts = {
        "test": "vitest run",
        "type-check": "tsc --noEmit",
        "lint": "eslint .",
        "format:check": "prettier --check .",
        "build": "rollup",
    }
    [part] = parts(package(scripts=scripts))
    assert names(part) == ["npm test"]
    assert names(part, CheckKind.TYPES) == ["npm run type-check"]
    assert names(part, CheckKind.LINT) == ["npm run lint", "npm run format:check"]
    [part] = parts(package(scripts=scripts, packageManager="pnpm@9"))
    assert names(part) == ["pnpm test"]


@pytest.mark.parametrize(
    "scripts",
    [
        {"test": 'echo "Error: no test specified" && exit 1'},
        {"test": "jest --watch"},
        {"test": "  "},
        {"lint": "eslint --fix ."},
        {"format:check": "prettier --write ."},
        {"test": 3},
        {},
    ],
)
def test_what_writes_watches_or_is_a_placeholder_is_no_check(
    parts: Callable[..., list[Part]], scripts: dict[str, Any]
) -> None:
    assert parts(package(scripts=scripts))[0].checks == []


def test_typescript_without_a_script_is_checked_all_the_same(parts: Callable[..., list[Part]]) -> None:
    [part] = parts(package(devDependencies={"typescript": "5"}) | {"tsconfig.json": "{}"})
    assert names(part, CheckKind.TYPES) == ["tsc"]


def test_clippy_is_as_strict_as_the_repository_is_with_itself(parts: Callable[..., list[Part]]) -> None:
    [part] = parts(CARGO)
    assert [check.command for check in part.checks] == [
        "cargo test --no-fail-fast",
        "cargo clippy --all-targets",
        "cargo fmt --all -- --check -l",
    ]
    ci = {".github/workflows/ci.yml": "      - run: cargo clippy --all-targets -- -D warnings\n"}
    [part] = parts(CARGO | ci)
    assert part.checks[1].command == "cargo clippy --all-targets -- -D warnings"


def test_a_makefile_speaks_where_nothing_else_does(tmp_path: Path, parts: Callable[..., list[Part]]) -> None:
    made = {"Makefile": "test:\n\tpytest\nlint:\n\teslint .\n"}
    environment = Environment(id="e", description="", recipe="", path=[], parts=parts(GO | made))
    assert [check.name for check in detect(tmp_path / "tree", [], environment)] == [
        "go test",
        "go vet",
        "gofmt",
    ]
    shutil.rmtree(tmp_path / "tree")
    environment = environment.but(parts=parts(made))
    assert [check.name for check in detect(tmp_path / "tree", [], environment)] == ["make test", "make lint"]


# -- what a worktree gets


def test_packages_are_shown_by_links_and_the_repository_s_own_are_the_worktree_s(
    tmp_path: Path, write: Any
) -> None:
    root = write(
        tmp_path / "installed", {"packages/core/package.json": "{}", "node_modules/odd/index.js": "1"}
    )
    modules = root / "node_modules"
    write(modules, {"@a/b/index.js": "2", ".bin/odd": "#!", ".cache/x": "old", ".package-lock.json": "{}"})
    (modules / "core").symlink_to("../packages/core")
    (modules / "@a" / "core").symlink_to("../../packages/core")
    tree = write(tmp_path / "tree", {"packages/core/package.json": "mine"})
    show(tree, {"": str(modules)}, str(root))
    shown = tree / "node_modules"
    assert (shown / "odd" / "index.js").read_text() == "1"
    own = tree / "packages" / "core"
    assert (shown / "core").readlink() == (shown / "@a" / "core").readlink() == own
    assert (shown / "@a" / "b" / "index.js").read_text() == "2"
    assert not (shown / ".cache").exists(), "a cache is the worktree's own"
    (shown / ".cache").mkdir()
    before = shown.stat().st_mtime_ns
    show(tree, {"": str(modules)}, str(root))
    assert shown.stat().st_mtime_ns == before and (shown / ".cache").exists(), "it is there already"
    other = write(tmp_path / "other" / "node_modules", {"even/index.js": "3"})
    show(tree, {"": str(other)}, str(other.parent))
    assert [one.name for one in sorted(shown.iterdir())] == [".autodev", "even"]


def test_what_somebody_else_put_there_stays_and_no_link_is_followed(tmp_path: Path, write: Any) -> None:
    source = write(tmp_path / "installed" / "node_modules", {"odd/index.js": "1"})
    outside = write(tmp_path / "outside", {"keep": ""})
    own = write(tmp_path / "own", {"node_modules/mine/index.js": ""})
    linked = write(tmp_path / "linked", {})
    linked.mkdir()
    (linked / "node_modules").symlink_to(outside)
    (linked / "packages").symlink_to(outside)
    for tree in (own, linked):
        show(tree, {"": str(source), "packages": str(source), "nowhere": str(source)}, str(source.parent))
    assert [one.name for one in (own / "node_modules").iterdir()] == ["mine"]
    assert [one.name for one in outside.iterdir()] == ["keep"]


def test_tools_build_and_cache_below_the_command_s_own_home(parts: Callable[..., list[Part]]) -> None:
    environment = Environment(
        id="e", description="", recipe="", path=["/x"], parts=parts(CARGO | GO | package())
    )
    found = environment.variables(Path("/w/t1"), Path("/h/t1"))
    assert found["CARGO_TARGET_DIR"] == "/h/t1/cargo-target"
    assert found["GOCACHE"] == "/h/t1/go-build"
    assert found["npm_config_cache"] == "/h/t1/npm"
    assert (found["GOPROXY"], found["CARGO_NET_OFFLINE"]) == ("off", "true")
    allowed = environment.variables(Path("/w/t1"), Path("/h/t1"), network=True)
    assert not {"GOPROXY", "CARGO_NET_OFFLINE"} & allowed.keys(), "what the human let out may fetch"
    assert allowed["CARGO_HOME"] == "/h/t1/cargo"


# -- with the real tools, offline


def has(*programs: str) -> pytest.MarkDecorator:
    absent = [one for one in programs if not shutil.which(one)]
    return pytest.mark.skipif(bool(absent), reason=f"not installed: {', '.join(absent)}")


@pytest.fixture
def judged(tmp_path: Path, run: Any) -> Callable[..., Any]:
    """Runs every check that is detected, after the setup where there is one; result and failures by name."""

    async def judge(tree: Path) -> dict[str, Any]:
        variables = {"PATH": os.environ["PATH"], "HOME": pwd.getpwuid(os.getuid()).pw_dir}
        given: dict[str, Any] = {
            "checkout": tmp_path / "checkout",
            "environments": tmp_path / "environments",
            "variables": variables,
            "run": run,
            "tracked": lambda path: False,
        }
        environment = await prepare(tree, **given)
        for ask in environment.setups:
            Path(ask.cwd).mkdir(parents=True, exist_ok=True)
            ended = await run(ask.begin())
            assert ended.code == 0, ended.output.decode()
            ask.finish()
            environment = await prepare(tree, **given)
        assert environment.setups == []
        found = {}
        for check in detect(tree, [], environment):
            evidence = await run_check(
                check, "t", tree, environment, run, scratch=tmp_path / "scratch", clock=lambda: 1.0
            )
            found[check.name] = (evidence.result, evidence.failures or evidence.why)
        return found

    return judge


@pytest.mark.soak
@has("npm", "node")
async def test_npm_installs_once_and_the_worktree_s_own_workspace_is_what_runs(
    tmp_path: Path, write: Any, judged: Any
) -> None:
    odd = write(
        tmp_path / "odd",
        {"package.json": '{"name": "odd", "version": "1.0.0"}', "index.js": "exports.v = 1;"},
    )
    tree = tmp_path / "tree"
    tree.mkdir()
    archive = ["npm", "pack", "--silent", "--pack-destination", str(tree), str(odd)]
    subprocess.run(archive, check=True, capture_output=True, cwd=tmp_path)
    write(
        tree,
        {
            "package.json": json.dumps(
                {
                    "name": "sums",
                    "version": "1.0.0",
                    "workspaces": ["packages/*"],
                    "scripts": {"test": "node --test", "lint": "node -e 'process.exit(0)'"},
                    "dependencies": {"odd": "file:odd-1.0.0.tgz", "core": "*"},
                }
            ),
            "packages/core/package.json": '{"name": "core", "version": "1.0.0", "main": "i.js"}',
            "packages/core/i.js": "exports.add = (a, b) => a + b;\n",
            "sum.test.js": (
                "const test = require('node:test'), assert = require('assert');\n"
                "test('adds', () => assert.equal(require('core').add(1, 2), 3));\n"
                "test('odd', () => assert.equal(require('odd').v, 1));\n"
            ),
        },
    )
    assert await judged(tree) == {"npm test": ("passed", ""), "npm run lint": ("passed", "")}
    other = tmp_path / "other"
    shutil.copytree(tree, other, ignore=shutil.ignore_patterns("node_modules"))
    write(other, {"packages/core/i.js": "exports.add = (a, b) => a - b;\n"})
    assert (await judged(other))["npm test"] == ("failed", ["adds"])
    assert len(list((tmp_path / "environments").glob("*.ready"))) == 1


@has("cargo")
async def test_cargo_names_what_fails_and_builds_outside_of_the_worktree(
    tmp_path: Path, write: Any, judged: Any
) -> None:
    tree = write(tmp_path / "tree", CARGO | {"src/lib.rs": CARGO["src/lib.rs"].replace("a + b", "a  - b")})
    found = await judged(tree)
    assert found["cargo test"] == ("failed", ["tests/adds.rs: adds"])
    assert found["cargo fmt"][0] in ("failed", "not_run")
    assert not (tree / "target").exists()


@pytest.mark.soak
@has("go", "gofmt")
async def test_go_names_what_fails(tmp_path: Path, write: Any, judged: Any) -> None:
    test = (
        'package sums\n\nimport "testing"\n\n'
        'func TestAdd(t *testing.T) {\n\tif Add(1, 2) != 4 {\n\t\tt.Error("no")\n\t}\n}\n'
    )
    tree = write(tmp_path / "tree", GO | {"sum_test.go": test, "ugly.go": "package  sums\n"})
    found = await judged(tree)
    assert found["go test"] == ("failed", ["example.com/sums.TestAdd"])
    assert found["go vet"][0] == "passed"
    assert found["gofmt"] == ("failed", ["ugly.go: unformatted"])


@has("make")
async def test_a_target_of_make_is_a_check(tmp_path: Path, write: Any, judged: Any) -> None:
    tree = write(tmp_path / "tree", {"Makefile": "test: made\n\t@test -f made\nmade:\n\t@touch made\n"})
    assert await judged(tree) == {"make test": ("passed", "")}
    write(tree, {"Makefile": "test:\n"})
    assert (await judged(tree))["make test"] == ("not_run", "the target does nothing")
