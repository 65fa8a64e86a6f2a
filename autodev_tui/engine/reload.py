"""Takes edits of the configuration over as they come: the user's files, and what the repository brings."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from autodev_tui import credentials, paths
from autodev_tui.engine.trust import CONFIG_FOLDER, RULE_FILES, trust_files, trust_hash
from autodev_tui.settings import CONFIG_FILE
from autodev_tui.vcs.include import INCLUDE_FILE

if TYPE_CHECKING:
    from autodev_tui.engine.site import Site

OWN_FILES = (CONFIG_FILE, credentials.FILE)
BROUGHT_FILES = (*RULE_FILES, INCLUDE_FILE, CONFIG_FOLDER)
MOST_FOLDERS = 200
"""Folders below `.autodev` that are watched."""
LOOKED_AT_MS = 2000
"""Looked at that often in any case: what came before the watch began tells nothing."""
SETTLED_MS, STEP_MS = 400, 100
"""An editor's write is over when nothing came for a step; a stream of changes is cut after the first."""
logger = logging.getLogger(__name__)


async def follow_configuration(site: Site) -> None:
    """Call `site.reload` whenever the content of a file of the configuration is another; until cancelled.

    What cannot be used is no reason not to call it: the reload keeps what held, and says why. Where the
    system does not let files be watched, it says so in the log and returns.
    """
    # Unknown at first: an edit may have come after the settings were read.
    seen = ""
    while True:
        folders = await asyncio.to_thread(_folders, site)
        try:
            async with aclosing(_changes(folders, _matters(site))) as changes:
                async for _ in changes:
                    now = await asyncio.to_thread(_content, site)
                    if now != seen:
                        seen = now
                        site.reload()
                    if await asyncio.to_thread(_folders, site) != folders:
                        break
                else:
                    return
        except (OSError, RuntimeError) as error:
            logger.warning("edits of the configuration are not seen until the next start: %s", error)
            return


async def _changes(folders: list[Path], matters: Callable[[str], bool]) -> AsyncGenerator[None, None]:
    from watchfiles import awatch

    watching = awatch(
        *folders,
        watch_filter=lambda _, path: matters(path),
        debounce=SETTLED_MS,
        step=STEP_MS,
        rust_timeout=LOOKED_AT_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
    async for _ in watching:
        yield


def _folders(site: Site) -> list[Path]:
    """Each by itself and not what is below it, so that a large repository costs nothing. Sync."""
    own = paths.config_dir(site.environment)
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    brought = [Path(folder) for folder, _, _ in os.walk(site.repository.root / CONFIG_FOLDER)]
    return [own, site.repository.root, *sorted(brought)[:MOST_FOLDERS]]


def _matters(site: Site) -> Callable[[str], bool]:
    own, root = paths.config_dir(site.environment).resolve(), site.repository.root.resolve()
    brought = root / CONFIG_FOLDER

    def matters(text: str) -> bool:
        path = Path(text)
        folder = path.parent.resolve()
        return (
            (folder == own and path.name in OWN_FILES)
            or (folder == root and path.name in BROUGHT_FILES)
            or folder.is_relative_to(brought)
        )

    return matters


def _content(site: Site) -> str:
    """Names what the files hold now: saving one without a change is none. Sync."""
    digest = hashlib.sha256(trust_hash(trust_files(site.repository.root)).encode())
    for name in OWN_FILES:
        try:
            data = (paths.config_dir(site.environment) / name).read_bytes()
        except OSError:
            data = b""
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
