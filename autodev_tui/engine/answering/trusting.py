"""What the repository brings, as text, and the paths that it tracks."""

from __future__ import annotations

import asyncio

from autodev_tui.domain.requests import GetPaths, GetTrust, PathsAnswer, TrustAnswer
from autodev_tui.domain.review import FileText
from autodev_tui.domain.text import visible
from autodev_tui.engine.site import Site
from autodev_tui.engine.trust import is_trusted, trust_files, trust_hash


async def get_trust(site: Site, request: GetTrust) -> TrustAnswer:
    """The files as they are now, with the hash of exactly these."""
    return await asyncio.to_thread(_trust, site)


def _trust(site: Site) -> TrustAnswer:
    files = trust_files(site.repository.root)
    shown = [
        FileText(path=visible(path, keep=""), new=data.decode(errors="replace"))
        for path, data in files.items()
    ]
    return TrustAnswer(files=shown, shown_hash=trust_hash(files), trusted=is_trusted(site.database, files))


async def get_paths(site: Site, request: GetPaths) -> PathsAnswer:
    """Names that cannot be typed are shown by the numbers of their characters."""
    paths = await asyncio.to_thread(site.repository.tracked_paths, "HEAD")
    return PathsAnswer(paths=await asyncio.to_thread(lambda: sorted(visible(one, keep="") for one in paths)))
