"""Where a demo happens: a temporary folder with the sample, and a state, configuration and home of its own.

Nothing of the user's is touched, and nothing read but the theme and the glyphs that they have set.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from autodev_tui import paths
from autodev_tui.demo import repository

CHECK_COMMANDS = {
    "unittest": "python3 -m unittest discover -v -s tests -t .",
    "ruff": "python3 -m ruff check .",
}
"""Named, not detected: the same checks whatever else is installed beside this program."""
KINDS = {"unittest": "behaviour", "ruff": "lint"}
LOOKS = ("theme", "glyphs")
"""What of the user's configuration holds here too."""
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "COLORTERM", "COLORFGBG", "NO_COLOR", "TMPDIR", "TZ")
KEPT_OWN = ("AUTODEV_THEME", "AUTODEV_GLYPHS", "AUTODEV_SANDBOX")
RECORDING = Path(__file__).parent / "recording.jsonl"


@dataclass
class Place:
    """One demo's folder. `environment` is what its engine knows of the machine."""

    folder: Path
    repository: Path
    environment: dict[str, str]
    kept: bool = False
    """The sample stays when the demo is over."""

    @property
    def options(self) -> dict[str, Any]:
        """Settings that hold over every file: the recorded model."""
        return {"model": f"replay:{RECORDING}"}

    def git(self, *arguments: str) -> str:
        """Output of git in the sample. Sync."""
        return repository.git(self.repository, *arguments)

    def close(self) -> None:
        """Remove all of it, or all but the sample itself. Sync."""
        if not self.kept:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        for path in self.folder.iterdir():
            if path != self.repository:
                shutil.rmtree(path, ignore_errors=True)
        self.git("worktree", "prune")


@contextmanager
def opened(environment: Mapping[str, str] = os.environ) -> Iterator[Place]:
    """A new place, which is closed at the end. Sync.

    Raises:
        DemoError: there is no git, or no room for it.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="autodev-demo-"))
    except OSError as error:
        raise DemoError(f"no temporary folder can be made: {error} · set TMPDIR to one with room") from error
    try:
        place = _made(folder, environment)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield place
    finally:
        place.close()


class DemoError(Exception):
    """The demo cannot begin; the message says why and what to do."""


def _made(folder: Path, environment: Mapping[str, str]) -> Place:
    try:
        root = repository.make(folder)
    except FileNotFoundError as error:
        raise DemoError("the demo needs git, and there is none on your PATH · install it") from error
    except CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise DemoError(f"git could not make the sample repository: {said}") from error
    for name in ("state", "config", "home"):
        (folder / name).mkdir(mode=0o700)
    (folder / "config" / "config.toml").write_text(_config(environment), encoding="utf-8")
    return Place(folder, root, _environment(folder, environment))


def _config(environment: Mapping[str, str]) -> str:
    lines = [f'{name} = "{value}"' for name, value in _looks(environment).items()]
    for name, command in CHECK_COMMANDS.items():
        lines += ["[[checks]]", f'name = "{name}"', f'command = "{command}"', f'kind = "{KINDS[name]}"']
    return "\n".join(lines) + "\n"


def _looks(environment: Mapping[str, str]) -> dict[str, str]:
    """What the user has set of how the screen looks, as far as it can be read."""
    try:
        text = (paths.config_dir(environment) / "config.toml").read_text(encoding="utf-8")
        settings = tomllib.loads(text)
    except (OSError, ValueError):
        return {}
    return {
        name: value
        for name in LOOKS
        if isinstance(value := settings.get(name), str) and value.replace("-", "").isalnum()
    }


def _environment(folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables: no key, no address, no configuration of the user's; our own interpreter first."""
    kept = {name: environment[name] for name in (*KEPT, *KEPT_OWN) if name in environment}
    ours = str(Path(sys.executable).parent)
    own = {
        "HOME": str(folder / "home"),
        "AUTODEV_STATE_DIR": str(folder / "state"),
        "AUTODEV_CONFIG_DIR": str(folder / "config"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.pathsep.join([ours, kept.get("PATH", os.defpath)]),
    }
    # The checks need ruff, which is installed beside this program and maybe nowhere else.
    venv = {"VIRTUAL_ENV": sys.prefix} if sys.prefix != sys.base_prefix else {}
    return {**kept, **own, **venv}
