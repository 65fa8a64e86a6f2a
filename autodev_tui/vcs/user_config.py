"""The user's own git configuration, read once: who commits, what is ignored, how lines end, how to sign.

Only these values go on; nothing that names a program does, but for signing, and that from the user's own
files.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autodev_tui.vcs.git import TIMEOUT_S, GitError, Pairs

_LOCATORS = re.compile(
    r"GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX|"
    r"SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|QUARANTINE_PATH|EXTERNAL_DIFF|EXEC_PATH|TRACE.*|.*PATHSPECS|PAGER|"
    r"EDITOR|SEQUENCE_EDITOR|ATTR_SOURCE)"
)
"""Variables that would lead git to another repository, another way of reading, or a program."""

_PROGRAM = re.compile(
    r"(?P<kind>filter|merge|diff)\.(?P<name>.+)\.(?P<key>clean|smudge|process|required|driver|command|textconv)"
    r"|core\.(fsmonitor|hookspath|sshcommand|gitproxy|askpass|worktree|alternaterefscommand|attributesfile)"
    r"|include\.path|includeif\..+\.path|gpg\.(.+\.)?program|extensions\..+",
    re.S,
)
"""Keys that run something or redirect what is read: `guard` refuses when one of them changes."""

_LINES = ("core.autocrlf", "core.eol")
_SIGNING = ("user.signingkey", "gpg.format", "gpg.ssh.allowedsignersfile")
_SIGNING_PROGRAMS = (
    "gpg.program",
    "gpg.openpgp.program",
    "gpg.ssh.program",
    "gpg.x509.program",
    "gpg.ssh.defaultkeycommand",
)
_CRUD = " .,:;<>\"\\'"
"""Characters that git strips from names: one of nothing else is empty."""


@dataclass(frozen=True)
class Identity:
    """Name and address as they stand in commits; empty where the user has set none."""

    name: str
    email: str

    def __bool__(self) -> bool:
        return bool(self.name.strip(_CRUD) and self.email.strip(_CRUD))


@dataclass(frozen=True)
class UserConfig:
    """What is taken from the user's configuration."""

    author: Identity
    committer: Identity
    gpgsign: bool = False
    """commit.gpgSign."""
    signing: Mapping[str, str] = field(default_factory=dict)
    """Keys for signing; those that name programs from the user's own files only, never the repository's."""
    hooks_path: str = ""
    """core.hooksPath, from whichever file; empty means the repository's own folder."""
    harmless: Pairs = ()
    """Line ends, excludes and attributes: passed on to every call."""
    programs: Pairs = ()
    """Every key of the repository's own files that runs something or redirects what is read."""

    @property
    def name(self) -> str:
        """The author's name."""
        return self.author.name

    @property
    def email(self) -> str:
        """The author's address."""
        return self.author.email

    @property
    def excludes(self) -> str:
        """The user's own file of ignored patterns, empty without one."""
        return dict(self.harmless).get("core.excludesFile", "")

    def neutral(self) -> Pairs:
        """Overrides under which no configured filter, merge driver or text converter runs."""
        pairs: dict[str, str] = {}
        for key, _ in self.programs:
            found = _PROGRAM.fullmatch(key)
            if not found or not found["kind"]:
                continue
            prefix = f"{found['kind']}.{found['name']}."
            if found["kind"] == "filter":
                pairs |= {f"{prefix}{one}": "" for one in ("clean", "smudge", "process")}
                pairs[f"{prefix}required"] = "false"
            elif found["kind"] == "merge":
                # An empty driver would succeed and keep one side; `false` makes a conflict.
                pairs[f"{prefix}driver"] = "false"
            else:
                pairs |= {f"{prefix}command": "", f"{prefix}textconv": ""}
        return tuple(pairs.items())

    def identity_env(self) -> dict[str, str]:
        """The variables that make git commit as this user."""
        return {
            "GIT_AUTHOR_NAME": self.author.name,
            "GIT_AUTHOR_EMAIL": self.author.email,
            "GIT_COMMITTER_NAME": self.committer.name,
            "GIT_COMMITTER_EMAIL": self.committer.email,
        }


def user_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The user's variables without those that would lead git elsewhere or make it run a program."""
    kept = {name: value for name, value in environ.items() if not _LOCATORS.fullmatch(name)}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}


def read_user_config(git_dir: Path, environ: Mapping[str, str]) -> UserConfig:
    """The configuration that holds for the user in this repository. Sync; runs `git config --list` only.

    Raises:
        GitError: if a configuration file cannot be read or parsed; git's words name file and line.
    """
    entries = _entries(git_dir, environ)
    every = {key: value for _, key, value in entries}
    own = {key: value for scope, key, value in entries if scope in ("system", "global", "command")}
    signing = {key: every[key] for key in _SIGNING if key in every}
    signing |= {key: own[key] for key in _SIGNING_PROGRAMS if key in own}
    harmless = [(key, every[key]) for key in _LINES if every.get(key)]
    for key, fallback in (("core.excludesFile", "ignore"), ("core.attributesFile", "attributes")):
        if path := _file(every.get(key.lower()), fallback, environ):
            harmless.append((key, path))
    return UserConfig(
        author=_identity("author", every, environ),
        committer=_identity("committer", every, environ),
        gpgsign=every.get("commit.gpgsign", "").lower() in ("true", "yes", "on", "1"),
        signing=signing,
        hooks_path=_expand(every.get("core.hookspath", ""), environ),
        harmless=tuple(harmless),
        programs=tuple(
            sorted(
                (key, value)
                for scope, key, value in entries
                if scope in ("local", "worktree") and _PROGRAM.fullmatch(key)
            )
        ),
    )


def _entries(git_dir: Path, environ: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """(scope, key, value) in the order in which they hold."""
    args = ["config", "--list", "-z", "--show-scope"]
    done = subprocess.run(
        ["git", *args],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**user_environment(environ), "GIT_DIR": str(git_dir)},
        cwd=git_dir,
        timeout=TIMEOUT_S,
        process_group=0,
        check=False,
    )
    if done.returncode:
        raise GitError(args, done.returncode, done.stderr)
    parts = os.fsdecode(done.stdout).split("\0")[:-1]
    entries = []
    for scope, entry in zip(parts[::2], parts[1::2], strict=True):
        key, mark, value = entry.partition("\n")
        entries.append((scope, key, value if mark else "true"))
    return entries


def _identity(role: str, config: Mapping[str, str], environ: Mapping[str, str]) -> Identity:
    def value(what: str) -> str:
        given = environ.get(f"GIT_{role.upper()}_{what.upper()}")
        return given or config.get(f"{role}.{what}") or config.get(f"user.{what}") or ""

    return Identity(value("name"), value("email") or environ.get("EMAIL", ""))


def _file(configured: str | None, fallback: str, environ: Mapping[str, str]) -> str:
    """The configured file, else git's default below the user's configuration folder, if it is there."""
    if configured is not None:
        return _expand(configured, environ)
    home = environ.get("HOME", "")
    folder = environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    path = f"{folder}/git/{fallback}"
    return path if folder and Path(path).is_file() else ""


def _expand(path: str, environ: Mapping[str, str]) -> str:
    if path == "~" or path.startswith("~/"):
        return environ.get("HOME", "") + path[1:]
    return str(Path(path).expanduser()) if path.startswith("~") else path
