"""go: modules once per go.sum, read only; each worktree has a build cache of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.declared import read_text
from autodev_tui.quality.ecosystems.model import Look, Part, digest, toolchain

_MODULE, _VERSION = re.compile(r"[\w.~/-]+"), re.compile(r"v[\w.+-]+")
_REPLACED = re.compile(
    r"^[ \t]*(?:replace[ \t]+)?([\w.~/-]+)(?:[ \t]+v[\w.+-]+)?[ \t]*=>[ \t]*\.{1,2}/", re.MULTILINE
)
CHECKS = [
    Check(name="go test", command="go test ./..."),
    Check(name="go vet", command="go vet ./...", kind=CheckKind.LINT),
    Check(name="gofmt", command="! gofmt -l . | grep -v '^vendor/'", kind=CheckKind.LINT),
]


def look(at: Look) -> Part | None:
    """The part of a tree with a go.mod. Sync."""
    module = at.text("go.mod")
    if not module:
        return None
    program = at.which("go")
    env = {"GOTOOLCHAIN": "local", "GOTELEMETRY": "off", **_sources(at)}
    offline = {"GOPROXY": "off", "GOFLAGS": "-mod=readonly"}
    home_env = {"GOCACHE": "go-build", "GOPATH": "go"}
    texts = {name: text for name in ("go.mod", "go.sum", "go.work") if (text := at.text(name))}
    lock = [*(part for name in sorted(texts) for part in (name, texts[name])), os.path.realpath(program)]
    base: dict[str, Any] = {"name": "go", "checks": CHECKS, "home_env": home_env, "offline": offline}
    if not program:
        return Part(state="not set up", id=digest("go", *lock), missing=["go itself"], env=env, **base)
    readable = toolchain(program)
    needed = _needed(module)
    files = [value.removeprefix("file://") for value in _sources(at).get("GOPROXY", "").split(",")]
    if (at.tree / "vendor" / "modules.txt").is_file() or not needed:
        if needed:
            offline["GOFLAGS"] = "-mod=vendor"
        return Part(state="nothing to install", id=digest("go", *lock), env=env, readable=readable, **base)
    own = Path(at.variables.get("GOMODCACHE") or _gopath(at) / "pkg" / "mod")
    if all((own / _escaped(one)).is_dir() for one in needed):
        offline["GOMODCACHE"] = str(own)
        where = digest("go", *lock, "own")
        return Part(state="your own modules", id=where, env=env, readable=[*readable, str(own)], **base)
    absent = sorted(needed)
    if at.configured:
        return Part(
            state="not set up",
            id=digest("go", *lock, "none"),
            missing=absent,
            env=env,
            readable=readable,
            **base,
        )
    ask = at.request(
        "go",
        lock,
        "rm -rf @DIR@/project\nmkdir -p @DIR@/project\ncp -R @INPUTS@/project/. @DIR@/project\n"
        "cd @DIR@/project\ngo mod download\nrm -rf @DIR@/cache",
        missing=absent,
        env={
            **_sources(at),
            "GOMODCACHE": "@DIR@/mod",
            "GOPATH": "@DIR@/go",
            "GOCACHE": "@DIR@/cache",
            "GOTOOLCHAIN": "local",
            "GOFLAGS": "-mod=mod -modcacherw",
        },
        files={f"project/{name}": text for name, text in texts.items() if name != "go.work"},
        readable=[*readable, *(one for one in files if one.startswith("/"))],
        shown="\n".join(["go mod download", *(f"  {name}" for name in absent)]),
    )
    if not ask.ready:
        where = digest("go", *lock, "none")
        return Part(
            state="not set up yet", id=where, missing=absent, setup=ask, env=env, readable=readable, **base
        )
    offline["GOMODCACHE"] = f"{ask.directory}/mod"
    return Part(state="installed", id=ask.lock_hash, env=env, readable=[*readable, ask.directory], **base)


def _needed(module: str) -> list[str]:
    """The required modules with their versions, without those that are replaced by folders of the tree."""
    own = set(_REPLACED.findall(module))
    found, inside = [], False
    for line in module.splitlines():
        words = line.partition("//")[0].replace("(", " ( ").replace(")", " ) ").split()
        if words[:2] == ["require", "("]:
            inside, words = True, words[2:]
        elif words[:1] == ["require"]:
            words = words[1:]
        elif not inside:
            continue
        inside = inside and ")" not in words
        if len(words) < 2 or "." not in words[0] or words[0] in own or not _MODULE.fullmatch(words[0]):
            continue
        if version := _VERSION.match(words[1]):
            found.append(f"{words[0]}@{version[0]}")
    return found


def _sources(at: Look) -> dict[str, str]:
    """Where the user has modules come from: their variables, else what `go env -w` keeps."""
    text = read_text(at.home / ".config" / "go" / "env")
    kept = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    names = ("GOPROXY", "GONOPROXY", "GOSUMDB", "GONOSUMDB", "GOPRIVATE")
    return {name: value for name in names if (value := at.variables.get(name) or kept.get(name))}


def _escaped(text: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"!{match[0].lower()}", text)


def _gopath(at: Look) -> Path:
    return Path((at.variables.get("GOPATH") or str(at.home / "go")).split(os.pathsep)[0])
