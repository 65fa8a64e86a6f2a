"""npm and pnpm: packages once per lock file, shown in each worktree; the checks are the package's scripts."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

from autodev_tui.domain.evidence import Check, CheckKind
from autodev_tui.quality.ecosystems.model import Look, Part, digest, toolchain

LOCKS = {"npm": ("package-lock.json", "npm-shrinkwrap.json"), "pnpm": ("pnpm-lock.yaml",)}
OTHER_LOCKS = {"yarn.lock": "yarn", "bun.lock": "bun", "bun.lockb": "bun"}
NEEDS = ("dependencies", "devDependencies", "optionalDependencies")
DECIDES = (*NEEDS, "peerDependencies", "overrides", "pnpm", "workspaces", "packageManager", "engines", "name")
"""What of a package.json says what is installed; an edit of anything else asks nothing again."""
SCRIPTS = (
    (("test",), CheckKind.BEHAVIOUR),
    (("typecheck", "type-check", "check-types", "types:check", "tsc"), CheckKind.TYPES),
    (("lint",), CheckKind.LINT),
    (("format:check", "check:format", "format-check", "prettier:check"), CheckKind.LINT),
)
"""Names of scripts that are checks: of each line the first that there is."""
_WRITES = re.compile(r"--(?:fix|write|watch)\b(?!=false)|--watchAll\b(?!=false)|(?:^|\s)-w(?:\s|$)")
_PLACEHOLDER = "no test specified"
_HARMLESS = re.compile(
    r"\s*(?:@[\w.-]+:)?(?:registry|cafile|proxy|https-proxy|strict-ssl|node-linker)\s*=\s*\S+"
)


def look(at: Look) -> Part | None:
    """The part of a tree with a package.json. Sync."""
    package = _json(at.text("package.json"))
    if not package:
        return None
    manager = _manager(at, package)
    program = at.which(manager)
    node = at.which("node")
    readable = [one for tool in (node, program) if tool for one in toolchain(tool)]
    checks = _checks(at, package, manager)
    folders = _workspaces(at, package)
    packages = {folder: _json(at.text(_join(folder, "package.json"))) for folder in folders}
    texts = {
        _join(folder, "package.json"): json.dumps(packages[folder], sort_keys=True) for folder in packages
    }
    texts |= {name: text for name in (*LOCKS[manager], "pnpm-workspace.yaml") if (text := at.text(name))}
    wanted = {f: [n for key in NEEDS for n in _table(packages[f], key)] for f in folders}
    lock = [json.dumps({f: {k: packages[f].get(k) for k in DECIDES} for f in folders}, sort_keys=True)]
    lock += [
        part for name in sorted(texts) if not name.endswith("package.json") for part in (name, texts[name])
    ]
    base: dict[str, Any] = {
        "name": manager,
        "readable": readable,
        "checks": checks,
        "home_env": {"npm_config_cache": "npm"},
        "env": {"npm_config_update_notifier": "false"},
    }
    if not any(wanted.values()) or at.tracked("node_modules"):
        return Part(state="nothing to install", id=digest(manager, *lock), **base)
    own = _own(at, folders, wanted, texts)
    if own is not None:
        state, where = "your own node_modules", digest(manager, *lock, "own", *sorted(own.values()))
        base["readable"] = [*readable, *own.values()]
        return Part(state=state, id=where, modules=own, root=str(at.checkout), **base)
    absent = sorted({name for names in wanted.values() for name in names})
    lacking = [one for one, there in ((manager, program), ("node", node)) if not there]
    foreign = next((name for file, name in OTHER_LOCKS.items() if at.text(file)), "")
    if lacking or foreign or at.configured:
        why = [f"{one} itself" for one in lacking] or [f"{foreign}: install them yourself"] * bool(foreign)
        return Part(state="not set up", id=digest(manager, *lock, "none"), missing=why or absent, **base)
    ask = _request(at, manager, lock, texts, absent, readable)
    if not ask.ready:
        none = digest(manager, *lock, "none")
        return Part(state="not set up yet", id=none, missing=absent, setup=ask, **base)
    project = Path(ask.directory) / "project"
    made = {f: str(project / f / "node_modules") for f in folders if (project / f / "node_modules").is_dir()}
    base["readable"] = [*readable, ask.directory]
    return Part(state="installed", id=ask.lock_hash, modules=made, root=str(project), **base)


def _request(
    at: Look, manager: str, lock: list[str], texts: dict[str, str], absent: list[str], readable: list[str]
) -> Any:
    locked = any(name in texts for name in LOCKS[manager])
    if manager == "npm":
        words = ["npm", "ci" if locked else "install", "--no-audit", "--no-fund"]
        words += [] if locked else ["--no-package-lock"]
    else:
        words = ["pnpm", "install", "--prod=false", *(["--frozen-lockfile"] if locked else ["--no-lockfile"])]
    command = shlex.join(words)
    copies, files = "", {f"project/{name}": text for name, text in texts.items()}
    for name in _archives(at, texts):
        # Not text: it is copied where the command begins, and its content is part of the lock's name.
        source, target = shlex.quote(str(at.tree / name)), shlex.quote(f"@DIR@/project/{name}")
        copies += f"mkdir -p {shlex.quote(str(Path(f'@DIR@/project/{name}').parent))}\ncp {source} {target}\n"
        lock = [*lock, name, digest((at.tree / name).read_bytes().decode("latin-1"))]
    rc = [at.text(".npmrc"), _read(at.home / ".npmrc")]
    files["npmrc"] = "".join(
        f"{line}\n" for text in rc for line in text.splitlines() if _HARMLESS.match(line)
    )
    script = (
        f"rm -rf @DIR@/project @DIR@/cache\nmkdir -p @DIR@/project\ncp -R @INPUTS@/project/. @DIR@/project\n"
        f"{copies}cd @DIR@/project\n{command}\nrm -rf @DIR@/cache"
    )
    env = {
        "CI": "1",
        "npm_config_cache": "@DIR@/cache",
        "npm_config_userconfig": "@INPUTS@/npmrc",
        "npm_config_update_notifier": "false",
        "npm_config_store_dir": "@DIR@/store",
        "npm_config_package_import_method": "copy",
        "npm_config_manage_package_manager_versions": "false",
        "XDG_DATA_HOME": "@DIR@/cache",
        "XDG_CACHE_HOME": "@DIR@/cache",
        "XDG_STATE_HOME": "@DIR@/cache",
        "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    }
    return at.request(
        manager,
        [*lock, at.which(manager)],
        script,
        missing=absent,
        env=env,
        files=files,
        readable=[*readable, *([str(at.tree)] if copies else [])],
        shown="\n".join([command, *(f"  {name}" for name in absent)]),
    )


def _manager(at: Look, package: dict[str, Any]) -> str:
    named = str(package.get("packageManager", ""))
    if named.startswith("pnpm") or at.text("pnpm-lock.yaml") or at.text("pnpm-workspace.yaml"):
        return "pnpm"
    return "npm"


def _own(
    at: Look, folders: list[str], wanted: dict[str, list[str]], texts: dict[str, str]
) -> dict[str, str] | None:
    """The user's own node_modules, if everything that is declared is there as locked."""
    versions = _locked(texts)
    found = {}
    for folder in folders:
        modules = at.checkout / folder / "node_modules"
        if modules.is_dir() and not at.tracked(_join(folder, "node_modules")):
            found[folder] = str(modules)
        for name in wanted[folder]:
            places = [at.checkout / one / "node_modules" / name for one in dict.fromkeys((folder, ""))]
            there = next((place for place in places if (place / "package.json").is_file()), None)
            if there is None:
                return None
            version = versions.get(name)
            if version and _json(_read(there / "package.json")).get("version") != version:
                return None
    return found or None


