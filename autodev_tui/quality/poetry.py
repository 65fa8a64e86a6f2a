"""Poetry: its lock file, its command, and the environments that it keeps in a cache of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path

from autodev_tui.quality.declared import GROUPS, read_text, read_toml, table

LOCK = "poetry.lock"
VARIABLES = {
    "POETRY_VIRTUALENVS_CREATE": "false",
    "POETRY_NO_INTERACTION": "1",
    "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
}
"""It installs into the environment that is active, asks nothing and unlocks nothing."""


def command(program: str, tree: Path) -> str:
    """What installs the dependencies of the project in `tree` as locked, without the project itself."""
    groups = table(read_toml(tree / "pyproject.toml"), "tool", "poetry", "group")
    wanted = [name for name in groups if name in GROUPS and table(groups, name).get("optional")]
    with_groups = ["--with", ",".join(wanted)] if wanted else []
    return shlex.join([program, "install", "--no-root", "--no-interaction", *with_groups])


def readable(program: str) -> list[str]:
    """The directories that poetry needs to see: its own environment, and the interpreter of that."""
    real = Path(os.path.realpath(program))
    own = real.parent.parent
    home = re.search(r"^home\s*=\s*(.+)$", read_text(own / "pyvenv.cfg"), re.MULTILINE)
    base = Path(os.path.realpath(Path(home[1].strip()) / "python3")).parent.parent if home else None
    return [str(Path(program).parent), str(own), *([str(base)] if base else [])]


def constraints(lock: str) -> list[str]:
    """The versions of a lock file as lines of a constraints file, for where there is no poetry."""
    try:
        packages = tomllib.loads(lock).get("package", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    found: dict[str, set[str]] = {}
    for one in packages if isinstance(packages, list) else []:
        if not isinstance(one, dict):
            continue
        name, version = one.get("name"), one.get("version")
        source = one.get("source")
        elsewhere = isinstance(source, dict) and source.get("type") in ("git", "url", "file", "directory")
        if isinstance(name, str) and isinstance(version, str) and not elsewhere:
            found.setdefault(name, set()).add(version)
    # A package that is locked more than once depends on the platform: pip finds out itself.
    return [f"{name}=={versions.pop()}" for name, versions in sorted(found.items()) if len(versions) == 1]


def environments(checkout: Path, variables: Mapping[str, str]) -> list[Path]:
    """`bin` folders of environments that poetry has made for the project in `checkout`, newest first."""
    project = read_toml(checkout / "pyproject.toml")
    name = table(project, "project").get("name") or table(project, "tool", "poetry").get("name")
    home = variables.get("HOME")
    if not isinstance(name, str) or not home or not (checkout / LOCK).is_file():
        return []
    given = variables.get("POETRY_VIRTUALENVS_PATH")
    cache = Path(variables.get("POETRY_CACHE_DIR") or Path(home) / ".cache" / "pypoetry")
    if variables.get("POETRY_CACHE_DIR") is None and (Path(home) / "Library" / "Caches").is_dir():
        cache = Path(home) / "Library" / "Caches" / "pypoetry"
    clean = re.sub(r'[ $`!*@"\\\r\n\t]', "_", name.lower())[:42]
    mark = mark_of(os.path.realpath(checkout))
    folder = Path(given) if given else cache / "virtualenvs"
    try:
        found = [one for one in folder.iterdir() if one.name.startswith(f"{clean}-{mark}-py")]
    except OSError:
        return []
    return [one / "bin" for one in sorted(found, key=_version, reverse=True)]


def mark_of(directory: str) -> str:
    """What poetry puts into the name of the environment of a project in `directory`."""
    return base64.urlsafe_b64encode(hashlib.sha256(os.fsencode(directory)).digest()).decode()[:8]


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", folder.name.rpartition("-py")[2]))
