"""What works here and what does not, each with what to do about it. It looks and changes nothing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui import credentials, paths
from autodev_tui.domain.rule import RULES_MODEL
from autodev_tui.domain.text import visible
from autodev_tui.engine.finding import Finding, ask
from autodev_tui.engine.terminal import terminal
from autodev_tui.providers.base import ProviderError
from autodev_tui.providers.catalogue import reach
from autodev_tui.providers.ollama_look import Server, look
from autodev_tui.providers.registry import best_of, make_provider
from autodev_tui.settings import CONFIG_FILE, REPOSITORY_CONFIG, Settings
from autodev_tui.settings_files import SettingsError
from autodev_tui.vcs.errors import RepositoryError
from autodev_tui.vcs.git import GitError

if TYPE_CHECKING:
    from autodev_tui.sandbox.probe import ProbeResult
    from autodev_tui.vcs.repository import Repository

LITTLE_SPACE, NO_SPACE = 1 << 30, 100 << 20
"""Free bytes below which it warns, and below which nothing can be worked on."""
MOST_FILES = 100_000
"""Files of the state that are measured; beyond, its size is told as a lower bound."""


@dataclass(frozen=True)
class Surroundings:
    """What is examined. Without a repository or valid settings the rest is examined all the same."""

    environment: Mapping[str, str]
    repository: Repository | None = None
    repository_problem: RepositoryError | None = None
    state: Path | None = None
    state_problem: str = ""
    settings: Settings | None = None
    settings_problem: str = ""
    probe: ProbeResult | None = None
    brought: Sequence[str] = field(default_factory=tuple)
    """Files that the repository brings and that need trust."""
    trusted: bool = True


def examine(here: Surroundings) -> list[Finding]:
    """Everything that can be known. Sync; some git calls, and one of tmux inside of it."""
    return [
        _python(),
        _git(here),
        _repository(here),
        _sandbox(here),
        *_models(here),
        _settings(here),
        _trust(here),
        _state(here),
        _checks(here),
        *terminal(here.environment),
        _editor(here),
    ]


def _python() -> Finding:
    return Finding("python", "ok", f"{platform.python_version()} on {platform.system()}")


def _git(here: Surroundings) -> Finding:
    found = shutil.which("git", path=here.environment.get("PATH"))
    if not found:
        return Finding("git", "bad", "git is not installed", "install git 2.38 or newer")
    told = ask([found, "version"], here.environment)
    problem = here.repository_problem
    if problem and "too old" in problem.what:
        return Finding("git", "bad", problem.what, problem.hint)
    return Finding("git", "ok", told.removeprefix("git version ") or "does not tell its version")


def _repository(here: Surroundings) -> Finding:
    if here.repository is None:
        problem = here.repository_problem
        text = str(problem.what if problem else "not looked for")
        hint = problem.hint if problem else ""
        return Finding("repository", "bad", text, hint or "git init")
    repository = here.repository
    try:
        branch = repository.branch or "no branch (detached)"
        dirty = len(repository.git.fields("diff-index", "-z", "--name-only", "--no-ext-diff", "HEAD"))
    except (GitError, RepositoryError) as error:
        return Finding("repository", "bad", visible(str(error), keep=""), "git status")
    clean = "clean" if not dirty else f"{dirty} uncommitted: agents start from the last commit"
    text = f"{visible(repository.root.name, keep='')} on {visible(branch, keep='')}, {clean}"
    if here.repository_problem:
        return Finding(
            "repository", "bad", f"{text} · {here.repository_problem.what}", here.repository_problem.hint
        )
    return Finding("repository", "ok", text)


def _sandbox(here: Surroundings) -> Finding:
    if here.probe is None:
        return Finding("sandbox", "warn", "not tried yet", "look again in a moment")
    # What holds comes first: that is what matters here.
    order = sorted(here.probe.tried, key=lambda one: not one[1])
    tried = [f"{rung}: {'holds' if holds else 'not used'}, {why}" for rung, holds, why in order]
    text = "; ".join(tried)
    if here.probe.rung.value != "none":
        return Finding("sandbox", "ok", text)
    return Finding(
        "sandbox",
        "bad",
        f"none works, so every command asks · {text}",
        "on Linux install bubblewrap, or allow user namespaces",
    )


def _models(here: Surroundings) -> list[Finding]:
    """The model that a goal gets, and the server of local ones."""
    server = look(here.environment)
    return [_model(here, server), _ollama(here, server)]


def _ollama(here: Surroundings, server: Server) -> Finding:
    wanted = bool(here.settings and (here.settings.model or "").startswith("ollama/"))
    if server.address is None:
        return Finding("ollama", "bad" if wanted else "warn", server.problem, "mend OLLAMA_HOST")
    if server.problem:
        todo = "start it: ollama serve" if wanted else ""
        how = "" if wanted else ", which is needed only for local models"
        return Finding("ollama", "bad" if wanted else "ok", f"{server.problem}{how}", todo)
    if not any(one.talks for one in server.models):
        return Finding("ollama", "warn", reach(server), "autodev models --pull qwen3")
    return Finding("ollama", "ok", visible(reach(server), keep=""))


def _model(here: Surroundings, server: Server) -> Finding:
    wanted = here.settings.model if here.settings else None
    try:
        spec = wanted or best_of(here.environment, server)
        if spec == RULES_MODEL:
            return Finding("model", "ok", "rules: no model is asked; what needs one is left as a TODO")
        if not spec:
            todo = "export ANTHROPIC_API_KEY=…, or set a key in the workbench (/settings key)"
            text = "no key for Anthropic, no local model: only rules work"
            return Finding("model", "warn", text, todo)
        make_provider(spec, here.environment)
        source = credentials.source_of("anthropic", here.environment)
    except (ProviderError, SettingsError) as error:
        return Finding("model", "bad", str(error), "autodev models names what there is")
    where = f", key from {source}" if source and spec.startswith("anthropic/") else ""
    why = "" if wanted else "nothing else is set; "
    return Finding("model", "ok", f"{spec}{where}; {why}whether it answers is asked when work begins")


def _settings(here: Surroundings) -> Finding:
    path = paths.config_dir(here.environment) / CONFIG_FILE
    if here.settings_problem:
        return Finding("settings", "bad", here.settings_problem, "mend that line")
    there = [str(path)] if path.is_file() else []
    if here.trusted and REPOSITORY_CONFIG in here.brought:
        there.append(REPOSITORY_CONFIG)
    text = f"valid: {', '.join(there)}" if there else f"none; defaults hold ({path})"
    notices = here.settings.notices if here.settings else ()
    if notices:
        return Finding("settings", "warn", f"{text} · {'; '.join(notices)}", "take these keys out")
    return Finding("settings", "ok", text)


def _trust(here: Surroundings) -> Finding:
    if not here.brought:
        return Finding("trust", "ok", "the repository brings nothing that needs it")
    names = ", ".join(visible(name, keep="") for name in here.brought[:5])
    if len(here.brought) > 5:
        names += f", {len(here.brought) - 5} more"
    if here.trusted:
        return Finding("trust", "ok", f"trusted as it is: {names}")
    return Finding("trust", "warn", f"not trusted, so not read: {names}", "autodev trust --show")


def _state(here: Surroundings) -> Finding:
    place = here.state or paths.state_root(here.environment)
    there = next(one for one in (place, *place.parents) if one.is_dir())
    free = shutil.disk_usage(there).free
    size, whole = _size(place)
    text = f"{place}, {'' if whole else 'more than '}{amount(size)}, {amount(free)} free"
    if here.state_problem:
        return Finding(
            "state", "bad", f"{text} · {here.state_problem}", "keep a copy of it before anything else"
        )
    if not os.access(there, os.W_OK):
        return Finding("state", "bad", f"{text} · not yours to write", "chown it, or set AUTODEV_STATE_DIR")
    if free < NO_SPACE:
        return Finding("state", "bad", text, f"free {amount(NO_SPACE - free)} there")
    if free < LITTLE_SPACE:
        return Finding("state", "warn", text, "autodev sessions names what may be deleted")
    return Finding("state", "ok", text)


def _size(place: Path) -> tuple[int, bool]:
    """Bytes of the files below, and whether all were counted."""
    size = count = 0
    for path in _files(place):
        count += 1
        if count > MOST_FILES:
            return size, False
        try:
            size += path.lstat().st_size
        except OSError:
            continue
    return size, True


def _files(place: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(place):
        yield from (Path(folder, name) for name in names)


def amount(size: int) -> str:
    """A number of bytes for people."""
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _checks(here: Surroundings) -> Finding:
    if here.repository is None or here.settings is None:
        return Finding("checks", "warn", "not looked for", "")
    from autodev_tui.quality.detection import detect
    from autodev_tui.quality.ecosystems import Look, look_at
    from autodev_tui.quality.environment import Environment, clean_path

    root, environment = here.repository.root, here.environment
    path = clean_path(root, environment)
    # Nothing is looked for that would be installed: only what the repository itself says.
    look = Look(root, root, here.state or root, environment, path, lambda name: False, configured=False)
    plain = Environment(id="", description="", recipe="none", path=path, parts=look_at(look))
    found = detect(root, list(here.settings.checks), plain)
    if not found:
        todo = "name one: [[checks]] name, command in config.toml"
        return Finding("checks", "warn", "none found: nothing can verify what agents do", todo)
    return Finding("checks", "ok", "; ".join(f"{one.name} ({one.source}): {one.command}" for one in found))


def _editor(here: Surroundings) -> Finding:
    own = here.settings.editor if here.settings else ""
    command = own or here.environment.get("VISUAL", "") or here.environment.get("EDITOR", "")
    if not command.strip():
        return Finding("editor", "warn", "none is set", "export EDITOR=vim, or set editor in the settings")
    program = command.split()[0]
    if not shutil.which(program, path=here.environment.get("PATH")):
        return Finding("editor", "warn", f"{visible(program, keep='')} is not installed", "export EDITOR=…")
    return Finding("editor", "ok", visible(command, keep=""))