def _locked(texts: dict[str, str]) -> dict[str, str]:
    """Versions of the packages on top, as npm's lock file has them."""
    for name in LOCKS["npm"]:
        packages = _table(_json(texts.get(name, "")), "packages")
        if packages:
            top = "node_modules/"
            return {
                key.removeprefix(top): one["version"]
                for key, one in packages.items()
                if key.startswith(top) and isinstance(one, dict) and isinstance(one.get("version"), str)
            }
    return {}


def _workspaces(at: Look, package: dict[str, Any]) -> list[str]:
    """The directories with a package.json that are installed together, "" first."""
    given = package.get("workspaces")
    patterns = given.get("packages") if isinstance(given, dict) else given
    listed = [one for one in patterns if isinstance(one, str)] if isinstance(patterns, list) else []
    lines = [line.partition("#")[0].strip() for line in at.text("pnpm-workspace.yaml").splitlines()]
    listed += [line[1:].strip().strip("'\"") for line in lines if line.startswith("-")]
    listed += [
        value.removeprefix("file:").removeprefix("link:")
        for key in NEEDS
        for value in _table(package, key).values()
        if isinstance(value, str) and value.startswith(("file:", "link:"))
    ]
    found = {""}
    root = at.tree.resolve()
    for pattern in listed:
        clean = pattern.removeprefix("./").rstrip("/")
        if not clean or clean.startswith(("/", "!", "~")) or ".." in Path(clean).parts:
            continue
        for manifest in at.tree.glob(f"{clean}/package.json"):
            inside = manifest.parent.resolve()
            if inside.is_relative_to(root) and "node_modules" not in inside.parts:
                found.add(
                    str(inside.relative_to(root)).replace(".", "", 1)
                    if inside == root
                    else str(inside.relative_to(root))
                )
    return sorted(found)


def _archives(at: Look, texts: dict[str, str]) -> list[str]:
    """Package files of the tree itself that are installed."""
    names = {name for text in texts.values() for name in re.findall(r"file:(?:\./)?([\w@./-]+\.tgz)", text)}
    root = at.tree.resolve()
    return sorted(
        n for n in names if (at.tree / n).is_file() and (at.tree / n).resolve().is_relative_to(root)
    )


def _checks(at: Look, package: dict[str, Any], manager: str) -> list[Check]:
    scripts = _table(package, "scripts")
    found = []
    for names, kind in SCRIPTS:
        name = next((one for one in names if isinstance(scripts.get(one), str)), "")
        command = str(scripts.get(name, ""))
        if name and command.strip() and not _WRITES.search(command) and _PLACEHOLDER not in command:
            words = f"{manager} test" if name == "test" else f"{manager} run {shlex.quote(name)}"
            found.append(Check(name=words, command=words, kind=kind))
    typed = "typescript" in {name for key in NEEDS for name in _table(package, key)}
    if typed and at.text("tsconfig.json") and not any(one.kind is CheckKind.TYPES for one in found):
        run = "npm exec --offline --no --" if manager == "npm" else "pnpm exec"
        found.append(Check(name="tsc", command=f"{run} tsc --noEmit", kind=CheckKind.TYPES))
    return found


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _json(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _table(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
