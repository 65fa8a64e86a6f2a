"""cargo: crates once per lock file, read only; each worktree builds into a directory of its own."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.ecosystems.automation import mentions
from autodev_tui.quality.ecosystems.model import Look, Part, digest, toolchain


def look(at: Look) -> Part | None:
    """The part of a tree with a Cargo.toml. Sync."""
    manifest = at.text("Cargo.toml")
    if not manifest:
        return None
    program = at.which("cargo")
    rustup = Path(at.variables.get("RUSTUP_HOME") or at.home / ".rustup")
    env = {"CARGO_TERM_COLOR": "never"}
    offline = {"CARGO_NET_OFFLINE": "true"}
    readable = []
    if program:
        # Not the folder above: the keys of registries lie beside the programs.
        readable = (
            [str(Path(program).parent)]
            if Path(program).parent.parent.name == ".cargo"
            else toolchain(program)
        )
    if rustup.is_dir():
        env["RUSTUP_HOME"] = str(rustup)
        readable.append(str(rustup))
    base: dict[str, Any] = {
        "name": "cargo",
        "checks": _checks(at),
        "home_env": {"CARGO_TARGET_DIR": "cargo-target", "CARGO_HOME": "cargo"},
        "offline": offline,
    }
    texts = {name: text for name in _manifests(at) if (text := at.text(name))}
    texts |= {
        name: text
        for name in ("Cargo.lock", "rust-toolchain", "rust-toolchain.toml", ".cargo/config.toml")
        if (text := at.text(name))
    }
    lock = [part for name in sorted(texts) for part in (name, texts[name])]
    version = os.path.realpath(program) if program else ""
    if not program:
        return Part(
            state="not set up",
            id=digest("cargo", *lock),
            missing=["cargo itself"],
            env=env,
            readable=[],
            **base,
        )
    crates = _crates(at, texts)
    if not crates or at.text(".cargo/config.toml").find("vendored-sources") >= 0:
        none = digest("cargo", *lock, version)
        return Part(state="nothing to install", id=none, env=env, readable=readable, **base)
    home = Path(at.variables.get("CARGO_HOME") or at.home / ".cargo")
    if _has_all(home, crates):
        own = at.environments / f"cargo-{digest(str(home))}"
        _share(home, own)
        readable += [str(own), *(str(home / name) for name in ("registry", "git") if (home / name).is_dir())]
        offline["CARGO_HOME"] = str(own)
        where = digest("cargo", *lock, version, "own")
        return Part(state="your own crates", id=where, env=env, readable=readable, **base)
    absent = sorted(crates)
    if at.configured:
        where = digest("cargo", *lock, version, "none")
        return Part(state="not set up", id=where, missing=absent, env=env, readable=readable, **base)
    fetch = "cargo fetch --locked" if "Cargo.lock" in texts else "cargo fetch"
    ask = at.request(
        "cargo",
        [*(part for part in lock if part not in (manifest,)), version]
        if "Cargo.lock" in texts
        else [*lock, version],
        f"rm -rf @DIR@/project @DIR@/cargo\nmkdir -p @DIR@/project @DIR@/cargo\n"
        f"cp -R @INPUTS@/project/. @DIR@/project\ncd @DIR@/project\n{fetch}",
        missing=absent,
        env={"CARGO_HOME": "@DIR@/cargo", **({"RUSTUP_HOME": str(rustup)} if rustup.is_dir() else {})},
        files={f"project/{name}": text for name, text in (texts | _sources(at, texts)).items()},
        readable=readable,
        shown="\n".join([fetch, *(f"  {name}" for name in absent)]),
    )
    if not ask.ready:
        where = digest("cargo", *lock, version, "none")
        return Part(
            state="not set up yet", id=where, missing=absent, setup=ask, env=env, readable=readable, **base
        )
    offline["CARGO_HOME"] = f"{ask.directory}/cargo"
    return Part(state="installed", id=ask.lock_hash, env=env, readable=[*readable, ask.directory], **base)


def _manifests(at: Look) -> list[str]:
    """Every Cargo.toml of the workspace, and of packages that are required by path."""
    found: list[str] = []
    waiting = [""]
    root = at.tree.resolve()
    while waiting and len(found) < 500:
        folder = waiting.pop()
        name = f"{folder}/Cargo.toml" if folder else "Cargo.toml"
        if name in found or not at.text(name):
            continue
        found.append(name)
        manifest = _toml(at.text(name))
        workspace = manifest.get("workspace")
        members = workspace.get("members", []) if isinstance(workspace, dict) else []
        for pattern in (one for one in members if isinstance(one, str)):
            if not pattern.startswith("/") and ".." not in Path(pattern).parts:
                waiting += [
                    str(one.parent.relative_to(at.tree)) for one in at.tree.glob(f"{pattern}/Cargo.toml")
                ]
        for path in _paths(manifest):
            inside = (at.tree / folder / path).resolve()
            if inside.is_relative_to(root):
                waiting.append(str(inside.relative_to(root)).removeprefix("."))
    return found


def _paths(value: Any) -> list[str]:
    """Values of `path` in tables of dependencies, wherever these are."""
    if not isinstance(value, dict):
        return []
    found = []
    for key, one in value.items():
        if key.endswith("dependencies") and isinstance(one, dict):
            found += [
                it["path"] for it in one.values() if isinstance(it, dict) and isinstance(it.get("path"), str)
            ]
        found += _paths(one)
    return found


def _sources(at: Look, texts: dict[str, str]) -> dict[str, str]:
    """Empty stand-ins for the files that cargo wants to see of a package before it looks at what it needs."""
    made = {}
    for name in texts:
        if name.endswith("Cargo.toml"):
            folder = name.removesuffix("Cargo.toml")
            manifest = _toml(texts[name])
            made[f"{folder}src/lib.rs"] = ""
            for kind in ("bin", "test", "bench", "example", "lib"):
                tables = manifest.get(kind, [])
                for one in tables if isinstance(tables, list) else [tables]:
                    path = one.get("path") if isinstance(one, dict) else None
                    if isinstance(path, str) and not path.startswith("/") and ".." not in Path(path).parts:
                        made[f"{folder}{path}"] = "fn main() {}\n"
                    elif isinstance(one, dict) and kind == "bin":
                        made[f"{folder}src/main.rs"] = "fn main() {}\n"
    return made


def _crates(at: Look, texts: dict[str, str]) -> set[str]:
    """`name-version` of every crate that is not the tree's own; without a lock file their names."""
    if "Cargo.lock" in texts:
        packages = _toml(texts["Cargo.lock"]).get("package", [])
        return {
            f"{one['name']}-{one['version']}"
            for one in packages
            if isinstance(one, dict) and "source" in one and {"name", "version"} <= one.keys()
        }
    return {name for text in texts.values() for name in _outside(_toml(text))}


