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
from autodev_tui.quality import poetry
from autodev_tui.quality.declared import Declared, read_toml
from autodev_tui.quality.interpreter import Interpreter
from autodev_tui.quality.metadata import folder_name, metadata_files
from autodev_tui.quality.running import Run

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
    """configured, uv, poetry or pip; npm, pnpm, cargo or go."""
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
    """What the command reads, by its path in `inputs`."""

    @property
    def inputs(self) -> Path:
        """Where `files` go: beside the directory, out of the command's reach."""
        return Path(f"{self.directory}.inputs")

    @property
    def ready(self) -> bool:
        """Whether the command has ended well. Sync: one look at a file."""
        return self._marker.is_file()

    @property
    def _marker(self) -> Path:
        return Path(f"{self.directory}.ready")

    def begin(self) -> Run:
        """Write the command's files and return it. Sync: a few small files.

        Raises:
            OSError: if the directory cannot be written.
        """
        Path(self.directory).mkdir(parents=True, exist_ok=True)
        self._marker.unlink(missing_ok=True)
        shutil.rmtree(self.inputs, ignore_errors=True)
        for name, text in self.files.items():
            path = self.inputs / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755 if name.startswith("project/bin/") else 0o644)
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
        temporary = self._marker.with_suffix(".new")
        with temporary.open("w", encoding="utf-8") as out:
            json.dump({"lock": self.lock_hash, "recipe": self.recipe}, out)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(self._marker)
        descriptor = os.open(self._marker.parent, os.O_RDONLY)
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
    poet = shutil.which("poetry", path=os.pathsep.join(path))
    recipe = "configured" if configured else "uv" if uv and "uv.lock" in needs.files else "pip"
    if recipe == "pip" and poet and poetry.LOCK in needs.files:
        recipe = "poetry"
    version = ".".join(map(str, base.version))
    files = [part for name in sorted(needs.files) for part in (name, needs.files[name])]
    lock = digest(recipe, configured, base.real, version, *sorted(wanted), *files)
    folder = environments / lock
    inputs, venv = Path(f"{folder}.inputs"), folder / "venv"
    python = venv / "bin" / "python"
    lines = [*needs.install, *(name for name in wanted if name not in needs.requirements)]
    create = shlex.join([base.executable, "-m", "venv", "--clear", str(venv)])
    readable = [*base.readable, str(tree), str(inputs), *_pip_configuration(variables)]
    texts: dict[str, str] = {}
    if recipe == "configured":
        script = f"{create}\n{configured}"
    elif recipe == "uv" and uv:
        chosen = [word for name in needs.extras for word in ("--extra", name)]
        chosen += [word for name in needs.groups for word in ("--group", name)]
        script = shlex.join([uv, "sync", "--frozen", "--no-install-workspace", *chosen])
        readable.append(str(Path(uv).resolve().parent))
    elif recipe == "poetry" and poet:
        script = f"{create}\n{poetry.command(poet, tree)}"
        readable += poetry.readable(poet)
    else:
        locked = poetry.constraints(needs.files.get(poetry.LOCK, ""))
        texts = {"requirements.txt": _text(lines), "constraints.txt": _text([*needs.constraints, *locked])}
        pip = [str(python), "-m", "pip", "install", "--no-input", "--no-cache-dir"]
        pip += ["-r", str(inputs / "requirements.txt"), "-c", str(inputs / "constraints.txt")]
        script = f"{create}\n{shlex.join(pip)}"
    shown = "\n".join([script, *(f"  {line}" for line in lines if texts)])
    pyproject = read_toml(tree / "pyproject.toml")
    own = {} if recipe == "configured" else metadata_files(pyproject, python)
    if own:
        texts |= {f"project/{name}": text for name, text in own.items()}
        site = venv / "lib" / f"python{base.version[0]}.{base.version[1]}" / "site-packages"
        copy = [["cp", "-R", str(inputs / "project" / "dist-info"), str(site / folder_name(pyproject))]]
        copy += (
            [["cp", "-R", f"{inputs}/project/bin/.", str(venv / "bin")]]
            if any(name.startswith("bin/") for name in own)
            else []
        )
        script += "".join(f"\n{shlex.join(line)}" for line in copy)
    return SetupRequest(
        lock_hash=lock,
        recipe=recipe,
        argv=["/bin/sh", "-c", f"set -e\n{script}"],
        shown=shown,
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
        **poetry.VARIABLES,
        "POETRY_CACHE_DIR": str(folder / "cache"),
        "POETRY_CONFIG_DIR": str(folder / "config"),
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
