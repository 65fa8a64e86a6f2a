"""Making an environment: one command, asked about once, run with network, kept per lock hash."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from autodev_tui.domain.base import Frozen
from autodev_tui.quality.declared import Declared
from autodev_tui.quality.interpreter import Interpreter
from autodev_tui.quality.running import Run

READY = "ready.json"
"""Present in a made environment's directory once its command has ended well."""
SETUP_TIMEOUT_S = 1800.0
"""Large wheels over a slow line."""
SETUP_VARIABLES = frozenset(
    {
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "LANG",
        "NO_PROXY",
        "PIP_CERT",
        "PIP_DEFAULT_TIMEOUT",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_INDEX_URL",
        "PIP_PROXY",
        "PIP_TRUSTED_HOST",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "UV_DEFAULT_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX",
        "UV_INDEX_URL",
        "UV_NATIVE_TLS",
        "http_proxy",
        "https_proxy",
        "no_proxy",
    }
)
"""What of the user's variables says where packages come from; nothing else of theirs reaches a setup."""


class SetupRequest(Frozen):
    """One command that makes an environment, to be run once, with network, after one question."""

    lock_hash: str
    recipe: str
    """configured, uv or pip."""
    argv: list[str]
    shown: str
    """What to show to the human: the command with what it installs, in full."""
    why: str
    directory: str
    """Where the environment comes to be."""
    cwd: str
    env: dict[str, str]
    readable: list[str]
    writable: list[str]
    files: dict[str, str]
    """Files to be in `directory` before the command starts, by name."""

    def begin(self) -> Run:
        """Write the command's files and return it. Sync: a few small files.

        Raises:
            OSError: if the directory cannot be written.
        """
        folder = Path(self.directory)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / READY).unlink(missing_ok=True)
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        return Run(
            argv=tuple(self.argv),
            cwd=self.cwd,
            env=self.env,
            timeout_s=SETUP_TIMEOUT_S,
            readable=tuple(self.readable),
            writable=tuple(self.writable),
            network=True,
        )

    def finish(self) -> None:
        """Mark the environment as ready, atomically; to be called only after the command ended with 0.

        Sync: one small file and its directory are brought to disk.
        """
        folder = Path(self.directory)
        temporary = folder / f"{READY}.new"
        with temporary.open("w", encoding="utf-8") as out:
            json.dump({"lock": self.lock_hash, "recipe": self.recipe}, out)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(folder / READY)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def request(
    tree: Path,
    environments: Path,
    needs: Declared,
    wanted: list[str],
    absent: list[str],
    base: Interpreter,
    variables: Mapping[str, str],
    path: list[str],
    configured: str,
) -> SetupRequest:
    """The command that makes the environment of the code in `tree` below the directory `environments`.

    `wanted` are all requirements, `absent` those that `base`, the interpreter to build on, does not have.
    `path` is the user's PATH, cleaned; `configured` is the configured setup, empty without one.
    """
    uv = shutil.which("uv", path=os.pathsep.join(path))
    recipe = "configured" if configured else "uv" if uv and "uv.lock" in needs.files else "pip"
    version = ".".join(map(str, base.version))
    files = [part for name in sorted(needs.files) for part in (name, needs.files[name])]
    lock = digest(recipe, configured, base.real, version, *sorted(wanted), *files)
    folder = environments / lock
    venv = folder / "venv"
    lines = [*needs.install, *(name for name in wanted if name not in needs.requirements)]
    create = shlex.join([base.executable, "-m", "venv", "--clear", str(venv)])
    readable = [*base.readable, str(tree), *_pip_configuration(variables)]
    texts: dict[str, str] = {}
    if recipe == "configured":
        script = f"{create}\n{configured}"
    elif recipe == "uv" and uv:
        chosen = [word for name in needs.extras for word in ("--extra", name)]
        chosen += [word for name in needs.groups for word in ("--group", name)]
        script = shlex.join([uv, "sync", "--frozen", "--no-install-workspace", *chosen])
        readable.append(str(Path(uv).resolve().parent))
    else:
        listed, bounds = folder / "requirements.txt", folder / "constraints.txt"
        texts = {listed.name: _text(lines), bounds.name: _text(needs.constraints)}
        pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--no-cache-dir"]
        script = f"{create}\n{shlex.join([*pip, '-r', str(listed), '-c', str(bounds)])}"
    return SetupRequest(
        lock_hash=lock,
        recipe=recipe,
        argv=["/bin/sh", "-c", f"set -e\n{script}"],
        shown="\n".join([script, *(f"  {line}" for line in lines if texts)]),
        why=f"missing in {base.executable}: {', '.join(absent)}"
        if absent
        else "configured for this repository",
        directory=str(folder),
        cwd=str(tree),
        env=_variables(folder, base, variables, path),
        readable=list(dict.fromkeys(readable)),
        writable=[str(folder)],
        files=texts,
    )


def digest(*parts: str) -> str:
    """A short name for all of `parts` in this order."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        whole.update(b"%d:" % len(data) + data)
    return whole.hexdigest()[:24]


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _variables(
    folder: Path, base: Interpreter, variables: Mapping[str, str], path: list[str]
) -> dict[str, str]:
    kept = {name: variables[name] for name in SETUP_VARIABLES if name in variables}
    configuration = _pip_configuration(variables)
    venv = folder / "venv"
    first = [str(venv / "bin"), str(Path(base.executable).parent)]
    return {
        **kept,
        **({"PIP_CONFIG_FILE": configuration[0]} if configuration else {}),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PATH": os.pathsep.join([*first, *path]),
        # The private home is inside the only directory that a setup may write to.
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "VIRTUAL_ENV": str(venv),
        "UV_PROJECT_ENVIRONMENT": str(venv),
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_PYTHON": base.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }


def _pip_configuration(variables: Mapping[str, str]) -> list[str]:
    """The user's own pip configuration, of which a setup with a private HOME would lose sight."""
    home = Path(variables.get("HOME", "/nonexistent"))
    config = Path(variables.get("XDG_CONFIG_HOME") or home / ".config")
    named = variables.get("PIP_CONFIG_FILE")
    for path in [Path(named)] if named else [config / "pip" / "pip.conf", home / ".pip" / "pip.conf"]:
        if path.is_file():
            return [str(path)]
    return []