def _outside(value: Any) -> set[str]:
    if not isinstance(value, dict):
        return set()
    found: set[str] = set()
    for key, one in value.items():
        if key.endswith("dependencies") and isinstance(one, dict):
            found |= {
                n for n, it in one.items() if not (isinstance(it, dict) and {"path", "workspace"} & it.keys())
            }
        elif isinstance(one, dict):
            found |= _outside(one)
    return found


def _has_all(home: Path, crates: set[str]) -> bool:
    """Whether every crate lies unpacked in the user's own registry."""
    try:
        have = {one.name for registry in (home / "registry" / "src").iterdir() for one in registry.iterdir()}
    except OSError:
        return False
    return crates <= have


def _share(home: Path, own: Path) -> None:
    """A home for cargo that has the user's crates, and none of their keys."""
    own.mkdir(parents=True, exist_ok=True)
    for name in ("registry", "git"):
        if (home / name).is_dir() and not (own / name).is_symlink():
            (own / name).symlink_to(home / name)


def _checks(at: Look) -> list[Check]:
    wide = " --workspace" if "[workspace]" in at.text("Cargo.toml") else ""
    strict = " -- -D warnings" if mentions(at, r"clippy.*-D[ =]?warnings") else ""
    return [
        Check(name="cargo test", command=f"cargo test{wide} --no-fail-fast"),
        Check(name="cargo clippy", command=f"cargo clippy{wide} --all-targets{strict}", kind=CheckKind.LINT),
        Check(name="cargo fmt", command="cargo fmt --all -- --check -l", kind=CheckKind.LINT),
    ]


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
