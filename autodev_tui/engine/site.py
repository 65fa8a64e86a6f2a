"""Where the engine works: a repository with its state, settings and sandbox, with or without a session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autodev_tui.engine.engine import Engine
    from autodev_tui.sandbox.probe import ProbeResult
    from autodev_tui.settings import Settings
    from autodev_tui.vcs.repository import Repository
    from store.database import Database


@dataclass
class Site:
    """What requests and commands are answered from. Everything but `engine` is there before any session."""

    repository: Repository
    database: Database
    state: Path
    environment: Mapping[str, str]
    settings: Settings
    engine: Engine
    spending: Path | None = None
    """Where the user's spending is recorded; None: beside the repository's state."""
    probe: ProbeResult | None = None
    """What the sandbox probe found; None until it has run."""
    trusted_files: dict[str, bytes] = field(default_factory=dict)
    untrusted_files: list[str] = field(default_factory=list)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings that the command line gave: they hold over every file, also when that changes."""
    clock: Callable[[], float] = time.time
    running: set[asyncio.Task[None]] = field(default_factory=set)
    """Commands of the user's own that run in the background."""
    model: Callable[[], str] = lambda: ""
    """The specification of the model that a new goal gets, "" where there is none."""
    elsewhere: dict[str, bool] = field(default_factory=dict)
    """By specification of a model of Ollama: whether its server says that it works on another machine."""
    changed: Callable[[], None] = lambda: None
    """Says that facts about the engine as a whole have changed."""
    reload: Callable[[], None] = lambda: None
    """Reads settings and trust anew, at a safe point."""
